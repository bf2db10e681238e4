//! ESE (JET Blue) databases and their transaction logs: verify them, read them, roll them forward.
//!
//! The crate opens no file and never writes into what it is given. Bytes come in through [`PageSource`], or are pushed in
//! while they pass; whatever they hold, nothing here panics, loops or allocates by what they claim.

mod backup_info;
mod bytes;
pub mod catalog;
pub mod check;
mod checkpoint;
pub mod checksum;
pub mod compose;
pub mod compression;
mod database;
mod error;
pub mod header;
mod index_key;
mod jet;
pub mod log;
mod long_value;
mod moment;
pub mod page;
mod position;
pub mod record;
pub mod redo;
pub mod set;
mod signature;
mod source;
mod table;
mod text;
pub mod tree;
mod value;

pub use backup_info::BackupInfo;
pub use checkpoint::Checkpoint;
pub use database::{Database, Format};
pub use error::Error;
pub use index_key::index_key;
pub use jet::JetError;
pub use long_value::{LongValueHeader, LongValueId, LongValues};
pub use moment::LogTime;
pub use position::LogPosition;
pub use signature::Signature;
pub use source::{ObjectId, PageNumber, PageSource};
pub use table::{IndexRows, Row, Rows, Table};
pub use text::{Text, decode as decode_text};
pub use value::{LongValue, Value};
