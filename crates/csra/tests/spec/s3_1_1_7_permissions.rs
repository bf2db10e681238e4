use csra::access::{Caller, check};
use csra::{Hresult, InterfaceFlags, Roles, opnum};
use dcerpc::{AuthenticationLevel, Opnum};
use expect_test::expect;

fn caller(roles: Roles) -> Caller {
    Caller { identified: true, level: AuthenticationLevel::Privacy, remote: true, roles }
}

const DENIED: Result<(), Hresult> = Err(Hresult::ACCESS_DENIED);
const PREPARE: Opnum = opnum::BACKUP_PREPARE;
const PROPERTY: Opnum = opnum::GET_CA_PROPERTY;

/// Each method with the single roles that may call it.
#[test]
fn every_method_needs_the_roles_of_the_table() {
    let mut table = String::new();
    for number in 3..=48 {
        let opnum = Opnum(number);
        let may: Vec<_> = Roles::all()
            .iter_names()
            .filter(|(_, role)| check(opnum, &caller(*role), InterfaceFlags::empty()).is_ok())
            .map(|(name, _)| name)
            .collect();
        table += &format!("{number:2} {} {}\n", opnum::name(opnum).unwrap(), may.join(" "));
    }
    expect![[r#"
         3 SetExtension OFFICER
         4 SetAttributes OFFICER
         5 ResubmitRequest OFFICER
         6 DenyRequest OFFICER
         7 IsValidCertificate ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
         8 PublishCRL ADMINISTRATOR
         9 GetCRL ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        10 RevokeCertificate OFFICER
        11 EnumViewColumn ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        12 GetViewDefaultColumnSet ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        13 EnumAttributesOrExtensions ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        14 OpenView ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        15 EnumView ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        16 CloseView ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        17 ServerControl ADMINISTRATOR OPERATOR
        18 Ping ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        19 GetServerState ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        20 BackupPrepare OPERATOR
        21 BackupEnd OPERATOR
        22 BackupGetAttachmentInformation OPERATOR
        23 BackupGetBackupLogs OPERATOR
        24 BackupOpenFile OPERATOR
        25 BackupReadFile OPERATOR
        26 BackupCloseFile OPERATOR
        27 BackupTruncateLogs OPERATOR
        28 ImportCertificate OFFICER
        29 BackupGetDynamicFiles OPERATOR
        30 RestoreGetDatabaseLocations OPERATOR
        31 PublishCRLs ADMINISTRATOR
        32 GetCAProperty ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        33 SetCAProperty ADMINISTRATOR
        34 GetCAPropertyInfo ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        35 EnumViewColumnTable ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        36 GetCASecurity ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        37 SetCASecurity ADMINISTRATOR
        38 Ping2 ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        39 GetArchivedKey OFFICER
        40 GetAuditFilter ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        41 SetAuditFilter ADMINISTRATOR AUDITOR
        42 GetOfficerRights ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        43 SetOfficerRights ADMINISTRATOR
        44 GetConfigEntry ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        45 SetConfigEntry ADMINISTRATOR
        46 ImportKey OFFICER
        47 GetMyRoles ADMINISTRATOR OFFICER AUDITOR OPERATOR READ ENROLL
        48 DeleteRow 
    "#]]
    .assert_eq(&table);
}

#[test]
fn deleting_rows_needs_two_roles_at_once() {
    let delete_row = Opnum(48);
    let both = Roles::ADMINISTRATOR | Roles::OFFICER;
    assert_eq!(check(delete_row, &caller(both), InterfaceFlags::empty()), Ok(()));
}

#[test]
fn without_a_role_only_the_server_state_may_be_asked_for() {
    for number in 3..=48 {
        let expected = if number == 19 { Ok(()) } else { DENIED };
        let nobody = caller(Roles::empty());
        assert_eq!(check(Opnum(number), &nobody, InterfaceFlags::empty()), expected);
    }
}

#[test]
fn the_audit_filter_can_be_taken_from_the_auditor() {
    let set_audit_filter = Opnum(41);
    let flags = InterfaceFlags::ENABLE_ADMIN_AS_AUDITOR;
    assert_eq!(check(set_audit_filter, &caller(Roles::AUDITOR), flags), DENIED);
    assert_eq!(check(set_audit_filter, &caller(Roles::ADMINISTRATOR), flags), Ok(()));
}

#[test]
fn an_unidentified_caller_is_denied_everything() {
    let anonymous = Caller { identified: false, ..caller(Roles::all()) };
    for number in 3..=48 {
        assert_eq!(check(Opnum(number), &anonymous, InterfaceFlags::empty()), DENIED);
    }
}

/// Since CVE-2022-37976, whatever IF_ENFORCEENCRYPTICERTADMIN says.
#[test]
fn anything_below_packet_privacy_is_denied() {
    use AuthenticationLevel::{Call, Connect, Integrity, None, Packet, Privacy};
    for flags in [InterfaceFlags::empty(), InterfaceFlags::ENFORCE_ENCRYPT_ADMIN] {
        for level in [None, Connect, Call, Packet, Integrity] {
            let exposed = Caller { level, ..caller(Roles::all()) };
            assert_eq!(check(PROPERTY, &exposed, flags), DENIED);
        }
        let sealed = Caller { level: Privacy, ..caller(Roles::all()) };
        assert_eq!(check(PROPERTY, &sealed, flags), Ok(()));
    }
}

#[test]
fn flags_close_the_interface_to_callers_from_there() {
    let remote = caller(Roles::all());
    let local = Caller { remote: false, ..remote };
    let cases = [
        // flags, then PROPERTY and PREPARE for a remote caller, and for a local one
        (InterfaceFlags::empty(), [true, true, true, true]),
        (InterfaceFlags::NO_REMOTE_ADMIN, [false, false, true, true]),
        (InterfaceFlags::NO_LOCAL_ADMIN, [true, true, false, false]),
        (InterfaceFlags::NO_REMOTE_ADMIN_BACKUP, [true, false, true, true]),
        (InterfaceFlags::NO_LOCAL_ADMIN_BACKUP, [true, true, true, false]),
    ];
    for (flags, expected) in cases {
        let found = [
            check(PROPERTY, &remote, flags),
            check(PREPARE, &remote, flags),
            check(PROPERTY, &local, flags),
            check(PREPARE, &local, flags),
        ];
        assert_eq!(found.map(|result| result.is_ok()), expected, "{flags:?}");
    }
}

#[test]
fn the_backup_group_is_20_to_27_and_29_and_30() {
    let group: Vec<u16> = (0..60).filter(|number| opnum::is_backup(Opnum(*number))).collect();
    assert_eq!(group, [20, 21, 22, 23, 24, 25, 26, 27, 29, 30]);
    for number in group {
        let flags = InterfaceFlags::NO_REMOTE_ADMIN_BACKUP;
        assert_eq!(check(Opnum(number), &caller(Roles::all()), flags), DENIED);
    }
}

#[test]
fn the_flags_of_a_new_windows_ca_refuse_remote_backups() {
    let flags = InterfaceFlags::from_bits_retain(0x641);
    assert_eq!(check(PREPARE, &caller(Roles::all()), flags), DENIED);
    assert_eq!(check(PROPERTY, &caller(Roles::all()), flags), Ok(()));
}

#[test]
fn administrator_officer_and_enroll_imply_read() {
    for role in [Roles::ADMINISTRATOR, Roles::OFFICER, Roles::ENROLL] {
        assert_eq!(Roles::from_permissions(role, false, false), role | Roles::READ);
    }
}

#[test]
fn operator_and_auditor_are_read_and_a_privilege() {
    let roles = Roles::from_permissions;
    assert_eq!(roles(Roles::READ, true, false), Roles::READ | Roles::OPERATOR);
    assert_eq!(roles(Roles::READ, false, true), Roles::READ | Roles::AUDITOR);
    assert_eq!(roles(Roles::OFFICER, true, true), Roles::OFFICER | Roles::READ | Roles::OPERATOR | Roles::AUDITOR);
    assert_eq!(roles(Roles::empty(), true, true), Roles::empty());
    assert_eq!(roles(Roles::OPERATOR | Roles::AUDITOR, true, true), Roles::empty(), "the bits are no permissions");
}

#[test]
fn every_role_includes_read() {
    assert_eq!(Roles::OPERATOR.effective(), Roles::OPERATOR | Roles::READ);
    assert_eq!(Roles::empty().effective(), Roles::empty());
}
