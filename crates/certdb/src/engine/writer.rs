//! The writer thread: commits, copies frames into the log, checkpoints, and serves the steps of a backup in between.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::Meta;
use super::command::{Command, Failure, Work};
use super::database::Shared;
use super::keeper::{Keeper, failed, storage};
use crate::checkpoint::Fingerprint;
use crate::{Stop, StopKind};

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
    pub(super) fn transact(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), Failure> {
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

    pub(super) fn stop(&mut self, stop: Stop) {
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
        // The checkpoint file must say that everything was moved before the write-ahead log, which could tell otherwise, is emptied.
        if !self.keeper.checkpoint(&self.connection, "PASSIVE")?
            || !self.keeper.checkpoint(&self.connection, "TRUNCATE")?
            || !self.keeper.wal_is_empty()?
        {
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
