//! The order of a backup session.

use std::path::Path;

use certdb::BackupKind::{Full, Incremental};
use certdb::{BackupError, FullReason, Generation};

use crate::bed::{Bed, backup, fetch, insert, recover, request, rows, rows_of, settled};

#[test]
fn only_one_session_runs_at_a_time() {
    let bed = Bed::new();
    let database = bed.create();
    let session = database.begin_backup(Full).unwrap();
    assert!(database.status().backup_running);
    assert!(matches!(database.begin_backup(Full), Err(BackupError::Busy)));
    drop(session);
    database.begin_backup(Full).unwrap().end().unwrap();
    database.begin_backup(Full).unwrap();
}

#[test]
fn an_incremental_backup_needs_a_full_one() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    let refused = database.begin_backup(Incremental).unwrap_err();
    assert!(matches!(refused, BackupError::FullRequired(FullReason::NoFullBackup)), "{refused}");
    // One that was broken off does not count.
    let mut session = database.begin_backup(Full).unwrap();
    session.logs().unwrap();
    session.end().unwrap();
    assert_eq!(database.status().full_required, Some(FullReason::NoFullBackup));
    backup(&database, Full, &bed.path("full"), true);
    assert_eq!(database.status().full_required, None);
    database.begin_backup(Incremental).unwrap();
}

#[test]
fn the_last_backup_is_remembered_across_a_restart() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..50);
    backup(&database, Full, &bed.path("full"), true);
    insert(&database, 50..100);
    backup(&database, Incremental, &bed.path("incremental"), true);
    let before = database.status();
    database.close().unwrap();
    let database = bed.open();
    let after = database.status();
    assert_eq!((after.last_full, after.last_incremental), (before.last_full, before.last_incremental));
    assert!(after.last_full.is_some() && after.last_incremental.is_some());
    assert_eq!(after.full_required, None);
    let mut session = database.begin_backup(Incremental).unwrap();
    let first = session.logs().unwrap().remove(0);
    let high = before.last_incremental.unwrap().high;
    assert_eq!(Generation::of_path(&first), high.next());
}

#[test]
fn logs_forces_a_roll_over_and_starts_with_the_checkpoint() {
    let bed = Bed::with(|options| options.checkpoint_frames = 1_000_000);
    let database = bed.create();
    insert(&database, 0..100);
    let before = settled(&database);
    let mut session = database.begin_backup(Full).unwrap();
    let logs = session.logs().unwrap();
    assert_eq!(Generation::of_path(&logs[0]), Some(before.checkpoint));
    assert_eq!(Generation::of_path(logs.last().unwrap()), Some(before.current));
    assert_eq!(database.status().current, Generation(before.current.0 + 1));
    assert_eq!(session.logs().unwrap(), logs, "the second time the same");
}

#[test]
fn one_file_is_open_at_a_time_and_only_listed_ones() {
    let bed = Bed::new();
    let database = bed.create();
    let mut session = database.begin_backup(Full).unwrap();
    assert!(matches!(session.read(&mut [0; 10]), Err(BackupError::NoFileOpen)));
    assert!(matches!(session.close_file(), Err(BackupError::NoFileOpen)));
    assert!(matches!(session.open(Path::new("/etc/passwd")), Err(BackupError::NotListed { .. })));
    assert!(matches!(session.open(&bed.log().join("edb00001.log")), Err(BackupError::NotListed { .. })));
    session.open(&bed.database_path()).unwrap();
    assert!(matches!(session.open(&bed.database_path()), Err(BackupError::FileOpen { .. })));
    assert!(!session.close_file().unwrap(), "not read to its end");
    session.logs().unwrap();
    assert!(matches!(session.open(&bed.database_path()), Err(BackupError::DatabaseAfterLogs)));
}

#[test]
fn truncation_waits_for_every_file() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let mut session = database.begin_backup(Full).unwrap();
    assert!(matches!(session.truncate(), Err(BackupError::LogsNotListed)));
    fetch(&mut session, &bed.database_path(), &bed.path("copy"));
    let logs = session.logs().unwrap();
    for path in &logs {
        assert!(matches!(session.truncate(), Err(BackupError::NotRead { .. })));
        session.open(path).unwrap();
        assert!(matches!(session.truncate(), Err(BackupError::FileOpen { .. })));
        session.read(&mut [0; 100]).unwrap();
        session.close_file().unwrap();
        assert!(matches!(session.truncate(), Err(BackupError::NotRead { .. })), "read in part");
        fetch(&mut session, path, &bed.path("copy"));
    }
    let truncated = session.truncate().unwrap();
    assert!(truncated.deleted.len() >= logs.len() && truncated.kept.is_empty(), "{truncated:?}");
    assert!(logs.iter().all(|path| !path.exists()));
    session.end().unwrap();
}

#[test]
fn truncation_keeps_what_the_checkpoint_needs() {
    let bed = Bed::with(|options| options.checkpoint_frames = 1_000_000);
    let database = bed.create();
    insert(&database, 0..100);
    let (logs, truncated) = database
        .read(|connection| {
            // A reader with an old state keeps the checkpoint from going on.
            connection.query_row("SELECT count(*) FROM entry", [], |_| Ok(()))?;
            insert(&database, 100..200);
            let mut session = database.begin_backup(Full).unwrap();
            fetch(&mut session, &bed.database_path(), &bed.path("copy"));
            let logs = session.logs().unwrap();
            logs.iter().for_each(|path| drop(fetch(&mut session, path, &bed.path("copy"))));
            let truncated = session.truncate().unwrap();
            session.end().unwrap();
            Ok::<_, rusqlite::Error>((logs, truncated))
        })
        .unwrap();
    assert!(!truncated.kept.is_empty(), "{truncated:?}");
    assert_eq!(truncated.kept.first(), Some(&database.status().checkpoint));
    for generation in &truncated.kept {
        assert!(bed.log().join(generation.file_name()).exists());
    }
    assert_eq!(truncated.deleted.len() + truncated.kept.len(), logs.len());
    insert(&database, 200..300);
    let (_, logs) = backup(&database, Incremental, &bed.path("copy"), true);
    assert!(
        bed.log().read_dir().unwrap().all(|entry| { Generation::of_path(&entry.unwrap().path()).is_none() }),
        "the next truncation deletes them: {logs:?}"
    );
}

#[test]
fn a_session_that_is_dropped_changes_nothing() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    backup(&database, Full, &bed.path("full"), true);
    insert(&database, 100..200);
    let before = database.status();
    let mut session = database.begin_backup(Incremental).unwrap();
    let logs = session.logs().unwrap();
    fetch(&mut session, &logs[0], &bed.path("lost"));
    drop(session);
    assert!(logs.iter().all(|path| path.exists()));
    let (_, again) = backup(&database, Incremental, &bed.path("incremental"), true);
    let names = |paths: &[std::path::PathBuf]| -> Vec<_> {
        paths.iter().map(|path| path.file_name().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&again)[..logs.len()], names(&logs), "the next one lists them again");
    assert_eq!(database.status().last_full, before.last_full);
}

#[test]
fn the_copy_is_fuzzy_and_the_logs_make_it_whole() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..1000);
    let mut session = database.begin_backup(Full).unwrap();
    let size = session.open(&bed.database_path()).unwrap();
    let mut copy = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let mut id = 1000;
    loop {
        let count = session.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        copy.extend_from_slice(&buffer[..count]);
        // Everything moves between two reads: rows at both ends, checkpoints, roll-overs.
        insert(&database, id..id + 5);
        database.write(move |transaction| transaction.execute("DELETE FROM entry WHERE id = ?1", [id - 1000])).unwrap();
        id += 5;
    }
    assert_eq!(copy.len() as u64, size);
    assert!(session.close_file().unwrap());
    let path = bed.path("copy.db");
    std::fs::write(&path, &copy).unwrap();
    let sound = rusqlite::Connection::open(&path)
        .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get::<_, String>(0)));
    assert_ne!(sound.unwrap_or_default(), "ok", "the copy alone is not whole: the test proves something");
    let expected = rows(&database);
    std::fs::write(&path, &copy).unwrap();
    let logs: Vec<_> = session.logs().unwrap().iter().map(|log| fetch(&mut session, log, &bed.path("logs"))).collect();
    session.end().unwrap();
    let target = bed.path("restored.db");
    recover(&request(&path, &logs, target.clone())).unwrap();
    assert_eq!(rows_of(&target), expected);
}

#[test]
fn a_damaged_log_is_not_given_out() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let mut session = database.begin_backup(Full).unwrap();
    fetch(&mut session, &bed.database_path(), &bed.path("copy"));
    let log = session.logs().unwrap().remove(0);
    let mut bytes = std::fs::read(&log).unwrap();
    bytes[10_000] ^= 1;
    std::fs::write(&log, bytes).unwrap();
    let refused = session.open(&log).unwrap_err();
    assert!(matches!(refused, BackupError::LogDamaged { .. }), "{refused}");
}

#[test]
fn a_closed_database_ends_the_session() {
    let bed = Bed::new();
    let database = bed.create();
    let mut session = database.begin_backup(Full).unwrap();
    database.close().unwrap();
    assert!(matches!(session.logs(), Err(BackupError::Closed)));
    drop(session);
    bed.open();
}
