//! Creating a database.

use std::fs;
use std::io;
use std::path::Path;

use rusqlite::Connection;

use super::database::Database;
use super::inventory::Inventory;
use super::open::{Birth, Files, start, storage};
use super::{Meta, sqlite};
use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, CheckpointFile, Fingerprint};
use crate::durable::{create_directory, create_private, parent, remove_if_present, sync_directory};
use crate::log::{Header, OPEN_LOG, OpenLog, Tail, WalPosition};
use crate::wal::WalReader;
use crate::{Digest, Generation, Lsn, OpenError, Options, PAGE_SIZE, Signature, Timestamp};

pub(super) fn create(directory: &Path, options: &Options, schema: &str) -> Result<Database, OpenError> {
    let log_directory = &options.log_directory;
    create_directory(directory).map_err(storage(directory))?;
    create_directory(log_directory).map_err(storage(log_directory))?;
    let files = Files::lock(directory, options)?;
    clear(&files, log_directory)?;

    let signature = Signature::random().map_err(storage(&files.path))?;
    let temporary = sqlite::side_file(&files.path, ".creating");
    let fingerprint = blank(&temporary).map_err(storage(&temporary))?;
    let header = Header {
        signature,
        generation: Generation::FIRST,
        first: true,
        origin: true,
        created: Timestamp::now(),
        previous_created: Timestamp(0),
        previous_digest: Digest::default(),
        first_lsn: Lsn(1),
        pages: 0,
        wal: WalPosition::default(),
        last_commit: Timestamp(0),
    };
    establish(log_directory, header, fingerprint).map_err(storage(log_directory))?;
    fs::rename(&temporary, &files.path).map_err(storage(&files.path))?;
    sync_directory(parent(&files.path)).map_err(storage(&files.path))?;
    let meta = Meta { signature: Some(signature), ..Meta::default() };
    start(files, options, Birth::Now { meta, schema })
}

/// Starts the logs of a database that is at rest.
pub(super) fn establish(directory: &Path, header: Header, fingerprint: Fingerprint) -> io::Result<()> {
    let checkpoint = Checkpoint {
        signature: header.signature,
        generation: header.generation,
        lsn: header.first_lsn,
        clean: Some(fingerprint),
    };
    OpenLog::create(directory, header)?;
    CheckpointFile::open(directory)?.store(&checkpoint)?;
    sync_directory(directory)
}

/// An empty database in WAL mode.
fn blank(path: &Path) -> Result<Fingerprint, crate::error::Source> {
    sqlite::remove_side_files(path)?;
    let file = create_private(path)?;
    let connection = Connection::open(path)?;
    connection.execute_batch(&format!(
        "PRAGMA page_size = {PAGE_SIZE}; PRAGMA application_id = {}; PRAGMA journal_mode = WAL;",
        sqlite::APPLICATION
    ))?;
    connection.close().map_err(|(_, error)| error)?;
    file.sync_all()?;
    Ok(Fingerprint::take(&file)?)
}

/// Removes what an interrupted creation left; anything else is in the way.
fn clear(files: &Files, log_directory: &Path) -> Result<(), OpenError> {
    let exists = |path: &Path| OpenError::AlreadyExists { path: path.to_owned() };
    match fs::metadata(&files.path) {
        Ok(metadata) if metadata.len() > PAGE_SIZE as u64 => return Err(exists(&files.path)),
        Ok(_) => {
            // One page and no commit: the tables were never created.
            let wal_path = files.wal_path();
            let commits = match fs::File::open(&wal_path) {
                Ok(wal) => WalReader::open(io::BufReader::new(wal))
                    .and_then(|reader| reader.map(WalReader::last_commit).transpose())
                    .map_err(storage(&wal_path))?
                    .is_some_and(|position| position.frame > 0),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(storage(&wal_path)(error)),
            };
            if commits {
                return Err(exists(&files.path));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(storage(&files.path)(error)),
    }
    let inventory = Inventory::read(log_directory, Generation(0)).map_err(storage(log_directory))?;
    if let Some((generation, _)) = inventory.0.first_key_value() {
        return Err(exists(&generation.path_in(log_directory)));
    }
    let open_log = log_directory.join(OPEN_LOG);
    if open_log.try_exists().map_err(storage(&open_log))?
        && !Tail::read(&open_log).is_ok_and(|tail| tail.header.origin && tail.state.next_lsn == Lsn(1))
    {
        return Err(exists(&open_log));
    }
    // The database goes first: without it the rest is known to be nothing.
    for path in [
        files.path.clone(),
        files.wal_path(),
        sqlite::side_file(&files.path, "-shm"),
        sqlite::side_file(&files.path, "-journal"),
        open_log,
        log_directory.join(CHECKPOINT_FILE),
    ] {
        remove_if_present(&path).map_err(storage(&path))?;
    }
    sync_directory(parent(&files.path)).map_err(storage(&files.path))?;
    sync_directory(log_directory).map_err(storage(log_directory))
}
