//! What the writer thread is asked to do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Sender, SyncSender};

use rusqlite::Transaction;

use super::backup::{BackupKind, Begun, Truncated};
use crate::{BackupError, BackupRecord, Generation, Stop, WriteError};

/// A request to the writer thread.
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

/// Sends a command and waits for the answer; `None` when the writer is gone.
pub(crate) fn ask<T>(commands: &Sender<Command>, command: impl FnOnce(SyncSender<T>) -> Command) -> Option<T> {
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    commands.send(command(reply)).ok()?;
    answer.recv().ok()
}
