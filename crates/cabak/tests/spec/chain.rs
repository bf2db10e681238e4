use cabak::chain::{above, below, generation, join, latest, latest_full, range};
use cabak::exit::{Exit, classify};
use cabak::manifest::LogRange;
use cabak::medium::{Folder, Set};

use crate::sample::{publish, publish_incremental, publish_with};

fn names(sets: &[Set]) -> Vec<&str> {
    sets.iter().map(Set::name).collect()
}

#[test]
fn a_chain_runs_from_the_full_backup_to_the_set() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let full = publish(&folder, "full");
    publish_incremental(&folder, "one", "2026-11-21T12:00:00Z", "full", &[5]);
    let two = publish_incremental(&folder, "two", "2026-11-21T13:00:00Z", "one", &[5, 6, 7]);
    let listing = folder.list().unwrap();
    assert_eq!(names(&below(two.manifest(), &listing).unwrap()), ["full", "one"]);
    assert_eq!(names(&below(full.manifest(), &listing).unwrap()), Vec::<&str>::new());
    assert_eq!(names(&above(&full, &listing)), ["one", "two"]);
    assert_eq!(latest(&listing, "TEST ca").unwrap().name(), "two");
    assert_eq!(latest_full(&listing, "Test CA").unwrap().name(), "full");
    assert!(latest(&listing, "Other CA").is_none());
}

#[test]
fn a_gap_breaks_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    publish(&folder, "full");
    let gap = publish_incremental(&folder, "gap", "2026-11-21T12:00:00Z", "full", &[6]);
    let error = below(gap.manifest(), &folder.list().unwrap()).unwrap_err();
    assert_eq!(classify(&error).0, Exit::FullNeeded);
    let expected = "the logs have a gap: the earlier set ends with generation 0x4, the later one begins with 0x6";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_damaged_set_in_a_chain_is_damage_and_not_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let full = publish(&folder, "full");
    publish_incremental(&folder, "one", "2026-11-21T12:00:00Z", "full", &[5]);
    let two = publish_incremental(&folder, "two", "2026-11-21T13:00:00Z", "one", &[6]);
    std::fs::write(full.path().join("cabak.json"), b"{}").unwrap();
    let error = below(two.manifest(), &folder.list().unwrap()).unwrap_err();
    assert_eq!(classify(&error).0, Exit::VerifyFailed);
    assert!(error.to_string().starts_with("the set full is damaged"), "{error}");
}

#[test]
fn a_set_without_logs_does_not_hide_a_gap() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    publish(&folder, "full");
    publish_incremental(&folder, "empty", "2026-11-21T12:00:00Z", "full", &[]);
    let gap = publish_incremental(&folder, "gap", "2026-11-21T13:00:00Z", "empty", &[6]);
    let error = below(gap.manifest(), &folder.list().unwrap()).unwrap_err();
    assert_eq!(classify(&error).0, Exit::FullNeeded);
}

#[test]
fn a_set_of_another_authority_breaks_a_chain() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    publish_with(&folder, "full", |manifest| manifest.authority.name = "Other CA".to_owned());
    let one = publish_incremental(&folder, "one", "2026-11-21T12:00:00Z", "full", &[5]);
    assert_eq!(classify(&below(one.manifest(), &folder.list().unwrap()).unwrap_err()).0, Exit::FullNeeded);
}

#[test]
fn a_chain_in_a_circle_ends() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let one = publish_incremental(&folder, "one", "2026-11-21T12:00:00Z", "two", &[5]);
    publish_incremental(&folder, "two", "2026-11-21T13:00:00Z", "one", &[5]);
    let listing = folder.list().unwrap();
    assert_eq!(classify(&below(one.manifest(), &listing).unwrap_err()).0, Exit::FullNeeded);
    assert_eq!(names(&above(&one, &listing)), ["two"]);
}

#[test]
fn logs_may_overlap_and_touch() {
    let logs = |first, last| Some(LogRange { first, last });
    join(logs(3, 5), logs(6, 7)).unwrap();
    join(logs(3, 5), logs(2, 7)).unwrap();
    join(None, logs(9, 9)).unwrap();
    join(logs(1, u32::MAX), logs(5, 6)).unwrap();
    join(logs(3, 5), logs(7, 7)).unwrap_err();
}

#[test]
fn generations_are_consecutive() {
    assert_eq!(range(&[]).unwrap(), None);
    assert_eq!(range(&[5, 3, 4]).unwrap(), Some(LogRange { first: 3, last: 5 }));
    assert_eq!(range(&[0, u32::MAX]).unwrap_err().to_string(), "log generation 0x1 is missing from the server's list");
    assert_eq!(range(&[3, 3]).unwrap_err().to_string(), "log generation 0x3 comes twice");
}

#[test]
fn the_generation_is_in_the_name() {
    assert_eq!(generation("edb0001A.log"), Some(0x1A));
    assert_eq!(generation("EDB0001a.LOG"), Some(0x1A));
    assert_eq!(generation("edb00100000.log"), Some(0x10_0000));
    for name in
        ["edb.log", "edb0001.log", "edb0001g.log", "edb00001.jrs", "xdb00001.log", "edb+0001.log", "edb000000001.log"]
    {
        assert_eq!(generation(name), None, "{name}");
    }
}
