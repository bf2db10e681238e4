//! A certification authority for Linux with a database that backs up over MS-CSRA
