//! The types and constants of `certbcli.h`, under the names they have there.
#![allow(non_camel_case_types, non_snake_case, clippy::upper_case_acronyms, reason = "the names of certbcli.h")]

use std::ffi::c_void;

/// A UTF-16 code unit, on every platform: `wchar_t` of Windows, `char16_t` elsewhere.
pub type WCHAR = u16;
/// A result: zero or positive is success, negative is failure.
pub type HRESULT = i32;
/// Zero is false.
pub type BOOL = i32;
/// 32 bits.
pub type DWORD = u32;
/// 32 bits.
pub type ULONG = u32;
/// 32 bits, signed.
pub type LONG = i32;
/// One byte.
pub type BYTE = u8;
/// The type of a file, the first code unit of its name in a list.
pub type CSBFT = WCHAR;

/// A session. It is a number and points to nothing.
pub type HCSBC = *mut c_void;

/// A 64-bit number; on Windows a union with its halves.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LARGE_INTEGER {
    /// All of it.
    pub QuadPart: i64,
}

/// A database and its place, for `CertSrvRestoreRegisterW`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CSEDB_RSTMAPW {
    /// Its name when the backup was made.
    pub pwszDatabaseName: *mut WCHAR,
    /// Its name from now on.
    pub pwszNewDatabaseName: *mut WCHAR,
}

/// `CertSrvBackupPrepareW`: databases, logs and dynamic files.
pub const CSBACKUP_TYPE_FULL: ULONG = 1;
/// `CertSrvBackupPrepareW`: logs and dynamic files.
pub const CSBACKUP_TYPE_LOGS_ONLY: ULONG = 2;
/// `CertSrvRestorePrepareW`: the only kind of restore.
pub const CSRESTORE_TYPE_FULL: ULONG = 1;
/// `CertSrvServerControlW`: stop the CA.
pub const CSCONTROL_SHUTDOWN: DWORD = 1;
/// A file whose type is not known.
pub const CSBFT_UNKNOWN: CSBFT = 0x0F;
