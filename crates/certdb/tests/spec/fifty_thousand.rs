//! Four writers, 50,000 rows, a full and an incremental backup meanwhile.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use certdb::BackupKind::{Full, Incremental};

use crate::bed::{Bed, backup, insert_one, recover, request, rows, rows_of};

#[test]
fn every_acknowledged_row_is_restored() {
    const ROWS: i64 = 50_000;
    let bed = Bed::with(|options| {
        options.generation_size = 1024 * 1024;
        options.checkpoint_frames = 1000;
    });
    let database = bed.create();
    let next = Arc::new(AtomicI64::new(0));
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let writers: Vec<_> = (0..4)
        .map(|_| {
            let (database, next, acknowledged) = (database.clone(), Arc::clone(&next), Arc::clone(&acknowledged));
            std::thread::spawn(move || {
                loop {
                    // 25 rows a commit.
                    let first = next.fetch_add(25, Ordering::Relaxed);
                    if first >= ROWS {
                        return;
                    }
                    let ids = first..first + 25;
                    let written = ids.clone();
                    database
                        .write(move |transaction| {
                            written.clone().try_for_each(|id| insert_one(transaction, id).map(drop))
                        })
                        .unwrap();
                    acknowledged.lock().unwrap().extend(ids);
                }
            })
        })
        .collect();
    let wait = |rows: i64| {
        while next.load(Ordering::Relaxed) < rows {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    };
    let known = || acknowledged.lock().unwrap().clone();

    wait(ROWS / 4);
    let before_full = known();
    let (copy, mut logs) = backup(&database, Full, &bed.path("full"), true);
    wait(ROWS / 2);
    let before_incremental = known();
    logs.extend(backup(&database, Incremental, &bed.path("incremental"), true).1);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    assert_eq!(known(), (0..ROWS).collect());

    let mut request = request(&copy.unwrap(), &logs, bed.path("restored.db"));
    recover(&request).unwrap();
    let restored = rows_of(&request.target);
    assert!(before_full.is_subset(&before_incremental) && before_incremental.is_subset(&restored));
    assert!(restored.len() < usize::try_from(ROWS).unwrap(), "the backup ran while rows were written");

    request.later_logs = Some(bed.log());
    recover(&request).unwrap();
    assert_eq!(rows_of(&request.target), known());
    assert_eq!(rows(&database), known());
}
