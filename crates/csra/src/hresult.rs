//! The result codes of this protocol, beside those that every COM method knows.

use dcom::Hresult;

/// A call out of order, \[MS-CSRA\] 3.1.4.1.18 (ERROR_UNEXPECTED_ERROR).
pub const UNEXPECTED: Hresult = Hresult::UNEXPECTED;
/// A wrong argument, or a CA name that is not this CA's (ERROR_INVALID_PARAMETER).
pub const INVALID_PARAMETER: Hresult = Hresult::INVALID_ARGUMENT;
/// The caller may not do that.
pub const ACCESS_DENIED: Hresult = Hresult::ACCESS_DENIED;

/// JET_errBackupInProgress: another client is making a backup.
pub const BACKUP_IN_PROGRESS: Hresult = from_jet(-505);
/// JET_errRestoreInProgress: the database is being recovered.
pub const RESTORE_IN_PROGRESS: Hresult = from_jet(-506);
/// JET_errInvalidBackupSequence: attachments without a full backup, \[MS-CSRA\] 3.1.4.1.18.
pub const INVALID_BACKUP_SEQUENCE: Hresult = from_jet(-521);
/// JET_errBackupNotAllowedYet: the database is not ready.
pub const BACKUP_NOT_ALLOWED_YET: Hresult = from_jet(-523);
/// JET_errInvalidBackup: incremental, while circular logging throws the logs away.
pub const INVALID_BACKUP: Hresult = from_jet(-526);
/// JET_errMissingLogFile.
pub const MISSING_LOG_FILE: Hresult = from_jet(-528);
/// JET_errMissingFullBackup: incremental, and there has been no full backup.
pub const MISSING_FULL_BACKUP: Hresult = from_jet(-560);
/// JET_errMissingFileToBackup: a log that the backup needs is gone.
pub const MISSING_FILE_TO_BACKUP: Hresult = from_jet(-569);
/// JET_errBackupAbortByServer: the CA stopped while the backup was running.
pub const BACKUP_ABORTED_BY_SERVER: Hresult = from_jet(-801);
/// JET_errReadVerifyFailure: a page has the wrong checksum.
pub const READ_VERIFY_FAILURE: Hresult = from_jet(-1018);
/// JET_errFileNotFound.
pub const JET_FILE_NOT_FOUND: Hresult = from_jet(-1811);
/// Out of memory in the database, \[MS-CSRA\] 2.2.5 (JET −1069).
pub const DATABASE_OUT_OF_MEMORY: Hresult = from_jet(-1069);

/// An error of the database engine as an HRESULT: `0xC8000000` and the magnitude of the code.
///
/// The specification has two examples of the rule, 0xC8000209 and 0xC800042D, and not the rule itself.
#[must_use]
pub const fn from_jet(error: i16) -> Hresult {
    Hresult(0xC800_0000 | error.unsigned_abs() as u32)
}

/// The database error behind an HRESULT, if [`from_jet`] made it.
#[must_use]
pub const fn to_jet(code: Hresult) -> Option<i16> {
    if code.0 & 0xFFFF_0000 != 0xC800_0000 {
        return None;
    }
    let magnitude = code.0 & 0xFFFF;
    if magnitude > 0x7FFF {
        return None;
    }
    Some(-(magnitude as i16))
}
