//! Handles in several threads.

use std::thread;

use testkit::ca::Ca;

use crate::api::{BUSY, HANDLE, api, path};

#[test]
fn two_handles_work_side_by_side() {
    let authorities = [Ca::started().unwrap(), Ca::started().unwrap()];
    thread::scope(|scope| {
        let targets = authorities.iter().map(Ca::target);
        let readers: Vec<_> = targets.map(|target| scope.spawn(move || read_all(target))).collect();
        for reader in readers {
            assert!(reader.join().unwrap() > 0);
        }
    });
}

#[test]
fn two_threads_on_one_handle_get_a_result_or_are_told_to_wait() {
    let api = api();
    let ca = Ca::started().unwrap();
    let backup = api.backup_prepare(ca.target(), 1).unwrap();
    let names = api.database_names(backup).unwrap();
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let mut refused = 0;
            loop {
                match api.open_file(backup, path(&names[0]), 0) {
                    Ok(_) => while api.read(backup, 4096).is_ok_and(|bytes| !bytes.is_empty()) {},
                    Err(HANDLE) => return refused,
                    Err(_) => refused += 1,
                }
                let _ = api.close(backup);
            }
        });
        let mut answers = Vec::new();
        while answers.len() < 200 {
            answers.push(api.dynamic_files(backup).map(drop));
        }
        // The other thread may be in the middle of a call.
        while api.end(backup) == Err(BUSY) {}
        assert_eq!(api.dynamic_files(backup), Err(HANDLE));
        reader.join().unwrap();
        assert!(answers.iter().all(|answer| matches!(answer, Ok(()) | Err(BUSY))), "{answers:?}");
    });
}

fn read_all(target: &str) -> usize {
    let api = api();
    let backup = api.backup_prepare(target, 1).unwrap();
    let mut total = 0;
    for name in api.database_names(backup).unwrap() {
        api.open_file(backup, path(&name), 0).unwrap();
        loop {
            let bytes = api.read(backup, 12_345).unwrap();
            total += bytes.len();
            if bytes.is_empty() {
                break;
            }
        }
        api.close(backup).unwrap();
    }
    api.end(backup).unwrap();
    total
}
