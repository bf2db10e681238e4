//! Storage that fails: no acknowledgement, a clear error, and everything acknowledged is there after opening again.

use std::collections::BTreeSet;
use std::fs;

use certdb::BackupKind::Full;
use certdb::{BackupError, Database, StopKind, WriteError};

use crate::bed::{Bed, insert_one, rows, settled};

/// Writes until a write is refused; the rows that were acknowledged, and the refusal.
fn write_until_refused(database: &Database, from: i64) -> (BTreeSet<i64>, WriteError<rusqlite::Error>) {
    let mut acknowledged = BTreeSet::new();
    for id in from..from + 10_000 {
        match database.write(move |transaction| insert_one(transaction, id)) {
            Ok(_) => acknowledged.insert(id),
            Err(error) => return (acknowledged, error),
        };
    }
    panic!("no write was refused");
}

#[test]
fn a_roll_over_that_fails_stops_the_writer() {
    let bed = Bed::new();
    let database = bed.create();
    // A directory where the next generation would be written.
    let obstacle = bed.log().join("edbtmp.log");
    fs::create_dir(&obstacle).unwrap();
    let (acknowledged, error) = write_until_refused(&database, 0);
    let WriteError::Stopped(stop) = &error else { panic!("{error}") };
    assert_eq!((stop.kind, stop.doing.as_str()), (StopKind::Storage, "closing a log generation"));
    assert_eq!(settled_stop(&database), Some(stop.clone()));
    assert!(matches!(database.begin_backup(Full), Err(BackupError::Stopped(_))));
    assert_eq!(rows(&database), acknowledged, "reading goes on");
    assert_eq!(database.close().unwrap_err(), *stop);

    fs::remove_dir(&obstacle).unwrap();
    let database = bed.open();
    assert_eq!(rows(&database), acknowledged);
    database.write(|transaction| insert_one(transaction, -1)).unwrap();
    assert_eq!(settled(&database).stopped, None);
}

#[test]
fn a_generation_file_in_the_way_stops_the_writer() {
    let bed = Bed::new();
    let database = bed.create();
    fs::write(bed.log().join("edb00001.log"), "in the way").unwrap();
    let (acknowledged, error) = write_until_refused(&database, 0);
    assert!(matches!(&error, WriteError::Stopped(stop) if stop.kind == StopKind::ChainBroken), "{error}");
    drop(database);
    assert_eq!(fs::read(bed.log().join("edb00001.log")).unwrap(), b"in the way");
    Database::open(&bed.data(), &bed.options).unwrap_err();
    fs::remove_file(bed.log().join("edb00001.log")).unwrap();
    assert_eq!(rows(&bed.open()), acknowledged);
}

#[test]
fn frames_written_past_the_keeper_stop_the_writer() {
    let bed = Bed::with(|options| options.checkpoint_frames = 1_000_000);
    let database = bed.create();
    database.write(|transaction| insert_one(transaction, 1)).unwrap();
    // Something else cuts the write-ahead log.
    fs::OpenOptions::new().write(true).open(bed.wal_path()).unwrap().set_len(100).unwrap();
    let result = database.write(|transaction| insert_one(transaction, 2));
    assert!(matches!(&result, Err(WriteError::Unacknowledged(_))), "{result:?}");
    let result = database.write(|transaction| insert_one(transaction, 3));
    assert!(matches!(&result, Err(WriteError::Stopped(_))), "{result:?}");
}

fn settled_stop(database: &Database) -> Option<certdb::Stop> {
    let _ = database.write(|transaction| insert_one(transaction, -2));
    database.status().stopped
}
