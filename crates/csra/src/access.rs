//! Who may call what: the rules that come before those of the method itself.

use dcerpc::{AuthenticationLevel, Opnum};
use dcom::Hresult;

use crate::opnum;
use crate::roles::{InterfaceFlags, Roles};

/// What is known of the caller of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Whether the connection authenticated an account.
    pub identified: bool,
    /// How the call was protected.
    pub level: AuthenticationLevel,
    /// Whether the call came from another machine.
    pub remote: bool,
    /// What the account is to the CA.
    pub roles: Roles,
}

/// Whether the caller may call the method, \[MS-CSRA\] 3.1.4.1, 3.1.4.2 and 3.1.1.7.
///
/// In this order: the caller is identified; the call is sealed (whatever IF_ENFORCEENCRYPTICERTADMIN says, as on Windows
/// since CVE-2022-37976); the interface is open to callers from there; so is the backup group, if the method belongs to it;
/// and the caller has a role that the method needs. Roles count with what they include, [`Roles::effective`].
///
/// # Errors
/// [`Hresult::ACCESS_DENIED`], the same for every rule: a caller does not learn which one it was.
pub fn check(opnum: Opnum, caller: &Caller, flags: InterfaceFlags) -> Result<(), Hresult> {
    let denied = Err(Hresult::ACCESS_DENIED);
    if !caller.identified {
        return denied;
    }
    if caller.level < AuthenticationLevel::Privacy {
        return denied;
    }
    let (admin, backup) = if caller.remote {
        (InterfaceFlags::NO_REMOTE_ADMIN, InterfaceFlags::NO_REMOTE_ADMIN_BACKUP)
    } else {
        (InterfaceFlags::NO_LOCAL_ADMIN, InterfaceFlags::NO_LOCAL_ADMIN_BACKUP)
    };
    if flags.contains(admin) {
        return denied;
    }
    if opnum::is_backup(opnum) && flags.contains(backup) {
        return denied;
    }
    if !needs(opnum, flags).is_met_by(caller.roles.effective()) {
        return denied;
    }
    Ok(())
}

/// What a method needs of a caller.
enum Needs {
    Nothing,
    AnyOf(Roles),
    AllOf(Roles),
}

impl Needs {
    fn is_met_by(&self, roles: Roles) -> bool {
        match self {
            Self::Nothing => true,
            Self::AnyOf(any) => roles.intersects(*any),
            Self::AllOf(all) => roles.contains(*all),
        }
    }
}

/// The table of \[MS-CSRA\] 3.1.1.7.
fn needs(opnum: Opnum, flags: InterfaceFlags) -> Needs {
    match opnum.0 {
        // GetServerState reports whether the caller may read, so that everyone may ask.
        19 => Needs::Nothing,
        // SetExtension, SetAttributes, ResubmitRequest, DenyRequest, RevokeCertificate, ImportCertificate,
        // GetArchivedKey, ImportKey.
        3..=6 | 10 | 28 | 39 | 46 => Needs::AnyOf(Roles::OFFICER),
        // PublishCRL, PublishCRLs, SetCAProperty, SetCASecurity, SetOfficerRights, SetConfigEntry.
        8 | 31 | 33 | 37 | 43 | 45 => Needs::AnyOf(Roles::ADMINISTRATOR),
        // SetAuditFilter.
        41 if flags.contains(InterfaceFlags::ENABLE_ADMIN_AS_AUDITOR) => Needs::AnyOf(Roles::ADMINISTRATOR),
        41 => Needs::AnyOf(Roles::ADMINISTRATOR | Roles::AUDITOR),
        // DeleteRow.
        48 => Needs::AllOf(Roles::ADMINISTRATOR | Roles::OFFICER),
        // ServerControl.
        17 => Needs::AnyOf(Roles::ADMINISTRATOR | Roles::OPERATOR),
        // Backup and restore.
        20..=27 | 29 | 30 => Needs::AnyOf(Roles::OPERATOR),
        // Everything that only reads, and Ping and Ping2: see docs/divergences.md, MS-CSRA 3.1.1.7.
        _ => Needs::AnyOf(Roles::ADMINISTRATOR | Roles::OFFICER | Roles::READ),
    }
}
