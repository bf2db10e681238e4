//! Numbered log files.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use certdb::log::{LogReader, Record};
use certdb::set::verify_chain;
use certdb::{BackupKind, Generation};

use crate::bed::{Bed, backup, insert, rows, settled};

fn closed(bed: &Bed) -> Vec<PathBuf> {
    let mut logs: Vec<_> = fs::read_dir(bed.log())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| Generation::of_path(path).is_some())
        .collect();
    logs.sort();
    logs
}

#[test]
fn names_are_hexadecimal() {
    assert_eq!(Generation(1).file_name(), "edb00001.log");
    assert_eq!(Generation(0x2a).file_name(), "edb0002a.log");
    assert_eq!(Generation(0xF_FFFF).file_name(), "edbfffff.log");
    assert_eq!(Generation(0x10_0000).file_name(), "edb00100000.log");
    for generation in [1, 0x2a, 0xF_FFFF, 0x10_0000, u32::MAX].map(Generation) {
        assert_eq!(Generation::of_file_name(&generation.file_name()), Some(generation));
    }
    for name in
        ["edb.log", "edb00000.log", "edb0002A.log", "edb2a.log", "edb0000002a.log", "edbtmp.log", "edb+0001.log"]
    {
        assert_eq!(Generation::of_file_name(name), None, "{name}");
    }
}

#[test]
fn a_generation_is_closed_when_it_is_full() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..200);
    settled(&database);
    let logs = closed(&bed);
    assert!(logs.len() > 5, "{logs:?}");
    for path in &logs {
        let length = path.metadata().unwrap().len();
        assert!((64 * 1024..256 * 1024).contains(&length), "{path:?} has {length} bytes");
    }
    assert_eq!(database.status().current, Generation(u32::try_from(logs.len()).unwrap() + 1));
}

#[test]
fn the_chain_is_verifiable_without_the_database() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..200);
    let signature = database.status().signature;
    database.close().unwrap();
    let logs = closed(&bed);
    let mut reversed = logs.clone();
    reversed.reverse();
    let report = verify_chain(&reversed, &mut |_| {}).unwrap();
    assert_eq!(report.signature, signature);
    assert_eq!(report.generations.iter().map(|info| info.path.clone()).collect::<Vec<_>>(), logs);
    for info in &report.generations {
        assert_eq!(info.size, info.path.metadata().unwrap().len());
        assert!(info.frames >= info.transactions && info.transactions > 0, "{info:?}");
        assert!(info.first_commit <= info.last_commit && info.created <= info.last_commit.unwrap());
        let digest = <sha2::Sha256 as sha2::Digest>::digest(fs::read(&info.path).unwrap());
        assert_eq!(info.digest.0, <[u8; 32]>::from(digest));
    }
}

#[test]
fn a_generation_holds_whole_transactions() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..200);
    for path in closed(&bed) {
        let log = LogReader::new(BufReader::new(File::open(path).unwrap())).unwrap();
        let mut inside = false;
        for record in log {
            match record.unwrap() {
                Record::Page(page) => inside = page.commit_pages == 0,
                Record::Sync(_) | Record::End(_) => assert!(!inside),
            }
        }
    }
}

#[test]
fn a_transaction_larger_than_a_generation_is_not_split() {
    let bed = Bed::new();
    let database = bed.create();
    database
        .write(|transaction| {
            transaction.execute_batch(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
                 INSERT INTO entry SELECT i, printf('%016x', i), zeroblob(1000) FROM n",
            )
        })
        .unwrap();
    let status = settled(&database);
    assert_eq!(status.current, Generation(2));
    assert!(closed(&bed)[0].metadata().unwrap().len() > 20_000_000);
    let count = "SELECT count(*) FROM entry";
    let counted: i64 = database.read(|connection| connection.query_row(count, [], |row| row.get(0))).unwrap();
    assert_eq!(counted, 20_000);
    database.close().unwrap();
    bed.open();
}

#[test]
fn all_generations_and_an_empty_file_give_the_whole_database() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..300);
    database.close().unwrap();
    let empty = bed.path("empty");
    File::create(&empty).unwrap();
    let request = certdb::set::RecoverRequest {
        later_logs: Some(bed.log()),
        ..crate::bed::request(&empty, &closed(&bed), bed.path("restored.db"))
    };
    crate::bed::recover(&request).unwrap();
    assert_eq!(crate::bed::rows_of(&request.target), (0..300).collect());
}

#[test]
fn an_interrupted_roll_over_is_finished() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    let mut session = database.begin_backup(BackupKind::Full).unwrap();
    let last = session.logs().unwrap().pop().unwrap();
    drop(session);
    let current = database.status().current;
    database.close().unwrap();

    // Between the renames: the closed generation is there, the new one has only its temporary name.
    fs::rename(bed.log().join("edb.log"), bed.log().join("edbtmp.log")).unwrap();
    let database = bed.open();
    assert_eq!(database.status().current, current);
    assert!(!bed.log().join("edbtmp.log").exists());
    database.close().unwrap();

    // Before the first rename: the end mark is written, the name is still that of the open log.
    fs::rename(&last, bed.log().join("edb.log")).unwrap();
    let database = bed.open();
    assert_eq!(database.status().current, current);
    assert!(last.exists());
    insert(&database, 100..200);
    assert_eq!(rows(&database), (0..200).collect());
    let (copy, logs) = backup(&database, BackupKind::Full, &bed.path("full"), true);
    let request = crate::bed::request(&copy.unwrap(), &logs, bed.path("restored.db"));
    crate::bed::recover(&request).unwrap();
    assert_eq!(crate::bed::rows_of(&request.target), (0..200).collect());
}

#[test]
fn numbers_beyond_five_digits_roll_on() {
    let name = Generation(0xF_FFFF).next().unwrap().file_name();
    assert_eq!(name, "edb00100000.log");
    assert_eq!(Generation(u32::MAX).next(), None);
}
