//! A restore in every wrong order. The tests share one data directory, whose lock only one session can have.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::api::{ARGUMENT, Api, Code, HANDLE, Handle, UNEXPECTED, api, data_directory};

/// ERROR_SERVICE_ALREADY_RUNNING: the lock of the data directory is taken.
const RUNNING: Code = Code(0x8007_0420);
const NOT_SUPPORTED: Code = Code(0x8007_0032);
const MAP: &[(&str, &str)] = &[(r"\\ca\CertSrv$\DataBase\CA.db", r"\\ca\CertSrv$\DataBase\CA.db")];

fn alone() -> (Api, MutexGuard<'static, ()>) {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let api = api();
    let _ = fs::remove_file(data_directory().join("restore.json"));
    (api, guard)
}

fn prepared(api: Api) -> Handle {
    api.restore_prepare("localhost", 1).unwrap()
}

fn instruction() -> String {
    fs::read_to_string(data_directory().join("restore.json")).unwrap_or_default()
}

#[test]
fn a_restore_happens_on_the_machine_of_the_ca_only() {
    let (api, _alone) = alone();
    assert_eq!(api.restore_prepare("ca01.elsewhere.example", 1), Err(NOT_SUPPORTED));
    assert_eq!(api.restore_prepare(r"192.0.2.1:1135\Contoso CA", 1), Err(NOT_SUPPORTED));
}

#[test]
fn a_restore_is_for_the_ca_of_the_data_directory() {
    let (api, _alone) = alone();
    assert_eq!(api.restore_prepare(r"localhost\Another CA", 1), Err(ARGUMENT));
    let handle = api.restore_prepare(r"localhost\contoso ca", 1).unwrap();
    assert_eq!(api.register_with_logs_in(handle, "/nowhere/log", MAP[0]), Err(ARGUMENT));
    assert_eq!(instruction(), "");
    assert_eq!(api.register_with_logs_in(handle, data_directory().join("log").to_str().unwrap(), MAP[0]), Ok(()));
    assert_eq!(api.register_complete(handle, 0), Ok(()));
    assert_eq!(
        api.register_with_logs_in(handle, r"\\ca\CertSrv$\Log", MAP[0]),
        Err(UNEXPECTED),
        "the server judges that"
    );
    assert_eq!(api.restore_end(handle), Ok(()));
}

#[test]
fn one_restore_at_a_time() {
    let (api, _alone) = alone();
    let first = prepared(api);
    assert_eq!(api.restore_prepare("127.0.0.1", 1), Err(RUNNING));
    assert_eq!(api.restore_end(first), Ok(()));
    let second = prepared(api);
    assert_eq!(api.restore_end(first), Err(HANDLE), "the handle of a session that has ended");
    assert_eq!(api.restore_end(second), Ok(()));
}

#[test]
fn what_is_not_in_order_changes_nothing() {
    let (api, _alone) = alone();
    let handle = prepared(api);
    assert_eq!(api.register_complete(handle, 0), Err(UNEXPECTED), "nothing is registered");
    assert_eq!(api.register_through_file(handle, &[], 1, 2), Err(UNEXPECTED), "the full backup comes first");
    assert_eq!(instruction(), "");
    assert_eq!(api.register(handle, MAP, 1, 26), Ok(()));
    let registered = instruction();
    assert_eq!(api.register(handle, &[], 27, 27), Err(UNEXPECTED), "the first is not complete");
    assert_eq!(instruction(), registered);
    assert_eq!(api.register_complete(handle, 0), Ok(()));
    assert_eq!(api.register(handle, MAP, 1, 26), Err(UNEXPECTED), "a second full backup");
    assert_eq!(api.register_through_file(handle, &[], 27, 30), Ok(()));
    assert_eq!(api.register_complete(handle, 0x8007_0070), Ok(()), "copying failed");
    assert!(instruction().contains(r#""failed": "0x80070070""#), "{}", instruction());
    assert_eq!(api.register_complete(handle, 0), Err(UNEXPECTED), "it has failed already");
    assert_eq!(api.restore_end(handle), Ok(()));
    assert_eq!(api.register(handle, MAP, 1, 26), Err(HANDLE));
}

#[test]
fn a_full_backup_of_a_new_session_starts_over_and_an_incremental_one_goes_on() {
    let (api, _alone) = alone();
    let first = prepared(api);
    assert_eq!(api.register(first, MAP, 1, 5), Ok(()));
    assert_eq!(api.register_complete(first, 1), Ok(()), "S_FALSE is a success");
    assert_eq!(api.restore_end(first), Ok(()));
    let second = prepared(api);
    assert_eq!(api.register(second, &[], 6, 7), Ok(()));
    assert_eq!(api.register_complete(second, 0), Ok(()));
    assert_eq!(api.restore_end(second), Ok(()));
    assert_eq!(instruction().matches("completed").count(), 2);
    let third = prepared(api);
    assert_eq!(api.register(third, MAP, 1, 9), Ok(()));
    assert_eq!(api.restore_end(third), Ok(()));
    assert_eq!((instruction().matches("completed").count(), instruction().matches("registered\"").count()), (0, 1));
}

#[test]
fn the_functions_of_a_backup_refuse_the_handle_of_a_restore() {
    let (api, _alone) = alone();
    let handle = prepared(api);
    assert_eq!(api.database_names(handle), Err(HANDLE));
    assert_eq!(api.database_locations(handle), Err(HANDLE));
    assert_eq!(api.read(handle, 1), Err(HANDLE));
    assert_eq!(api.end(handle), Err(HANDLE));
    assert_eq!(api.restore_end(handle), Ok(()), "it is still one");
}
