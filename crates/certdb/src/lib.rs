//! The certificate database: SQLite with numbered log generations, hot backup, truncation, recovery.

mod bytes;
mod checkpoint;
mod durable;
mod engine;
mod error;
mod generation;
mod identity;
pub mod log;
mod options;
pub mod set;
mod status;
mod trailer;
mod wal;

pub use checkpoint::{Checkpoint, Fingerprint};
pub use engine::{BackupKind, BackupSession, Database, Truncated};
pub use error::{BackupError, OpenError, ReadError, Source, Stop, StopKind, WriteError};
pub use generation::Generation;
pub use identity::{Digest, Lsn, Signature, Timestamp};
pub use options::Options;
pub use rusqlite;
pub use status::{BackupRecord, FullReason, Status};
pub use trailer::Trailer;

/// Page size of the database, and of everything that holds pages.
pub const PAGE_SIZE: usize = 4096;
