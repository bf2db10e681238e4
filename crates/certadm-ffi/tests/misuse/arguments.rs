//! NULL, garbage, and handles that are none: no server is needed to refuse them.

use std::ptr;

use certadm_ffi::abi::{CSEDB_RSTMAPW, WCHAR};

use crate::api::{ARGUMENT, Api, Code, HANDLE, Handle, POINTER, api, wide};

/// Every function that takes a handle, by name.
fn with_handle(api: Api, handle: Handle) -> Vec<(&'static str, Result<(), Code>)> {
    vec![
        ("CertSrvBackupGetDatabaseNamesW", api.database_names(handle).map(drop)),
        ("CertSrvBackupGetBackupLogsW", api.backup_logs(handle).map(drop)),
        ("CertSrvBackupGetDynamicFileListW", api.dynamic_files(handle).map(drop)),
        ("CertSrvRestoreGetDatabaseLocationsW", api.database_locations(handle).map(drop)),
        ("CertSrvBackupOpenFileW", api.open_file(handle, "x", 0).map(drop)),
        ("CertSrvBackupRead", api.read(handle, 16).map(drop)),
        ("CertSrvBackupClose", api.close(handle)),
        ("CertSrvBackupTruncateLogs", api.truncate_logs(handle)),
        ("CertSrvRestoreRegisterW", api.register(handle, &[("a", "b")], 1, 1)),
        ("CertSrvRestoreRegisterThroughFile", api.register_through_file(handle, &[], 1, 1)),
        ("CertSrvRestoreRegisterComplete", api.register_complete(handle, 0)),
        ("CertSrvRestoreEnd", api.restore_end(handle)),
        ("CertSrvBackupEnd", api.end(handle)),
    ]
}

#[test]
fn a_handle_that_is_none_is_refused_by_every_function() {
    let api = api();
    let local = 17_u64;
    let numbers = [0, 1, usize::MAX, (&raw const local).addr(), 0x0123_4567_89AB_CDEF_u64 as usize];
    for number in numbers {
        for (function, result) in with_handle(api, Handle(number)) {
            assert_eq!(result, Err(HANDLE), "{function} with {number:#x}");
        }
    }
    assert_eq!(local, 17);
}

#[test]
fn a_missing_place_for_a_result_is_refused_before_anything_is_done() {
    let table = api().table;
    let (name, none) = (wide("localhost"), ptr::null_mut());
    let (mut units, mut size) = (ptr::null_mut::<WCHAR>(), 77_u32);
    let (list, bytes) = (&raw mut units, &raw mut size);
    let nothing = ptr::null_mut();
    // SAFETY: strings, places for results, and NULL, which every function allows.
    let codes = unsafe {
        [
            (table.is_server_online)(name.as_ptr(), ptr::null_mut()),
            (table.backup_prepare)(name.as_ptr(), 0, 1, ptr::null_mut()),
            (table.restore_prepare)(name.as_ptr(), 1, ptr::null_mut()),
            (table.backup_get_database_names)(none, ptr::null_mut(), bytes),
            (table.backup_get_database_names)(none, list, ptr::null_mut()),
            (table.backup_get_backup_logs)(none, ptr::null_mut(), bytes),
            (table.backup_get_backup_logs)(none, list, ptr::null_mut()),
            (table.backup_get_dynamic_file_list)(none, ptr::null_mut(), bytes),
            (table.backup_get_dynamic_file_list)(none, list, ptr::null_mut()),
            (table.restore_get_database_locations)(none, ptr::null_mut(), bytes),
            (table.restore_get_database_locations)(none, list, ptr::null_mut()),
            (table.backup_open_file)(none, name.as_ptr(), 0, ptr::null_mut()),
            (table.backup_read)(none, nothing, 0, ptr::null_mut()),
        ]
    };
    for (at, code) in codes.into_iter().enumerate() {
        assert_eq!(Code(code.cast_unsigned()), POINTER, "call {at}");
    }
    // SAFETY: NULL, and what is no list of ours, have no effect.
    unsafe {
        (table.backup_free)(ptr::null_mut());
        (table.backup_free)((&raw mut size).cast());
    }
    assert_eq!(size, 77);
}

#[test]
fn a_missing_or_broken_string_is_refused() {
    let table = api().table;
    let (mut online, mut handle, mut size) = (0, ptr::null_mut(), Default::default());
    let halved: [WCHAR; 2] = [0xDC00, 0];
    for name in [ptr::null(), halved.as_ptr()] {
        // SAFETY: NULL, or a string; places for the results.
        let codes = unsafe {
            [
                (table.is_server_online)(name, &raw mut online),
                (table.backup_prepare)(name, 0, 1, &raw mut handle),
                (table.restore_prepare)(name, 1, &raw mut handle),
                (table.server_control)(name, 1, ptr::null_mut(), ptr::null_mut()),
                (table.backup_open_file)(ptr::null_mut(), name, 0, &raw mut size),
            ]
        };
        assert_eq!(codes.map(|code| Code(code.cast_unsigned())), [ARGUMENT; 5]);
    }
}

#[test]
fn names_and_flags_that_mean_nothing_are_refused() {
    let api = api();
    for server in ["", "a b", "host:0", "host:99999", "[::1", "ho\u{7}st"] {
        assert_eq!(api.is_server_online(server), Err(ARGUMENT), "{server:?}");
        assert_eq!(api.backup_prepare(server, 1), Err(ARGUMENT), "{server:?}");
        assert_eq!(api.server_control(server, 1), Err(ARGUMENT), "{server:?}");
        assert_eq!(api.restore_prepare(server, 1), Err(ARGUMENT), "{server:?}");
    }
    for flags in [0, 3, 4, u32::MAX] {
        assert_eq!(api.backup_prepare("localhost", flags), Err(ARGUMENT), "{flags}");
    }
    for flags in [0, 2, 4, 5] {
        assert_eq!(api.restore_prepare("localhost", flags), Err(ARGUMENT), "{flags}");
    }
    for flags in [0, 2, 3] {
        assert_eq!(api.server_control("localhost", flags), Err(ARGUMENT), "{flags}");
    }
    let (name, mut handle) = (wide("localhost"), ptr::null_mut());
    // SAFETY: a string, and a place for the result.
    let code = unsafe { (api.table.backup_prepare)(name.as_ptr(), 1, 1, &raw mut handle) };
    assert_eq!(Code(code.cast_unsigned()), ARGUMENT, "grbitJet");
}

#[test]
fn a_restore_map_that_is_none_is_refused() {
    let table = api().table;
    let mut name = wide("x");
    let whole = CSEDB_RSTMAPW { pwszDatabaseName: name.as_mut_ptr(), pwszNewDatabaseName: name.as_mut_ptr() };
    let half = CSEDB_RSTMAPW { pwszDatabaseName: ptr::null_mut(), ..whole };
    for (entry, count, low, high) in [
        (Some(whole), -1, 1, 1),
        (None, 1, 1, 1),
        (Some(half), 1, 1, 1),
        (Some(whole), 1, 0, 1),
        (Some(whole), 1, 2, 1),
    ] {
        let mut entry = entry;
        let entries = entry.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        let none = ptr::null();
        // SAFETY: at most one entry, whose names are strings or NULL.
        let code = unsafe { (table.restore_register)(ptr::null_mut(), none, none, entries, count, none, low, high) };
        assert_eq!(Code(code.cast_unsigned()), ARGUMENT, "{count} {low} {high}");
    }
}
