//! The writer thread: commits, copies frames into the log, checkpoints, and serves the steps of a backup in between.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::backup::{Begun, Truncated};
use super::database::Shared;
use super::inventory::{Inventory, open_header};
use super::keeper::{Keeper, failed, storage};
use super::{BackupKind, Meta};
use crate::checkpoint::Fingerprint;
use crate::durable::sync_directory;
use crate::{BackupError, BackupRecord, FullReason, Generation, Stop, StopKind, WriteError};

/// What the writer thread is asked to do.
pub(crate) enum Command {
    Write(Box<dyn Work>),
    Begin(BackupKind, SyncSender<Result<Begun, BackupError>>),
    /// Close the open generation; answers with its number.
    Roll(SyncSender<Result<Generation, BackupError>>),
    /// Remember the backup, then delete what it holds and the checkpoint no longer needs.
    Truncate(BackupKind, BackupRecord, SyncSender<Result<Truncated, BackupError>>),
    /// The session ends; with a record when it read everything.
    End(Option<(BackupKind, BackupRecord)>, SyncSender<Result<(), BackupError>>),
    /// The session was dropped.
    Abort,
    Close(SyncSender<Result<(), Stop>>),
}

/// A write waiting for its turn.
pub(crate) trait Work: Send {
    /// Runs the closure; false when its changes are to be rolled back.
    fn run(&mut self, transaction: &Transaction<'_>) -> bool;
    /// Tells the caller how it went.
    fn finish(self: Box<Self>, outcome: Result<(), Failure>);
}

/// Why a batch of writes was not acknowledged.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    RolledBack(String),
    Unacknowledged(Stop),
    Stopped(Stop),
}

/// A closure, and where its result goes.
pub(crate) struct Task<F, T, E> {
    pub(crate) closure: Option<F>,
    pub(crate) result: Option<std::thread::Result<Result<T, E>>>,
    pub(crate) reply: SyncSender<std::thread::Result<Result<T, WriteError<E>>>>,
}

impl<F, T, E> Work for Task<F, T, E>
where
    F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Send,
{
    fn run(&mut self, transaction: &Transaction<'_>) -> bool {
        let Some(closure) = self.closure.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| closure(transaction)));
        let keep = matches!(result, Ok(Ok(_)));
        self.result = Some(result);
        keep
    }

    fn finish(self: Box<Self>, outcome: Result<(), Failure>) {
        let answer = match (self.result, outcome) {
            // A panic belongs to the thread whose closure it was.
            (Some(Err(panic)), _) => Err(panic),
            (Some(Ok(Err(error))), _) => Ok(Err(WriteError::Rejected(error))),
            (Some(Ok(Ok(value))), Ok(())) => Ok(Ok(value)),
            (None, Ok(())) => Ok(Err(WriteError::RolledBack("the write was not run".to_owned()))),
            (_, Err(Failure::RolledBack(reason))) => Ok(Err(WriteError::RolledBack(reason))),
            (_, Err(Failure::Unacknowledged(stop))) => Ok(Err(WriteError::Unacknowledged(stop))),
            (_, Err(Failure::Stopped(stop))) => Ok(Err(WriteError::Stopped(stop))),
        };
        // A caller that is gone needs no answer.
        let _ = self.reply.send(answer);
    }
}

/// State of the writer thread.
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Connection,
    pub(crate) keeper: Keeper,
    pub(crate) meta: Meta,
    pub(crate) stopped: Option<Stop>,
    pub(crate) session: bool,
}

impl Writer {
    /// Serves until it is asked to close.
    pub(crate) fn run(mut self, commands: &Receiver<Command>) {
        let mut waiting = None;
        let group = self.shared.options.group_commit.max(1);
        while let Some(command) = waiting.take().or_else(|| commands.recv().ok()) {
            match command {
                Command::Write(first) => {
                    let mut batch = vec![first];
                    while batch.len() < group {
                        match commands.try_recv() {
                            Ok(Command::Write(work)) => batch.push(work),
                            Ok(other) => {
                                waiting = Some(other);
                                break;
                            }
                            Err(_) => break,
                        }
                    }
                    self.commit(batch);
                }
                Command::Begin(kind, reply) => {
                    let answer = self.begin(kind);
                    self.session |= answer.is_ok();
                    self.publish();
                    if let Err(unheard) = reply.send(answer)
                        && unheard.0.is_ok()
                    {
                        self.session = false;
                    }
                }
                Command::Roll(reply) => {
                    let answer = self.steady(Self::roll);
                    let _ = reply.send(answer);
                }
                Command::Truncate(kind, record, reply) => {
                    let answer = self.steady(|writer| writer.truncate(kind, record));
                    let _ = reply.send(answer);
                }
                Command::End(record, reply) => {
                    self.session = false;
                    let answer = self.steady(|writer| match record {
                        Some((kind, record)) => writer.remember(kind, record),
                        None => Ok(()),
                    });
                    let _ = reply.send(answer);
                }
                Command::Abort => {
                    self.session = false;
                    self.publish();
                }
                Command::Close(reply) => {
                    let answer = self.close();
                    let _ = reply.send(answer);
                    return;
                }
            }
        }
    }

    /// Runs writes in one transaction; each in a savepoint of its own.
    fn commit(&mut self, mut batch: Vec<Box<dyn Work>>) {
        let outcome = match &self.stopped {
            Some(stop) => Err(Failure::Stopped(stop.clone())),
            None => self.transact(|transaction| {
                for work in &mut batch {
                    transaction.execute_batch("SAVEPOINT certdb_write")?;
                    let keep = work.run(transaction);
                    if transaction.is_autocommit() {
                        break;
                    }
                    if !keep {
                        transaction.execute_batch("ROLLBACK TO certdb_write")?;
                    }
                    transaction.execute_batch("RELEASE certdb_write")?;
                }
                Ok(())
            }),
        };
        for work in batch {
            work.finish(outcome.clone());
        }
        if self.stopped.is_none() {
            self.maintain();
        }
        self.publish();
    }

    /// One transaction: committed, durable in the write-ahead log, and in the log.
    fn transact(&mut self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<(), Failure> {
        let outcome = self.transact_in_sqlite(work);
        // Even a transaction that SQLite gave up may have been committed before, by the closure.
        let outcome = match outcome {
            Err(Failure::Unacknowledged(stop)) => Err(stop),
            other => self.keeper.capture(&self.connection).map(|()| other),
        };
        match outcome {
            Ok(outcome) => {
                // INVARIANT: the number is out before a checkpoint may move one of these pages; a copy that meets the page in the
                // database file knows how far the logs must be replayed.
                self.shared.live().last_image = self.keeper.last_lsn();
                outcome
            }
            Err(stop) => {
                self.stop(stop.clone());
                Err(Failure::Unacknowledged(stop))
            }
        }
    }

    fn transact_in_sqlite(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>) -> Result<(), Failure> {
        let failure = |error: rusqlite::Error| {
            use rusqlite::ErrorCode::{ConstraintViolation, DatabaseBusy, OperationInterrupted, OutOfMemory};
            match error.sqlite_error_code() {
                Some(ConstraintViolation | DatabaseBusy | OperationInterrupted | OutOfMemory) => {
                    Failure::RolledBack(error.to_string())
                }
                _ => Failure::Unacknowledged(storage("committing")(error)),
            }
        };
        let transaction =
            Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate).map_err(failure)?;
        work(&transaction).map_err(failure)?;
        if transaction.is_autocommit() {
            return Err(Failure::RolledBack("the transaction ended inside a write".to_owned()));
        }
        transaction.commit().map_err(failure)
    }

    /// Closes a generation that is full, checkpoints when enough has gathered, deletes what circular logging no longer needs.
    fn maintain(&mut self) {
        if let Err(stop) = self.try_maintain() {
            self.stop(stop);
        }
    }

    fn try_maintain(&mut self) -> Result<(), Stop> {
        let options = &self.shared.options;
        if self.keeper.length() >= options.generation_size {
            self.keeper.roll()?;
        }
        let frames = u64::from(options.checkpoint_frames.max(1));
        if self.keeper.pending() < frames {
            return Ok(());
        }
        let complete = self.keeper.checkpoint(&self.connection, "PASSIVE")?;
        if !complete && u64::from(self.keeper.position().frame) > frames.saturating_mul(WAL_FACTOR) {
            // Readers that overlap without end would let the write-ahead log grow for ever.
            let shared = Arc::clone(&self.shared);
            let done = shared.readers.without_readers(PATIENCE, || self.keeper.checkpoint(&self.connection, "PASSIVE"));
            match done {
                Some(result) => drop(result?),
                None => tracing::warn!(
                    frames = self.keeper.position().frame,
                    "readers keep the write-ahead log from starting anew"
                ),
            }
        }
        if self.shared.options.circular && !self.session {
            let before = self.keeper.checkpoint_generation();
            self.delete(|generation| generation < before).map_err(failed("deleting logs"))?;
        }
        Ok(())
    }

    fn begin(&mut self, kind: BackupKind) -> Result<Begun, BackupError> {
        if let Some(stop) = &self.stopped {
            return Err(BackupError::Stopped(stop.clone()));
        }
        if self.session {
            return Err(BackupError::Busy);
        }
        let low = match kind {
            BackupKind::Full => self.keeper.checkpoint_generation(),
            BackupKind::Incremental if self.shared.options.circular => return Err(BackupError::CircularLogging),
            BackupKind::Incremental => {
                if let Some(reason) = self.full_required() {
                    return Err(BackupError::FullRequired(reason));
                }
                self.incremental_base().ok_or(BackupError::FullRequired(FullReason::NoFullBackup))?
            }
        };
        Ok(Begun { low, lsn: self.keeper.last_lsn() })
    }

    fn roll(&mut self) -> Result<Generation, Stop> {
        self.keeper.roll()
    }

    fn truncate(&mut self, kind: BackupKind, record: BackupRecord) -> Result<Truncated, Stop> {
        // Before anything is deleted the backup must be remembered: the next incremental one starts after it.
        self.remember(kind, record)?;
        self.keeper.checkpoint(&self.connection, "PASSIVE")?;
        let needed = self.keeper.checkpoint_generation();
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        self.delete(|generation| {
            let held = generation <= record.high;
            let delete = held && generation < needed;
            if delete {
                deleted.push(generation);
            } else if held {
                kept.push(generation);
            }
            delete
        })
        .map_err(failed("deleting logs"))?;
        self.publish();
        Ok(Truncated { deleted, kept })
    }

    fn remember(&mut self, kind: BackupKind, record: BackupRecord) -> Result<(), Stop> {
        let mut meta = self.meta.clone();
        match kind {
            BackupKind::Full => {
                meta.last_full = Some(record);
                meta.last_incremental = None;
                meta.full_required = None;
            }
            BackupKind::Incremental => meta.last_incremental = Some(record),
        }
        if meta == self.meta {
            return Ok(());
        }
        self.transact(|transaction| meta.write(transaction)).map_err(|failure| match failure {
            Failure::RolledBack(message) => {
                Stop { kind: StopKind::Storage, doing: "remembering the backup".to_owned(), message }
            }
            Failure::Unacknowledged(stop) | Failure::Stopped(stop) => stop,
        })?;
        self.meta = meta;
        self.review();
        Ok(())
    }

    /// Deletes closed generations, lowest first.
    fn delete(&self, mut which: impl FnMut(Generation) -> bool) -> std::io::Result<()> {
        let directory = &self.shared.options.log_directory;
        let mut changed = false;
        let mut found: Vec<Generation> =
            std::fs::read_dir(directory)?.filter_map(|entry| Generation::of_path(&entry.ok()?.path())).collect();
        found.sort_unstable();
        for generation in found {
            if which(generation) {
                std::fs::remove_file(generation.path_in(directory))?;
                changed = true;
            }
        }
        if changed { sync_directory(directory) } else { Ok(()) }
    }

    /// First generation of the next incremental backup.
    fn incremental_base(&self) -> Option<Generation> {
        self.meta.last_incremental.or(self.meta.last_full)?.high.next()
    }

    fn full_required(&self) -> Option<FullReason> {
        if self.shared.options.circular {
            return Some(FullReason::Circular);
        }
        if let Some(reason) = &self.meta.full_required {
            return Some(reason.clone());
        }
        let Some(base) = self.incremental_base() else { return Some(FullReason::NoFullBackup) };
        let directory = &self.shared.options.log_directory;
        let current = open_header(directory);
        let broken = match (Inventory::read(directory, base), &current) {
            (Ok(inventory), Some(current)) => inventory.first_break(base, current),
            _ => Some(base),
        };
        broken.map(|generation| FullReason::BrokenChain { generation })
    }

    /// Runs a step of a backup, which fails when the writer has stopped and stops it when it fails.
    fn steady<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, BackupError> {
        let result = match &self.stopped {
            Some(stop) => Err(stop.clone()),
            None => step(self),
        };
        if let Err(stop) = &result {
            self.stop(stop.clone());
        }
        self.publish();
        result.map_err(BackupError::Stopped)
    }

    fn stop(&mut self, stop: Stop) {
        if self.stopped.is_none() {
            tracing::error!(%stop, "the database takes no more writes");
            self.stopped = Some(stop);
        }
    }

    /// Looks again whether a full backup is required.
    pub(crate) fn review(&mut self) {
        let reason = self.full_required();
        self.shared.live().full_required = reason;
    }

    /// Shows the state to [`crate::Database::status`] and to the backup session.
    pub(crate) fn publish(&self) {
        let mut live = self.shared.live();
        live.current = self.keeper.current();
        live.checkpoint = self.keeper.checkpoint_generation();
        live.last_image = self.keeper.last_lsn();
        live.last_full = self.meta.last_full;
        live.last_incremental = self.meta.last_incremental;
        live.backup_running = self.session;
        live.stopped = self.stopped.clone();
    }

    /// Stops in order: everything checkpointed, the write-ahead log empty, the looks of the database file noted.
    fn close(mut self) -> Result<(), Stop> {
        let shared = Arc::clone(&self.shared);
        let quiet = shared.readers.close();
        let result = match self.stopped.take() {
            Some(stop) => Err(stop),
            None if !quiet => Err(Stop {
                kind: StopKind::Storage,
                doing: "closing".to_owned(),
                message: "a reader did not finish".to_owned(),
            }),
            None => Ok(self),
        }
        .and_then(Self::try_close);
        shared.release();
        result
    }

    fn try_close(mut self) -> Result<(), Stop> {
        self.keeper.capture(&self.connection)?;
        if !self.keeper.checkpoint(&self.connection, "TRUNCATE")? || !self.keeper.wal_is_empty()? {
            return Ok(());
        }
        // The connection goes first: what is noted is what the file looks like when nothing writes to it any more.
        drop(self.connection);
        let database = self.shared.database()?;
        let fingerprint = Fingerprint::take(&database).map_err(failed("looking at the closed database"))?;
        self.keeper.mark(Some(fingerprint))
    }
}

/// The write-ahead log may have this many times the page images of a checkpoint before readers have to wait.
const WAL_FACTOR: u64 = 8;
/// How long the writer waits for readers to finish.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sends a command and waits for the answer; `None` when the writer is gone.
pub(crate) fn ask<T>(commands: &Sender<Command>, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    commands.send(command(reply)).ok()?;
    answer.recv().ok()
}
