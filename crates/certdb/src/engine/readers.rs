//! Connections for readers: many at once, each bounded in time.

use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, TransactionBehavior};

use super::sqlite;
use crate::ReadError;

/// A pool of connections that only read.
#[derive(Debug)]
pub(crate) struct Readers {
    database: PathBuf,
    limit: Duration,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Connection>,
    active: usize,
    /// New readers wait: the writer wants to start the write-ahead log anew.
    draining: bool,
    closed: bool,
}

impl Readers {
    pub(crate) fn new(database: PathBuf, limit: Duration) -> Self {
        Self { database, limit, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Runs `work` in a read transaction, which sees one state of the database.
    pub(crate) fn read<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, ReadError<E>> {
        let deadline = Instant::now() + self.limit;
        let place = self.place(deadline)?;
        let mut connection = match place.idle() {
            Some(connection) => connection,
            None => self.connect().map_err(|error| ReadError::Storage(error.into()))?,
        };
        let storage = |error: rusqlite::Error| ReadError::Storage(error.into());
        connection.progress_handler(STEPS, Some(move || Instant::now() >= deadline)).map_err(storage)?;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(storage)?;
        let result = work(&transaction);
        drop(transaction);
        if connection.is_autocommit() {
            place.give_back(connection);
        }
        match result {
            Ok(value) => Ok(value),
            Err(_) if Instant::now() >= deadline => Err(ReadError::TimedOut { limit: self.limit }),
            Err(error) => Err(ReadError::Rejected(error)),
        }
    }

    /// Runs `work` while nobody reads; without it when readers do not finish within `patience`.
    pub(crate) fn without_readers<T>(&self, patience: Duration, work: impl FnOnce() -> T) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        state.draining = true;
        while state.active > 0 {
            let Some(left) = deadline.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) else {
                break;
            };
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let quiet = state.active == 0;
        drop(state);
        let result = quiet.then(work);
        self.lock().draining = false;
        self.changed.notify_all();
        result
    }

    /// Refuses new readers, waits for those at work, and closes the connections. False when some did not finish in time.
    pub(crate) fn close(&self) -> bool {
        self.lock().closed = true;
        self.changed.notify_all();
        let finished = self.without_readers(self.limit + Duration::from_secs(1), || ()).is_some();
        self.lock().idle.clear();
        finished
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = sqlite::connect(&self.database)?;
        connection.execute_batch("PRAGMA query_only = ON;")?;
        Ok(connection)
    }

    /// Waits for its turn.
    fn place<E>(&self, deadline: Instant) -> Result<Place<'_>, ReadError<E>> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return Err(ReadError::Closed);
            }
            if !state.draining && state.active < MOST {
                state.active += 1;
                return Ok(Place(self));
            }
            let left = deadline
                .checked_duration_since(Instant::now())
                .filter(|left| !left.is_zero())
                .ok_or(ReadError::TimedOut { limit: self.limit })?;
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to read; given back on drop.
struct Place<'a>(&'a Readers);

impl Place<'_> {
    fn idle(&self) -> Option<Connection> {
        self.0.lock().idle.pop()
    }

    fn give_back(&self, connection: Connection) {
        let mut state = self.0.lock();
        if !state.closed && state.idle.len() < KEPT {
            state.idle.push(connection);
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().active -= 1;
        self.0.changed.notify_all();
    }
}

/// Readers at once.
const MOST: usize = 32;
/// Connections kept open for the next reader.
const KEPT: usize = 8;
/// Steps of SQLite's machine between two looks at the clock.
const STEPS: std::ffi::c_int = 2000;
