//! The Certadm.dll API in Rust: back up and restore certification authorities over MS-CSRA
