//! The certificate database: SQLite with numbered log generations, hot backup, truncation, recovery.
//!
//! One process owns a database. Its writer thread commits (SQLite in WAL mode, `synchronous=FULL`), copies every committed page
//! image into the open log `edb.log`, and only then acknowledges. A log that is full is closed and becomes `edb00001.log`,
//! `edb00002.log`, and so on, each with the SHA-256 of the one before in its header. A checkpoint moves pages into the database
//! file only when their images are on the disk in a log. So a copy of the database file, however torn, and the logs from the
//! checkpoint on are always a whole backup, made while everything goes on: [`BackupSession`].
//!
//! - [`Database`]: create, open, adopt; write, read; begin a backup.
//! - [`set`]: check and recover backup sets, also with what a lost database left.
//! - [`mod@log`]: the log files, `docs/formats/certlog.md` has every byte.
//!
//! What the rules protect from, and what a caller sees then:
//!
//! | situation | result |
//! |---|---|
//! | process killed | [`Database::open`] goes on; every acknowledged write is there |
//! | power loss | the same |
//! | disk full, I/O error | the write is not acknowledged, later ones are refused with [`WriteError::Stopped`] until opened again |
//! | edited while stopped, logs lost, write-ahead log lost or foreign | [`OpenError`]; [`Database::adopt`] takes it as it is |
//! | closed generation lost | incremental backups are refused with [`BackupError::FullRequired`] |
//! | database lost | [`set::recover`] from the last backup, the live logs and the write-ahead log |
//! | restored | [`Database::adopt`]: a new signature, and the next backup is a full one |
//!
//! ```
//! use certdb::{BackupKind, Database, Options};
//!
//! let directory = tempfile::tempdir()?;
//! let options = Options { log_directory: directory.path().join("log"), ..Options::default() };
//! let database = Database::create(directory.path(), &options, "CREATE TABLE certificate (serial TEXT)")?;
//! database.write(|transaction| transaction.execute("INSERT INTO certificate VALUES ('4711')", []))?;
//!
//! // A real caller reads in blocks, and stores them elsewhere.
//! let fetch = |backup: &mut certdb::BackupSession, from: &std::path::Path| -> Result<_, Box<dyn std::error::Error>> {
//!     let to = directory.path().join("backup").join(from.file_name().ok_or("no name")?);
//!     let mut bytes = vec![0; usize::try_from(backup.open(from)?)?];
//!     backup.read(&mut bytes)?;
//!     backup.close_file()?;
//!     std::fs::write(&to, bytes)?;
//!     Ok(to)
//! };
//! std::fs::create_dir(directory.path().join("backup"))?;
//! let mut set = certdb::set::BackupSet::default();
//! let mut backup = database.begin_backup(BackupKind::Full)?;
//! for file in backup.databases() {
//!     set.database = fetch(&mut backup, &file)?;
//! }
//! for file in backup.logs()? {
//!     set.logs.push(fetch(&mut backup, &file)?);
//! }
//! backup.truncate()?;
//! backup.end()?;
//! database.close()?;
//!
//! let target = directory.path().join("restored.db");
//! let request = certdb::set::RecoverRequest { set, target, ..Default::default() };
//! certdb::set::recover(&request, &mut |_progress| {})?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod bytes;
mod checkpoint;
mod durable;
mod engine;
mod error;
mod generation;
mod identity;
pub mod log;
mod options;
mod platform;
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
