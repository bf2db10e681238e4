//! Writing and reading.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use certdb::{Database, OpenError, ReadError, WriteError};

use crate::bed::{Bed, SCHEMA, insert, insert_one, rows};

#[test]
fn what_was_written_is_there_after_closing_and_opening() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..200);
    assert_eq!(rows(&database), (0..200).collect());
    database.close().unwrap();
    let database = bed.open();
    assert_eq!(rows(&database), (0..200).collect());
    insert(&database, 200..300);
    drop(database);
    assert_eq!(rows(&bed.open()), (0..300).collect());
}

#[test]
fn an_error_of_the_closure_rolls_back_only_itself() {
    let bed = Bed::new();
    let database = bed.create();
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let (database, start) = (database.clone(), Arc::clone(&start));
            std::thread::spawn(move || {
                start.wait();
                for at in 0..25 {
                    let id = thread * 100 + at;
                    let result = database.write(move |transaction| {
                        insert_one(transaction, id).unwrap();
                        if id % 2 == 0 { Ok(id) } else { Err("odd") }
                    });
                    match result {
                        Ok(written) => assert_eq!((written, id % 2), (id, 0)),
                        Err(WriteError::Rejected("odd")) => assert_eq!(id % 2, 1),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let expected = (0..8).flat_map(|thread| (0..25).map(move |at| thread * 100 + at)).filter(|id| id % 2 == 0);
    assert_eq!(rows(&database), expected.collect());
}

#[test]
fn a_panic_in_the_closure_goes_to_its_caller_alone() {
    let bed = Bed::new();
    let database = bed.create();
    let caller = database.clone();
    let panicked = std::thread::spawn(move || {
        let _ = caller.write(|transaction| -> rusqlite::Result<()> {
            insert_one(transaction, 1)?;
            panic!("on purpose")
        });
    })
    .join();
    assert_eq!(panicked.unwrap_err().downcast_ref::<&str>(), Some(&"on purpose"));
    insert(&database, [2]);
    assert_eq!(rows(&database), [2].into());
}

#[test]
fn a_closure_that_ends_the_transaction_is_told() {
    let bed = Bed::new();
    let database = bed.create();
    let result = database.write(|transaction| {
        insert_one(transaction, 1)?;
        transaction.execute_batch("ROLLBACK")
    });
    assert!(matches!(result, Err(WriteError::RolledBack(_))), "{result:?}");
    insert(&database, [2]);
    assert_eq!(rows(&database), [2].into());
}

#[test]
fn a_read_sees_one_state() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..10);
    let count = |connection: &rusqlite::Connection| {
        connection.query_row("SELECT count(*) FROM entry", [], |row| row.get::<_, i64>(0))
    };
    let (before, after) = database
        .read(|connection| {
            let before = count(connection)?;
            insert(&database, 10..100);
            Ok::<_, rusqlite::Error>((before, count(connection)?))
        })
        .unwrap();
    assert_eq!((before, after), (10, 10));
    assert_eq!(database.read(count).unwrap(), 100);
}

#[test]
fn a_reader_cannot_write() {
    let bed = Bed::new();
    let database = bed.create();
    let result = database.read(|connection| connection.execute("DELETE FROM entry", []));
    assert!(matches!(result, Err(ReadError::Rejected(_))), "{result:?}");
}

#[test]
fn a_read_that_takes_too_long_is_interrupted() {
    let bed = Bed::with(|options| options.read_limit = Duration::from_millis(200));
    let database = bed.create();
    let endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n";
    let result = database.read(|connection| connection.query_row(endless, [], |row| row.get::<_, i64>(0)));
    assert!(matches!(result, Err(ReadError::TimedOut { .. })), "{result:?}");
    insert(&database, [1]);
    assert_eq!(rows(&database), [1].into());
}

#[test]
fn readers_that_overlap_without_end_do_not_let_the_write_ahead_log_grow_for_ever() {
    let bed = Bed::with(|options| options.checkpoint_frames = 20);
    let database = bed.create();
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|at| {
            let (database, stop) = (database.clone(), Arc::clone(&stop));
            std::thread::spawn(move || {
                std::thread::sleep(Duration::from_millis(at * 7));
                while !stop.load(Ordering::Relaxed) {
                    let pause = |connection: &rusqlite::Connection| {
                        connection.query_row("SELECT count(*) FROM entry", [], |_| Ok(()))?;
                        std::thread::sleep(Duration::from_millis(20));
                        Ok::<_, rusqlite::Error>(())
                    };
                    database.read(pause).unwrap();
                }
            })
        })
        .collect();
    insert(&database, 0..1500);
    stop.store(true, Ordering::Relaxed);
    readers.into_iter().for_each(|reader| reader.join().unwrap());
    let length = std::fs::metadata(bed.wal_path()).unwrap().len();
    assert!(length < 400 * 4120, "the write-ahead log has {length} bytes");
    assert_eq!(rows(&database), (0..1500).collect());
}

#[test]
fn a_database_is_open_once() {
    let bed = Bed::new();
    let database = bed.create();
    let refused = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    let refused = Database::create(&bed.data(), &bed.options, SCHEMA).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }), "{refused}");
    database.close().unwrap();
    let refused = Database::create(&bed.data(), &bed.options, SCHEMA).unwrap_err();
    assert!(matches!(refused, OpenError::AlreadyExists { .. }), "{refused}");
    bed.open();
}

#[test]
fn a_closed_database_says_so() {
    let bed = Bed::new();
    let database = bed.create();
    let other = database.clone();
    database.close().unwrap();
    assert!(matches!(other.write(|_| Ok::<_, Infallible>(())), Err(WriteError::Closed)));
    assert!(matches!(other.read(|_| Ok::<_, Infallible>(())), Err(ReadError::Closed)));
}

#[cfg(unix)]
#[test]
fn files_belong_to_the_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..100);
    for directory in [bed.data(), bed.log()] {
        assert_eq!(directory.metadata().unwrap().permissions().mode() & 0o777, 0o700, "{directory:?}");
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.path());
        }
    }
}

#[test]
fn a_schema_that_is_refused_leaves_nothing_in_the_way() {
    let bed = Bed::new();
    let refused = Database::create(&bed.data(), &bed.options, "CREATE TABL").unwrap_err();
    assert!(matches!(refused, OpenError::Schema { .. }), "{refused}");
    let refused = Database::open(&bed.data(), &bed.options).unwrap_err();
    assert!(matches!(refused, OpenError::NotFound { .. }), "{refused}");
    insert(&bed.create(), 0..10);
}

#[test]
fn a_write_inside_a_write_is_refused() {
    let bed = Bed::new();
    let database = bed.create();
    let inner = database.clone();
    let result = database.write(move |transaction| {
        insert_one(transaction, 1)?;
        let inside = inner.write(|transaction| insert_one(transaction, 2));
        assert!(matches!(inside, Err(WriteError::RolledBack(_))), "{inside:?}");
        Ok::<_, rusqlite::Error>(())
    });
    result.unwrap();
    assert_eq!(rows(&database), [1].into());
}
