use std::io;

use certadm::{Blame, Denied, Error, Hresult, InterfaceFlags, Roles};

fn denied(why: Denied) -> Error {
    Error::AccessDenied { method: "BackupPrepare", why }
}

fn examples() -> Vec<(Error, u32, Blame)> {
    let host = || "ca01".to_owned();
    let source = || io::Error::other("x").into();
    let flags = InterfaceFlags::NO_REMOTE_ADMIN_BACKUP;
    vec![
        (Error::Unreachable { host: host(), port: 135, source: source() }, 0x8007_06BA, Blame::Network),
        (Error::AuthenticationFailed { host: host(), account: "a".into() }, 0x8007_052E, Blame::Setup),
        (Error::NotRunning { host: host() }, 0x8007_06BA, Blame::Setup),
        (Error::ActivationDenied { host: host() }, 0x8007_0005, Blame::Setup),
        (denied(Denied::Unknown), 0x8007_0005, Blame::Setup),
        (denied(Denied::RemoteBackupDisabled { flags }), 0x8007_0005, Blame::Setup),
        (Error::WrongAuthority { method: "Ping2", authority: "X".into() }, 0x8007_0057, Blame::Setup),
        (Error::FullBackupNeeded { hresult: Hresult(0xC800_0230) }, 0xC800_0230, Blame::Server),
        (Error::BackupInProgress { hresult: Hresult(0xC800_01F9) }, 0xC800_01F9, Blame::Server),
        (Error::Refused { method: "BackupEnd", hresult: Hresult(0x8000_FFFF) }, 0x8000_FFFF, Blame::Server),
        (Error::ConnectionLost { host: host(), source: source() }, 0x8007_06BE, Blame::Network),
        (Error::Timeout { host: host() }, 0x8007_05B4, Blame::Network),
        (Error::Malformed { method: "Ping2", source: source() }, 0x8007_000D, Blame::Peer),
        (Error::ShortFile { name: "n".into(), announced: 2, received: 1 }, 0x8007_0026, Blame::Peer),
        (Error::LongFile { name: "n".into(), announced: 2 }, 0x8007_00DF, Blame::Peer),
        (Error::ServerRunning { data_directory: "/x".into() }, 0x8007_0420, Blame::Setup),
        (
            Error::Io { action: "write", path: "/x".into(), source: io::ErrorKind::StorageFull.into() },
            0x8007_0070,
            Blame::Local,
        ),
        (Error::NoCertsrvdHere, 0x8000_4001, Blame::Setup),
        (Error::Cancelled, 0x8007_04C7, Blame::Nobody),
    ]
}

#[test]
fn every_error_has_the_code_and_the_blame_that_fit() {
    for (error, hresult, blame) in examples() {
        assert_eq!((error.hresult(), error.blame()), (Hresult(hresult), blame), "{error}");
    }
}

#[test]
fn messages_are_lowercase_and_end_without_a_period() {
    for (error, ..) in examples() {
        let text = error.to_string();
        assert!(!text.ends_with('.'), "{text}");
        let hint = error.hint().unwrap_or_default();
        assert!(!hint.ends_with('.'), "{hint}");
    }
}

#[test]
fn a_disabled_remote_backup_names_the_command_that_enables_it() {
    let error = denied(Denied::RemoteBackupDisabled { flags: InterfaceFlags::from_bits_retain(0x641) });
    assert_eq!(
        error.to_string(),
        "BackupPrepare: access denied: remote backup is disabled, InterfaceFlags 0x641 has IF_NOREMOTEICERTADMINBACKUP (0x40)"
    );
    let command = r"certutil -setreg CA\InterfaceFlags -IF_NOREMOTEICERTADMINBACKUP";
    assert!(error.hint().unwrap().contains(command));
}

#[test]
fn a_missing_role_names_both_sides() {
    let error = denied(Denied::MissingRole { needed: Roles::OPERATOR, held: Roles::READ | Roles::ENROLL });
    assert_eq!(
        error.to_string(),
        "BackupPrepare: access denied: the account has the roles read, enroll, this needs operator"
    );
}
