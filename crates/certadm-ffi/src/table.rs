//! The addresses of the 18 functions: `GetProcAddress` of the article, or `dlsym`.

use std::ffi::c_void;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::abi::{BOOL, BYTE, CSEDB_RSTMAPW, DWORD, HCSBC, HRESULT, LARGE_INTEGER, LONG, ULONG, WCHAR};
use crate::export;

/// Why a library cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The system cannot load it.
    #[error("cannot load the library {}", path.display())]
    Load {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is not a Certadm library.
    #[error("{} is no Certadm library: it has no function {}", path.display(), functions.join(", "))]
    Functions {
        /// The file.
        path: PathBuf,
        /// What is missing.
        functions: Vec<&'static str>,
    },
}

/// Declares the table: for every function its field, its name and its type, in one place.
macro_rules! table {
    ($($(#[$doc:meta])* $field:ident: $function:ident($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of Certadm.dll.
        #[derive(Clone, Copy, Debug)]
        pub struct Table {
            $($(#[$doc])* pub $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Table {
            /// The names of the functions.
            pub const FUNCTIONS: &[&'static str] = &[$(stringify!($function)),*];

            /// The functions of this crate.
            #[must_use]
            pub fn built_in() -> Self {
                Table { $($field: export::$function,)* }
            }

            /// The functions of a loaded library.
            ///
            /// # Safety
            /// What the library calls by these names has these types. The table must not be used when the library is
            /// unloaded.
            unsafe fn of(path: &Path, library: &libloading::Library) -> Result<Self, LoadError> {
                let mut functions = Vec::new();
                $(
                    // SAFETY: the function has this type, as promised.
                    let $field = unsafe {
                        library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>(stringify!($function).as_bytes())
                    };
                    if $field.is_err() {
                        functions.push(stringify!($function));
                    }
                )*
                match ($($field,)*) {
                    ($(Ok($field),)*) => Ok(Table { $($field: *$field,)* }),
                    _ => Err(LoadError::Functions { path: path.to_owned(), functions }),
                }
            }
        }
    };
}

table! {
    /// [`export::CertSrvIsServerOnlineW`]
    is_server_online: CertSrvIsServerOnlineW(*const WCHAR, *mut BOOL) -> HRESULT;
    /// [`export::CertSrvBackupPrepareW`]
    backup_prepare: CertSrvBackupPrepareW(*const WCHAR, ULONG, ULONG, *mut HCSBC) -> HRESULT;
    /// [`export::CertSrvBackupGetDatabaseNamesW`]
    backup_get_database_names: CertSrvBackupGetDatabaseNamesW(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT;
    /// [`export::CertSrvBackupOpenFileW`]
    backup_open_file: CertSrvBackupOpenFileW(HCSBC, *const WCHAR, DWORD, *mut LARGE_INTEGER) -> HRESULT;
    /// [`export::CertSrvBackupRead`]
    backup_read: CertSrvBackupRead(HCSBC, *mut c_void, DWORD, *mut DWORD) -> HRESULT;
    /// [`export::CertSrvBackupClose`]
    backup_close: CertSrvBackupClose(HCSBC) -> HRESULT;
    /// [`export::CertSrvBackupGetBackupLogsW`]
    backup_get_backup_logs: CertSrvBackupGetBackupLogsW(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT;
    /// [`export::CertSrvBackupTruncateLogs`]
    backup_truncate_logs: CertSrvBackupTruncateLogs(HCSBC) -> HRESULT;
    /// [`export::CertSrvBackupGetDynamicFileListW`]
    backup_get_dynamic_file_list: CertSrvBackupGetDynamicFileListW(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT;
    /// [`export::CertSrvBackupEnd`]
    backup_end: CertSrvBackupEnd(HCSBC) -> HRESULT;
    /// [`export::CertSrvBackupFree`]
    backup_free: CertSrvBackupFree(*mut c_void);
    /// [`export::CertSrvRestoreGetDatabaseLocationsW`]
    restore_get_database_locations: CertSrvRestoreGetDatabaseLocationsW(HCSBC, *mut *mut WCHAR, *mut DWORD) -> HRESULT;
    /// [`export::CertSrvRestorePrepareW`]
    restore_prepare: CertSrvRestorePrepareW(*const WCHAR, ULONG, *mut HCSBC) -> HRESULT;
    /// [`export::CertSrvRestoreRegisterW`]
    restore_register: CertSrvRestoreRegisterW(
        HCSBC, *const WCHAR, *const WCHAR, *mut CSEDB_RSTMAPW, LONG, *const WCHAR, ULONG, ULONG
    ) -> HRESULT;
    /// [`export::CertSrvRestoreRegisterThroughFile`]
    restore_register_through_file: CertSrvRestoreRegisterThroughFile(
        HCSBC, *const WCHAR, *const WCHAR, *mut CSEDB_RSTMAPW, LONG, *const WCHAR, ULONG, ULONG
    ) -> HRESULT;
    /// [`export::CertSrvRestoreRegisterComplete`]
    restore_register_complete: CertSrvRestoreRegisterComplete(HCSBC, HRESULT) -> HRESULT;
    /// [`export::CertSrvRestoreEnd`]
    restore_end: CertSrvRestoreEnd(HCSBC) -> HRESULT;
    /// [`export::CertSrvServerControlW`]
    server_control: CertSrvServerControlW(*const WCHAR, DWORD, *mut DWORD, *mut *mut BYTE) -> HRESULT;
}

/// A table, and the library that it lives in.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) table: Table,
    // INVARIANT: the library of the table. It is unloaded when this is dropped.
    _library: Option<libloading::Library>,
}

impl Loaded {
    pub(crate) fn built_in() -> Self {
        Loaded { table: Table::built_in(), _library: None }
    }

    /// Loads a library from a path, never from a search path.
    pub(crate) fn load(path: &Path) -> Result<Self, LoadError> {
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| LoadError::Load { path: path.to_owned(), source };
        let absolute = std::path::absolute(path).map_err(|error| failed(error.into()))?;
        // SAFETY: whoever names a library wants its initialisers to run; that it is the right one cannot be checked.
        let library = unsafe { libloading::Library::new(&absolute) }.map_err(|error| failed(error.into()))?;
        // SAFETY: a library that has all 18 names has them from certbcli.h. The library lives as long as the table.
        let table = unsafe { Table::of(path, &library) }?;
        Ok(Loaded { table, _library: Some(library) })
    }
}
