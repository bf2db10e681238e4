//! Damage on demand, and the code with which it is found.

use ese::header::DatabaseScan;
use ese::log::LogScan;
use ese::set::{self, SetLog};
use testkit::ese::{BackupSet, Format, Part};

use crate::scene::at_work;

fn sample() -> BackupSet {
    let (mut engine, backup) = at_work(Format::SERVER_2022, 2);
    engine.finish_backup(backup)
}

type Damage<'a> = &'a dyn Fn(&mut BackupSet);

/// The codes of all faults of a set.
fn codes(set: &BackupSet) -> Vec<i32> {
    let mut scan = DatabaseScan::new();
    scan.push(&set.database);
    let database = scan.finish();
    let logs: Vec<SetLog> = set
        .logs
        .iter()
        .map(|(generation, log)| {
            let mut scan = LogScan::new();
            scan.push(log, &mut |_, _| {});
            SetLog { named: Some(*generation), summary: scan.finish() }
        })
        .collect();
    set::check(Some(&database), &logs).faults.iter().map(|fault| fault.code.0).collect()
}

#[test]
fn a_set_without_damage_has_no_fault() {
    assert_eq!(codes(&sample()), Vec::<i32>::new());
}

#[test]
fn damage_is_found() {
    let first = *sample().logs.keys().next().unwrap();
    let last = *sample().logs.keys().last().unwrap();
    let cases: [(&str, i32, Damage<'_>); 9] = [
        ("two bits of a page", -1018, &|set| {
            set.flip(Part::Database, 8 * (4096 * 6 + 700));
            set.flip(Part::Database, 8 * (4096 * 6 + 1700) + 1);
        }),
        ("both headers", -1206, &|set| {
            set.flip(Part::Database, 8 * 100);
            set.flip(Part::Database, 8 * (4096 + 100));
        }),
        ("no trailer", -535, &|set| set.cut(Part::Database, 4096)),
        ("pages exchanged", -1018, &|set| set.swap_pages(4, 5)),
        ("first log", -554, &|set| drop(set.remove_log(first))),
        ("middle log", -557, &|set| drop(set.remove_log(first + 1))),
        ("last log", -553, &|set| drop(set.remove_log(last))),
        ("logs exchanged", -513, &|set| set.swap_logs(first, first + 1)),
        ("log of another CA", -555, &|set| {
            let (mut engine, backup) = at_work(Format::SERVER_2022, 9);
            set.take_log_from(&engine.finish_backup(backup), first + 1);
        }),
    ];
    for (what, code, damage) in cases {
        let mut set = sample();
        damage(&mut set);
        let codes = codes(&set);
        assert!(codes.contains(&code), "{what}: {codes:?}");
    }
}

#[test]
fn one_wrong_bit_is_named() {
    let mut set = sample();
    set.flip(Part::Database, 8 * (4096 * 6 + 700));
    assert_eq!(codes(&set).len(), 1);
}

#[test]
fn a_set_lies_in_a_directory_as_certutil_leaves_it() {
    let set = sample();
    let directory = tempfile::tempdir().unwrap();
    set.write(directory.path()).unwrap();
    let mut names: Vec<String> = std::fs::read_dir(directory.path().join("DataBase"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names[0], "Lab CA.edb");
    assert_eq!(names[1], "certbkxp.dat");
    assert_eq!(names.len(), 2 + set.logs.len());
    assert!(names[2..].iter().all(|name| name.starts_with("edb000") && name.ends_with(".log")));
}
