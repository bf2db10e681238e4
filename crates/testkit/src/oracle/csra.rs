//! Oracles of `csra`: what must hold for any bytes.

use csra::ca_property::{CaInfo, string_from_bytes, string_to_bytes};
use csra::call::{
    Answer, BackupGetAttachmentInformation, BackupGetDynamicFiles, BackupOpenFile, BackupReadFile, Call, CallError,
    GetCaProperty, GetConfigEntry, GetMyRoles, GetServerState, Ping, ServerControl,
};
use csra::dispatch::{CertAdmin, dispatch};
use csra::names::Prefix;
use csra::restore::Instruction;
use csra::session::BackupKind;
use csra::{FileName, Hresult, NameList, Roles, Variant, ids, limits};
use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `csra`.
pub const ORACLES: &[Oracle] = &[
    ("csra_ca_property", ca_property),
    ("csra_dispatch", requests),
    ("csra_names", names),
    ("csra_replies", replies),
    ("csra_restore_instruction", restore_instruction),
    ("csra_variant", variant),
];

/// The first byte is the opnum, the second chooses the interface, the rest is the request.
///
/// It gets a reply that ends with an HRESULT, or a fault and no trace of a reply.
fn requests(data: &[u8]) {
    let [opnum, interface, stub @ ..] = data else { return };
    let interface = if interface & 1 == 0 { ids::IID_ICERT_ADMIN_D2 } else { ids::IID_ICERT_ADMIN_D };
    let mut reply = vec![0xAA; 8];
    let answered = dispatch(Opnum((*opnum).into()), interface, stub, &mut reply, &mut NullAdmin);
    assert_eq!(reply[..8], [0xAA; 8]);
    match answered {
        Ok(()) => {
            assert!(reply.len() >= 8 + 4);
            assert_eq!(reply.len() % 4, 0);
            assert!(reply.len() <= 8 + limits::READ + 12, "no more than the largest read");
        }
        Err(_) => assert_eq!(reply.len(), 8),
    }
}

/// The first byte chooses the method, the rest is the reply.
fn replies(data: &[u8]) {
    let [method, stub @ ..] = data else { return };
    match method % 9 {
        0 => survives(&BackupGetAttachmentInformation, stub),
        1 => survives(&BackupGetDynamicFiles, stub),
        2 => survives(&BackupOpenFile { path: None }, stub),
        3 => survives(&GetCaProperty { authority: None, id: 0, index: 0, property_type: 0 }, stub),
        4 => survives(&GetConfigEntry { authority: None, node: None, entry: String::new() }, stub),
        5 => survives(&GetMyRoles { authority: None }, stub),
        6 => survives(&ServerControl { authority: None, flags: 1 }, stub),
        7 => survives(&Ping { authority: None }, stub),
        _ => {
            survives(&GetServerState { authority: None }, stub);
            let call = BackupReadFile { size: 4096 };
            if let Ok(range) = call.finish(stub) {
                assert!(range.len() <= 4096 && stub.get(range).is_some());
            }
        }
    }
}

/// A reply that was accepted says the same when it is written and read again; success is never refused.
fn survives<C: Answer>(call: &C, stub: &[u8])
where
    C::Reply: PartialEq + std::fmt::Debug,
{
    match call.finish(stub) {
        Ok(reply) => {
            let mut encoded = Encoder::new();
            C::encode_reply(&reply, &mut encoded);
            encoded.u32(Hresult::OK.0);
            assert_eq!(call.finish(&encoded.into_bytes()), Ok(reply));
        }
        Err(CallError::Refused(code)) => assert_ne!(code, Hresult::OK),
        Err(_) => {}
    }
}

/// Lists keep their meaning, and a local name stays inside of its directory.
fn names(data: &[u8]) {
    for prefix in [Prefix::Typed, Prefix::Bare] {
        let Ok(list) = NameList::from_bytes(data, prefix) else { continue };
        assert_eq!(NameList::from_bytes(&list.to_bytes(), prefix).as_ref(), Ok(&list));
        for local in list.names.iter().filter_map(|name| FileName::local_name(name).ok()) {
            assert!(!local.is_empty() && local != "." && local != "..");
            assert!(!local.contains(['/', '\\', ':', '\0']) && local.len() <= 255);
        }
    }
}

/// Values keep their meaning.
fn variant(data: &[u8]) {
    let Ok(value) = Variant::decode(&mut Decoder::new(data)) else { return };
    let mut stub = Encoder::new();
    value.encode(&mut stub);
    assert_eq!(Variant::decode(&mut Decoder::new(&stub.into_bytes())), Ok(value));
}

/// Forms of property values keep their meaning.
fn ca_property(data: &[u8]) {
    if let Ok(info) = CaInfo::from_bytes(data) {
        assert_eq!(CaInfo::from_bytes(&info.to_bytes()), Ok(info));
    }
    if let Some(text) = string_from_bytes(data) {
        assert_eq!(string_from_bytes(&string_to_bytes(&text)), Some(text));
    }
}

/// An instruction that was accepted is one that registering could have made, and says the same when it is read again.
fn restore_instruction(data: &[u8]) {
    let Ok(instruction) = Instruction::from_json(data) else { return };
    assert!(!(instruction.is_ready() && instruction.blocks_start()));
    let registrations = instruction.registrations();
    assert!(registrations.iter().enumerate().all(|(place, one)| one.is_full() == (place == 0)));
    let read = instruction.to_json().map(|bytes| Instruction::from_json(&bytes));
    assert!(matches!(read, Ok(Ok(read)) if read == instruction));
}

/// A CA that lets everyone do everything, and has nothing.
struct NullAdmin;

impl CertAdmin for NullAdmin {
    fn authorize(&mut self, _opnum: Opnum) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_prepare(&mut self, _authority: Option<&str>, _kind: BackupKind) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_end(&mut self) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_get_attachment_information(&mut self) -> Result<NameList, Hresult> {
        Ok(NameList::default())
    }

    fn backup_get_backup_logs(&mut self) -> Result<NameList, Hresult> {
        Ok(NameList::default())
    }

    fn backup_open_file(&mut self, path: &str) -> Result<u64, Hresult> {
        assert!(!path.contains('\0'));
        Ok(0)
    }

    fn backup_read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult> {
        assert!(buffer.len().is_multiple_of(limits::READ_UNIT) && !buffer.is_empty());
        Ok(0)
    }

    fn backup_close_file(&mut self) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_get_dynamic_files(&mut self) -> Result<NameList, Hresult> {
        Ok(NameList::default())
    }

    fn restore_get_database_locations(&mut self) -> Result<NameList, Hresult> {
        Ok(NameList::default())
    }

    fn server_control(&mut self, _authority: Option<&str>, flags: u32) -> Result<(), Hresult> {
        assert!((1..=3).contains(&flags));
        Ok(())
    }

    fn ping(&mut self, _authority: Option<&str>) -> Result<(), Hresult> {
        Ok(())
    }

    fn get_server_state(&mut self, _authority: Option<&str>) -> Result<u32, Hresult> {
        Ok(0)
    }

    fn get_ca_property(
        &mut self,
        _authority: Option<&str>,
        _id: i32,
        _index: i32,
        _property_type: i32,
    ) -> Result<Vec<u8>, Hresult> {
        Err(Hresult::INVALID_ARGUMENT)
    }

    fn get_config_entry(
        &mut self,
        _authority: Option<&str>,
        _node: Option<&str>,
        _entry: &str,
    ) -> Result<Variant, Hresult> {
        Ok(Variant::Empty)
    }

    fn get_my_roles(&mut self, _authority: Option<&str>) -> Result<Roles, Hresult> {
        Ok(Roles::empty())
    }
}
