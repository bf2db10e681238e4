//! The 18 functions, as `certbcli.h` declares them.
//!
//! Each one checks its arguments, does its work behind `enter`, which turns failures and panics into codes, and leaves its
//! results alone when it fails, except that handles, pointers and sizes are zero then.
#![allow(non_snake_case, reason = "the names of certbcli.h")]

use std::ffi::c_void;
use std::ptr;

use certadm::{BackupKind, Hresult, ReadHint};

use crate::abi::{
    BOOL, BYTE, CSBACKUP_TYPE_FULL, CSBACKUP_TYPE_LOGS_ONLY, CSCONTROL_SHUTDOWN, CSEDB_RSTMAPW, CSRESTORE_TYPE_FULL,
    DWORD, HCSBC, HRESULT, LARGE_INTEGER, LONG, ULONG, WCHAR,
};
use crate::argument::{Buffer, Out, optional_string, restore_map, string};
use crate::backup::Backup;
use crate::entry::enter;
use crate::failure::Failure;
use crate::handle::{self, Session};
use crate::list::{self, List};
use crate::restore::{Files, Restore};
use crate::server;

/// Asks whether a CA serves. `*pfServerOnline` is TRUE when it does, FALSE when it runs and does not serve; a CA that does not
/// run, or cannot be reached, is a failure (0x800706BA).
///
/// # Safety
/// `pwszServerName` is NULL or a string that ends with NUL; `pfServerOnline` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvIsServerOnlineW(pwszServerName: *const WCHAR, pfServerOnline: *mut BOOL) -> HRESULT {
    enter("CertSrvIsServerOnlineW", || {
        // SAFETY: the caller promised it.
        let mut online = unsafe { Out::new(pfServerOnline, "pfServerOnline") }?;
        online.set(0);
        // SAFETY: the caller promised it.
        let server = unsafe { string(pwszServerName, "pwszServerName") }?;
        online.set(BOOL::from(server::connect(&server)?.is_online()?));
        Ok(())
    })
}

/// Begins a backup: all of it (`CSBACKUP_TYPE_FULL`), or what an incremental one needs (`CSBACKUP_TYPE_LOGS_ONLY`).
/// `CertSrvBackupEnd` ends it.
///
/// # Safety
/// `pwszServerName` is NULL or a string that ends with NUL; `phbc` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupPrepareW(
    pwszServerName: *const WCHAR,
    grbitJet: ULONG,
    dwBackupFlags: ULONG,
    phbc: *mut HCSBC,
) -> HRESULT {
    enter("CertSrvBackupPrepareW", || {
        // SAFETY: the caller promised it.
        let mut handle = unsafe { Out::new(phbc, "phbc") }?;
        handle.set(ptr::null_mut());
        // SAFETY: the caller promised it.
        let server = unsafe { string(pwszServerName, "pwszServerName") }?;
        if grbitJet != 0 {
            return Err(Failure::argument("grbitJet", "is not 0"));
        }
        let kind = match dwBackupFlags {
            CSBACKUP_TYPE_FULL => BackupKind::Full,
            CSBACKUP_TYPE_LOGS_ONLY => BackupKind::Incremental,
            _ => {
                return Err(Failure::argument(
                    "dwBackupFlags",
                    "is neither CSBACKUP_TYPE_FULL nor CSBACKUP_TYPE_LOGS_ONLY",
                ));
            }
        };
        let backup = Backup::prepare(&server, kind)?;
        handle.set(handle::open(Session::Backup(Box::new(backup))));
        Ok(())
    })
}

/// The databases of a full backup: names that begin with their CSBFT type. `CertSrvBackupFree` frees the list.
///
/// # Safety
/// The two pointers are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupGetDatabaseNamesW(
    hbc: HCSBC,
    ppwszzAttachmentInformation: *mut *mut WCHAR,
    pcbSize: *mut DWORD,
) -> HRESULT {
    enter("CertSrvBackupGetDatabaseNamesW", || {
        // SAFETY: the caller promised it.
        let results = unsafe { ListResults::new(ppwszzAttachmentInformation, "ppwszzAttachmentInformation", pcbSize) };
        results?.set(handle::with_backup(hbc, Backup::database_names)?);
        Ok(())
    })
}

/// Opens a file of one of the lists for reading, by its name without the type. One file of a session is open at a time.
/// `cbReadHintSize` counts in the first call of a session only: it sets the size of the read buffer, 0 for the default of
/// 1 MiB, else the nearest power of two from 64 KiB to 4 MiB.
///
/// # Safety
/// `pwszAttachmentName` is NULL or a string that ends with NUL; `pliFileSize` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupOpenFileW(
    hbc: HCSBC,
    pwszAttachmentName: *const WCHAR,
    cbReadHintSize: DWORD,
    pliFileSize: *mut LARGE_INTEGER,
) -> HRESULT {
    enter("CertSrvBackupOpenFileW", || {
        // SAFETY: the caller promised it.
        let mut size = unsafe { Out::new(pliFileSize, "pliFileSize") }?;
        size.set(LARGE_INTEGER::default());
        // SAFETY: the caller promised it.
        let name = unsafe { string(pwszAttachmentName, "pwszAttachmentName") }?;
        let length = handle::with_backup(hbc, |backup| backup.open(&name, ReadHint::new(cbReadHintSize)))?;
        size.set(LARGE_INTEGER { QuadPart: i64::try_from(length).unwrap_or(i64::MAX) });
        Ok(())
    })
}

/// Reads on in the open file. `*pcbRead` is less than `cbBuffer` only at the end of the file.
///
/// # Safety
/// `pvBuffer` has room for `cbBuffer` bytes, or is NULL; `pcbRead` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupRead(
    hbc: HCSBC,
    pvBuffer: *mut c_void,
    cbBuffer: DWORD,
    pcbRead: *mut DWORD,
) -> HRESULT {
    enter("CertSrvBackupRead", || {
        // SAFETY: the caller promised it.
        let mut read = unsafe { Out::new(pcbRead, "pcbRead") }?;
        read.set(0);
        // SAFETY: the caller promised it.
        let mut buffer = unsafe { Buffer::new(pvBuffer, cbBuffer as usize, "pvBuffer") }?;
        read.set(handle::with_backup(hbc, |backup| backup.read(&mut buffer))?);
        Ok(())
    })
}

/// Closes the open file, read to its end or not.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvBackupClose(hbc: HCSBC) -> HRESULT {
    enter("CertSrvBackupClose", || handle::with_backup(hbc, Backup::close))
}

/// The logs: names that begin with their CSBFT type. `CertSrvBackupFree` frees the list.
///
/// # Safety
/// The two pointers are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupGetBackupLogsW(
    hbc: HCSBC,
    ppwszzBackupLogFiles: *mut *mut WCHAR,
    pcbSize: *mut DWORD,
) -> HRESULT {
    enter("CertSrvBackupGetBackupLogsW", || {
        // SAFETY: the caller promised it.
        let results = unsafe { ListResults::new(ppwszzBackupLogFiles, "ppwszzBackupLogFiles", pcbSize) };
        results?.set(handle::with_backup(hbc, Backup::backup_logs)?);
        Ok(())
    })
}

/// Lets the CA delete the logs of this backup. Only when every file of both lists was read and is safe.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvBackupTruncateLogs(hbc: HCSBC) -> HRESULT {
    enter("CertSrvBackupTruncateLogs", || handle::with_backup(hbc, Backup::truncate_logs))
}

/// The files that belong to the CA's state and are to be copied by other means: names without types. `CertSrvBackupFree` frees
/// the list.
///
/// # Safety
/// The two pointers are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvBackupGetDynamicFileListW(
    hbc: HCSBC,
    ppwszzFileList: *mut *mut WCHAR,
    pcbSize: *mut DWORD,
) -> HRESULT {
    enter("CertSrvBackupGetDynamicFileListW", || {
        // SAFETY: the caller promised it.
        let results = unsafe { ListResults::new(ppwszzFileList, "ppwszzFileList", pcbSize) };
        results?.set(handle::with_backup(hbc, Backup::dynamic_files)?);
        Ok(())
    })
}

/// Ends a backup. The handle is none from now on, whatever the result.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvBackupEnd(hbc: HCSBC) -> HRESULT {
    enter("CertSrvBackupEnd", || match handle::close(hbc, |session| matches!(session, Session::Backup(_)))? {
        Session::Backup(backup) => backup.end(),
        Session::Restore(_) => Err(Failure::Handle),
    })
}

/// Frees a list. NULL is allowed.
///
/// What is not a list of this library must not be passed. This library notices and does nothing; others need not.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvBackupFree(pv: *mut c_void) {
    enter("CertSrvBackupFree", || {
        list::free(pv);
        Ok(())
    });
}

/// Where the CA keeps database, logs and checkpoint: the restore map, to be saved with every full backup. Names that begin
/// with their CSBFT type. `CertSrvBackupFree` frees the list.
///
/// # Safety
/// The two pointers are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvRestoreGetDatabaseLocationsW(
    hbc: HCSBC,
    ppwszzDatabaseLocationList: *mut *mut WCHAR,
    pcbSize: *mut DWORD,
) -> HRESULT {
    enter("CertSrvRestoreGetDatabaseLocationsW", || {
        // SAFETY: the caller promised it.
        let results = unsafe { ListResults::new(ppwszzDatabaseLocationList, "ppwszzDatabaseLocationList", pcbSize) };
        results?.set(handle::with_backup(hbc, Backup::database_locations)?);
        Ok(())
    })
}

/// Begins a restore on this machine (`CSRESTORE_TYPE_FULL`), whose CA must not run. `CertSrvRestoreEnd` ends it.
///
/// # Safety
/// `pwszServerName` is NULL or a string that ends with NUL; `phbc` is NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvRestorePrepareW(
    pwszServerName: *const WCHAR,
    dwRestoreFlags: ULONG,
    phbc: *mut HCSBC,
) -> HRESULT {
    enter("CertSrvRestorePrepareW", || {
        // SAFETY: the caller promised it.
        let mut handle = unsafe { Out::new(phbc, "phbc") }?;
        handle.set(ptr::null_mut());
        // SAFETY: the caller promised it.
        let server = unsafe { string(pwszServerName, "pwszServerName") }?;
        if dwRestoreFlags != CSRESTORE_TYPE_FULL {
            return Err(Failure::argument("dwRestoreFlags", "is not CSRESTORE_TYPE_FULL"));
        }
        let restore = Restore::prepare(&server)?;
        handle.set(handle::open(Session::Restore(restore)));
        Ok(())
    })
}

/// Announces files that are put back: a full backup with its database in the map, then incremental ones without a map. The CA
/// does not start before `CertSrvRestoreRegisterComplete`.
///
/// # Safety
/// The strings are NULL or end with NUL; `rgrstmap` has `crstmap` entries, whose names are such strings.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvRestoreRegisterW(
    hbc: HCSBC,
    pwszCheckPointFilePath: *const WCHAR,
    pwszLogPath: *const WCHAR,
    rgrstmap: *mut CSEDB_RSTMAPW,
    crstmap: LONG,
    pwszBackupLogPath: *const WCHAR,
    genLow: ULONG,
    genHigh: ULONG,
) -> HRESULT {
    enter("CertSrvRestoreRegisterW", || {
        // SAFETY: the caller promised it.
        let checkpoint_path = unsafe { optional_string(pwszCheckPointFilePath, "pwszCheckPointFilePath") }?;
        // SAFETY: the caller promised it.
        let log_path = unsafe { optional_string(pwszLogPath, "pwszLogPath") }?;
        // SAFETY: the caller promised it.
        let map = unsafe { restore_map(rgrstmap, crstmap) }?;
        // SAFETY: the caller promised it.
        let backup_log_path = unsafe { optional_string(pwszBackupLogPath, "pwszBackupLogPath") }?;
        if genLow == 0 || genLow > genHigh {
            return Err(Failure::argument("genLow", "is 0 or above genHigh"));
        }
        let files =
            Files { checkpoint_path, log_path, map, backup_log_path, generation_low: genLow, generation_high: genHigh };
        handle::with_restore(hbc, |restore| restore.register(files))
    })
}

/// As [`CertSrvRestoreRegisterW`]; on Windows the two differ in the rights that they need, here they do not.
///
/// # Safety
/// As for [`CertSrvRestoreRegisterW`].
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvRestoreRegisterThroughFile(
    hbc: HCSBC,
    pwszCheckPointFilePath: *const WCHAR,
    pwszLogPath: *const WCHAR,
    rgrstmap: *mut CSEDB_RSTMAPW,
    crstmap: LONG,
    pwszBackupLogPath: *const WCHAR,
    genLow: ULONG,
    genHigh: ULONG,
) -> HRESULT {
    // SAFETY: what the caller promised here is what that function wants.
    unsafe {
        CertSrvRestoreRegisterW(
            hbc,
            pwszCheckPointFilePath,
            pwszLogPath,
            rgrstmap,
            crstmap,
            pwszBackupLogPath,
            genLow,
            genHigh,
        )
    }
}

/// Says that the registered files are in place, or with which code that failed.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvRestoreRegisterComplete(hbc: HCSBC, hrRestoreState: HRESULT) -> HRESULT {
    enter("CertSrvRestoreRegisterComplete", || {
        let state = Hresult(hrRestoreState.cast_unsigned());
        handle::with_restore(hbc, |restore| restore.register_complete(state))
    })
}

/// Ends a restore. The handle is none from now on. The CA may be started: it replays the logs before it serves.
#[unsafe(no_mangle)]
pub extern "C" fn CertSrvRestoreEnd(hbc: HCSBC) -> HRESULT {
    enter("CertSrvRestoreEnd", || {
        if let Session::Restore(restore) = handle::close(hbc, |session| matches!(session, Session::Restore(_)))? {
            restore.end();
        }
        Ok(())
    })
}

/// Stops a CA (`CSCONTROL_SHUTDOWN`). `pcbOut` and `ppbOut` may be NULL; they become 0 and NULL.
///
/// # Safety
/// `pwszServerName` is NULL or a string that ends with NUL; the two pointers are NULL or can be written to.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn CertSrvServerControlW(
    pwszServerName: *const WCHAR,
    dwControlFlags: DWORD,
    pcbOut: *mut DWORD,
    ppbOut: *mut *mut BYTE,
) -> HRESULT {
    enter("CertSrvServerControlW", || {
        // SAFETY: the caller promised it.
        if let Some(mut size) = unsafe { Out::optional(pcbOut) } {
            size.set(0);
        }
        // SAFETY: the caller promised it.
        if let Some(mut output) = unsafe { Out::optional(ppbOut) } {
            output.set(ptr::null_mut());
        }
        // SAFETY: the caller promised it.
        let server = unsafe { string(pwszServerName, "pwszServerName") }?;
        if dwControlFlags != CSCONTROL_SHUTDOWN {
            return Err(Failure::argument("dwControlFlags", "is not CSCONTROL_SHUTDOWN"));
        }
        Ok(server::connect(&server)?.shut_down()?)
    })
}

/// Where a function puts a list.
struct ListResults {
    list: Out<*mut WCHAR>,
    size: Out<DWORD>,
}

impl ListResults {
    /// Both are zero until there is a list.
    ///
    /// # Safety
    /// Both pointers are NULL or can be written to as long as this lives.
    unsafe fn new(list: *mut *mut WCHAR, name: &'static str, size: *mut DWORD) -> Result<Self, Failure> {
        // SAFETY: as promised to this function.
        let list = unsafe { Out::new(list, name) };
        // SAFETY: as promised to this function.
        let size = unsafe { Out::new(size, "pcbSize") };
        let mut results = ListResults { list: list?, size: size? };
        results.list.set(ptr::null_mut());
        results.size.set(0);
        Ok(results)
    }

    fn set(&mut self, list: List) {
        self.list.set(list.units);
        self.size.set(list.size);
    }
}
