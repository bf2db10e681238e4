//! A backup in every wrong order, against a real CA.

use testkit::ca::Ca;

use crate::api::{ARGUMENT, Api, CALL_FAILED, Code, HANDLE, Handle, SERVER_UNAVAILABLE, UNEXPECTED, api, path};

/// JET_errBackupInProgress, JET_errInvalidBackupSequence, JET_errMissingFullBackup.
const BACKUP_IN_PROGRESS: Code = Code(0xC800_01F9);
const INVALID_BACKUP_SEQUENCE: Code = Code(0xC800_0209);
const MISSING_FULL_BACKUP: Code = Code(0xC800_0230);

#[test]
fn every_call_out_of_order_is_refused_and_the_session_goes_on() {
    let api = api();
    let ca = Ca::started().unwrap();
    let server = ca.target();
    assert_eq!(api.is_server_online(server), Ok(true));
    assert_eq!(api.is_server_online(&format!(r"{server}\{}", Ca::NAME)), Ok(true));
    assert_eq!(api.is_server_online(&format!(r"{server}\Another CA")), Err(ARGUMENT));
    assert_eq!(api.backup_prepare(server, 2), Err(MISSING_FULL_BACKUP));

    let backup = api.backup_prepare(server, 1).unwrap();
    assert_eq!(api.backup_prepare(server, 1), Err(BACKUP_IN_PROGRESS));
    assert_eq!(api.read(backup, 10), Err(UNEXPECTED), "no file is open");
    assert_eq!(api.close(backup), Err(UNEXPECTED));
    assert_eq!(api.truncate_logs(backup), Err(UNEXPECTED), "nothing is listed");
    assert_eq!(api.open_file(backup, "nothing", 0), Err(ARGUMENT), "not listed");
    assert_eq!(api.open_file(backup, "", 0), Err(ARGUMENT));
    assert_eq!(api.restore_end(backup), Err(HANDLE), "not a restore");
    assert_eq!(api.register(backup, &[("a", "b")], 1, 1), Err(HANDLE));

    let names = api.database_names(backup).unwrap();
    assert_eq!(names.len(), 1);
    assert!(names[0].starts_with('D'), "CSBFT_CERTSERVER_DATABASE: {names:?}");
    assert_eq!(api.open_file(backup, &names[0], 0), Err(ARGUMENT), "with its type");
    let database = path(&names[0]);
    let size = api.open_file(backup, database, 0).unwrap();
    assert!(size > 0);
    assert_eq!(api.open_file(backup, database, 0), Err(UNEXPECTED), "one at a time");
    assert_eq!(api.backup_logs(backup), Err(UNEXPECTED), "a file is open");
    assert_eq!(api.truncate_logs(backup), Err(UNEXPECTED));
    assert_eq!(api.read(backup, 0), Ok(Vec::new()));
    assert_eq!(api.read(backup, 100).map(|bytes| bytes.len()), Ok(100));
    assert_eq!(api.close(backup), Ok(()), "an unfinished file can be closed");
    let logs = api.backup_logs(backup).unwrap();
    assert!(logs.iter().all(|name| name.starts_with('!')), "CSBFT_LOG: {logs:?}");
    for log in &logs {
        api.open_file(backup, path(log), 0).unwrap();
        while !api.read(backup, 1 << 20).unwrap().is_empty() {}
        assert_eq!(api.close(backup), Ok(()));
    }
    assert_eq!(api.truncate_logs(backup), Err(UNEXPECTED), "the database was not read");
    assert!(api.dynamic_files(backup).unwrap().iter().any(|name| name.starts_with(r"\\") && name.ends_with(".crl")));
    let locations = api.database_locations(backup).unwrap();
    let types: Vec<_> = locations.iter().map(|name| name.chars().next().unwrap()).collect();
    assert_eq!(types, ['D', '\u{82}', '\u{83}']);
    assert_eq!(api.open_file(backup, database, 0), Err(INVALID_BACKUP_SEQUENCE), "databases come before logs");
    api.open_file(backup, path(&logs[0]), 0).unwrap();
    assert_eq!(api.end(backup), Ok(()), "also with an open file");
    assert_eq!(api.end(backup), Err(HANDLE));
    assert_eq!(api.database_names(backup), Err(HANDLE));
    assert_eq!(api.backup_prepare(server, 2), Err(MISSING_FULL_BACKUP), "an incomplete backup does not count");

    complete(server);
    let logs_only = api.backup_prepare(server, 2).unwrap();
    assert_eq!(api.database_names(logs_only), Err(INVALID_BACKUP_SEQUENCE));
    assert_eq!(api.end(logs_only), Ok(()));
}

#[test]
fn a_server_that_was_told_to_stop_is_gone() {
    let api = api();
    let ca = Ca::started().unwrap();
    assert_eq!(api.server_control(ca.target(), 1), Ok(()));
    let mut last = Ok(true);
    // It answers what it has begun before it goes.
    for _ in 0..2000 {
        last = api.is_server_online(ca.target());
        if !matches!(last, Ok(_) | Err(CALL_FAILED)) {
            break;
        }
    }
    assert_eq!(last, Err(SERVER_UNAVAILABLE));
}

/// A whole backup, so that an incremental one may follow.
fn complete(server: &str) {
    let api = api();
    let backup: Handle = api.backup_prepare(server, 1).unwrap();
    for list in [Api::database_names, Api::backup_logs] {
        for name in list(&api, backup).unwrap() {
            api.open_file(backup, path(&name), 0).unwrap();
            while api.read(backup, 1 << 20).unwrap().len() == 1 << 20 {}
            api.close(backup).unwrap();
        }
    }
    api.truncate_logs(backup).unwrap();
    api.end(backup).unwrap();
}
