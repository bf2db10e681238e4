//! What a SET may be.

use std::path::Path;

use cabak::exit::{Exit, classify};
use cabak::manifest::DatabaseFormat;
use cabak::source::{Form, Source};

use crate::contents::{events, failure, str, world};
use crate::sample;

fn exit_of(path: &Path) -> Exit {
    classify(&Source::find(path).unwrap_err()).0
}

/// A directory that holds what `certutil -backupDB` of a Windows CA writes, as far as names and first bytes go.
fn windows_folder() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("database");
    std::fs::create_dir(&inside).unwrap();
    let mut header = vec![0; 8192];
    header[4..8].copy_from_slice(&0x89AB_CDEF_u32.to_le_bytes());
    std::fs::write(inside.join("Contoso CA.edb"), &header).unwrap();
    std::fs::write(inside.join("tmp.edb"), &header).unwrap();
    for name in ["edb0000B.log", "edb0000A.log", "EDB00009.LOG", "edb.chk", "certbkxp.dat"] {
        std::fs::write(inside.join(name), b"content").unwrap();
    }
    directory
}

#[test]
fn a_folder_of_certutil_is_found_from_above_and_from_inside() {
    let directory = windows_folder();
    let inside = directory.path().join("database");
    for path in [directory.path(), &inside] {
        let source = Source::find(path).unwrap();
        assert_eq!((&source.form, source.format), (&Form::Folder, DatabaseFormat::Ese));
        assert_eq!(source.database.as_deref(), Some(inside.join("Contoso CA.edb").as_path()));
        let logs: Vec<(u32, &str)> =
            source.logs.iter().map(|log| (log.generation, log.path.file_name().unwrap().to_str().unwrap())).collect();
        assert_eq!(logs, [(9, "EDB00009.LOG"), (10, "edb0000A.log"), (11, "edb0000B.log")]);
        assert_eq!(source.map, Some(inside.join("certbkxp.dat")));
    }
    let source = Source::find(&inside.join("Contoso CA.edb")).unwrap();
    assert_eq!((&source.form, source.format, source.logs.len()), (&Form::File, DatabaseFormat::Ese, 3));
}

#[test]
fn sets_of_cabak_come_with_what_they_build_on() {
    let source = Source::find(&world().path("sets/latest")).unwrap();
    assert_eq!(source.form, Form::Set { chain: vec!["full".to_owned(), "incremental".to_owned()] });
    assert_eq!((source.name.as_str(), source.format), ("incremental", DatabaseFormat::Certdb));
    assert!(source.database.unwrap().starts_with(world().path("sets/full").canonicalize().unwrap()));
    assert!(source.map.unwrap().starts_with(world().path("sets/incremental").canonicalize().unwrap()));
    let generations: Vec<u32> = source.logs.iter().map(|log| log.generation).collect();
    assert!(generations.is_sorted_by(|a, b| b - a == 1), "{generations:?}");
}

#[test]
fn a_database_file_is_read_with_the_logs_beside_it_or_alone_when_it_is_whole() {
    let copy = world().path("full/DataBase/Test CA.db");
    assert_eq!(events(&["certs", str(&copy)], "certificate", 0).len(), 4);
    let directory = tempfile::tempdir().unwrap();
    let alone = directory.path().join("Test CA.db");
    std::fs::copy(&copy, &alone).unwrap();
    let error = failure(&["certs", str(&alone)], 22);
    assert!(error.contains("is the copy of a backup, and no logs are beside it"), "{error}");

    let whole = directory.path().join("whole.db");
    let database = std::fs::read_dir(copy.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let logs = database.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect();
    let set = certdb::set::BackupSet { database: copy, logs };
    let request = certdb::set::RecoverRequest { set, target: whole.clone(), ..Default::default() };
    certdb::set::recover(&request, &mut |_| {}).unwrap();
    std::fs::remove_file(&alone).unwrap();
    let before = sample::tree(directory.path());
    assert_eq!(events(&["certs", str(&whole)], "certificate", 0).len(), 4);
    assert_eq!(sample::tree(directory.path()), before, "nothing is written beside it");
    std::fs::write(directory.path().join("whole.db-wal"), b"rows").unwrap();
    let error = failure(&["certs", str(&whole)], 11);
    assert!(error.contains("is a database in use: "), "{error}");
}

#[test]
fn nothing_is_written_into_a_set() {
    let stamp = |root: &Path| -> Vec<_> {
        let files = sample::tree(root);
        files.into_iter().map(|file| (std::fs::metadata(root.join(&file)).unwrap().modified().unwrap(), file)).collect()
    };
    let root = world().path("sets");
    let before = stamp(&root);
    let set = root.join("incremental");
    for args in
        [&["certs", str(&set), "--all"][..], &["show", str(&set), "2"], &["crls", str(&set)], &["logs", str(&set)]]
    {
        assert_eq!(crate::contents::cabak(args).status.code(), Some(0), "{args:?}");
    }
    assert_eq!(stamp(&root), before);
}

#[test]
fn what_is_no_set_is_said_so() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(exit_of(&directory.path().join("none")), Exit::NotFound);
    assert_eq!(exit_of(directory.path()), Exit::NotFound);
    let file = directory.path().join("text.txt");
    std::fs::write(&file, "no database").unwrap();
    assert_eq!(exit_of(&file), Exit::NotFound);
    assert_eq!(exit_of(directory.path()), Exit::NotFound, "a file of another kind makes no set");

    let windows = windows_folder();
    std::fs::copy(windows.path().join("database/Contoso CA.edb"), windows.path().join("database/other.edb")).unwrap();
    let error = failure(&["certs", str(windows.path())], 2);
    assert!(error.contains(" holds 2 databases: "), "{error}");
    std::fs::copy(windows.path().join("database/edb0000A.log"), windows.path().join("database/EDB0000a.LOG")).unwrap();
    assert_eq!(exit_of(windows.path()), Exit::VerifyFailed, "one generation twice");
}

#[test]
fn logs_alone_have_no_rows() {
    let error = failure(&["certs", str(&world().path("incremental"))], 22);
    assert!(error.contains("has logs and no database"), "{error}");
}

#[test]
fn a_file_with_the_mark_of_ese_and_nothing_else_is_damaged() {
    let windows = windows_folder();
    let path = str(windows.path());
    for args in [&["certs", path][..], &["show", path, "1"], &["crls", path], &["diff", path, path]] {
        let error = failure(args, 21);
        assert!(error.contains("Contoso CA.edb"), "{args:?}: {error}");
    }
    assert_eq!(crate::contents::cabak(&["logs", path]).status.code(), Some(21));
}

#[test]
fn a_copy_that_was_cut_is_no_whole_database() {
    let directory = tempfile::tempdir().unwrap();
    let set = directory.path().join("set");
    copy(&world().path("full"), &set);
    assert_eq!(crate::contents::cabak(&["verify", str(&set)]).status.code(), Some(0));
    let database = set.join("DataBase/Test CA.db");
    let bytes = std::fs::read(&database).unwrap();
    for damaged in [&bytes[..bytes.len() - 4096], &[&bytes[..bytes.len() - 100], &[0xFF; 100]].concat(), &bytes[..5000]]
    {
        std::fs::write(&database, damaged).unwrap();
        for command in ["verify", "certs"] {
            failure(&[command, str(&set)], 21);
        }
    }
}

#[test]
fn the_directory_of_a_server_is_no_backup() {
    let directory = tempfile::tempdir().unwrap();
    let copy = world().path("full/DataBase/Test CA.db");
    let whole = directory.path().join("whole.db");
    crate::contents::text(&["recover", str(&world().path("full")), "--to", str(&whole)], 0);
    failure(&["verify", str(&whole)], 24);
    std::fs::copy(copy.with_file_name("edb00001.log"), directory.path().join("edb00001.log")).unwrap();
    failure(&["verify", str(directory.path())], 21);
}

#[test]
fn what_is_called_a_database_and_is_none_is_a_damaged_one() {
    let directory = tempfile::tempdir().unwrap();
    let set = directory.path().join("set");
    copy(&world().path("full"), &set);
    std::fs::write(set.join("DataBase/Test CA.db"), b"garbage").unwrap();
    failure(&["verify", str(&set)], 21);
    std::fs::remove_file(set.join("DataBase/Test CA.db")).unwrap();
    std::os::unix::fs::symlink("/dev/null", set.join("DataBase/Test CA.db")).unwrap();
    assert!(failure(&["verify", str(&set)], 2).contains("is a link"));
}

#[test]
fn a_set_in_another_place_is_found_or_named() {
    let directory = tempfile::tempdir().unwrap();
    let set = directory.path().join("set");
    copy(&world().path("full"), &set);
    let hint = failure(&["certs", str(directory.path())], 10);
    assert!(hint.contains(&format!("name one of these: {}", set.display())), "{hint}");
    std::fs::rename(set.join("DataBase"), set.join("foo")).unwrap();
    assert_eq!(events(&["certs", str(&set)], "certificate", 0).len(), 4);
}

#[test]
fn nothing_that_is_made_goes_into_the_set() {
    let set = world().path("full");
    let inside = set.join("DataBase/recovered.db");
    assert!(failure(&["recover", str(&set), "--to", str(&inside)], 2).contains("is inside the set"));
    assert!(failure(&["export", str(&set), "--csv", str(&set.join("csv"))], 2).contains("is inside the set"));
    assert!(!inside.exists() && !set.join("csv").exists());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to.join("DataBase")).unwrap();
    for entry in std::fs::read_dir(from.join("DataBase")).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join("DataBase").join(path.file_name().unwrap())).unwrap();
    }
}
