//! A database beyond the page at 1 GiB that SQLite never uses.

use certdb::BackupKind::Full;

use crate::bed::{Bed, backup, recover, request};

#[test]
#[ignore = "writes 5 GB"]
fn a_database_beyond_the_lock_page_is_backed_up_and_restored() {
    let bed = Bed::with(|options| {
        options.generation_size = 4 * 1024 * 1024;
        options.checkpoint_frames = 4000;
    });
    let database = bed.create();
    let fill = |from: i64, count: i64| {
        database
            .write(move |transaction| {
                transaction.execute(
                    "WITH RECURSIVE n (i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1 + ?2 - 1)
                     INSERT INTO entry SELECT i, printf('%d', i), zeroblob(1000000) FROM n",
                    [from, count],
                )
            })
            .unwrap();
    };
    (0..52).for_each(|at| fill(at * 20, 20));
    let mut session = database.begin_backup(Full).unwrap();
    // The lock page lies in what is written while the copy is made.
    let size = session.open(&bed.database_path()).unwrap();
    assert!(size < 1 << 30, "{size}");
    drop(session);
    fill(1040, 80);
    let (copy, logs) = backup(&database, Full, &bed.path("set"), true);
    fill(1120, 20);
    let mut request = request(&copy.unwrap(), &logs, bed.path("restored.db"));
    request.later_logs = Some(bed.log());
    let recovered = recover(&request).unwrap();
    assert!(recovered.pages > (1 << 30) / 4096 + 1000, "{recovered:?}");
    let restored = rusqlite::Connection::open(&request.target).unwrap();
    let sound: String = restored.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    let counted: i64 =
        restored.query_row("SELECT count(*) FROM entry WHERE length(content) = 1000000", [], |row| row.get(0)).unwrap();
    assert_eq!((sound.as_str(), counted), ("ok", 1140));
    database.close().unwrap();
    bed.open();
}
