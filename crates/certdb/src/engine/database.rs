//! The handle of a live database.

use std::fs::File;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{JoinHandle, ThreadId};

use rusqlite::{Connection, Transaction};

use super::backup::{BackupKind, BackupSession};
use super::command::{Command, Task, ask};
use super::inventory::log_bytes;
use super::keeper::failed;
use super::readers::Readers;
use super::writer::Writer;
use super::{adopt, create, open};
use crate::{BackupError, OpenError, Options, ReadError, Status, Stop, WriteError};

/// A live database. Clones share it; the last one that goes closes it in order.
///
/// One thread writes, copies what it wrote into the logs, and checkpoints. Any number of threads call [`Database::write`], whose
/// closures it runs one after the other, and [`Database::read`].
#[derive(Clone, Debug)]
pub struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    commands: Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// The writer thread.
    writer: ThreadId,
}

impl Database {
    /// Creates a database in `directory`, which is created too, with the tables that `schema` (SQL) describes.
    ///
    /// A creation that was interrupted is begun anew.
    ///
    /// # Errors
    /// [`OpenError::AlreadyExists`] for a database or logs that are there, [`OpenError::Schema`], [`OpenError::InUse`],
    /// [`OpenError::Storage`].
    pub fn create(directory: &Path, options: &Options, schema: &str) -> Result<Self, OpenError> {
        create::create(directory, options, schema)
    }

    /// Opens a database, after a crash as well: what was committed and not yet in the logs is copied there first.
    ///
    /// # Errors
    /// Everything in [`OpenError`] but `AlreadyExists` and `Schema`. Nothing was changed then.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        open::open(directory, options)
    }

    /// Takes a database as it is, with a new signature and new logs: one that was restored, edited while it was stopped, or
    /// separated from its logs; also a plain SQLite database with 4096-byte pages.
    ///
    /// Logs that are in the log directory are moved into a directory `before-<generation>` in it. The generation numbers go on, and
    /// the next backup has to be full.
    ///
    /// # Errors
    /// [`OpenError::NotFound`], [`OpenError::NotADatabase`], [`OpenError::Damaged`], [`OpenError::InUse`], [`OpenError::Storage`].
    /// After an interruption adopt again.
    pub fn adopt(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        adopt::adopt(directory, options)
    }

    /// Runs `work` in a transaction on the writer thread, together with the writes of other callers when there are any.
    ///
    /// Returns when the transaction is on the disk in SQLite's write-ahead log, and in the open log. When `work` returns an error, or
    /// panics, what it did is rolled back, and nothing else; a panic goes on in the calling thread. `work` must neither end the
    /// transaction, nor rely on constraints that are deferred to its end, nor write through this handle.
    ///
    /// # Errors
    /// [`WriteError`]
    pub fn write<T, E, F>(&self, work: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        if self.inner.writer == std::thread::current().id() {
            let reason = "a write inside a write would wait for itself";
            return Err(WriteError::RolledBack(reason.to_owned()));
        }
        let (reply, answer) = sync_channel(1);
        let task = Task { closure: Some(work), result: None, reply };
        if self.inner.commands.send(Command::Write(Box::new(task))).is_err() {
            return Err(WriteError::Closed);
        }
        match answer.recv() {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(WriteError::Closed),
        }
    }

    /// Runs `work` in a read transaction on the calling thread: it sees one state of the database, however many statements it runs.
    ///
    /// It is interrupted after [`Options::read_limit`], because a reader keeps SQLite from starting its write-ahead log anew.
    ///
    /// # Errors
    /// [`ReadError`]
    pub fn read<T, E>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, ReadError<E>> {
        self.inner.shared.readers.read(work)
    }

    /// Begins a backup; only one at a time.
    ///
    /// # Errors
    /// [`BackupError::Busy`]; for an incremental one [`BackupError::CircularLogging`] and [`BackupError::FullRequired`].
    pub fn begin_backup(&self, kind: BackupKind) -> Result<BackupSession, BackupError> {
        BackupSession::begin(Arc::clone(&self.inner.shared), self.inner.commands.clone(), kind)
    }

    /// A look at the state.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut status = self.inner.shared.live().clone();
        status.log_bytes = log_bytes(&self.inner.shared.options.log_directory).unwrap_or(0);
        status
    }

    /// Path of the database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.shared.path
    }

    /// Stops in order, for all clones: checkpoints, empties the write-ahead log and notes how the database file was left.
    ///
    /// # Errors
    /// Why that was not possible. The database can be opened again as after a crash.
    pub fn close(self) -> Result<(), Stop> {
        self.inner.close()
    }

    pub(crate) fn start(writer: Writer, commands: (Sender<Command>, Receiver<Command>)) -> io::Result<Self> {
        let shared = Arc::clone(&writer.shared);
        let (sender, receiver) = commands;
        let thread =
            std::thread::Builder::new().name("certdb-writer".to_owned()).spawn(move || writer.run(&receiver))?;
        let id = thread.thread().id();
        let inner = Inner { shared, commands: sender, thread: Mutex::new(Some(thread)), writer: id };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub(crate) fn channel() -> (Sender<Command>, Receiver<Command>) {
        channel()
    }
}

impl Inner {
    fn close(&self) -> Result<(), Stop> {
        let result = ask(&self.commands, Command::Close).unwrap_or(Ok(()));
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the writer thread panicked");
        }
        result
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Err(stop) = self.close() {
            tracing::error!(%stop, "the database was not closed in order");
        }
    }
}

/// What handle, writer thread and backup session share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) path: PathBuf,
    pub(crate) readers: Readers,
    pub(crate) live: Mutex<Status>,
    /// Descriptor of the database file, and the lock. `None` once closed.
    pub(crate) held: Mutex<Option<Held>>,
}

/// What the process holds while the database is open.
#[derive(Debug)]
pub(crate) struct Held {
    /// Closing any descriptor of the database file drops the locks that SQLite has on it (POSIX), so there is one, opened first and
    /// closed last.
    pub(crate) database: Arc<File>,
    pub(crate) lock: File,
}

impl Shared {
    pub(crate) fn live(&self) -> MutexGuard<'_, Status> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The database file, for reading beside SQLite.
    pub(crate) fn database(&self) -> Result<Arc<File>, Stop> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_ref().map(|held| Arc::clone(&held.database)).ok_or_else(|| {
            failed("reading the database")(io::Error::new(io::ErrorKind::NotConnected, "the database is closed"))
        })
    }

    pub(crate) fn release(&self) {
        let Some(held) = self.held.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        drop(held.database);
        if let Err(error) = held.lock.unlock() {
            tracing::warn!(%error, "the lock is given back when the process ends");
        }
    }
}
