//! The keeper of the logs: copies committed frames into the open log, checkpoints, closes generations.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use super::sqlite;
use crate::checkpoint::{Checkpoint, CheckpointFile, Fingerprint};
use crate::log::{OpenLog, WalPosition};
use crate::wal::WalReader;
use crate::{Generation, Lsn, Stop, StopKind, Timestamp};

/// Owned by the writer thread, which is the only one that commits and checkpoints.
///
/// INVARIANT: a frame is in the open log before its commit is acknowledged, and on the disk there before a checkpoint may move it.
#[derive(Debug)]
pub(crate) struct Keeper {
    /// `None` after a roll-over failed.
    log: Option<OpenLog>,
    log_directory: PathBuf,
    wal: File,
    /// The one descriptor of the database file that this process opens itself.
    database: Arc<File>,
    checkpoint_file: CheckpointFile,
    checkpoint: Checkpoint,
    /// Generations from the checkpoint on, each with its first page image.
    spans: Vec<(Generation, Lsn)>,
}

/// What a keeper starts with.
pub(crate) struct Parts {
    pub(crate) log: OpenLog,
    pub(crate) log_directory: PathBuf,
    pub(crate) wal: File,
    pub(crate) database: Arc<File>,
    pub(crate) checkpoint_file: CheckpointFile,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) spans: Vec<(Generation, Lsn)>,
}

impl Keeper {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { log, log_directory, wal, database, checkpoint_file, checkpoint, spans } = parts;
        Self { log: Some(log), log_directory, wal, database, checkpoint_file, checkpoint, spans }
    }

    /// Copies all committed frames that are not yet in the logs. On return they survive the end of the process.
    pub(crate) fn capture(&mut self, connection: &Connection) -> Result<(), Stop> {
        let committed = sqlite::checkpoint(connection, "NOOP").map_err(storage("asking SQLite for its frames"))?.log;
        let complete = self.is_complete();
        let log = self.log.as_mut().ok_or_else(no_log)?;
        if committed == 0 {
            return if complete { Ok(()) } else { Err(broken("the write-ahead log is empty")) };
        }
        let doing = "copying frames into the log";
        let reader = BufReader::with_capacity(64 * 1024, &self.wal);
        let mut reader = WalReader::open(reader)
            .map_err(failed(doing))?
            .ok_or_else(|| broken("the header of the write-ahead log is not valid"))?;
        let at = log.wal();
        if reader.position().salts != at.salts {
            if !complete {
                return Err(broken("the write-ahead log was started anew before all its frames were checkpointed"));
            }
        } else if !reader.resume(at).map_err(failed(doing))? {
            return Err(broken("the write-ahead log does not hold the last frame that was copied"));
        }
        if reader.position().frame > committed {
            return Err(broken("the write-ahead log lost committed frames"));
        }
        let now = Timestamp::now();
        let mut whole = true;
        while reader.position().frame < committed {
            let frame = reader
                .next()
                .map_err(failed(doing))?
                .ok_or_else(|| broken("a committed frame of the write-ahead log is not valid"))?;
            whole = frame.commit_pages != 0;
            log.append(frame, now).map_err(failed(doing))?;
        }
        if !whole {
            return Err(broken("the last committed frame does not end a transaction"));
        }
        log.write().map_err(failed(doing))
    }

    /// Makes the log durable, then lets SQLite move what readers allow into the database file. True when that was everything.
    pub(crate) fn checkpoint(&mut self, connection: &Connection, mode: &str) -> Result<bool, Stop> {
        let log = self.log.as_mut().ok_or_else(no_log)?;
        log.sync(Timestamp::now()).map_err(failed("syncing the log"))?;
        // INVARIANT: every committed frame is in the log, which is on the disk. The count shows it before any page moves.
        let before = sqlite::checkpoint(connection, "NOOP").map_err(storage("asking SQLite for its frames"))?;
        if before.log != 0 && before.log != log.wal().frame {
            return Err(broken("the write-ahead log holds frames that were not copied"));
        }
        let frames = sqlite::checkpoint(connection, mode).map_err(storage("checkpointing"))?;
        let remaining = u64::from(frames.log.saturating_sub(frames.moved));
        let (next, current) = (log.next_lsn(), log.header().generation);
        let lsn = Lsn(next.0.saturating_sub(remaining));
        if lsn > self.checkpoint.lsn || self.checkpoint.generation != current {
            if remaining != 0 {
                // SQLite syncs the database file only when everything was moved.
                self.database.sync_data().map_err(failed("syncing the database"))?;
            }
            let generation = match self.spans.iter().rposition(|(_, first)| *first <= lsn) {
                _ if remaining == 0 => current,
                Some(at) => self.spans[at].0,
                None => self.checkpoint.generation,
            };
            self.spans.retain(|(known, _)| *known >= generation);
            self.checkpoint = Checkpoint { lsn: lsn.max(self.checkpoint.lsn), generation, ..self.checkpoint.clone() };
            self.checkpoint_file.store(&self.checkpoint).map_err(failed("writing the checkpoint file"))?;
        }
        Ok(remaining == 0)
    }

    /// Closes the open generation, whatever it holds, and starts the next. Returns the closed one.
    pub(crate) fn roll(&mut self) -> Result<Generation, Stop> {
        let log = self.log.take().ok_or_else(no_log)?;
        let closed = log.header().generation;
        let target = closed.path_in(&self.log_directory);
        let doing = "closing a log generation";
        if target.try_exists().map_err(failed(doing))? {
            return Err(broken("a file of the generation to be closed is already there"));
        }
        let log = log.roll(Timestamp::now()).map_err(failed(doing))?;
        self.spans.push((log.header().generation, log.header().first_lsn));
        self.log = Some(log);
        Ok(closed)
    }

    /// Notes that the database is open (`None`), or how it was left.
    pub(crate) fn mark(&mut self, clean: Option<Fingerprint>) -> Result<(), Stop> {
        self.checkpoint.clean = clean;
        self.checkpoint_file.store(&self.checkpoint).map_err(failed("writing the checkpoint file"))
    }

    /// Whether the write-ahead log was cut to nothing, durably.
    pub(crate) fn wal_is_empty(&self) -> Result<bool, Stop> {
        let doing = "emptying the write-ahead log";
        if self.wal.metadata().map_err(failed(doing))?.len() != 0 {
            return Ok(false);
        }
        self.wal.sync_all().map_err(failed(doing))?;
        Ok(true)
    }

    /// Everything in the logs is in the database file for certain.
    pub(crate) fn is_complete(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.next_lsn() == self.checkpoint.lsn)
    }

    pub(crate) fn checkpoint_generation(&self) -> Generation {
        self.checkpoint.generation
    }

    pub(crate) fn current(&self) -> Generation {
        self.log.as_ref().map_or(self.checkpoint.generation, |log| log.header().generation)
    }

    pub(crate) fn last_lsn(&self) -> Lsn {
        Lsn(self.next_lsn().0.saturating_sub(1))
    }

    /// Page images that are not certain to be in the database file.
    pub(crate) fn pending(&self) -> u64 {
        self.next_lsn().0.saturating_sub(self.checkpoint.lsn.0)
    }

    /// Length of the open generation.
    pub(crate) fn length(&self) -> u64 {
        self.log.as_ref().map_or(0, OpenLog::length)
    }

    /// Place in the write-ahead log up to which frames are in the logs.
    pub(crate) fn position(&self) -> WalPosition {
        self.log.as_ref().map_or_else(WalPosition::default, OpenLog::wal)
    }

    fn next_lsn(&self) -> Lsn {
        self.log.as_ref().map_or(self.checkpoint.lsn, OpenLog::next_lsn)
    }
}

/// A failure of the operating system.
pub(crate) fn failed(doing: &'static str) -> impl Fn(io::Error) -> Stop {
    move |error| {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
        );
        let kind = if full { StopKind::DiskFull } else { StopKind::Storage };
        Stop { kind, doing: doing.to_owned(), message: error.to_string() }
    }
}

/// A failure of SQLite.
pub(crate) fn storage(doing: &'static str) -> impl Fn(rusqlite::Error) -> Stop {
    move |error| {
        let full = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        let kind = if full { StopKind::DiskFull } else { StopKind::Storage };
        Stop { kind, doing: doing.to_owned(), message: error.to_string() }
    }
}

fn broken(message: &str) -> Stop {
    Stop {
        kind: StopKind::ChainBroken,
        doing: "following SQLite's write-ahead log".to_owned(),
        message: message.to_owned(),
    }
}

fn no_log() -> Stop {
    broken("the log is closed after an error")
}
