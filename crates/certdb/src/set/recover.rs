//! Making a database of a backup set.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::Path;

use super::plan::Plan;
use super::replay::replay;
use super::{Phase, Progress, RecoverError, RecoverRequest};
use crate::durable::{create_private, parent, sync_directory};
use crate::engine::{Meta, RESTORED, checkpoint, connect, lock_path, quick_check, remove_side_files, side_file};
use crate::error::Source;
use crate::{FullReason, Generation, Lsn, PAGE_SIZE, Signature, Timestamp};

/// What [`recover`] made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// Identity of the database that the set came from.
    pub signature: Signature,
    /// First generation that was replayed.
    pub first: Generation,
    /// Generation of the last commit that was replayed; the first one when there was none.
    pub last: Generation,
    /// The last page image.
    pub last_image: Lsn,
    /// Time of the last commit from the logs.
    pub last_commit: Option<Timestamp>,
    /// Transactions that were replayed.
    pub transactions: u64,
    /// Page images that were written.
    pub images: u64,
    /// Page images of them that came from the surviving write-ahead log.
    pub salvaged: u32,
    /// Pages of the database.
    pub pages: u32,
}

/// Makes the database file `request.target` of a copy and its logs.
///
/// Everything is read and checked first. The database is then built in a file beside the target, checked by SQLite, and renamed over
/// the target; a write-ahead log beside the target is removed after that. The inputs are never changed. After an interruption do the
/// same again.
///
/// The result has no logs: [`crate::Database::adopt`] gives it a new signature, and generations after the last one seen here.
///
/// # Errors
/// [`RecoverError`]. The target is as it was.
pub fn recover(request: &RecoverRequest, progress: &mut dyn FnMut(Progress)) -> Result<Recovered, RecoverError> {
    let target = &request.target;
    let lock_path = lock_path(target);
    let lock = match OpenOptions::new().write(true).open(&lock_path) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => return Err(storage(&lock_path)(error)),
    };
    match lock.as_ref().map(fs::File::try_lock) {
        None | Some(Ok(())) => {}
        Some(Err(TryLockError::WouldBlock)) => return Err(RecoverError::InUse { path: lock_path }),
        Some(Err(TryLockError::Error(error))) => return Err(storage(&lock_path)(error)),
    }

    let plan = Plan::make(request, progress)?;
    let temporary = side_file(target, ".restoring");
    let result = build(&plan, &temporary, progress).and_then(|recovered| {
        fs::rename(&temporary, target).map_err(storage(target))?;
        sync_directory(parent(target)).map_err(storage(target))?;
        // From here on the database is the new one, which says so itself: a write-ahead log beside it is known to be stale.
        remove_side_files(target).map_err(storage(target))?;
        sync_directory(parent(target)).map_err(storage(target))?;
        Ok(recovered)
    });
    if result.is_err() {
        // What cannot be removed now is replaced by the next attempt.
        let _ = remove_side_files(&temporary);
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Builds the database in a file of its own.
fn build(plan: &Plan, path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Recovered, RecoverError> {
    remove_side_files(path).map_err(storage(path))?;
    let file = create_private(path).map_err(storage(path))?;
    let replayed = replay(plan, path, &file, progress)?;
    let total = u64::from(replayed.pages) * PAGE_SIZE as u64;
    progress(Progress { phase: Phase::Check, done: 0, total });
    finish(plan, path)?;
    file.sync_all().map_err(storage(path))?;
    progress(Progress { phase: Phase::Check, done: total, total });
    Ok(Recovered {
        signature: plan.signature,
        first: plan.low,
        last: plan.goal.generation.unwrap_or(plan.low),
        last_image: replayed.last_lsn,
        last_commit: (replayed.last_commit != Timestamp(0)).then_some(replayed.last_commit),
        transactions: replayed.transactions,
        images: replayed.images,
        salvaged: replayed.salvaged,
        pages: replayed.pages,
    })
}

/// Lets SQLite check the database, compares its signature, and marks it as restored.
fn finish(plan: &Plan, path: &Path) -> Result<(), RecoverError> {
    // A disk that is full or fails says nothing about the backup.
    let damaged = |error: rusqlite::Error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
            RecoverError::Damaged { reason: error.to_string() }
        }
        _ => RecoverError::Storage { path: path.to_owned(), source: error.into() },
    };
    let connection = connect(path).map_err(damaged)?;
    if let Some(reason) = quick_check(&connection).map_err(damaged)? {
        return Err(RecoverError::Damaged { reason });
    }
    let meta = Meta::read(&connection)
        .map_err(damaged)?
        .ok_or_else(|| RecoverError::Damaged { reason: "the table certdb_meta is missing".to_owned() })?;
    match meta.signature {
        Some(found) if found == plan.signature => {}
        found => {
            return Err(RecoverError::ForeignCopy {
                path: plan.copy.path.clone(),
                expected: plan.signature,
                found: found.unwrap_or(Signature([0; 16])),
            });
        }
    }
    let next = plan.high.next().unwrap_or(plan.high);
    let meta = Meta { full_required: Some(FullReason::Restored), next_generation: Some(next), ..meta };
    mark(&connection, &meta).map_err(|source| RecoverError::Storage { path: path.to_owned(), source })?;
    drop(connection);
    remove_side_files(path).map_err(storage(path))
}

fn mark(connection: &rusqlite::Connection, meta: &Meta) -> Result<(), Source> {
    let transaction = connection.unchecked_transaction()?;
    meta.write(&transaction)?;
    transaction.pragma_update(None, "application_id", RESTORED)?;
    transaction.commit()?;
    let frames = checkpoint(connection, "TRUNCATE")?;
    if frames.moved == frames.log { Ok(()) } else { Err("the checkpoint did not finish".into()) }
}

fn storage<E: Into<Source>>(path: &Path) -> impl FnOnce(E) -> RecoverError {
    let path = path.to_owned();
    move |error| RecoverError::Storage { path, source: error.into() }
}
