//! Backup sets: what is on the medium after a backup, or left of a database after a disaster.
//!
//! [`verify_chain`] and [`verify_copy`] check a set without the database that it came from; [`recover`] makes a database of it.

mod chain;
mod copy;
mod error;
mod plan;
mod recover;
mod replay;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

pub use chain::{ChainReport, GenerationInfo, LogChain, verify_chain};
pub use copy::verify_copy;
pub use error::{ChainError, CopyError, RecoverError};
pub use recover::{Recovered, recover};

use crate::Generation;
use crate::engine::{APPLICATION, RESTORED};

/// Files of a backup: a full one, and the incremental ones after it.
#[derive(Clone, Debug, Default)]
pub struct BackupSet {
    /// The copy of the database, with its trailer. An empty file stands for a database before its first generation.
    pub database: PathBuf,
    /// All logs, in any order.
    pub logs: Vec<PathBuf>,
}

/// How far to go on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Until {
    /// To the last commit there is.
    #[default]
    End,
    /// To the last commit in this generation.
    Generation(Generation),
    /// To the last commit at this time or before it.
    Time(SystemTime),
}

/// What [`recover`] is to do.
#[derive(Clone, Debug, Default)]
pub struct RecoverRequest {
    /// The backup.
    pub set: BackupSet,
    /// Directory of the logs that the lost database left: they are followed beyond the set, the open one included.
    pub later_logs: Option<PathBuf>,
    /// Write-ahead log that the lost database left: commits in it that follow the logs are taken too. It may be absent.
    pub salvage_wal: Option<PathBuf>,
    /// The database file to be made; one that is there is replaced at the end, in one step.
    pub target: PathBuf,
    /// How far to go on.
    pub until: Until,
    /// Accept a copy without a trailer, which was not made by a backup session: all logs of the set are then needed.
    pub raw_copy: bool,
}

/// How far a long step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes done.
    pub done: u64,
    /// Bytes in all; what is done can exceed it when files grow.
    pub total: u64,
}

/// Steps of [`recover`] and of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phase {
    /// The logs are read and checked.
    Verify,
    /// The copy of the database is read and checked.
    Copy,
    /// Page images are written into it.
    Replay,
    /// SQLite checks the result.
    Check,
}

/// Whether a file is a database of this crate, live or recovered. Looks at the header only.
///
/// Not for a database that this process has open: closing a second descriptor drops SQLite's locks.
///
/// # Errors
/// What the operating system says; a file that is too short is no database.
pub fn is_certdb_database(path: &Path) -> io::Result<bool> {
    let mut header = [0; 100];
    match File::open(path)?.read_exact(&mut header) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
        Err(error) => return Err(error),
    }
    let id = u32::from_be_bytes([header[68], header[69], header[70], header[71]]);
    Ok(&header[..16] == b"SQLite format 3\0" && (id == APPLICATION || id == RESTORED))
}
