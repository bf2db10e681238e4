//! What can be wrong with a backup set.

use std::io;
use std::path::PathBuf;

use crate::error::Source;
use crate::log::LogError;
use crate::{Generation, Lsn, Signature, Timestamp};

/// Logs that do not form one unbroken chain.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChainError {
    /// There are no logs.
    #[error("there are no logs")]
    NoLogs,
    /// A generation is not there: find it, or stop before it.
    #[error("generation {generation} ({}) is missing", generation.file_name())]
    Missing {
        /// The first generation that is not there.
        generation: Generation,
    },
    /// The file cannot be read as a log at all.
    #[error("{path}: {source}")]
    NotALog {
        /// The file.
        path: PathBuf,
        /// What is wrong with its header.
        source: LogError,
    },
    /// The name of the file says another generation than its header.
    #[error("{path}: the file holds generation {found}, its name says {named}")]
    WrongName {
        /// The file.
        path: PathBuf,
        /// Generation by the name.
        named: Generation,
        /// Generation by the header.
        found: Generation,
    },
    /// Two files hold the same generation.
    #[error("{path}: generation {generation} is there twice")]
    Duplicate {
        /// The second file.
        path: PathBuf,
        /// The generation.
        generation: Generation,
    },
    /// The log belongs to another database, or to the same one before it was restored or adopted.
    #[error("{path}: generation {generation} belongs to another database (signature {found}, expected {expected})")]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its generation.
        generation: Generation,
        /// Signature of the set.
        expected: Signature,
        /// Signature in the log.
        found: Signature,
    },
    /// The log is damaged or cut.
    #[error("{path}: generation {generation}: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Its generation.
        generation: Generation,
        /// Where, and what.
        source: LogError,
    },
    /// The log is whole, but is not the one that was written after the generation before it.
    #[error(
        "{path}: generation {generation} does not follow the one before it: {field} is {found}, expected {expected}"
    )]
    DoesNotFollow {
        /// The file.
        path: PathBuf,
        /// Its generation.
        generation: Generation,
        /// Which link of the chain.
        field: &'static str,
        /// What the generation before requires.
        expected: String,
        /// What the header says.
        found: String,
    },
    /// The operating system could not read the file.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

/// A copy of a database that is not whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// The file does not end with a trailer: it was cut, or is not the copy of a backup session.
    #[error("{path}: no trailer at its end; it was cut, or not made by a backup")]
    NoTrailer {
        /// The file.
        path: PathBuf,
    },
    /// Bytes changed.
    #[error("{path}: checksum mismatch (stored {stored:#010x}, computed {computed:#010x})")]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Checksum in the trailer.
        stored: u32,
        /// Checksum of the pages.
        computed: u32,
    },
    /// The operating system could not read the file.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
}

/// A recovery that did not happen. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The logs of the set, or those that follow it, are not one chain. Behind the set, an explicit [`crate::set::Until`] stops before
    /// the place.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// The copy of the database is not whole.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// The copy belongs to another database than the logs.
    #[error("{path}: the copy belongs to another database than the logs (signature {found}, expected {expected})")]
    ForeignCopy {
        /// The copy.
        path: PathBuf,
        /// Signature of the logs.
        expected: Signature,
        /// Signature of the copy.
        found: Signature,
    },
    /// The time or generation asked for lies before the end of the copy, from which on there is one state to go back to.
    #[error("the copy can be recovered to page image {earliest} (of {time:?}) or later, not to {asked}")]
    TooEarly {
        /// The first page image that can be last.
        earliest: Lsn,
        /// When the copy ended.
        time: Timestamp,
        /// The last page image that was asked for.
        asked: Lsn,
    },
    /// The write-ahead log to be salvaged does not go on where the logs end: recover without it.
    #[error("{path}: the write-ahead log does not follow the logs ({reason})")]
    WalDoesNotFollow {
        /// The file.
        path: PathBuf,
        /// In what way.
        reason: String,
    },
    /// Another process has the database open that is to be replaced.
    #[error("{path}: the database is in use")]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// SQLite finds the result damaged: the copy was damaged before it was made.
    #[error("the recovered database is damaged: {reason}")]
    Damaged {
        /// The first complaint.
        reason: String,
    },
    /// Reading or writing failed.
    #[error("{path}: {source}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// What happened.
        #[source]
        source: Source,
    },
}
