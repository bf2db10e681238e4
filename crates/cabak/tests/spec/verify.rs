use std::path::Path;

use cabak::exit::{Exit, classify};
use cabak::manifest::{Kind, LogRange};
use cabak::medium::{Folder, Set};
use cabak::output::{Reporter, Style};
use cabak::verify::{Damage, Request, View, inspect, run};
use certadm::Cancel;

use crate::sample;

fn damages(set: &Set) -> Vec<Damage> {
    inspect(View::of(set), &mut |_| Ok(())).unwrap()
}

fn verify(path: &Path) -> anyhow::Result<Exit> {
    let request = Request { set: path.to_owned(), hashes_only: false, scratch: None };
    run(&request, &mut Reporter::new(Style::Plain, true, false), &Cancel::new())
}

fn exit_of(path: &Path) -> Exit {
    verify(path).unwrap_or_else(|error| classify(&error).0)
}

#[test]
fn an_undamaged_set_is_verified_by_its_hashes_when_it_cannot_be_replayed() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    assert_eq!(damages(&set), []);
    assert_eq!(verify(set.path()).unwrap(), Exit::Success);
}

#[test]
fn every_flipped_byte_of_every_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    for file in sample::tree(set.path()) {
        let path = set.path().join(&file);
        let bytes = std::fs::read(&path).unwrap();
        let step = (bytes.len() / 23).max(1);
        for at in (0..bytes.len()).step_by(step) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x20;
            std::fs::write(&path, &damaged).unwrap();
            // A space that becomes NUL is no JSON any more, so that the manifest is covered as well.
            assert_eq!(exit_of(set.path()), Exit::VerifyFailed, "{} byte {at}", file.display());
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    assert_eq!(damages(&set), []);
}

#[test]
fn every_missing_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    for file in sample::tree(set.path()) {
        let path = set.path().join(&file);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        // Without its manifest it is judged as a folder of certutil, and its database is none.
        assert_eq!(exit_of(set.path()), Exit::VerifyFailed, "{}", file.display());
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn every_shortened_and_every_lengthened_file_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    for file in sample::tree(set.path()) {
        let path = set.path().join(&file);
        let bytes = std::fs::read(&path).unwrap();
        for changed in [&bytes[..bytes.len() - 2], &[bytes.as_slice(), b"x"].concat(), &[]] {
            std::fs::write(&path, changed).unwrap();
            assert_eq!(exit_of(set.path()), Exit::VerifyFailed, "{}: {} bytes", file.display(), changed.len());
        }
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn a_file_that_nobody_wrote_down_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    std::fs::write(set.path().join("DataBase/edb00005.log"), b"five").unwrap();
    let expected = Damage {
        set: "s".to_owned(),
        file: "DataBase/edb00005.log".to_owned(),
        problem: "is not in the manifest".to_owned(),
    };
    assert_eq!(damages(&set), [expected]);
}

#[test]
fn a_link_is_not_a_file_of_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    let path = set.path().join("DataBase/edb00003.log");
    let elsewhere = dir.path().join("elsewhere");
    std::fs::rename(&path, &elsewhere).unwrap();
    std::os::unix::fs::symlink(&elsewhere, &path).unwrap();
    let found = damages(&set);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].problem, "cannot be read: not a regular file");
}

#[test]
fn logs_and_manifest_must_agree() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let set = sample::publish_with(&folder, "s", |manifest| manifest.logs = Some(LogRange { first: 3, last: 5 }));
    assert_eq!(exit_of(set.path()), Exit::VerifyFailed);
    let set = sample::publish_with(&folder, "t", |manifest| manifest.kind = Kind::Incremental);
    assert!(damages(&set).iter().any(|damage| damage.problem == "an incremental backup with a database"));
}

#[test]
fn a_restore_map_must_decode() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let lock = folder.lock().unwrap();
    let mut set = folder.begin(&lock, "s").unwrap();
    let map = sample::path(cabak::manifest::Directory::DataBase, "certbkxp.dat");
    set.store(map, cabak::manifest::Role::RestoreMap, None, b"odd").unwrap();
    let mut manifest = sample::manifest(Kind::Incremental);
    manifest.files = set.files().to_vec();
    let set = set.publish(&manifest).unwrap();
    let found = damages(&set);
    assert_eq!(found.len(), 1);
    assert!(found[0].problem.starts_with("does not decode"), "{found:?}");
}

#[test]
fn an_incremental_is_verified_with_what_it_builds_on() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let full = sample::publish(&folder, "full");
    let incremental = sample::publish_incremental(&folder, "inc", "2026-11-21T12:00:00Z", "full", &[5, 6]);
    assert_eq!(verify(incremental.path()).unwrap(), Exit::Success);
    // Damage in the full set is damage of the incremental.
    let log = full.path().join("DataBase/edb00004.log");
    std::fs::write(&log, b"FOUR").unwrap();
    assert_eq!(exit_of(incremental.path()), Exit::VerifyFailed);
    std::fs::remove_dir_all(full.path()).unwrap();
    assert_eq!(exit_of(incremental.path()), Exit::FullNeeded);
}

#[test]
fn stopping_is_possible_between_blocks() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    let cancel = Cancel::new();
    cancel.cancel();
    let request = Request { set: set.path().to_owned(), hashes_only: false, scratch: None };
    let error = run(&request, &mut Reporter::new(Style::Plain, true, false), &cancel).unwrap_err();
    assert_eq!(classify(&error).0, Exit::Interrupted);
}

#[test]
fn what_is_not_there_is_not_found_and_what_holds_nothing_is_no_backup() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(exit_of(&dir.path().join("none")), Exit::NotFound);
    assert_eq!(exit_of(&dir.path().join("none/latest")), Exit::NotFound);
    assert_eq!(exit_of(dir.path()), Exit::NotABackup);
}
