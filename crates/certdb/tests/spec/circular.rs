//! Circular logging.

use std::fs;

use certdb::BackupKind::{Full, Incremental};
use certdb::{BackupError, Database, FullReason, Generation, Options};

use crate::bed::{Bed, backup, insert, recover, request, rows, rows_of};

fn count(bed: &Bed) -> usize {
    fs::read_dir(bed.log())
        .unwrap()
        .filter(|entry| Generation::of_path(&entry.as_ref().unwrap().path()).is_some())
        .count()
}

#[test]
fn generations_before_the_checkpoint_are_deleted() {
    let bed = Bed::with(|options| options.circular = true);
    let database = bed.create();
    insert(&database, 0..500);
    assert!(database.status().current > Generation(10));
    assert!(count(&bed) < 5, "{} closed generations", count(&bed));
    database.close().unwrap();
    assert_eq!(rows(&bed.open()), (0..500).collect());
}

#[test]
fn incremental_backups_are_refused_and_full_ones_work() {
    let bed = Bed::with(|options| options.circular = true);
    let database = bed.create();
    insert(&database, 0..200);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    assert!(matches!(database.begin_backup(Incremental), Err(BackupError::CircularLogging)));
    assert_eq!(database.status().full_required, Some(FullReason::Circular));
    let target = bed.path("restored.db");
    recover(&request(&copy.unwrap(), &logs, target.clone())).unwrap();
    assert_eq!(rows_of(&target), (0..200).collect());
}

#[test]
fn nothing_is_deleted_while_a_backup_runs() {
    let bed = Bed::with(|options| options.circular = true);
    let database = bed.create();
    insert(&database, 0..100);
    let mut session = database.begin_backup(Full).unwrap();
    let low = database.status().checkpoint;
    insert(&database, 100..500);
    let logs = session.logs().unwrap();
    assert_eq!(Generation::of_path(&logs[0]), Some(low));
    assert!(logs.len() > 5);
}

#[test]
fn after_circular_logging_a_full_backup_is_required() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    backup(&database, Full, &bed.path("full"), true);
    database.close().unwrap();
    let circular = Options { circular: true, ..bed.options.clone() };
    let database = Database::open(&bed.data(), &circular).unwrap();
    insert(&database, 50..400);
    database.close().unwrap();
    let database = bed.open();
    let reason = database.status().full_required;
    assert!(matches!(reason, Some(FullReason::BrokenChain { .. })), "{reason:?}");
    assert!(matches!(database.begin_backup(Incremental), Err(BackupError::FullRequired(_))));
    backup(&database, Full, &bed.path("second"), true);
    assert_eq!(database.status().full_required, None);
}
