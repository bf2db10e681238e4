//! After a disaster: a backup, and whatever the lost database left.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

use certdb::BackupKind::Full;
use certdb::set::{ChainError, RecoverError, RecoverRequest, Until};
use certdb::{Database, Generation};

use crate::bed::{Bed, backup, insert, recover, request, rows, rows_of};

/// A full backup of 0..100, then rows up to 300 and a process that is killed: its files in `left`.
fn disaster() -> (Bed, RecoverRequest, PathBuf) {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), true);
    insert(&database, 100..300);
    let left = bed.path("left");
    fs::create_dir_all(&left).unwrap();
    for entry in fs::read_dir(bed.log()).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), left.join(entry.file_name())).unwrap();
    }
    let wal = bed.path("left.wal");
    fs::copy(bed.wal_path(), &wal).unwrap();
    drop(database);
    let request = RecoverRequest { later_logs: Some(left), ..request(&copy.unwrap(), &logs, bed.path("restored.db")) };
    (bed, request, wal)
}

fn later(request: &RecoverRequest, name: &str) -> PathBuf {
    request.later_logs.as_ref().unwrap().join(name)
}

#[test]
fn the_logs_alone_hold_every_acknowledged_row() {
    let (_bed, request, _) = disaster();
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), (0..300).collect());
}

#[test]
fn the_write_ahead_log_makes_good_what_the_open_log_lost() {
    let (_bed, mut request, wal) = disaster();
    let open = OpenOptions::new().write(true).open(later(&request, "edb.log")).unwrap();
    open.set_len(open.metadata().unwrap().len() - 10_000).unwrap();
    recover(&request).unwrap();
    assert!(rows_of(&request.target).len() < 300);
    request.salvage_wal = Some(wal);
    let recovered = recover(&request).unwrap();
    assert!(recovered.salvaged > 0);
    assert_eq!(rows_of(&request.target), (0..300).collect());
    assert_eq!(recover(&request).unwrap(), recovered, "again the same");
}

#[test]
fn a_write_ahead_log_that_adds_nothing_is_no_obstacle() {
    let (bed, mut request, wal) = disaster();
    request.salvage_wal = Some(wal.clone());
    assert_eq!(recover(&request).unwrap().salvaged, 0);
    OpenOptions::new().write(true).open(&wal).unwrap().set_len(0).unwrap();
    recover(&request).unwrap();
    request.salvage_wal = Some(bed.path("absent"));
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), (0..300).collect());
}

#[test]
fn a_foreign_write_ahead_log_is_refused() {
    let (_bed, mut request, _) = disaster();
    let (_other, _, wal) = disaster();
    request.salvage_wal = Some(wal);
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::WalDoesNotFollow { .. }), "{error}");
}

#[test]
fn a_gap_after_the_set_is_refused_but_can_be_stopped_before() {
    let (_bed, mut request, _) = disaster();
    let next = Generation::of_path(request.set.logs.last().unwrap()).unwrap().next().unwrap();
    fs::remove_file(later(&request, &next.next().unwrap().file_name())).unwrap();
    let error = recover(&request).unwrap_err();
    assert!(
        matches!(error, RecoverError::Chain(ChainError::Missing { generation }) if Some(generation) == next.next()),
        "{error}"
    );
    request.until = Until::Generation(next);
    recover(&request).unwrap();
    let rows = rows_of(&request.target).len();
    assert!((101..300).contains(&rows), "{rows}");
    request.until = Until::Generation(Generation(next.0 + 1));
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::Chain(ChainError::Missing { .. })), "{error}");
}

#[test]
fn a_foreign_log_after_the_set_is_refused() {
    let (_bed, request, _) = disaster();
    let (_other, foreign, _) = disaster();
    fs::copy(later(&foreign, "edb.log"), later(&request, "edb.log")).unwrap();
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::Chain(ChainError::Foreign { .. })), "{error}");
}

#[test]
fn recovery_stops_at_a_time() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), false);
    insert(&database, 50..100);
    std::thread::sleep(Duration::from_millis(5));
    let time = SystemTime::now();
    std::thread::sleep(Duration::from_millis(5));
    insert(&database, 100..150);
    let mut request = RecoverRequest {
        later_logs: Some(bed.log()),
        until: Until::Time(time),
        ..request(&copy.unwrap(), &logs, bed.path("restored.db"))
    };
    let recovered = recover(&request).unwrap();
    assert!(recovered.last_commit.unwrap().system_time().unwrap() <= time);
    assert_eq!(rows_of(&request.target), (0..100).collect());

    // A gap behind that time is no matter.
    request.until = Until::Time(time + Duration::from_secs(3600));
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), (0..150).collect());
    request.until = Until::Time(SystemTime::UNIX_EPOCH + Duration::from_secs(1));
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::TooEarly { .. }), "{error}");
}

#[test]
fn a_running_database_is_not_replaced() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), false);
    let request = request(&copy.unwrap(), &logs, bed.database_path());
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::InUse { .. }), "{error}");
    insert(&database, 50..60);
    database.close().unwrap();
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), (0..50).collect());
}

#[test]
fn a_stale_write_ahead_log_beside_a_restored_database_does_no_harm() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), false);
    insert(&database, 50..100);
    let wal = fs::read(bed.wal_path()).unwrap();
    drop(database);
    recover(&request(&copy.unwrap(), &logs, bed.database_path())).unwrap();
    assert!(!bed.wal_path().exists());
    // As if the process had been killed right after the rename.
    fs::write(bed.wal_path(), wal).unwrap();
    Database::open(&bed.data(), &bed.options).unwrap_err();
    let database = Database::adopt(&bed.data(), &bed.options).unwrap();
    assert_eq!(rows(&database), (0..50).collect());
}

#[test]
fn the_logs_of_a_running_database_may_be_followed() {
    let bed = Bed::with(|options| options.generation_size = 20_000);
    let database = bed.create();
    insert(&database, 0..20);
    let (copy, logs) = backup(&database, Full, &bed.path("full"), false);
    let (acknowledged, stop) = (Arc::new(AtomicI64::new(20)), Arc::new(AtomicBool::new(false)));
    let writer = {
        let (database, acknowledged, stop) = (database.clone(), Arc::clone(&acknowledged), Arc::clone(&stop));
        std::thread::spawn(move || {
            for id in 20.. {
                if stop.load(Ordering::SeqCst) {
                    return;
                }
                insert(&database, [id]);
                acknowledged.store(id + 1, Ordering::SeqCst);
            }
        })
    };
    let request =
        RecoverRequest { later_logs: Some(bed.log()), ..request(&copy.unwrap(), &logs, bed.path("restored.db")) };
    for _ in 0..15 {
        let known = acknowledged.load(Ordering::SeqCst);
        recover(&request).unwrap();
        let rows = rows_of(&request.target);
        assert!((0..known).all(|id| rows.contains(&id)), "{} rows, {known} acknowledged before", rows.len());
    }
    stop.store(true, Ordering::SeqCst);
    writer.join().unwrap();
}
