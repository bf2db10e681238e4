//! Adopting a database that its logs do not lead to.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::create::establish;
use super::database::Database;
use super::inventory::Inventory;
use super::open::{Birth, Files, application_id, start, storage};
use super::{Meta, sqlite};
use crate::checkpoint::{CHECKPOINT_FILE, Checkpoint, Fingerprint};
use crate::durable::{create_directory, create_private, parent, sync_directory};
use crate::error::Source;
use crate::log::{Header, OPEN_LOG, TEMPORARY_LOG, Tail, WalPosition};
use crate::platform::private_file;
use crate::{Digest, FullReason, Generation, Lsn, OpenError, Options, Signature, Timestamp};

pub(super) fn adopt(directory: &Path, options: &Options) -> Result<Database, OpenError> {
    let log_directory = &options.log_directory;
    let files = Files::lock(directory, options)?;
    let restored = match application_id(&files.path, &files.database()?)? {
        sqlite::RESTORED => true,
        sqlite::APPLICATION | 0 => false,
        other => {
            let reason = format!("application id {other:#010x}");
            return Err(OpenError::NotADatabase { path: files.path, reason });
        }
    };
    create_directory(log_directory).map_err(storage(log_directory))?;
    // A restored database gets its identity in a copy: until that takes its place, a power cut changes nothing. One that was in use
    // keeps its write-ahead log until all of it is checkpointed, so that it can be adopted where it is.
    let signed = if restored { copy(&files.path).map_err(storage(&files.path))? } else { files.path.clone() };

    // Each step leaves something that `open` refuses and that can be adopted again.
    let (header, fingerprint) = {
        let connection = sqlite::connect(&signed).map_err(storage(&signed))?;
        if let Some(reason) = sqlite::quick_check(&connection).map_err(storage(&files.path))? {
            return Err(OpenError::Damaged { path: files.path, reason });
        }
        let earlier = Meta::read(&connection).map_err(storage(&files.path))?.unwrap_or_default();
        let generation = next_generation(log_directory, &earlier)?;
        let signature = Signature::random().map_err(storage(&files.path))?;
        let reason = if restored || earlier.full_required == Some(FullReason::Restored) {
            FullReason::Restored
        } else {
            FullReason::Adopted
        };
        let meta = Meta {
            signature: Some(signature),
            full_required: Some(reason),
            next_generation: Some(generation),
            ..Meta::default()
        };
        let pages = sign(&connection, &meta).map_err(storage(&files.path))?;
        drop(connection);
        sqlite::remove_side_files(&signed).map_err(storage(&signed))?;
        let database = private_file().open(&signed).map_err(storage(&signed))?;
        if restored {
            database.sync_all().and_then(|()| fs::rename(&signed, &files.path)).map_err(storage(&files.path))?;
        }
        sync_directory(parent(&files.path)).map_err(storage(&files.path))?;
        set_aside(log_directory, generation).map_err(storage(log_directory))?;
        let header = Header {
            signature,
            generation,
            first: true,
            origin: false,
            created: Timestamp::now(),
            previous_created: Timestamp(0),
            previous_digest: Digest::default(),
            first_lsn: Lsn(1),
            pages,
            wal: WalPosition::default(),
            last_commit: Timestamp(0),
        };
        (header, Fingerprint::take(&database).map_err(storage(&files.path))?)
    };
    establish(log_directory, header, fingerprint).map_err(storage(log_directory))?;
    start(files, options, Birth::Earlier)
}

/// Copies a restored database beside itself. What else lies beside it belongs to the database that was there before, and goes.
fn copy(path: &Path) -> io::Result<PathBuf> {
    let copy = sqlite::side_file(path, ".adopting");
    sqlite::remove_side_files(path)?;
    sqlite::remove_side_files(&copy)?;
    sync_directory(parent(path))?;
    let mut from = File::open(path)?;
    io::copy(&mut from, &mut create_private(&copy)?)?;
    Ok(copy)
}

/// Gives the database its new identity, all of it in the database file. Returns its pages.
fn sign(connection: &rusqlite::Connection, meta: &Meta) -> Result<u32, Source> {
    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    let transaction = connection.unchecked_transaction()?;
    meta.write(&transaction)?;
    transaction.pragma_update(None, "application_id", sqlite::APPLICATION)?;
    transaction.commit()?;
    let frames = sqlite::checkpoint(connection, "TRUNCATE")?;
    if frames.moved != frames.log {
        return Err("the checkpoint did not finish".into());
    }
    Ok(connection.query_row("PRAGMA page_count", [], |row| row.get(0))?)
}

/// The number after all that were ever used, as far as the files tell.
fn next_generation(log_directory: &Path, earlier: &Meta) -> Result<Generation, OpenError> {
    let closed = Inventory::read(log_directory, Generation(0)).map_err(storage(log_directory))?;
    let open = Tail::read(&log_directory.join(OPEN_LOG)).ok().map(|tail| tail.header.generation);
    let checkpoint = Checkpoint::read(log_directory).map_err(storage(log_directory))?;
    let used = [
        closed.0.last_key_value().map(|(generation, _)| *generation),
        open,
        checkpoint.map(|checkpoint| checkpoint.generation),
    ];
    let next = used.into_iter().flatten().max().map_or(Some(Generation::FIRST), Generation::next);
    next.map(|next| next.max(earlier.next_generation.unwrap_or(Generation::FIRST)))
        .ok_or_else(|| storage(log_directory)(io::Error::other("generation numbers are used up")))
}

/// Moves all logs into a directory of their own.
fn set_aside(log_directory: &Path, generation: Generation) -> io::Result<()> {
    let aside = log_directory.join(format!("before-{:05x}", generation.0));
    let mut moved = false;
    for entry in fs::read_dir(log_directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let ours = Generation::of_path(&entry.path()).is_some()
            || [OPEN_LOG, TEMPORARY_LOG, CHECKPOINT_FILE].iter().any(|known| name == *known);
        if ours {
            create_directory(&aside)?;
            fs::rename(entry.path(), aside.join(name))?;
            moved = true;
        }
    }
    if moved {
        sync_directory(&aside)?;
    }
    sync_directory(log_directory)
}
