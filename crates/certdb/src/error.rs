//! Errors of a live database, sorted by what the caller can do about them.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::log::LogError;
use crate::{FullReason, Generation, Lsn, Signature};

/// Cause in another library; the text is for people.
pub type Source = Box<dyn Error + Send + Sync>;

/// A database that was not created, opened or adopted. Nothing was changed unless the variant says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no database, or its creation was interrupted: create it.
    #[error("{path}: there is no database")]
    NotFound {
        /// Where it should be.
        path: PathBuf,
    },
    /// There is one already: open it.
    #[error("{path}: exists already")]
    AlreadyExists {
        /// The database or the log that is in the way.
        path: PathBuf,
    },
    /// Another process, or another handle of this one, has the database open.
    #[error("{path}: the database is in use")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The file is not a database of this crate.
    #[error("{path}: not a certificate database ({reason})")]
    NotADatabase {
        /// The file.
        path: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The file was written by [`crate::set::recover`]: adopt it, which starts new logs.
    #[error("{path}: restored from a backup and not yet adopted")]
    Restored {
        /// The database.
        path: PathBuf,
    },
    /// The log directory holds no logs: find them, or adopt the database.
    #[error("{path}: the database has no logs here")]
    LogsMissing {
        /// The log directory.
        path: PathBuf,
    },
    /// A log belongs to another database: put the right ones there, or adopt the database.
    #[error("{path}: generation {generation} belongs to another database (signature {found}, expected {expected})")]
    ForeignLog {
        /// The log.
        path: PathBuf,
        /// Its generation.
        generation: Generation,
        /// Signature of the database.
        expected: Signature,
        /// Signature in the log.
        found: Signature,
    },
    /// The open log cannot be read: recover from a backup, or adopt the database.
    #[error("{path}: {source}")]
    LogDamaged {
        /// The log.
        path: PathBuf,
        /// What is wrong.
        source: LogError,
    },
    /// The log ends before the page images that the checkpoint file knows of: recover from a backup, or adopt the database.
    #[error("{path}: the log ends at page image {found}, the checkpoint is at {checkpoint}")]
    LogTooShort {
        /// The log.
        path: PathBuf,
        /// Last page image in the log.
        found: Lsn,
        /// Page image that the checkpoint file names.
        checkpoint: Lsn,
    },
    /// The database file was changed behind the back of its logs, for instance with the sqlite3 program: adopt it.
    #[error("{path}: changed while the database was stopped ({change})")]
    EditedOffline {
        /// The file.
        path: PathBuf,
        /// What differs.
        change: String,
    },
    /// SQLite's write-ahead log does not go on where the log ends: recover from a backup, or adopt the database.
    #[error("{path}: the write-ahead log does not follow the log ({reason})")]
    WalDoesNotFollow {
        /// The write-ahead log.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// The database file is damaged: recover from a backup.
    #[error("{path}: the database is damaged: {reason}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What the integrity check says.
        reason: String,
    },
    /// The schema given to [`crate::Database::create`] was refused.
    #[error("the schema is refused: {source}")]
    Schema {
        /// SQLite's words.
        #[source]
        source: Source,
    },
    /// The operating system or SQLite failed.
    #[error("{path}: {source}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: Source,
    },
}

/// Why the writer stopped: nothing is acknowledged any more until the database is opened again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{doing}: {message}")]
pub struct Stop {
    /// What can be done about it.
    pub kind: StopKind,
    /// What the writer was doing.
    pub doing: String,
    /// What went wrong.
    pub message: String,
}

/// What can be done about a [`Stop`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopKind {
    /// A disk is full: make room, then open again.
    DiskFull,
    /// Reading or writing failed: look at the disk, then open again.
    Storage,
    /// Frames are missing between SQLite's write-ahead log and the log: something else wrote to the database.
    ChainBroken,
}

/// A write that was not acknowledged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError<E> {
    /// The closure returned this error; what it did, and only that, was rolled back.
    #[error("{0}")]
    Rejected(E),
    /// The transaction that this write shared with others was rolled back by SQLite; it can be tried again.
    #[error("rolled back: {0}")]
    RolledBack(String),
    /// Storage failed while the write was made durable. It may be there, or not, when the database is opened again.
    #[error("not acknowledged: {0}")]
    Unacknowledged(Stop),
    /// The writer stopped earlier; nothing was done.
    #[error("the database takes no writes until it is opened again: {0}")]
    Stopped(Stop),
    /// The database is closed.
    #[error("the database is closed")]
    Closed,
}

/// A read that gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError<E> {
    /// The closure returned this error.
    #[error("{0}")]
    Rejected(E),
    /// The read took too long, or waited too long for its turn: ask for less at once.
    #[error("interrupted after {limit:?}")]
    TimedOut {
        /// The limit.
        limit: Duration,
    },
    /// SQLite could not start the read.
    #[error("cannot read: {0}")]
    Storage(#[source] Source),
    /// The database is closed.
    #[error("the database is closed")]
    Closed,
}

/// A step of a backup that was refused or failed. The session stays open unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackupError {
    /// Another session is open.
    #[error("another backup is running")]
    Busy,
    /// Incremental backups are not possible with circular logging.
    #[error("no incremental backup with circular logging")]
    CircularLogging,
    /// Make a full backup.
    #[error("a full backup is required: {0}")]
    FullRequired(FullReason),
    /// The file is not in the lists of this session.
    #[error("{path}: not a file of this backup")]
    NotListed {
        /// The name asked for.
        path: PathBuf,
    },
    /// The database was opened after the list of logs was asked for: the logs would not reach the copy.
    #[error("the database must be read before the list of logs")]
    DatabaseAfterLogs,
    /// A file is open; one at a time.
    #[error("{path}: still open")]
    FileOpen {
        /// The open file.
        path: PathBuf,
    },
    /// Read or close without an open file.
    #[error("no file is open")]
    NoFileOpen,
    /// Truncation before the list of logs was asked for.
    #[error("the list of logs was not asked for")]
    LogsNotListed,
    /// Truncation before every listed file was read to its end.
    #[error("{path}: not read to its end")]
    NotRead {
        /// The first such file.
        path: PathBuf,
    },
    /// A log that the backup needs is missing, foreign or damaged. Make a full backup.
    #[error("{path}: {reason}")]
    LogDamaged {
        /// The log.
        path: PathBuf,
        /// Its generation.
        generation: Generation,
        /// What is wrong.
        reason: String,
    },
    /// A file could not be read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// The writer stopped.
    #[error("the database has stopped: {0}")]
    Stopped(Stop),
    /// The database was closed.
    #[error("the database is closed")]
    Closed,
}
