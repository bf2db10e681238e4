//! Whether SQLite's write-ahead log goes on where the open log ends.

use std::fmt;
use std::io::{self, Read, Seek};

use crate::Lsn;
use crate::checkpoint::Checkpoint;
use crate::log::WalPosition;
use crate::wal::WalReader;

/// Frames of the write-ahead log that are not yet in the logs: from one place, to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frames {
    pub(crate) from: WalPosition,
    pub(crate) to: WalPosition,
}

/// How the two do not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch {
    /// The log lost page images that the checkpoint file knows of.
    LogTooShort { found: Lsn, checkpoint: Lsn },
    /// The write-ahead log is gone, with page images that are not certain to be in the database file.
    WalEmpty,
    /// The write-ahead log was started anew while such page images were in it.
    WalRestarted,
    /// The write-ahead log is the same one, but lost frames that are in the log.
    WalTooShort { expected: u32 },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogTooShort { found, checkpoint } => {
                write!(f, "the log ends at page image {found}, the checkpoint is at {checkpoint}")
            }
            Self::WalEmpty => f.write_str("it is missing or empty, and not all its frames were checkpointed"),
            Self::WalRestarted => f.write_str("it was started anew before all its frames were checkpointed"),
            Self::WalTooShort { expected } => write!(f, "frame {expected}, which is in the log, is not in it"),
        }
    }
}

/// Finds the frames to go on with.
///
/// - The same write-ahead log that the last page image came from: its checksum at that frame, which is cumulative, proves that the
///   frames before are those in the logs; what follows was committed and not yet copied.
/// - Another one, or none: SQLite starts anew only after a checkpoint of everything, and the checkpoint file says whether there was one.
pub(crate) fn follow(
    next_lsn: Lsn,
    position: WalPosition,
    checkpoint: Option<&Checkpoint>,
    wal: Option<impl Read + Seek>,
) -> io::Result<Result<Option<Frames>, Mismatch>> {
    let complete = checkpoint.is_some_and(|checkpoint| checkpoint.lsn == next_lsn);
    if let Some(checkpoint) = checkpoint
        && checkpoint.lsn > next_lsn
    {
        return Ok(Err(Mismatch::LogTooShort { found: Lsn(next_lsn.0.saturating_sub(1)), checkpoint: checkpoint.lsn }));
    }
    let reader = match wal {
        Some(wal) => WalReader::open(wal)?,
        None => None,
    };
    let Some(mut reader) = reader else {
        return Ok(if complete { Ok(None) } else { Err(Mismatch::WalEmpty) });
    };
    if reader.position().salts == position.salts {
        if !reader.resume(position)? {
            return Ok(Err(Mismatch::WalTooShort { expected: position.frame }));
        }
    } else if !complete {
        return Ok(Err(Mismatch::WalRestarted));
    }
    let from = reader.position();
    let to = reader.last_commit()?;
    Ok(Ok((to != from).then_some(Frames { from, to })))
}
