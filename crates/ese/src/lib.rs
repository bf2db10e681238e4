//! ESE (JET Blue) databases and their transaction logs: verify them, read them, roll them forward.
//!
//! The crate opens no file and never writes into what it is given. Bytes come in through [`PageSource`] and
//! [`std::io::Read`]; whatever they hold, nothing here panics, loops or allocates by what they claim.

mod backup_info;
mod bytes;
mod checkpoint;
pub mod checksum;
pub mod compression;
mod error;
pub mod header;
mod jet;
pub mod log;
mod moment;
pub mod page;
mod position;
pub mod redo;
mod signature;
mod source;
pub mod tree;

pub use backup_info::BackupInfo;
pub use checkpoint::Checkpoint;
pub use error::Error;
pub use jet::JetError;
pub use moment::LogTime;
pub use position::LogPosition;
pub use signature::Signature;
pub use source::{ObjectId, PageNumber, PageSource};
