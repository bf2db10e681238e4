//! What happens to the files while the database is stopped, or behind its back.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::time::SystemTime;

use certdb::BackupKind::{Full, Incremental};
use certdb::{Database, FullReason, OpenError};
use rusqlite::Connection;

use crate::bed::{Bed, backup, insert, rows};

/// A database with a few rows and a full backup, stopped in order.
fn stopped() -> Bed {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    backup(&database, Full, &bed.path("full"), false);
    insert(&database, 100..120);
    database.close().unwrap();
    bed
}

/// The files as a process that was killed leaves them.
fn killed() -> Bed {
    killed_with(1_000_000)
}

fn killed_with(checkpoint_frames: u32) -> Bed {
    let bed = Bed::with(|options| options.checkpoint_frames = checkpoint_frames);
    let database = bed.create();
    insert(&database, 0..100);
    let kept = bed.path("kept");
    for directory in ["data", "log"] {
        fs::create_dir_all(kept.join(directory)).unwrap();
        for entry in fs::read_dir(bed.path(directory)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), kept.join(directory).join(entry.file_name())).unwrap();
        }
    }
    drop(database);
    for directory in ["data", "log"] {
        fs::remove_dir_all(bed.path(directory)).unwrap();
        fs::rename(kept.join(directory), bed.path(directory)).unwrap();
    }
    bed
}

fn refused(bed: &Bed) -> OpenError {
    let before = listing(bed);
    let error = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert_eq!(listing(bed), before, "nothing is changed: {error}");
    error
}

fn listing(bed: &Bed) -> Vec<(std::path::PathBuf, u64, SystemTime)> {
    let mut files: Vec<_> = [bed.data(), bed.log()]
        .iter()
        .filter_map(|directory| fs::read_dir(directory).ok())
        .flatten()
        .map(|entry| {
            let path = entry.unwrap().path();
            let metadata = path.metadata().unwrap();
            (path, metadata.len(), metadata.modified().unwrap())
        })
        .collect();
    files.sort();
    files
}

/// The way out of every such state.
fn adopted(bed: &Bed) -> Database {
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    let status = database.status();
    assert_eq!(status.full_required, Some(FullReason::Adopted));
    database.begin_backup(Incremental).unwrap_err();
    backup(&database, Full, &bed.path("new"), true);
    database.begin_backup(Incremental).unwrap();
    database
}

#[test]
fn an_edit_with_another_program_is_noticed() {
    let bed = stopped();
    Connection::open(bed.database_path()).unwrap().execute("DELETE FROM entry WHERE id = 3", []).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::EditedOffline { .. }), "{error}");
    let rows = rows(&adopted(&bed));
    assert_eq!(rows, (0..120).filter(|id| *id != 3).collect());
}

#[test]
fn an_edit_after_a_crash_is_noticed() {
    let bed = killed();
    Connection::open(bed.database_path()).unwrap().execute("DELETE FROM entry WHERE id = 3", []).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::EditedOffline { .. }), "{error}");
    let rows = rows(&adopted(&bed));
    assert_eq!(rows, (0..100).filter(|id| *id != 3).collect());
}

#[test]
fn looking_with_another_program_is_no_edit() {
    let bed = stopped();
    let looked: i64 = Connection::open(bed.database_path())
        .unwrap()
        .query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
        .unwrap();
    assert_eq!(looked, 120);
    assert_eq!(rows(&bed.open()), (0..120).collect());
}

#[test]
fn a_database_that_was_copied_elsewhere_and_back_is_the_same() {
    let bed = stopped();
    let bytes = fs::read(bed.database_path()).unwrap();
    fs::write(bed.database_path(), bytes).unwrap();
    let database = bed.open();
    assert_eq!(database.status().full_required, None);
    assert_eq!(rows(&database), (0..120).collect());
}

#[test]
fn an_older_copy_put_in_its_place_is_noticed() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..10);
    database.close().unwrap();
    let old = fs::read(bed.database_path()).unwrap();
    let database = bed.open();
    insert(&database, 10..11);
    database.close().unwrap();
    fs::write(bed.database_path(), old).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::EditedOffline { .. }), "{error}");
}

#[test]
fn a_database_without_its_logs_is_noticed() {
    for prepare in [stopped, killed] {
        let bed = prepare();
        fs::remove_dir_all(bed.log()).unwrap();
        let error = refused(&bed);
        assert!(matches!(error, OpenError::LogsMissing { .. }), "{error}");
        fs::create_dir(bed.log()).unwrap();
        let error = refused(&bed);
        assert!(matches!(error, OpenError::LogsMissing { .. }), "{error}");
        adopted(&bed);
    }
}

#[test]
fn logs_of_another_database_are_noticed() {
    let bed = stopped();
    let other = stopped();
    fs::remove_dir_all(bed.log()).unwrap();
    fs::rename(other.log(), bed.log()).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::EditedOffline { .. } | OpenError::ForeignLog { .. }), "{error}");
    adopted(&bed);
}

#[test]
fn another_database_beside_its_write_ahead_log_is_noticed() {
    let bed = killed_with(50);
    let other = stopped();
    fs::copy(other.database_path(), bed.database_path()).unwrap();
    let error = refused(&bed);
    assert!(
        matches!(error, OpenError::ForeignLog { .. } | OpenError::WalDoesNotFollow { .. } | OpenError::Storage { .. }),
        "{error}"
    );
}

#[test]
fn a_write_ahead_log_that_is_gone_is_noticed() {
    let bed = killed();
    fs::remove_file(bed.wal_path()).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::EditedOffline { .. }), "{error}");
}

#[test]
fn a_write_ahead_log_that_lost_frames_is_noticed() {
    let bed = killed();
    let wal = OpenOptions::new().write(true).open(bed.wal_path()).unwrap();
    wal.set_len(wal.metadata().unwrap().len() - 4120 * 3).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::WalDoesNotFollow { .. }), "{error}");
    wal.set_len(0).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::WalDoesNotFollow { .. }), "{error}");
}

#[test]
fn a_write_ahead_log_of_another_database_is_noticed() {
    let bed = killed();
    let other = killed();
    fs::copy(other.wal_path(), bed.wal_path()).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::WalDoesNotFollow { .. }), "{error}");
}

#[test]
fn a_log_that_lost_more_than_its_unsynced_end_is_noticed() {
    let bed = stopped();
    let log = OpenOptions::new().write(true).open(bed.log().join("edb.log")).unwrap();
    log.set_len(4096).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::LogTooShort { .. }), "{error}");
    let mut log = File::create(bed.log().join("edb.log")).unwrap();
    log.write_all(b"no log at all").unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::LogDamaged { .. }), "{error}");
    adopted(&bed);
}

#[test]
fn the_unsynced_end_of_the_log_is_made_good_from_the_write_ahead_log() {
    let bed = killed();
    let mut log = OpenOptions::new().write(true).open(bed.log().join("edb.log")).unwrap();
    assert!(log.metadata().unwrap().len() > 4096 + 4160, "the open log holds something");
    log.seek(SeekFrom::End(-100)).unwrap();
    log.write_all(&[0xAA; 100]).unwrap();
    let database = bed.open();
    assert_eq!(rows(&database), (0..100).collect());
    insert(&database, 100..200);
    database.close().unwrap();
    assert_eq!(rows(&bed.open()), (0..200).collect());
}

#[test]
fn a_checkpoint_file_that_is_lost_is_made_again() {
    let bed = killed();
    fs::remove_file(bed.log().join("edb.chk")).unwrap();
    let database = bed.open();
    insert(&database, 100..200);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    let request = crate::bed::request(&copy.unwrap(), &logs, bed.path("restored.db"));
    crate::bed::recover(&request).unwrap();
    assert_eq!(crate::bed::rows_of(&request.target), (0..200).collect());
}

#[test]
fn a_closed_generation_that_was_deleted_forces_a_full_backup() {
    let bed = stopped();
    let database = bed.open();
    insert(&database, 120..300);
    let current = database.status().current;
    database.close().unwrap();
    let missing = certdb::Generation(current.0 - 2);
    fs::remove_file(bed.log().join(missing.file_name())).unwrap();
    let database = bed.open();
    assert_eq!(database.status().full_required, Some(FullReason::BrokenChain { generation: missing }));
    database.begin_backup(Incremental).unwrap_err();
    let (copy, logs) = backup(&database, Full, &bed.path("again"), true);
    assert_eq!(database.status().full_required, None);
    let request = crate::bed::request(&copy.unwrap(), &logs, bed.path("restored.db"));
    crate::bed::recover(&request).unwrap();
    assert_eq!(crate::bed::rows_of(&request.target), (0..300).collect());
}

#[test]
fn a_closed_generation_of_another_database_is_never_overwritten() {
    let bed = stopped();
    let in_the_way = bed.log().join("edb00100.log");
    fs::write(&in_the_way, "something").unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::ForeignLog { .. }), "{error}");
}

#[test]
fn other_files_are_no_databases() {
    let bed = stopped();
    for content in [&b""[..], b"short", &[0x55; 8192]] {
        fs::write(bed.database_path(), content).unwrap();
        let error = refused(&bed);
        assert!(matches!(error, OpenError::NotADatabase { .. }), "{error}");
    }
    fs::remove_file(bed.database_path()).unwrap();
    let error = refused(&bed);
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
}
