//! Adopting a database.

use std::fs;

use certdb::BackupKind::Full;
use certdb::set::{RecoverRequest, is_certdb_database};
use certdb::{Database, FullReason, Generation, OpenError};
use rusqlite::Connection;

use crate::bed::{Bed, SCHEMA, backup, insert, recover, request, rows, rows_of, settled};

#[test]
fn adopting_starts_a_new_signature_and_goes_on_with_the_numbers() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let before = settled(&database);
    database.close().unwrap();
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    let after = database.status();
    assert_ne!(after.signature, before.signature);
    assert_eq!(after.current, Generation(before.current.0 + 1));
    assert_eq!(after.full_required, Some(FullReason::Adopted));
    assert_eq!(rows(&database), (0..100).collect());
}

#[test]
fn the_earlier_logs_are_set_aside_and_still_recover() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), false);
    insert(&database, 100..200);
    database.close().unwrap();
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    insert(&database, 200..300);
    let aside: Vec<_> =
        fs::read_dir(bed.log()).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    assert_eq!(aside.len(), 1);
    let request = RecoverRequest {
        later_logs: Some(aside[0].clone()),
        ..request(&copy.unwrap(), &logs, bed.path("restored.db"))
    };
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), (0..200).collect());
}

#[test]
fn an_interrupted_adoption_is_begun_again() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let current = settled(&database).current;
    database.close().unwrap();
    drop(Database::adopt(&bed.data(), &bed.options).unwrap());
    // The new logs are not there yet.
    for name in ["edb.log", "edb.chk"] {
        fs::remove_file(bed.log().join(name)).unwrap();
    }
    let refused = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, OpenError::LogsMissing { .. }), "{refused}");
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    assert!(database.status().current > current);
    assert_eq!(rows(&database), (0..100).collect());
}

#[test]
fn a_plain_sqlite_database_is_adopted() {
    let bed = Bed::new();
    fs::create_dir_all(bed.data()).unwrap();
    Connection::open(bed.database_path()).unwrap().execute_batch(SCHEMA).unwrap();
    assert!(!is_certdb_database(&bed.database_path()).unwrap());
    let refused = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, OpenError::NotADatabase { .. }), "{refused}");
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    insert(&database, 0..100);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    database.close().unwrap();
    assert!(is_certdb_database(&bed.database_path()).unwrap());
    let target = bed.path("restored.db");
    recover(&request(&copy.unwrap(), &logs, target.clone())).unwrap();
    assert_eq!(rows_of(&target), (0..100).collect());
    assert!(is_certdb_database(&target).unwrap());
}

#[test]
fn a_damaged_database_is_not_adopted() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    database.close().unwrap();
    let mut bytes = fs::read(bed.database_path()).unwrap();
    bytes[8192..20000].fill(0x5A);
    fs::write(bed.database_path(), bytes).unwrap();
    let refused = Database::adopt(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { .. } | OpenError::Storage { .. }), "{refused}");
}
