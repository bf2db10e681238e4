//! Recovery from a backup set, and of what a lost database left.

use std::fs;

use certdb::BackupKind::{Full, Incremental};
use certdb::set::{RecoverRequest, Until};
use certdb::{Database, Generation};

use crate::bed::{Bed, backup, insert, recover, request, rows, rows_of, settled};

#[test]
fn a_full_backup_restores_what_was_committed_before_it_ended() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..300);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    insert(&database, 300..400);
    let target = bed.path("restored.db");
    recover(&request(&copy.unwrap(), &logs, target.clone())).unwrap();
    assert_eq!(rows_of(&target), (0..300).collect());
}

#[test]
fn full_and_incremental_backups_and_the_live_logs_restore_everything() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let (copy, mut logs) = backup(&database, Full, &bed.path("full"), true);
    insert(&database, 100..200);
    logs.extend(backup(&database, Incremental, &bed.path("incremental-1"), true).1);
    insert(&database, 200..300);
    logs.extend(backup(&database, Incremental, &bed.path("incremental-2"), true).1);
    insert(&database, 300..500);

    let set = request(&copy.unwrap(), &logs, bed.path("restored.db"));
    recover(&set).unwrap();
    assert_eq!(rows_of(&set.target), (0..300).collect());

    let later = RecoverRequest { later_logs: Some(bed.log()), ..set };
    recover(&later).unwrap();
    assert_eq!(rows_of(&later.target), (0..500).collect());
}

#[test]
fn a_restored_database_is_adopted_and_must_be_backed_up_in_full() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    insert(&database, 100..200);
    let signature = database.status().signature;
    let current = settled(&database).current;
    database.close().unwrap();

    recover(&request(&copy.unwrap(), &logs, bed.database_path())).unwrap();
    let refused = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, certdb::OpenError::Restored { .. }), "{refused}");
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    assert_eq!(rows(&database), (0..100).collect());
    let status = database.status();
    assert_ne!(status.signature, signature);
    assert_eq!(status.current, Generation(current.0 + 1));
    assert_eq!(status.full_required, Some(certdb::FullReason::Restored));
    database.begin_backup(Incremental).unwrap_err();
    insert(&database, 1000..1100);
    let (copy, logs) = backup(&database, Full, &bed.path("second"), true);
    insert(&database, 1100..1200);
    database.begin_backup(Incremental).unwrap();
    database.close().unwrap();
    let target = bed.path("restored.db");
    recover(&request(&copy.unwrap(), &logs, target.clone())).unwrap();
    assert_eq!(rows_of(&target), (0..100).chain(1000..1100).collect());
    assert_eq!(rows(&bed.open()), (0..100).chain(1000..1200).collect());
}

#[test]
fn recovery_stops_at_a_generation() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let (copy, mut logs) = backup(&database, Full, &bed.path("full"), false);
    insert(&database, 100..150);
    logs.extend(backup(&database, Incremental, &bed.path("one"), false).1);
    let until = database.status().current.0 - 1;
    insert(&database, 150..200);
    logs.extend(backup(&database, Incremental, &bed.path("two"), false).1);
    let request = RecoverRequest {
        until: Until::Generation(Generation(until)),
        ..request(&copy.unwrap(), &logs, bed.path("restored.db"))
    };
    let recovered = recover(&request).unwrap();
    assert_eq!(recovered.last, Generation(until));
    assert_eq!(rows_of(&request.target), (0..150).collect());
    assert!(fs::exists(&request.target).unwrap());
}
