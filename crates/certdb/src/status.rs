//! What can be said about a running database.

use std::fmt;

use crate::{Generation, Lsn, Signature, Stop, Timestamp};

/// A look at a running database, [`crate::Database::status`].
#[derive(Clone, Debug)]
pub struct Status {
    /// Identity of the database and of its run of logs.
    pub signature: Signature,
    /// The open generation.
    pub current: Generation,
    /// The generation that recovery of a copy made now would start with.
    pub checkpoint: Generation,
    /// Number of the last page image in the logs.
    pub last_image: Lsn,
    /// The last full backup.
    pub last_full: Option<BackupRecord>,
    /// The last incremental backup after it.
    pub last_incremental: Option<BackupRecord>,
    /// Why an incremental backup would be refused.
    pub full_required: Option<FullReason>,
    /// A backup session is open.
    pub backup_running: bool,
    /// Circular logging is on.
    pub circular: bool,
    /// Bytes of all log files, the open one included.
    pub log_bytes: u64,
    /// Why writes are refused until the database is opened again.
    pub stopped: Option<Stop>,
}

/// A finished backup, as the database remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupRecord {
    /// First generation of the set.
    pub low: Generation,
    /// Last generation of the set; an incremental backup starts after it.
    pub high: Generation,
    /// When the backup was finished.
    pub finished: Timestamp,
}

/// Why only a full backup can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullReason {
    /// There was none yet.
    NoFullBackup,
    /// The database was restored from a backup.
    Restored,
    /// The database was adopted: what it holds does not follow from its earlier logs.
    Adopted,
    /// A generation that the next incremental backup needs is missing, damaged or foreign.
    BrokenChain {
        /// The generation.
        generation: Generation,
    },
    /// Circular logging deletes the generations that an incremental backup needs.
    Circular,
}

impl fmt::Display for FullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFullBackup => f.write_str("there is no full backup yet"),
            Self::Restored => f.write_str("the database was restored from a backup"),
            Self::Adopted => f.write_str("the database was adopted, its earlier logs do not lead to it"),
            Self::BrokenChain { generation } => {
                write!(f, "log generation {generation} ({}) is missing or not valid", generation.file_name())
            }
            Self::Circular => f.write_str("circular logging is on"),
        }
    }
}
