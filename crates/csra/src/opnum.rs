//! The methods by number, \[MS-CSRA\] 3.1.4.1 and 3.1.4.2.

use dcerpc::Opnum;
use uuid::Uuid;

use crate::ids;

/// ICertAdminD::ServerControl.
pub const SERVER_CONTROL: Opnum = Opnum(17);
/// ICertAdminD::Ping.
pub const PING: Opnum = Opnum(18);
/// ICertAdminD::GetServerState.
pub const GET_SERVER_STATE: Opnum = Opnum(19);
/// ICertAdminD::BackupPrepare.
pub const BACKUP_PREPARE: Opnum = Opnum(20);
/// ICertAdminD::BackupEnd.
pub const BACKUP_END: Opnum = Opnum(21);
/// ICertAdminD::BackupGetAttachmentInformation.
pub const BACKUP_GET_ATTACHMENT_INFORMATION: Opnum = Opnum(22);
/// ICertAdminD::BackupGetBackupLogs.
pub const BACKUP_GET_BACKUP_LOGS: Opnum = Opnum(23);
/// ICertAdminD::BackupOpenFile.
pub const BACKUP_OPEN_FILE: Opnum = Opnum(24);
/// ICertAdminD::BackupReadFile.
pub const BACKUP_READ_FILE: Opnum = Opnum(25);
/// ICertAdminD::BackupCloseFile.
pub const BACKUP_CLOSE_FILE: Opnum = Opnum(26);
/// ICertAdminD::BackupTruncateLogs.
pub const BACKUP_TRUNCATE_LOGS: Opnum = Opnum(27);
/// ICertAdminD::BackupGetDynamicFiles.
pub const BACKUP_GET_DYNAMIC_FILES: Opnum = Opnum(29);
/// ICertAdminD::RestoreGetDatabaseLocations.
pub const RESTORE_GET_DATABASE_LOCATIONS: Opnum = Opnum(30);
/// ICertAdminD2::GetCAProperty.
pub const GET_CA_PROPERTY: Opnum = Opnum(32);
/// ICertAdminD2::Ping2.
pub const PING2: Opnum = Opnum(38);
/// ICertAdminD2::GetConfigEntry.
pub const GET_CONFIG_ENTRY: Opnum = Opnum(44);
/// ICertAdminD2::GetMyRoles.
pub const GET_MY_ROLES: Opnum = Opnum(47);

/// The methods of both interfaces from opnum 3 on, each with the number of 32-bit zeros that its \[out\] parameters take
/// when it fails: a null CERTTRANSBLOB is two, a count or an identifier one.
const METHODS: [(&str, usize); 46] = [
    ("SetExtension", 0),
    ("SetAttributes", 0),
    ("ResubmitRequest", 1),
    ("DenyRequest", 0),
    ("IsValidCertificate", 2),
    ("PublishCRL", 0),
    ("GetCRL", 2),
    ("RevokeCertificate", 0),
    ("EnumViewColumn", 3),
    ("GetViewDefaultColumnSet", 3),
    ("EnumAttributesOrExtensions", 3),
    ("OpenView", 3),
    ("EnumView", 3),
    ("CloseView", 0),
    ("ServerControl", 2),
    ("Ping", 0),
    ("GetServerState", 1),
    ("BackupPrepare", 0),
    ("BackupEnd", 0),
    ("BackupGetAttachmentInformation", 2),
    ("BackupGetBackupLogs", 2),
    ("BackupOpenFile", 2),
    ("BackupReadFile", 2),
    ("BackupCloseFile", 0),
    ("BackupTruncateLogs", 0),
    ("ImportCertificate", 1),
    ("BackupGetDynamicFiles", 2),
    ("RestoreGetDatabaseLocations", 2),
    ("PublishCRLs", 0),
    ("GetCAProperty", 2),
    ("SetCAProperty", 0),
    ("GetCAPropertyInfo", 3),
    ("EnumViewColumnTable", 3),
    ("GetCASecurity", 2),
    ("SetCASecurity", 0),
    ("Ping2", 0),
    ("GetArchivedKey", 2),
    ("GetAuditFilter", 1),
    ("SetAuditFilter", 0),
    ("GetOfficerRights", 3),
    ("SetOfficerRights", 0),
    ("GetConfigEntry", 0),
    ("SetConfigEntry", 0),
    ("ImportKey", 0),
    ("GetMyRoles", 1),
    ("DeleteRow", 1),
];

/// First opnum that is called on the wire; 0 to 2 are IUnknown's.
const FIRST: u16 = 3;

/// The method's name in the specification; `None` outside of 3 to 48.
#[must_use]
pub fn name(opnum: Opnum) -> Option<&'static str> {
    method(opnum).map(|(name, _)| *name)
}

/// Whether `interface` has a method of that number: 3 to 30 of ICertAdminD, 3 to 48 of ICertAdminD2.
#[must_use]
pub fn belongs_to(opnum: Opnum, interface: Uuid) -> bool {
    let last = match interface {
        ids::IID_ICERT_ADMIN_D => RESTORE_GET_DATABASE_LOCATIONS,
        ids::IID_ICERT_ADMIN_D2 => Opnum(48),
        _ => return false,
    };
    (Opnum(FIRST)..=last).contains(&opnum)
}

/// Whether the method belongs to the backup group, which IF_NOREMOTEICERTADMINBACKUP closes to remote callers.
#[must_use]
pub fn is_backup(opnum: Opnum) -> bool {
    (BACKUP_PREPARE..=BACKUP_TRUNCATE_LOGS).contains(&opnum)
        || (BACKUP_GET_DYNAMIC_FILES..=RESTORE_GET_DATABASE_LOCATIONS).contains(&opnum)
}

/// 32-bit zeros in the place of the \[out\] parameters of a reply that fails.
pub(crate) fn empty_words(opnum: Opnum) -> usize {
    method(opnum).map_or(0, |(_, words)| *words)
}

fn method(opnum: Opnum) -> Option<&'static (&'static str, usize)> {
    METHODS.get(usize::from(opnum.0.checked_sub(FIRST)?))
}
