//! MS-CSRA, the protocol that administers a Microsoft certification authority: the calls of ICertAdminD and ICertAdminD2
//! that back it up and describe it, their types, who may make them, and the order in which they may come.
//!
//! | a client | a server |
//! |---|---|
//! | [`call`]: encodes a call, reads its reply | [`dispatch`]: reads a call, asks a handler, encodes the reply |
//! | [`session`]: asks before a call whether it is in order | the same type, before the call is executed |
//! | [`names`]: takes file names from lists, and refuses the dangerous ones | puts them into lists |
//! | [`ca_property`], [`variant`]: reads properties and configuration | writes them |
//! | | [`access`], [`roles`]: decides who may call what |
//! | [`restore`]: leaves the instruction that a restore happened | carries it out at the next start |
//!
//! Bytes in, values out: no sockets, no files, no clock. What precedes the parameters on the wire, ORPCTHIS and ORPCTHAT,
//! belongs to the layer below. Where the specification is silent or contradicts itself, `docs/divergences.md` says what
//! happens here.

pub mod access;
mod blob;
pub mod ca_name;
pub mod ca_property;
pub mod call;
pub mod dispatch;
mod error;
pub mod hresult;
pub mod ids;
pub mod limits;
pub mod names;
pub mod opnum;
pub mod restore;
pub mod roles;
pub mod session;
pub mod variant;

pub use dcerpc::{AuthenticationLevel, Opnum, Status, ndr};
pub use dcom::Hresult;
pub use error::Error;
pub use names::{FileName, FileType, NameList};
pub use roles::{InterfaceFlags, Roles};
pub use session::{BackupKind, BackupSequence};
pub use variant::Variant;
