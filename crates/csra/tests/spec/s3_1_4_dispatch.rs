use csra::call::{BackupReadFile, Call, ServerControl};
use csra::dispatch::dispatch;
use csra::{Hresult, Variant, ids, opnum};
use dcerpc::{Opnum, Status};
use expect_test::expect;
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{Ca, ask, encoded, hex, vector};

/// The reply to each vector, and what the CA was asked.
#[test]
fn requests_reach_their_methods() {
    let mut ca = Ca::default();
    let requests = [
        (opnum::SERVER_CONTROL, "server_control"),
        (opnum::PING, "ping"),
        (opnum::GET_SERVER_STATE, "get_server_state"),
        (opnum::BACKUP_PREPARE, "backup_prepare"),
        (opnum::BACKUP_OPEN_FILE, "backup_open_file"),
        (opnum::BACKUP_READ_FILE, "backup_read_file"),
        (opnum::GET_CA_PROPERTY, "get_ca_property"),
        (opnum::PING2, "ping2"),
        (opnum::GET_CONFIG_ENTRY, "get_config_entry"),
        (opnum::GET_MY_ROLES, "get_my_roles"),
    ];
    for (opnum, file) in requests {
        let reply = ask(&mut ca, opnum, &vector(&format!("{file}_request"))).unwrap();
        assert_eq!(reply[reply.len() - 4..], [0; 4], "{file}");
    }
    for number in [21, 22, 23, 26, 27, 29, 30] {
        ask(&mut ca, Opnum(number), &[]).unwrap();
    }
    expect![[r#"
        authorize 17
        server_control Some("RootCA") 1
        authorize 18
        ping Some("RootCA")
        authorize 19
        get_server_state Some("RootCA")
        authorize 20
        backup_prepare Some("RootCA") Incremental
        authorize 24
        backup_open_file \\CA01\CertSrv$\DataBase\RootCA.edb
        authorize 25
        backup_read_file 4096
        authorize 32
        get_ca_property Some("RootCA") 12 -1 3
        authorize 38
        ping None
        authorize 44
        get_config_entry Some("RootCA") Some("") "InterfaceFlags"
        authorize 47
        get_my_roles Some("RootCA")
        authorize 21
        backup_end
        authorize 22
        backup_get_attachment_information
        authorize 23
        backup_get_backup_logs
        authorize 26
        backup_close_file
        authorize 27
        backup_truncate_logs
        authorize 29
        backup_get_dynamic_files
        authorize 30
        restore_get_database_locations"#]]
    .assert_eq(&ca.log.join("\n"));
}

#[test]
fn a_reply_goes_behind_what_is_there() {
    let mut reply = vec![0xAA; 8];
    let mut ca = Ca::default();
    let stub = vector("backup_open_file_request");
    let iid = ids::IID_ICERT_ADMIN_D;
    dispatch(opnum::BACKUP_OPEN_FILE, iid, &stub, &mut reply, &mut ca).unwrap();
    let expected = hex("aaaaaaaaaaaaaaaa 40e2010000000000 00000000");
    assert_eq!(reply, expected, "ORPCTHAT, length, HRESULT");
}

#[test]
fn what_was_read_lies_in_the_reply_and_the_rest_is_zero() {
    let mut ca = Ca::default();
    let reply = ask(&mut ca, opnum::BACKUP_READ_FILE, &hex("00100000")).unwrap();
    assert_eq!(reply.len(), 4 + 4096 + 4 + 4);
    assert_eq!(&reply[..14], b"\x00\x10\0\x000123456789");
    assert_eq!(reply[14..4100], [0; 4086]);
    assert_eq!(reply[4100..], [10, 0, 0, 0, 0, 0, 0, 0]);
    let call = BackupReadFile::new(4096).unwrap();
    assert_eq!(call.finish(&reply), Ok(4..14));
}

#[test]
fn what_a_failing_read_left_behind_does_not_leave_the_server() {
    let mut ca = Ca { failure: Some(Hresult::UNEXPECTED), ..Ca::default() };
    let reply = ask(&mut ca, opnum::BACKUP_READ_FILE, &hex("00100000")).unwrap();
    assert_eq!(reply[4..4104], [0; 4100]);
    assert_eq!(reply[4104..], hex("ffff0080"));
}

#[test]
fn a_handler_that_claims_too_much_is_not_believed() {
    let mut ca = Ca { file: vec![1; 5000], ..Ca::default() };
    let reply = ask(&mut ca, opnum::BACKUP_READ_FILE, &hex("00100000")).unwrap();
    assert_eq!(reply[4..4104], [0; 4100]);
    assert_eq!(reply[4104..], hex("ffff0080"));
}

#[test]
fn a_read_of_a_wrong_size_never_reaches_the_handler() {
    for size in [0, 1, 4097, -4096, i32::MAX, i32::MIN] {
        let mut ca = Ca::default();
        let reply = ask(&mut ca, opnum::BACKUP_READ_FILE, &size.to_le_bytes()).unwrap();
        assert_eq!(reply, hex("00000000 00000000 57000780"), "{size}");
        assert_eq!(ca.log, ["authorize 25"]);
    }
}

#[test]
fn a_kind_of_backup_that_does_not_exist_never_reaches_the_handler() {
    let mut ca = Ca::default();
    let reply = ask(&mut ca, opnum::BACKUP_PREPARE, &hex("00000000 02000000")).unwrap();
    assert_eq!(reply, hex("57000780"));
    assert_eq!(ca.log, ["authorize 20"]);
}

#[test]
fn a_null_path_never_reaches_the_handler() {
    let mut ca = Ca::default();
    let reply = ask(&mut ca, opnum::BACKUP_OPEN_FILE, &[0; 4]).unwrap();
    assert_eq!(reply, hex("0000000000000000 57000780"));
    assert_eq!(ca.log, ["authorize 24"]);
}

#[test]
fn controls_are_one_to_three() {
    for flags in 0..5 {
        let call = ServerControl { authority: None, flags };
        let mut ca = Ca::default();
        let stub = encoded(|stub| call.encode(stub));
        let reply = ask(&mut ca, opnum::SERVER_CONTROL, &stub).unwrap();
        let expected =
            if (1..=3).contains(&flags) { "00000000 00000000 00000000" } else { "00000000 00000000 57000780" };
        assert_eq!(reply, hex(expected), "{flags}");
    }
}

/// Sections 3.1.4.1 and 3.1.4.2: no exceptions, and \[out\] parameters of a failing reply are null and zero.
#[test]
fn failing_replies_are_well_formed() {
    let requests = [
        (17, "server_control_request", "00000000 00000000"),
        (18, "ping_request", ""),
        (19, "get_server_state_request", "00000000"),
        (20, "backup_prepare_request", ""),
        (21, "", ""),
        (22, "", "00000000 00000000"),
        (23, "", "00000000 00000000"),
        (24, "backup_open_file_request", "0000000000000000"),
        (26, "", ""),
        (27, "", ""),
        (29, "", "00000000 00000000"),
        (30, "", "00000000 00000000"),
        (32, "get_ca_property_request", "00000000 00000000"),
        (38, "ping2_request", ""),
        (44, "get_config_entry_request", "00000200 00000000 03000000 00000000 0000000000000000 00000000"),
        (47, "get_my_roles_request", "00000000"),
    ];
    for (number, file, out) in requests {
        let stub = if file.is_empty() { Vec::new() } else { vector(file) };
        let mut ca = Ca { failure: Some(Hresult::UNEXPECTED), ..Ca::default() };
        let reply = ask(&mut ca, Opnum(number), &stub).unwrap();
        assert_eq!(reply, hex(&format!("{out} ffff0080")), "{number}");
    }
}

#[test]
fn a_caller_who_may_not_gets_the_code_and_the_handler_nothing() {
    for number in 3..=48 {
        let mut ca = Ca { denial: Some(Hresult::ACCESS_DENIED), ..Ca::default() };
        let stub = 4096_u32.to_le_bytes();
        let reply = ask(&mut ca, Opnum(number), &stub).unwrap();
        assert_eq!(reply[reply.len() - 4..], hex("05000780"), "{number}");
        assert!(reply[..reply.len() - 4].iter().filter(|byte| **byte != 0).count() <= 3);
        assert_eq!(ca.log, [format!("authorize {number}")]);
    }
}

#[test]
fn a_denied_caller_is_not_parsed() {
    let mut ca = Ca { denial: Some(Hresult::ACCESS_DENIED), ..Ca::default() };
    let garbage = [0xFF; 5];
    assert_eq!(ask(&mut ca, opnum::GET_CA_PROPERTY, &garbage), Ok(hex("00000000 00000000 05000780")));
}

/// The other methods of the interfaces: an answer that a generated client stub can read, and no fault.
#[test]
fn methods_that_are_not_implemented_say_so() {
    let sizes = [
        (3, 0),
        (4, 0),
        (5, 1),
        (6, 0),
        (7, 2),
        (8, 0),
        (9, 2),
        (10, 0),
        (11, 3),
        (12, 3),
        (13, 3),
        (14, 3),
        (15, 3),
        (16, 0),
        (28, 1),
        (31, 0),
        (33, 0),
        (34, 3),
        (35, 3),
        (36, 2),
        (37, 0),
        (39, 2),
        (40, 1),
        (41, 0),
        (42, 3),
        (43, 0),
        (45, 0),
        (46, 0),
        (48, 1),
    ];
    for (number, words) in sizes {
        let mut ca = Ca::default();
        let reply = ask(&mut ca, Opnum(number), &[]).unwrap();
        let mut expected = vec![0; 4 * words];
        expected.extend_from_slice(&Hresult::NOT_IMPLEMENTED.0.to_le_bytes());
        assert_eq!(reply, expected, "{number}");
        assert_eq!(ca.log, [format!("authorize {number}")]);
    }
}

#[test]
fn opnums_that_an_interface_does_not_have_are_a_fault() {
    let mut ca = Ca::default();
    let mut reply = vec![1, 2, 3, 4];
    let cases = [
        (ids::IID_ICERT_ADMIN_D, 2),
        (ids::IID_ICERT_ADMIN_D, 31),
        (ids::IID_ICERT_ADMIN_D, 44),
        (ids::IID_ICERT_ADMIN_D2, 0),
        (ids::IID_ICERT_ADMIN_D2, 49),
        (ids::IID_ICERT_ADMIN_D2, u16::MAX),
    ];
    for (interface, number) in cases {
        assert_eq!(dispatch(Opnum(number), interface, &[], &mut reply, &mut ca), Err(Status::OPERATION_RANGE));
    }
    assert_eq!(dispatch(opnum::PING, Uuid::nil(), &[], &mut reply, &mut ca), Err(Status::UNKNOWN_INTERFACE));
    assert_eq!((reply, ca.log), (vec![1, 2, 3, 4], Vec::new()));
}

#[test]
fn parameters_that_cannot_be_read_are_a_fault_and_leave_no_trace() {
    let mut reply = vec![7; 8];
    let mut ca = Ca::default();
    let iid = ids::IID_ICERT_ADMIN_D2;
    for opnum in [opnum::BACKUP_READ_FILE, opnum::GET_CONFIG_ENTRY, opnum::PING] {
        assert_eq!(dispatch(opnum, iid, &[1, 0], &mut reply, &mut ca), Err(Status::BAD_STUB_DATA));
        assert_eq!(reply, [7; 8]);
    }
}

#[test]
fn what_follows_the_parameters_is_ignored() {
    // A verification trailer, as Windows clients append it.
    let mut stub = vector("ping_request");
    stub.extend_from_slice(&hex("0000 8ae3137102f43671 01400400 01000000"));
    let mut ca = Ca::default();
    assert_eq!(ask(&mut ca, opnum::PING, &stub), Ok(vec![0; 4]));
}

#[test]
fn an_initialised_variant_is_never_a_null_pointer() {
    let mut ca = Ca { variant: Variant::Empty, ..Ca::default() };
    let stub = vector("get_config_entry_request");
    let reply = ask(&mut ca, opnum::GET_CONFIG_ENTRY, &stub).unwrap();
    assert_ne!(reply[..4], [0; 4]);
}

proptest! {
    #[test]
    fn any_request_gets_an_answer_or_a_fault(number in 0_u16..60, stub: Vec<u8>, old: bool) {
        let interface = if old { ids::IID_ICERT_ADMIN_D } else { ids::IID_ICERT_ADMIN_D2 };
        let mut reply = vec![9; 8];
        match dispatch(Opnum(number), interface, &stub, &mut reply, &mut Ca::default()) {
            Ok(()) => {
                prop_assert!(reply.len() >= 12);
                prop_assert_eq!(reply.len() % 4, 0);
            }
            Err(_) => prop_assert_eq!(reply.len(), 8),
        }
        prop_assert_eq!(&reply[..8], &[9; 8]);
    }
}
