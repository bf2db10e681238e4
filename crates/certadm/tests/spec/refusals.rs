//! What a refusal turns out to mean.

use certadm::{BackupKind, Denied, Error, Hresult, InterfaceFlags, Roles};
use csra::hresult;

use crate::fake::{Fake, Script};

fn refused(change: impl FnOnce(&mut Script)) -> Error {
    Fake::with(change).connect().prepare_backup(BackupKind::Full).err().unwrap()
}

#[test]
fn access_denied_with_the_flag_is_the_flag() {
    let error = refused(|script| {
        script.prepare = Err(Hresult::ACCESS_DENIED);
        script.interface_flags = 0x641;
    });
    let flags = InterfaceFlags::from_bits_retain(0x641);
    assert!(
        matches!(error, Error::AccessDenied { method: "BackupPrepare", why: Denied::RemoteBackupDisabled { flags: found } } if found == flags),
        "{error}"
    );
}

#[test]
fn access_denied_with_the_stronger_flag_is_that_one() {
    let error = refused(|script| {
        script.prepare = Err(Hresult::ACCESS_DENIED);
        script.interface_flags = 0x50;
    });
    assert!(matches!(error, Error::AccessDenied { why: Denied::RemoteAdministrationDisabled { .. }, .. }), "{error}");
}

#[test]
fn access_denied_without_the_role_is_the_role() {
    let error = refused(|script| {
        script.prepare = Err(Hresult::ACCESS_DENIED);
        script.interface_flags = 0x641;
        script.roles = Roles::READ;
    });
    let expected = Denied::MissingRole { needed: Roles::OPERATOR, held: Roles::READ };
    assert!(matches!(error, Error::AccessDenied { why, .. } if why == expected), "{error}");
}

#[test]
fn access_denied_for_no_visible_reason_is_unknown() {
    let error = refused(|script| script.prepare = Err(Hresult::ACCESS_DENIED));
    assert!(matches!(error, Error::AccessDenied { why: Denied::Unknown, .. }), "{error}");
}

#[test]
fn a_busy_server_and_a_missing_full_backup_have_their_own_errors() {
    let error = refused(|script| script.prepare = Err(hresult::BACKUP_IN_PROGRESS));
    assert!(matches!(error, Error::BackupInProgress { .. }), "{error}");
    let error = refused(|script| script.prepare = Err(hresult::MISSING_FULL_BACKUP));
    assert!(matches!(error, Error::FullBackupNeeded { .. }), "{error}");
    assert_eq!(error.hresult(), hresult::MISSING_FULL_BACKUP);
}

#[test]
fn a_positive_code_is_a_failure_too() {
    let error = refused(|script| script.prepare = Err(Hresult(1)));
    assert!(matches!(error, Error::Refused { hresult: Hresult(1), .. }), "{error}");
}

#[test]
fn circular_logging_and_a_stopped_database_are_named_with_a_hint() {
    let error = refused(|script| script.prepare = Err(hresult::INVALID_BACKUP));
    assert!(matches!(error, Error::CircularLogging { .. }) && error.hint().is_some(), "{error}");
    let error = refused(|script| script.prepare = Err(hresult::BACKUP_ABORTED_BY_SERVER));
    assert!(matches!(error, Error::DatabaseStopped { .. }) && error.hint().is_some(), "{error}");
}
