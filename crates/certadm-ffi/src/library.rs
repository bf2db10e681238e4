//! A safe face of a table: the functions of any Certadm library as Rust has them.
//!
//! Memory of the other side is touched in `crate::argument` and here, nowhere else.

use std::ffi::c_void;
use std::path::Path;
use std::ptr;
use std::sync::Arc;

use certadm::{BackupKind, DatabaseLocations, Error, FileName, Hresult, NameList, Prefix, ReadHint, Registration};

use crate::abi::{
    BOOL, CSBACKUP_TYPE_FULL, CSBACKUP_TYPE_LOGS_ONLY, CSCONTROL_SHUTDOWN, CSEDB_RSTMAPW, CSRESTORE_TYPE_FULL, DWORD,
    HCSBC, HRESULT, LARGE_INTEGER, WCHAR,
};
use crate::table::{LoadError, Loaded, Table};

/// Largest list that is taken from a library, in bytes.
const LARGEST_LIST: DWORD = 64 << 20;

/// A Certadm library. Clones share it; it is unloaded when the last of them and of its sessions is dropped.
#[derive(Clone, Debug)]
pub struct Library(Arc<Loaded>);

impl Library {
    /// Loads a library, and finds its functions: steps 1 and 2 of the article. The path is taken as it is; no search path is
    /// looked at.
    ///
    /// Loading runs the code of the file in this process. Only a file that an administrator trusts may be named.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        Ok(Library(Arc::new(Loaded::load(path)?)))
    }

    /// The functions of this crate, without loading anything.
    #[must_use]
    pub fn built_in() -> Self {
        Library(Arc::new(Loaded::built_in()))
    }

    /// `CertSrvIsServerOnlineW`.
    ///
    /// # Errors
    /// What the code of the library stands for, [`Error::of_code`]; so everywhere here.
    pub fn is_server_online(&self, server: &str) -> Result<bool, Error> {
        let (server, mut online) = (wide(server), BOOL::default());
        // SAFETY: a string with its NUL, and a place for the result.
        let code = unsafe { (self.table().is_server_online)(server.as_ptr(), &raw mut online) };
        check("CertSrvIsServerOnlineW", code)?;
        Ok(online != 0)
    }

    /// `CertSrvServerControlW` with `CSCONTROL_SHUTDOWN`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn server_control(&self, server: &str) -> Result<(), Error> {
        let server = wide(server);
        // SAFETY: a string with its NUL; the results may be NULL.
        let code = unsafe {
            (self.table().server_control)(server.as_ptr(), CSCONTROL_SHUTDOWN, ptr::null_mut(), ptr::null_mut())
        };
        check("CertSrvServerControlW", code)
    }

    /// `CertSrvBackupPrepareW`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn backup_prepare(&self, server: &str, kind: BackupKind) -> Result<Backup, Error> {
        let flags = match kind {
            BackupKind::Full => CSBACKUP_TYPE_FULL,
            BackupKind::Incremental => CSBACKUP_TYPE_LOGS_ONLY,
        };
        let (server, mut handle) = (wide(server), ptr::null_mut());
        // SAFETY: a string with its NUL, and a place for the result.
        let code = unsafe { (self.table().backup_prepare)(server.as_ptr(), 0, flags, &raw mut handle) };
        check("CertSrvBackupPrepareW", code)?;
        Ok(Backup(Session {
            library: self.clone(),
            handle,
            end: self.table().backup_end,
            function: "CertSrvBackupEnd",
        }))
    }

    /// `CertSrvRestorePrepareW` with `CSRESTORE_TYPE_FULL`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn restore_prepare(&self, server: &str) -> Result<Restore, Error> {
        let (server, mut handle) = (wide(server), ptr::null_mut());
        // SAFETY: a string with its NUL, and a place for the result.
        let code = unsafe { (self.table().restore_prepare)(server.as_ptr(), CSRESTORE_TYPE_FULL, &raw mut handle) };
        check("CertSrvRestorePrepareW", code)?;
        Ok(Restore(Session {
            library: self.clone(),
            handle,
            end: self.table().restore_end,
            function: "CertSrvRestoreEnd",
        }))
    }

    /// The functions themselves. They must not be called any more when the last clone of the library is gone.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.0.table
    }

    /// Calls a function that returns a list, copies the list, and frees it.
    fn list(
        &self,
        name: &'static str,
        function: unsafe extern "C" fn(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT,
        handle: HCSBC,
    ) -> Result<Vec<u8>, Error> {
        let (mut list, mut size) = (ptr::null_mut::<WCHAR>(), 0);
        // SAFETY: places for the results.
        let code = unsafe { function(handle, &raw mut list, &raw mut size) };
        check(name, code)?;
        let mut bytes = Vec::new();
        if !list.is_null() && size <= LARGEST_LIST {
            bytes.resize(size as usize, 0);
            // SAFETY: the library returned so many bytes there; ours are as many.
            unsafe { ptr::copy_nonoverlapping(list.cast::<u8>(), bytes.as_mut_ptr(), bytes.len()) };
        }
        // SAFETY: the list is the library's own, and not used any more.
        unsafe { (self.table().backup_free)(list.cast()) };
        if size > LARGEST_LIST {
            return Err(Error::Malformed { method: name, source: format!("a list of {size} bytes").into() });
        }
        Ok(bytes)
    }

    fn names(
        &self,
        name: &'static str,
        function: unsafe extern "C" fn(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT,
        handle: HCSBC,
        prefix: Prefix,
    ) -> Result<Vec<FileName>, Error> {
        let bytes = self.list(name, function, handle)?;
        let list = NameList::from_bytes(&bytes, prefix);
        Ok(list.map_err(|error| Error::Malformed { method: name, source: error.into() })?.names)
    }
}

/// A backup session of a library. Dropping it ends it (`CertSrvBackupEnd`).
///
/// The functions have no way to say that a backup failed: a session in which every file was read counts as a backup on the
/// server when it ends, however it ends.
#[derive(Debug)]
pub struct Backup(Session);

impl Backup {
    /// `CertSrvRestoreGetDatabaseLocationsW`.
    ///
    /// # Errors
    /// What the code stands for; [`Error::RestoreMap`] for a list that cannot be read.
    pub fn database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        let function = self.0.library.table().restore_get_database_locations;
        DatabaseLocations::from_bytes(&self.0.library.list(
            "CertSrvRestoreGetDatabaseLocationsW",
            function,
            self.0.handle,
        )?)
    }

    /// `CertSrvBackupGetDatabaseNamesW`.
    ///
    /// # Errors
    /// What the code stands for; [`Error::Malformed`] for a list that cannot be read.
    pub fn database_names(&mut self) -> Result<Vec<FileName>, Error> {
        let function = self.0.library.table().backup_get_database_names;
        self.0.library.names("CertSrvBackupGetDatabaseNamesW", function, self.0.handle, Prefix::Typed)
    }

    /// `CertSrvBackupGetBackupLogsW`.
    ///
    /// # Errors
    /// As [`Backup::database_names`].
    pub fn backup_logs(&mut self) -> Result<Vec<FileName>, Error> {
        let function = self.0.library.table().backup_get_backup_logs;
        self.0.library.names("CertSrvBackupGetBackupLogsW", function, self.0.handle, Prefix::Typed)
    }

    /// `CertSrvBackupGetDynamicFileListW`.
    ///
    /// # Errors
    /// As [`Backup::database_names`].
    pub fn dynamic_files(&mut self) -> Result<Vec<FileName>, Error> {
        let function = self.0.library.table().backup_get_dynamic_file_list;
        self.0.library.names("CertSrvBackupGetDynamicFileListW", function, self.0.handle, Prefix::Bare)
    }

    /// `CertSrvBackupOpenFileW`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn open(&mut self, name: &FileName, hint: ReadHint) -> Result<OpenFile<'_>, Error> {
        let (path, mut size) = (wide(name.path()), LARGE_INTEGER::default());
        // SAFETY: a string with its NUL, and a place for the result.
        let code = unsafe {
            (self.0.library.table().backup_open_file)(self.0.handle, path.as_ptr(), hint.bytes(), &raw mut size)
        };
        check("CertSrvBackupOpenFileW", code)?;
        Ok(OpenFile { backup: self, size: size.QuadPart.max(0).unsigned_abs(), open: true })
    }

    /// `CertSrvBackupTruncateLogs`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn truncate_logs(&mut self) -> Result<(), Error> {
        // SAFETY: the function takes any handle.
        let code = unsafe { (self.0.library.table().backup_truncate_logs)(self.0.handle) };
        check("CertSrvBackupTruncateLogs", code)
    }

    /// `CertSrvBackupEnd`.
    ///
    /// # Errors
    /// What the code stands for; the session is over in any case.
    pub fn end(mut self) -> Result<(), Error> {
        self.0.finish()
    }
}

/// An open file of a session. Dropping it closes it (`CertSrvBackupClose`).
#[derive(Debug)]
pub struct OpenFile<'a> {
    backup: &'a mut Backup,
    size: u64,
    open: bool,
}

impl OpenFile<'_> {
    /// Bytes, as announced when it was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `CertSrvBackupRead`: less than `into` has room for only at the end of the file.
    ///
    /// # Errors
    /// What the code stands for; [`Error::Malformed`] when the library claims to have read more than there is room for.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        let room = DWORD::try_from(into.len()).unwrap_or(DWORD::MAX);
        let mut read = 0;
        let place = into.as_mut_ptr().cast::<c_void>();
        // SAFETY: `room` bytes can be written there, and there is a place for the result.
        let code =
            unsafe { (self.backup.0.library.table().backup_read)(self.backup.0.handle, place, room, &raw mut read) };
        check("CertSrvBackupRead", code)?;
        if read > room {
            let source = format!("{read} bytes read into a buffer of {room}").into();
            return Err(Error::Malformed { method: "CertSrvBackupRead", source });
        }
        Ok(read as usize)
    }

    /// `CertSrvBackupClose`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn close(mut self) -> Result<(), Error> {
        self.finish()
    }

    fn finish(&mut self) -> Result<(), Error> {
        if !std::mem::take(&mut self.open) {
            return Ok(());
        }
        // SAFETY: the function takes any handle.
        let code = unsafe { (self.backup.0.library.table().backup_close)(self.backup.0.handle) };
        check("CertSrvBackupClose", code)
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        // Ending the session closes it, too.
        let _ = self.finish();
    }
}

/// A restore session of a library. Dropping it ends it (`CertSrvRestoreEnd`).
#[derive(Debug)]
pub struct Restore(Session);

impl Restore {
    /// `CertSrvRestoreRegisterThroughFile`. The state of the registration is not passed on.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn register(&mut self, registration: &Registration) -> Result<(), Error> {
        let string = |text: &Option<String>| text.as_deref().map(wide);
        let place = |units: &Option<Vec<WCHAR>>| units.as_ref().map_or(ptr::null(), |units| units.as_ptr());
        let checkpoint = string(&registration.checkpoint_directory);
        let log = string(&registration.log_directory);
        let backup_log = string(&registration.backup_log_directory);
        let mut names: Vec<_> = registration.map.iter().map(|entry| (wide(&entry.old), wide(&entry.new))).collect();
        let mut map: Vec<_> = names
            .iter_mut()
            .map(|(old, new)| CSEDB_RSTMAPW {
                pwszDatabaseName: old.as_mut_ptr(),
                pwszNewDatabaseName: new.as_mut_ptr(),
            })
            .collect();
        let count = i32::try_from(map.len()).unwrap_or(i32::MAX);
        let entries = if map.is_empty() { ptr::null_mut() } else { map.as_mut_ptr() };
        // SAFETY: strings with their NULs, or NULL; a map of so many entries. All of them live until the function returns.
        let code = unsafe {
            (self.0.library.table().restore_register_through_file)(
                self.0.handle,
                place(&checkpoint),
                place(&log),
                entries,
                count,
                place(&backup_log),
                registration.generation_low,
                registration.generation_high,
            )
        };
        check("CertSrvRestoreRegisterThroughFile", code)
    }

    /// `CertSrvRestoreRegisterComplete`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn register_complete(&mut self, result: Result<(), Hresult>) -> Result<(), Error> {
        let state = result.err().unwrap_or(Hresult::OK);
        // SAFETY: the function takes any handle.
        let code = unsafe { (self.0.library.table().restore_register_complete)(self.0.handle, state.0.cast_signed()) };
        check("CertSrvRestoreRegisterComplete", code)
    }

    /// `CertSrvRestoreEnd`.
    ///
    /// # Errors
    /// What the code stands for.
    pub fn end(mut self) -> Result<(), Error> {
        self.0.finish()
    }
}

/// What a handle of a library stands for. Dropping it ends it.
#[derive(Debug)]
struct Session {
    library: Library,
    // INVARIANT: NULL once the session has ended.
    handle: HCSBC,
    /// The function of the library that ends it, and its name.
    end: unsafe extern "C" fn(HCSBC) -> HRESULT,
    function: &'static str,
}

impl Session {
    fn finish(&mut self) -> Result<(), Error> {
        let handle = std::mem::replace(&mut self.handle, ptr::null_mut());
        if handle.is_null() {
            return Ok(());
        }
        // SAFETY: the handle of this session, which nobody uses any more; the library is still loaded.
        let code = unsafe { (self.end)(handle) };
        check(self.function, code)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A backup is given up then, and what was registered for a restore stays registered: what the library says to the end
        // changes neither.
        let _ = self.finish();
    }
}

fn check(function: &'static str, code: HRESULT) -> Result<(), Error> {
    if code >= 0 { Ok(()) } else { Err(Error::of_code(function, Hresult(code.cast_unsigned()))) }
}

/// UTF-16 with its NUL. A NUL inside ends the string for the other side.
fn wide(text: &str) -> Vec<WCHAR> {
    text.encode_utf16().chain([0]).collect()
}
