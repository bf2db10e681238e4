use csra::call::{
    Answer, BackupCloseFile, BackupEnd, BackupGetAttachmentInformation, BackupGetBackupLogs, BackupGetDynamicFiles,
    BackupOpenFile, BackupPrepare, BackupReadFile, BackupTruncateLogs, Call, CallError, GetCaProperty, GetConfigEntry,
    GetMyRoles, GetServerState, Ping, Ping2, RestoreGetDatabaseLocations, ServerControl,
};
use csra::{Error, FileName, FileType, Hresult, NameList, Roles, Variant};
use dcerpc::ndr::{self, Decoder};
use proptest::option;
use proptest::prelude::*;

use crate::support::{DATABASE, encoded, hex, name, vector};

fn root_ca() -> Option<String> {
    Some("RootCA".into())
}

/// What a client that we did not write sends is read as `call`, to its end.
fn check_vector<C: Call + PartialEq + std::fmt::Debug>(file: &str, call: &C) {
    let bytes = vector(file);
    let mut stub = Decoder::new(&bytes);
    assert_eq!(&C::decode(&mut stub).unwrap(), call, "{file}");
    assert_eq!(stub.remaining(), 0, "{file}");
}

#[test]
fn requests_of_impacket_are_read() {
    let authority = root_ca();
    check_vector("server_control_request", &ServerControl { authority: root_ca(), flags: ServerControl::SHUTDOWN });
    check_vector("ping_request", &Ping { authority });
    check_vector("ping2_request", &Ping2 { authority: None });
    check_vector("get_server_state_request", &GetServerState { authority: root_ca() });
    check_vector("backup_open_file_request", &BackupOpenFile { path: Some(DATABASE.into()) });
    check_vector("backup_read_file_request", &BackupReadFile { size: 4096 });
    check_vector(
        "get_ca_property_request",
        &GetCaProperty { authority: root_ca(), id: 12, index: -1, property_type: 3 },
    );
    check_vector(
        "get_config_entry_request",
        &GetConfigEntry { authority: root_ca(), node: Some(String::new()), entry: "InterfaceFlags".into() },
    );
    check_vector("get_my_roles_request", &GetMyRoles { authority: root_ca() });
}

/// Sections 3.1.4.1.18: what follows grbitJet MUST be ignored on receipt.
#[test]
fn a_prepare_is_read_whatever_its_annotation_looks_like() {
    let expected = BackupPrepare { authority: root_ca(), grbit: 1 };
    let mut bytes = vector("backup_prepare_request");
    let decode = |bytes: &[u8]| BackupPrepare::decode(&mut Decoder::new(bytes)).unwrap();
    assert_eq!(decode(&bytes), expected, "one WCHAR, as the IDL has it");
    bytes.truncate(40);
    bytes.extend_from_slice(&hex("00000200 02000000 00000000 02000000 4100 0000 07000000"));
    assert_eq!(decode(&bytes), expected, "a string");
    bytes.truncate(36);
    assert_eq!(decode(&bytes), expected, "nothing at all");
}

#[test]
fn a_prepare_is_the_same_whether_it_is_read_as_one_character_or_as_a_null_pointer() {
    let call = BackupPrepare { authority: Some("CA".into()), grbit: 1 };
    let expected = hex("
        00000200 03000000 00000000 03000000 4300 4100 0000   # pwszAuthority
        0000                                                # gap
        01000000                                            # grbitJet
        00000000                                            # dwBackupFlags
        00000000 00000000                                   # annotation, dwClientIdentifier
    ");
    assert_eq!(encoded(|stub| call.encode(stub)), expected);
}

#[test]
fn replies_of_impacket_are_read() {
    let database = NameList::new(vec![name(FileType::Database, DATABASE)]);
    assert_eq!(BackupGetAttachmentInformation.finish(&vector("backup_get_attachment_information_reply")), Ok(database));
    let open = BackupOpenFile { path: None };
    assert_eq!(open.finish(&vector("backup_open_file_reply")), Ok(123_456));
    let entry = GetConfigEntry { authority: None, node: None, entry: String::new() };
    assert_eq!(entry.finish(&vector("get_config_entry_i4_reply")), Ok(Variant::I4(0x641)));
    assert_eq!(entry.finish(&vector("get_config_entry_bstr_reply")), Ok(Variant::Bstr("Weeks".into())));
    let roles = GetMyRoles { authority: None };
    assert_eq!(roles.finish(&vector("get_my_roles_reply")), Ok(Roles::ADMINISTRATOR | Roles::OPERATOR | Roles::READ));
    let control = ServerControl { authority: None, flags: 1 };
    assert_eq!(control.finish(&vector("server_control_reply")), Ok(()));
}

#[test]
fn a_list_is_a_pointer_to_characters_and_their_number() {
    let names = NameList::new(vec![name(FileType::Log, "\\a")]);
    let bytes = encoded(|stub| {
        BackupGetBackupLogs::encode_reply(&names, stub);
        stub.u32(0);
    });
    let expected = hex("
        00000200                        # ppwszzLogFiles
        05000000                        # maximum count
        2100 5c00 6100 0000 0000        # '!\\a', NUL, NUL
        0000                            # gap
        05000000                        # pcwcLogFiles
        00000000                        # HRESULT
    ");
    assert_eq!(bytes, expected);
    assert_eq!(BackupGetBackupLogs.finish(&bytes), Ok(names));
}

#[test]
fn an_empty_list_is_a_null_pointer_and_zero() {
    let empty = NameList::default();
    assert_eq!(encoded(|stub| RestoreGetDatabaseLocations::encode_reply(&empty, stub)), [0; 8]);
    assert_eq!(RestoreGetDatabaseLocations.finish(&[0; 12]), Ok(empty));
}

#[test]
fn a_number_of_characters_that_is_not_the_size_of_the_array_is_refused() {
    let reply = hex("00000200 05000000 2100 5c00 6100 0000 0000 0000 04000000 00000000");
    assert!(matches!(
        BackupGetBackupLogs.finish(&reply),
        Err(CallError::Malformed(Error::Ndr(ndr::Error::Contradiction { found: 4, expected: 5, .. })))
    ));
}

#[test]
fn dynamic_files_have_no_type() {
    let reply = hex("00000200 05000000 5c00 4400 2e00 0000 0000 0000 05000000 00000000");
    assert_eq!(BackupGetDynamicFiles.finish(&reply), Ok(NameList::new(vec![FileName::new(None, "\\D.").unwrap()])));
}

fn read_reply(size: u32, data: &[u8], read: u32, code: u32) -> Vec<u8> {
    encoded(|stub| {
        stub.u32(size);
        stub.bytes(data);
        stub.u32(read);
        stub.u32(code);
    })
}

#[test]
fn what_was_read_is_found_where_it_is_in_the_reply() {
    let call = BackupReadFile::new(4096).unwrap();
    let mut data = vec![0; 4096];
    data[..10].copy_from_slice(b"0123456789");
    let reply = read_reply(4096, &data, 10, 0);
    assert_eq!(reply.len(), 4096 + 12);
    let range = call.finish(&reply).unwrap();
    assert_eq!(&reply[range], b"0123456789");
}

#[test]
fn at_the_end_of_the_file_nothing_was_read_and_the_call_succeeds() {
    let call = BackupReadFile::new(4096).unwrap();
    assert_eq!(call.finish(&read_reply(4096, &[0; 4096], 0, 0)), Ok(4..4));
}

#[test]
fn more_than_was_asked_for_is_refused() {
    let call = BackupReadFile::new(4096).unwrap();
    assert!(matches!(
        call.finish(&read_reply(4096, &[0; 4096], 4097, 0)),
        Err(CallError::Malformed(Error::Value { field: "pcbRead", found: 4097 }))
    ));
    assert!(matches!(
        call.finish(&read_reply(8192, &[0; 8192], 4096, 0)),
        Err(CallError::Malformed(Error::Ndr(ndr::Error::Contradiction { .. })))
    ));
}

/// Section 3.1.4.1.23: a multiple of the page size.
#[test]
fn reads_are_of_whole_pages_up_to_four_megabytes() {
    for size in [4096, 8192, 1 << 20, 4 << 20] {
        assert!(BackupReadFile::new(size).is_ok());
    }
    for size in [0, 1, 4095, 123_456, (4 << 20) + 4096, usize::MAX] {
        assert_eq!(BackupReadFile::new(size), Err(Hresult::INVALID_ARGUMENT));
    }
    let negative = BackupReadFile { size: -4096 };
    assert_eq!(negative.buffer_size(), Err(Hresult::INVALID_ARGUMENT));
}

#[test]
fn every_code_but_zero_is_a_failure() {
    let ping = Ping { authority: None };
    for code in [1, 0x7FFF_FFFF, 0x8000_FFFF] {
        let reply = u32::to_le_bytes(code);
        assert_eq!(ping.finish(&reply), Err(CallError::Refused(Hresult(code))));
    }
    assert_eq!(ping.finish(&[0; 4]), Ok(()));
}

#[test]
fn a_code_is_found_at_the_end_of_a_reply_that_is_otherwise_malformed() {
    let open = BackupOpenFile { path: None };
    let refused = Err(CallError::Refused(Hresult::ACCESS_DENIED));
    assert_eq!(open.finish(&hex("05000780")), refused, "nothing but a code");
    let call = BackupReadFile::new(4096).unwrap();
    let reply = hex("00000000 00000000 05000780");
    assert_eq!(
        call.finish(&reply).map(drop),
        Err(CallError::Refused(Hresult::ACCESS_DENIED)),
        "an array of the wrong size"
    );
}

#[test]
fn a_reply_that_is_cut_short_is_malformed() {
    for reply in [&[0; 0][..], &[0; 3], &[0, 0, 0, 0, 0x80]] {
        assert!(matches!(BackupOpenFile { path: None }.finish(reply), Err(CallError::Malformed(_))));
    }
}

/// Decodes what was encoded, with nothing left over.
fn check_request<C: Call + PartialEq + std::fmt::Debug>(call: &C) -> Result<(), TestCaseError> {
    let bytes = encoded(|stub| call.encode(stub));
    let mut stub = Decoder::new(&bytes);
    prop_assert_eq!(&C::decode(&mut stub).unwrap(), call);
    prop_assert_eq!(stub.remaining(), 0);
    Ok(())
}

fn check_reply<C: Answer>(call: &C, reply: &C::Reply) -> Result<(), TestCaseError>
where
    C::Reply: PartialEq + std::fmt::Debug,
{
    let bytes = encoded(|stub| {
        C::encode_reply(reply, stub);
        stub.u32(0);
    });
    prop_assert_eq!(&call.finish(&bytes).unwrap(), reply);
    let bytes = encoded(|stub| {
        C::encode_empty_reply(stub);
        stub.u32(Hresult::ACCESS_DENIED.0);
    });
    prop_assert!(matches!(call.finish(&bytes), Err(CallError::Refused(Hresult::ACCESS_DENIED))));
    let mut decoder = Decoder::new(&bytes);
    prop_assert!(call.decode_reply(&mut decoder).is_ok(), "zeros and nulls are well-formed");
    prop_assert_eq!(decoder.u32().unwrap(), Hresult::ACCESS_DENIED.0);
    Ok(())
}

fn texts() -> impl Strategy<Value = String> {
    "[^\0]{0,12}"
}

proptest! {
    #[test]
    fn requests_survive(
        authority in option::of(texts()),
        node in option::of(texts()),
        entry in texts(),
        numbers: (u32, i32, i32, i32),
    ) {
        let (number, id, index, property_type) = numbers;
        check_request(&ServerControl { authority: authority.clone(), flags: number })?;
        check_request(&Ping { authority: authority.clone() })?;
        check_request(&Ping2 { authority: authority.clone() })?;
        check_request(&GetServerState { authority: authority.clone() })?;
        check_request(&GetMyRoles { authority: authority.clone() })?;
        check_request(&BackupOpenFile { path: authority.clone() })?;
        check_request(&BackupReadFile { size: id })?;
        check_request(&GetCaProperty { authority: authority.clone(), id, index, property_type })?;
        let call = BackupPrepare { authority: authority.clone(), grbit: number };
        let bytes = encoded(|stub| call.encode(stub));
        prop_assert_eq!(BackupPrepare::decode(&mut Decoder::new(&bytes)).unwrap(), call);
        check_request(&GetConfigEntry { authority, node, entry })?;
    }

    #[test]
    fn replies_survive(
        bytes: Vec<u8>,
        length: u64,
        state: u32,
        paths in proptest::collection::vec("[^\0]{1,12}", 0..4),
    ) {
        let authority = None;
        check_reply(&ServerControl { authority: None, flags: 1 }, &())?;
        check_reply(&Ping { authority: None }, &())?;
        check_reply(&Ping2 { authority: None }, &())?;
        check_reply(&GetServerState { authority: None }, &state)?;
        check_reply(&GetMyRoles { authority: None }, &Roles::from_bits_truncate(state))?;
        check_reply(&BackupPrepare { authority: None, grbit: 0 }, &())?;
        check_reply(&BackupEnd, &())?;
        check_reply(&BackupCloseFile, &())?;
        check_reply(&BackupTruncateLogs, &())?;
        check_reply(&BackupOpenFile { path: None }, &length)?;
        check_reply(&GetCaProperty { authority, id: 0, index: 0, property_type: 0 }, &bytes)?;
        let bare: NameList =
            paths.iter().map(|path| FileName::new(None, path).unwrap()).collect();
        check_reply(&BackupGetDynamicFiles, &bare)?;
        let typed: NameList = paths.iter().map(|path| name(FileType::Database, path)).collect();
        check_reply(&BackupGetAttachmentInformation, &typed)?;
        check_reply(&BackupGetBackupLogs, &typed)?;
        check_reply(&RestoreGetDatabaseLocations, &typed)?;
    }
}
