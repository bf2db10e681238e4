//! `CertSrvRestorePrepareW` to `CertSrvRestoreEnd`, on this machine.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use certadm::{Error, Hresult, MapEntry, Registration, RestoreSession, RestoreState, RestoreUntil};

fn data_directory() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("certsrvd.toml"), "").unwrap();
    directory
}

fn full() -> Registration {
    Registration {
        checkpoint_directory: None,
        log_directory: None,
        map: vec![MapEntry { old: r"\\ca01\CertSrv$\DataBase\Test CA.db".to_owned(), new: "/x/Test CA.db".to_owned() }],
        backup_log_directory: Some("/x/restore-logs".to_owned()),
        generation_low: 3,
        generation_high: 5,
        state: RestoreState::Registered,
    }
}

fn incremental() -> Registration {
    Registration { map: Vec::new(), generation_low: 6, generation_high: 7, ..full() }
}

fn written(directory: &Path) -> serde_json::Value {
    serde_json::from_slice(&fs::read(directory.join("restore.json")).unwrap()).unwrap()
}

#[test]
fn a_restore_is_registered_and_completed_step_by_step() {
    let directory = data_directory();
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    assert!(!directory.path().join("restore.json").exists(), "nothing is registered yet");
    session.register(full()).unwrap();
    assert_eq!(written(directory.path())["registrations"][0]["state"], "registered");
    session.register_complete(Ok(())).unwrap();
    assert_eq!(written(directory.path())["registrations"][0]["state"], "completed");
    session.register(incremental()).unwrap();
    session.register_complete(Ok(())).unwrap();
    session.end();
    assert_eq!(written(directory.path())["registrations"].as_array().unwrap().len(), 2);
    let mode = fs::metadata(directory.path().join("restore.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_running_server_is_refused() {
    let directory = data_directory();
    let lock = fs::File::create(directory.path().join("certsrvd.lock")).unwrap();
    lock.lock().unwrap();
    let error = RestoreSession::prepare(directory.path()).unwrap_err();
    assert!(matches!(error, Error::ServerRunning { .. }), "{error}");
    assert!(error.hint().unwrap().contains("stop"));
    drop(lock);
    RestoreSession::prepare(directory.path()).unwrap();
}

#[test]
fn the_session_keeps_the_server_from_starting() {
    let directory = data_directory();
    let session = RestoreSession::prepare(directory.path()).unwrap();
    let lock = fs::File::open(directory.path().join("certsrvd.lock")).unwrap();
    assert!(lock.try_lock().is_err());
    session.end();
    lock.try_lock().unwrap();
}

#[test]
fn another_directory_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let error = RestoreSession::prepare(directory.path()).unwrap_err();
    assert!(matches!(error, Error::NotADataDirectory { .. }), "{error}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn the_full_backup_comes_first_and_one_at_a_time() {
    let directory = data_directory();
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    assert!(matches!(session.register(incremental()), Err(Error::Instruction { .. })));
    assert!(matches!(session.register_complete(Ok(())), Err(Error::Instruction { .. })));
    session.register(full()).unwrap();
    assert!(matches!(session.register(incremental()), Err(Error::Instruction { .. })));
    session.register_complete(Ok(())).unwrap();
    assert!(matches!(session.register(full()), Err(Error::Instruction { .. })));
}

#[test]
fn a_refused_step_changes_nothing_on_disk() {
    let directory = data_directory();
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    session.register(full()).unwrap();
    let before = fs::read(directory.path().join("restore.json")).unwrap();
    session.register(incremental()).unwrap_err();
    assert_eq!(fs::read(directory.path().join("restore.json")).unwrap(), before);
    let names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn an_interrupted_restore_is_found_and_can_be_started_over() {
    let directory = data_directory();
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    session.register(full()).unwrap();
    drop(session);
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    assert_eq!(session.registrations()[0].state, RestoreState::Registered);
    session.start_over();
    // The server still does not start.
    assert_eq!(written(directory.path())["registrations"][0]["state"], "registered");
    session.set_until(Some(RestoreUntil::Generation(4)));
    session.register(full()).unwrap();
    session.register_complete(Ok(())).unwrap();
    assert_eq!(written(directory.path())["until"]["generation"], 4);
}

#[test]
fn a_failed_copy_is_written_down() {
    let directory = data_directory();
    let mut session = RestoreSession::prepare(directory.path()).unwrap();
    session.register(full()).unwrap();
    session.register_complete(Err(Hresult::FAIL)).unwrap();
    assert_eq!(written(directory.path())["registrations"][0]["state"]["failed"], "0x80004005");
}

#[test]
fn an_instruction_that_cannot_be_read_is_not_overwritten() {
    let directory = data_directory();
    fs::write(directory.path().join("restore.json"), "not json").unwrap();
    let error = RestoreSession::prepare(directory.path()).unwrap_err();
    assert!(matches!(error, Error::Instruction { .. }), "{error}");
    assert_eq!(fs::read(directory.path().join("restore.json")).unwrap(), b"not json");
}
