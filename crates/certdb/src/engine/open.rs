//! Opening a database: what its files say of each other, before SQLite may touch them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::database::{Database, Held, Shared};
use super::inventory::Inventory;
use super::keeper::{Keeper, Parts};
use super::readers::Readers;
use super::resume::{Mismatch, follow};
use super::writer::Writer;
use super::{Meta, sqlite};
use crate::checkpoint::{Checkpoint, CheckpointFile};
use crate::durable::{remove_if_present, renew, sync_directory};
use crate::error::Source;
use crate::log::{OPEN_LOG, OpenLog, TEMPORARY_LOG, Tail};
use crate::platform::{PositionedFile, private_file};
use crate::wal::{WalReader, committed_length};
use crate::{Generation, Lsn, OpenError, Options, Status, Stop, Timestamp};

pub(super) fn open(directory: &Path, options: &Options) -> Result<Database, OpenError> {
    let files = Files::lock(directory, options)?;
    start(files, options, Birth::Earlier)
}

/// Whether the table `certdb_meta` is already there.
pub(super) enum Birth<'a> {
    /// It is, from an earlier start.
    Earlier,
    /// It is written now, with the tables of the owner.
    Now { meta: Meta, schema: &'a str },
}

/// The database file and the lock, held by this process.
pub(super) struct Files {
    pub(super) path: PathBuf,
    pub(super) lock: File,
}

impl Files {
    /// Takes the lock.
    pub(super) fn lock(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let path = directory.join(&options.database_name);
        if !directory.is_dir() {
            return Err(OpenError::NotFound { path });
        }
        let lock_path = sqlite::lock_path(&path);
        let lock = private_file().create(true).truncate(false).open(&lock_path).map_err(storage(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: lock_path }),
            Err(TryLockError::Error(error)) => Err(storage(&lock_path)(error)),
        }
    }

    /// Opens the database file; the descriptor stays open as long as SQLite has the file.
    pub(super) fn database(&self) -> Result<File, OpenError> {
        OpenOptions::new().read(true).write(true).open(&self.path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => OpenError::NotFound { path: self.path.clone() },
            _ => storage(&self.path)(error),
        })
    }

    pub(super) fn wal_path(&self) -> PathBuf {
        sqlite::side_file(&self.path, "-wal")
    }
}

/// The `application_id` of a database file; an error when it is not SQLite with our page size.
pub(super) fn application_id(path: &Path, file: &File) -> Result<u32, OpenError> {
    let not = |reason: &str| OpenError::NotADatabase { path: path.to_owned(), reason: reason.to_owned() };
    let mut header = [0; 100];
    match file.read_exact_at(&mut header, 0) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Err(not("too short")),
        Err(error) => return Err(storage(path)(error)),
    }
    if &header[..16] != SQLITE_MAGIC {
        // A power cut while a checkpoint wrote the first page can leave anything there; the write-ahead log then still has it.
        let wal_path = sqlite::side_file(path, "-wal");
        header = first_page_in_wal(&wal_path).map_err(storage(&wal_path))?.ok_or_else(|| not("no SQLite header"))?;
    }
    if header[16..18] != [0x10, 0x00] {
        return Err(not("the page size is not 4096"));
    }
    Ok(u32::from_be_bytes([header[68], header[69], header[70], header[71]]))
}

/// The first 100 bytes of the database as the last commit in the write-ahead log left them, if it holds the first page.
fn first_page_in_wal(path: &Path) -> io::Result<Option<[u8; 100]>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some(mut frames) = WalReader::open(BufReader::new(file))? else { return Ok(None) };
    let (mut committed, mut pending) = (None, None);
    while let Some(frame) = frames.next()? {
        if frame.page == 1 {
            pending = frame.image.first_chunk().copied();
        }
        if frame.commit_pages != 0 {
            committed = pending.or(committed);
        }
    }
    Ok(committed.filter(|header: &[u8; 100]| header.starts_with(SQLITE_MAGIC)))
}

/// What a SQLite database begins with.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Brings logs and write-ahead log together and starts the writer.
pub(super) fn start(files: Files, options: &Options, birth: Birth<'_>) -> Result<Database, OpenError> {
    let database = Arc::new(files.database()?);
    match application_id(&files.path, &database)? {
        sqlite::APPLICATION => {}
        sqlite::RESTORED => return Err(OpenError::Restored { path: files.path }),
        other => {
            let reason = format!("application id {other:#010x}");
            return Err(OpenError::NotADatabase { path: files.path, reason });
        }
    }
    let logs = Logs::read(&options.log_directory)?;
    let checkpoint = check_checkpoint(&files, &logs, &database, options)?;

    // Nothing was changed so far. SQLite reads the write-ahead log now, and leaves it as it is.
    let mut connection = sqlite::connect(&files.path).map_err(storage(&files.path))?;
    let found = Meta::read(&connection).map_err(storage(&files.path))?;
    let signature = logs.tail.header.signature;
    let meta = match (&birth, found) {
        (Birth::Now { meta, .. }, _) => meta.clone(),
        (Birth::Earlier, Some(meta)) if meta.signature == Some(signature) => meta,
        (Birth::Earlier, Some(Meta { signature: Some(expected), .. })) => {
            return Err(OpenError::ForeignLog {
                path: logs.path,
                generation: logs.tail.header.generation,
                expected,
                found: signature,
            });
        }
        (Birth::Earlier, _) => return Err(OpenError::NotFound { path: files.path }),
    };

    let wal_path = files.wal_path();
    if checkpoint.clean.is_none() {
        drop(connection);
        renew_wal(&wal_path).map_err(storage(&wal_path))?;
        connection = sqlite::connect(&files.path).map_err(storage(&files.path))?;
        Meta::read(&connection).map_err(storage(&files.path))?;
    }
    let directory = options.log_directory.clone();
    let inventory = Inventory::read(&directory, Generation(0)).map_err(storage(&directory))?;
    let wal = private_file().open(&wal_path).map_err(storage(&wal_path))?;
    sync_directory(crate::durable::parent(&files.path)).map_err(storage(&files.path))?;
    let log = logs.resume(&directory)?;
    let mut spans = inventory.spans(checkpoint.generation);
    spans.push((log.header().generation, log.header().first_lsn));
    let broken = inventory.first_break(checkpoint.generation, log.header()).is_some();
    let checkpoint_file = CheckpointFile::open(&directory).map_err(storage(&directory))?;
    sync_directory(&directory).map_err(storage(&directory))?;
    let mut keeper = Keeper::new(Parts {
        log,
        log_directory: directory.clone(),
        wal,
        database: Arc::clone(&database),
        checkpoint_file,
        checkpoint,
        spans,
    });
    let stopped = |stop: Stop| OpenError::Storage { path: files.path.clone(), source: stop.into() };
    keeper.mark(None).map_err(stopped)?;
    if let Birth::Now { meta, schema } = &birth {
        let transaction = connection.unchecked_transaction().map_err(storage(&files.path))?;
        transaction.execute_batch(schema).map_err(|error| OpenError::Schema { source: error.into() })?;
        meta.write(&transaction).map_err(storage(&files.path))?;
        transaction.commit().map_err(storage(&files.path))?;
    }
    keeper.capture(&connection).map_err(stopped)?;
    if broken {
        // Logs that a copy made now would need are gone: after a checkpoint it needs none of them.
        keeper.checkpoint(&connection, "PASSIVE").map_err(stopped)?;
    }

    let live = Status {
        signature,
        current: keeper.current(),
        checkpoint: keeper.checkpoint_generation(),
        last_image: keeper.last_lsn(),
        last_full: meta.last_full,
        last_incremental: meta.last_incremental,
        full_required: None,
        backup_running: false,
        circular: options.circular,
        log_bytes: 0,
        stopped: None,
    };
    let shared = Arc::new(Shared {
        options: options.clone(),
        path: files.path.clone(),
        readers: Readers::new(files.path.clone(), options.read_limit),
        live: Mutex::new(live),
        held: Mutex::new(Some(Held { database, lock: files.lock })),
    });
    let mut writer = Writer { shared, connection, keeper, meta, stopped: None, session: false };
    writer.review();
    Database::start(writer, Database::channel()).map_err(storage(&files.path))
}

/// Makes certain that what a process which did not stop in order has left is on the disk.
fn renew_wal(path: &Path) -> io::Result<()> {
    let temporary = sqlite::side_file(path, ".renewed");
    remove_if_present(&temporary)?;
    match committed_length(io::BufReader::new(File::open(path)?))? {
        // SQLite sees nothing in it.
        0 => Ok(()),
        length => renew(path, &temporary, length),
    }
}

/// The end of the logs, as a stopped database left it.
struct Logs {
    /// The file that the tail was read from.
    path: PathBuf,
    tail: Tail,
    /// The tail is a closed generation, and its successor was not yet there.
    rolled: bool,
}

impl Logs {
    fn read(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(OPEN_LOG);
        let missing = || OpenError::LogsMissing { path: directory.to_owned() };
        if !directory.is_dir() {
            return Err(missing());
        }
        let last = Inventory::read(directory, Generation(0)).map_err(storage(directory))?.0.pop_last();
        let damaged = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::LogDamaged { path, source }
        };
        if path.try_exists().map_err(storage(&path))? {
            let tail = Tail::read(&path).map_err(damaged(&path))?;
            if let Some((generation, header)) = last
                && generation >= tail.header.generation
            {
                let expected = tail.header.signature;
                let found = header.map_or(expected, |header| header.signature);
                let path = generation.path_in(directory);
                return Err(OpenError::ForeignLog { path, generation, expected, found });
            }
            return Ok(Self { path, tail, rolled: false });
        }
        // Between two renames of a roll-over there is no open log.
        let (generation, _) = last.ok_or_else(missing)?;
        let path = generation.path_in(directory);
        let tail = Tail::read(&path).map_err(damaged(&path))?;
        if !tail.closed {
            return Err(missing());
        }
        Ok(Self { path, tail, rolled: true })
    }

    /// Goes on writing, after an interrupted roll-over was finished.
    fn resume(self, directory: &Path) -> Result<OpenLog, OpenError> {
        let temporary = directory.join(TEMPORARY_LOG);
        remove_if_present(&temporary).map_err(storage(&temporary))?;
        let log = if self.tail.closed {
            self.tail.finish_roll(directory, !self.rolled, Timestamp::now())
        } else {
            OpenLog::resume(directory, self.tail)
        };
        log.map_err(storage(&self.path))
    }
}

/// Whether database, write-ahead log and logs belong together; the checkpoint to go on with.
fn check_checkpoint(files: &Files, logs: &Logs, database: &File, options: &Options) -> Result<Checkpoint, OpenError> {
    let header = &logs.tail.header;
    let state = &logs.tail.state;
    let directory = &options.log_directory;
    let checkpoint = Checkpoint::read(directory).map_err(storage(directory))?;
    if let Some(checkpoint) = &checkpoint
        && checkpoint.signature != header.signature
    {
        return Err(OpenError::ForeignLog {
            path: logs.path.clone(),
            generation: header.generation,
            expected: checkpoint.signature,
            found: header.signature,
        });
    }
    let wal_path = files.wal_path();
    let wal = match File::open(&wal_path) {
        Ok(wal) => Some(wal),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(storage(&wal_path)(error)),
    };
    let edited =
        |path: &Path, change: &str| OpenError::EditedOffline { path: path.to_owned(), change: change.to_owned() };
    if let Some(clean) = checkpoint.as_ref().and_then(|checkpoint| checkpoint.clean.as_ref()) {
        if let Some(change) = clean.difference(database).map_err(storage(&files.path))? {
            return Err(edited(&files.path, &change));
        }
        if let Some(wal) = &wal
            && wal.metadata().map_err(storage(&wal_path))?.len() != 0
        {
            return Err(edited(&wal_path, "it was empty"));
        }
    } else if wal.is_none() {
        // This crate never removes it; the last connection of another program does.
        return Err(edited(&wal_path, "it is gone"));
    }
    let wal = wal.as_ref().map(io::BufReader::new);
    match follow(state.next_lsn, state.wal, checkpoint.as_ref(), wal).map_err(storage(&wal_path))? {
        Ok(_) => {}
        Err(Mismatch::LogTooShort { found, checkpoint }) => {
            return Err(OpenError::LogTooShort { path: logs.path.clone(), found, checkpoint });
        }
        Err(mismatch) => {
            return Err(OpenError::WalDoesNotFollow { path: wal_path, reason: mismatch.to_string() });
        }
    }
    Ok(checkpoint.unwrap_or(Checkpoint {
        // The write-ahead log goes on from the log, so the frames before are in it from its start on.
        signature: header.signature,
        generation: Generation::FIRST,
        lsn: Lsn(0),
        clean: None,
    }))
}

/// A failure of the operating system or of SQLite, about this file.
pub(super) fn storage<E: Into<Source>>(path: &Path) -> impl FnOnce(E) -> OpenError {
    let path = path.to_owned();
    move |error| OpenError::Storage { path, source: error.into() }
}
