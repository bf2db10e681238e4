//! The functions, called as C calls them, with codes that can be compared.
#![allow(dead_code, reason = "some of it is used only where there is a server")]

use std::ffi::c_void;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::LazyLock;

use certadm_ffi::Table;
use certadm_ffi::abi::{CSEDB_RSTMAPW, HCSBC, LARGE_INTEGER, WCHAR};

pub(crate) const HANDLE: Code = Code(0x8007_0006);
pub(crate) const POINTER: Code = Code(0x8000_4003);
pub(crate) const ARGUMENT: Code = Code(0x8007_0057);
pub(crate) const UNEXPECTED: Code = Code(0x8000_FFFF);
pub(crate) const BUSY: Code = Code(0x8007_00AA);
pub(crate) const SERVER_UNAVAILABLE: Code = Code(0x8007_06BA);
pub(crate) const CALL_FAILED: Code = Code(0x8007_06BE);

/// The account that the environment names, and its password.
pub(crate) const USER: &str = "backup";
pub(crate) const PASSWORD: &str = "Secret-Password-1";

/// A code, shown as people write it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) u32);

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010X}", self.0)
    }
}

/// What the environment says to the functions; the same for all tests, and set before the first one calls anything.
pub(crate) struct Environment {
    directory: tempfile::TempDir,
}

static ENVIRONMENT: LazyLock<Environment> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let password = directory.path().join("password");
    fs::write(&password, PASSWORD).unwrap();
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).unwrap();
    let data = directory.path().join("ca");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("certsrvd.toml"), "[authority]\nname = 'Contoso CA'\n").unwrap();
    for (name, value) in
        [("CERTADM_USER", PathBuf::from(USER)), ("CERTADM_PASSWORD_FILE", password), ("CERTADM_DATA_DIRECTORY", data)]
    {
        // SAFETY: every test waits here before it starts anything that reads the environment.
        unsafe { std::env::set_var(name, value) };
    }
    Environment { directory }
});

/// The functions under test, after the environment has been made.
pub(crate) fn api() -> Api {
    LazyLock::force(&ENVIRONMENT);
    Api { table: crate::table() }
}

/// The data directory that the restore functions act on.
pub(crate) fn data_directory() -> PathBuf {
    ENVIRONMENT.directory.path().join("ca")
}

/// The functions, with results as values. What a failing function must leave zero is checked here, for every call.
#[derive(Clone, Copy)]
pub(crate) struct Api {
    pub(crate) table: Table,
}

/// A handle that may go to another thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle(pub(crate) usize);

impl Handle {
    pub(crate) fn raw(self) -> HCSBC {
        ptr::without_provenance_mut(self.0)
    }
}

type ListFunction = unsafe extern "C" fn(HCSBC, *mut *mut WCHAR, *mut u32) -> i32;

impl Api {
    pub(crate) fn is_server_online(&self, server: &str) -> Result<bool, Code> {
        let (server, mut online) = (wide(server), 77);
        // SAFETY: a string, and a place for the result.
        let code = unsafe { (self.table.is_server_online)(server.as_ptr(), &raw mut online) };
        result(code, online != 0, online == 0)
    }

    pub(crate) fn backup_prepare(&self, server: &str, flags: u32) -> Result<Handle, Code> {
        let (server, mut handle) = (wide(server), ptr::without_provenance_mut(77));
        // SAFETY: a string, and a place for the result.
        let code = unsafe { (self.table.backup_prepare)(server.as_ptr(), 0, flags, &raw mut handle) };
        result(code, Handle(handle.addr()), handle.is_null())
    }

    pub(crate) fn database_names(&self, handle: Handle) -> Result<Vec<String>, Code> {
        self.list(self.table.backup_get_database_names, handle)
    }

    pub(crate) fn backup_logs(&self, handle: Handle) -> Result<Vec<String>, Code> {
        self.list(self.table.backup_get_backup_logs, handle)
    }

    pub(crate) fn dynamic_files(&self, handle: Handle) -> Result<Vec<String>, Code> {
        self.list(self.table.backup_get_dynamic_file_list, handle)
    }

    pub(crate) fn database_locations(&self, handle: Handle) -> Result<Vec<String>, Code> {
        self.list(self.table.restore_get_database_locations, handle)
    }

    pub(crate) fn open_file(&self, handle: Handle, name: &str, hint: u32) -> Result<i64, Code> {
        let (name, mut size) = (wide(name), LARGE_INTEGER { QuadPart: 77 });
        // SAFETY: a string, and a place for the result.
        let code = unsafe { (self.table.backup_open_file)(handle.raw(), name.as_ptr(), hint, &raw mut size) };
        result(code, size.QuadPart, size.QuadPart == 0)
    }

    pub(crate) fn read(&self, handle: Handle, size: usize) -> Result<Vec<u8>, Code> {
        let (mut buffer, mut read) = (vec![0_u8; size], 77);
        let place = buffer.as_mut_ptr().cast::<c_void>();
        // SAFETY: a buffer of that size, and a place for the result.
        let code = unsafe { (self.table.backup_read)(handle.raw(), place, size as u32, &raw mut read) };
        buffer.truncate(read as usize);
        result(code, buffer, read == 0)
    }

    pub(crate) fn close(&self, handle: Handle) -> Result<(), Code> {
        // SAFETY: any handle.
        result(unsafe { (self.table.backup_close)(handle.raw()) }, (), true)
    }

    pub(crate) fn truncate_logs(&self, handle: Handle) -> Result<(), Code> {
        // SAFETY: any handle.
        result(unsafe { (self.table.backup_truncate_logs)(handle.raw()) }, (), true)
    }

    pub(crate) fn end(&self, handle: Handle) -> Result<(), Code> {
        // SAFETY: any handle.
        result(unsafe { (self.table.backup_end)(handle.raw()) }, (), true)
    }

    pub(crate) fn restore_prepare(&self, server: &str, flags: u32) -> Result<Handle, Code> {
        let (server, mut handle) = (wide(server), ptr::without_provenance_mut(77));
        // SAFETY: a string, and a place for the result.
        let code = unsafe { (self.table.restore_prepare)(server.as_ptr(), flags, &raw mut handle) };
        result(code, Handle(handle.addr()), handle.is_null())
    }

    /// Both ways to register must say the same.
    pub(crate) fn register(&self, handle: Handle, map: &[(&str, &str)], low: u32, high: u32) -> Result<(), Code> {
        self.register_with(self.table.restore_register, handle, map, low, high)
    }

    pub(crate) fn register_through_file(
        &self,
        handle: Handle,
        map: &[(&str, &str)],
        low: u32,
        high: u32,
    ) -> Result<(), Code> {
        self.register_with(self.table.restore_register_through_file, handle, map, low, high)
    }

    /// As [`Api::register`], with a path of the logs.
    pub(crate) fn register_with_logs_in(&self, handle: Handle, logs: &str, map: (&str, &str)) -> Result<(), Code> {
        let (mut old, mut new, logs) = (wide(map.0), wide(map.1), wide(logs));
        let mut entry = CSEDB_RSTMAPW { pwszDatabaseName: old.as_mut_ptr(), pwszNewDatabaseName: new.as_mut_ptr() };
        let none = ptr::null();
        // SAFETY: strings, and a map of one entry.
        let code =
            unsafe { (self.table.restore_register)(handle.raw(), none, logs.as_ptr(), &raw mut entry, 1, none, 1, 1) };
        result(code, (), true)
    }

    fn register_with(
        &self,
        function: unsafe extern "C" fn(
            HCSBC,
            *const WCHAR,
            *const WCHAR,
            *mut CSEDB_RSTMAPW,
            i32,
            *const WCHAR,
            u32,
            u32,
        ) -> i32,
        handle: Handle,
        map: &[(&str, &str)],
        low: u32,
        high: u32,
    ) -> Result<(), Code> {
        let mut names: Vec<_> = map.iter().map(|(old, new)| (wide(old), wide(new))).collect();
        let mut map: Vec<_> = names
            .iter_mut()
            .map(|(old, new)| CSEDB_RSTMAPW {
                pwszDatabaseName: old.as_mut_ptr(),
                pwszNewDatabaseName: new.as_mut_ptr(),
            })
            .collect();
        let (entries, count) = if map.is_empty() { (ptr::null_mut(), 0) } else { (map.as_mut_ptr(), map.len() as i32) };
        let none = ptr::null();
        // SAFETY: no strings, and a map of so many entries.
        let code = unsafe { function(handle.raw(), none, none, entries, count, none, low, high) };
        result(code, (), true)
    }

    pub(crate) fn register_complete(&self, handle: Handle, state: u32) -> Result<(), Code> {
        // SAFETY: any handle.
        let code = unsafe { (self.table.restore_register_complete)(handle.raw(), state.cast_signed()) };
        result(code, (), true)
    }

    pub(crate) fn restore_end(&self, handle: Handle) -> Result<(), Code> {
        // SAFETY: any handle.
        result(unsafe { (self.table.restore_end)(handle.raw()) }, (), true)
    }

    pub(crate) fn server_control(&self, server: &str, flags: u32) -> Result<(), Code> {
        let server = wide(server);
        let (mut size, mut output) = (77, ptr::without_provenance_mut(77));
        // SAFETY: a string, and places for the results.
        let code = unsafe { (self.table.server_control)(server.as_ptr(), flags, &raw mut size, &raw mut output) };
        assert_eq!((size, output.is_null()), (0, true));
        result(code, (), true)
    }

    fn list(&self, function: ListFunction, handle: Handle) -> Result<Vec<String>, Code> {
        let (mut list, mut size) = (ptr::without_provenance_mut::<WCHAR>(77), 77);
        // SAFETY: places for the results.
        let code = unsafe { function(handle.raw(), &raw mut list, &raw mut size) };
        result(code, (), list.is_null() && size == 0)?;
        // SAFETY: the function returned so many bytes.
        let units = unsafe { std::slice::from_raw_parts(list, size as usize / 2) }.to_vec();
        // SAFETY: the list of this library, not used any more.
        unsafe { (self.table.backup_free)(list.cast()) };
        assert_eq!((size % 2, &units[units.len() - 2..]), (0, &[0, 0][..]), "the list ends with two NULs");
        let names = units[..units.len() - 2].split(|unit| *unit == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf16(name).unwrap()).collect())
    }
}

/// A failing function leaves its results zero.
fn result<T>(code: i32, value: T, is_zero: bool) -> Result<T, Code> {
    if code >= 0 {
        assert_eq!(code, 0, "no other success is documented");
        return Ok(value);
    }
    assert!(is_zero, "a failing function left a result");
    Err(Code(code.cast_unsigned()))
}

pub(crate) fn wide(text: &str) -> Vec<WCHAR> {
    text.encode_utf16().chain([0]).collect()
}

/// A name as OpenFile wants it: without its type.
pub(crate) fn path(name: &str) -> &str {
    let mut units = name.chars();
    units.next();
    units.as_str()
}
