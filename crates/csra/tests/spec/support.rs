//! Vectors, and a CA that remembers what it was asked.

use std::path::Path;

use csra::dispatch::{CertAdmin, dispatch};
use csra::session::BackupKind;
use csra::{FileName, FileType, Hresult, NameList, Roles, Variant, ids};
use dcerpc::ndr::Encoder;
use dcerpc::{Opnum, Status};

/// The bytes of `tests/data/<name>.hex`; its README says where they come from.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.hex"));
    hex(&std::fs::read_to_string(path).unwrap())
}

/// Bytes from hexadecimal with white space anywhere, and `#` comments to the end of a line.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""))
        .flat_map(str::chars)
        .filter(|character| !character.is_whitespace())
        .collect();
    hex::decode(digits).unwrap()
}

pub(crate) fn encoded(encode: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut stub = Encoder::new();
    encode(&mut stub);
    stub.into_bytes()
}

pub(crate) fn name(file_type: FileType, path: &str) -> FileName {
    FileName::new(Some(file_type), path).unwrap()
}

pub(crate) const DATABASE: &str = r"\\CA01\CertSrv$\DataBase\RootCA.edb";

/// Calls `handler` through the dispatcher; the reply is behind an ORPCTHAT of zeros, which is taken off again.
pub(crate) fn ask(handler: &mut dyn CertAdmin, opnum: Opnum, stub: &[u8]) -> Result<Vec<u8>, Status> {
    let mut reply = vec![0; 8];
    dispatch(opnum, ids::IID_ICERT_ADMIN_D2, stub, &mut reply, handler)?;
    Ok(reply.split_off(8))
}

/// Answers every method from its fields, and writes down what it was asked.
pub(crate) struct Ca {
    pub(crate) log: Vec<String>,
    /// What every method returns instead of an answer.
    pub(crate) failure: Option<Hresult>,
    /// What authorize returns.
    pub(crate) denial: Option<Hresult>,
    pub(crate) names: NameList,
    pub(crate) file: Vec<u8>,
    pub(crate) variant: Variant,
    pub(crate) property: Vec<u8>,
}

impl Default for Ca {
    fn default() -> Self {
        Self {
            log: Vec::new(),
            failure: None,
            denial: None,
            names: NameList::new(vec![name(FileType::Database, DATABASE)]),
            file: b"0123456789".to_vec(),
            variant: Variant::I4(0x641),
            property: b"hello".to_vec(),
        }
    }
}

impl Ca {
    fn answer<T>(&mut self, call: impl Into<String>, value: T) -> Result<T, Hresult> {
        self.log.push(call.into());
        match self.failure {
            None => Ok(value),
            Some(code) => Err(code),
        }
    }
}

impl CertAdmin for Ca {
    fn authorize(&mut self, opnum: Opnum) -> Result<(), Hresult> {
        self.log.push(format!("authorize {}", opnum.0));
        self.denial.map_or(Ok(()), Err)
    }

    fn backup_prepare(&mut self, authority: Option<&str>, kind: BackupKind) -> Result<(), Hresult> {
        self.answer(format!("backup_prepare {authority:?} {kind:?}"), ())
    }

    fn backup_end(&mut self) -> Result<(), Hresult> {
        self.answer("backup_end", ())
    }

    fn backup_get_attachment_information(&mut self) -> Result<NameList, Hresult> {
        let names = self.names.clone();
        self.answer("backup_get_attachment_information", names)
    }

    fn backup_get_backup_logs(&mut self) -> Result<NameList, Hresult> {
        let names = self.names.clone();
        self.answer("backup_get_backup_logs", names)
    }

    fn backup_open_file(&mut self, path: &str) -> Result<u64, Hresult> {
        self.answer(format!("backup_open_file {path}"), 123_456)
    }

    fn backup_read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult> {
        let count = self.file.len();
        if let Some(front) = buffer.get_mut(..count) {
            front.copy_from_slice(&self.file);
        }
        self.answer(format!("backup_read_file {}", buffer.len()), count)
    }

    fn backup_close_file(&mut self) -> Result<(), Hresult> {
        self.answer("backup_close_file", ())
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Hresult> {
        self.answer("backup_truncate_logs", ())
    }

    fn backup_get_dynamic_files(&mut self) -> Result<NameList, Hresult> {
        let names = self.names.clone();
        self.answer("backup_get_dynamic_files", names)
    }

    fn restore_get_database_locations(&mut self) -> Result<NameList, Hresult> {
        let names = self.names.clone();
        self.answer("restore_get_database_locations", names)
    }

    fn server_control(&mut self, authority: Option<&str>, flags: u32) -> Result<(), Hresult> {
        self.answer(format!("server_control {authority:?} {flags}"), ())
    }

    fn ping(&mut self, authority: Option<&str>) -> Result<(), Hresult> {
        self.answer(format!("ping {authority:?}"), ())
    }

    fn get_server_state(&mut self, authority: Option<&str>) -> Result<u32, Hresult> {
        self.answer(format!("get_server_state {authority:?}"), 1)
    }

    fn get_ca_property(
        &mut self,
        authority: Option<&str>,
        id: i32,
        index: i32,
        property_type: i32,
    ) -> Result<Vec<u8>, Hresult> {
        let value = self.property.clone();
        let call = format!("get_ca_property {authority:?} {id} {index} {property_type}");
        self.answer(call, value)
    }

    fn get_config_entry(
        &mut self,
        authority: Option<&str>,
        node: Option<&str>,
        entry: &str,
    ) -> Result<Variant, Hresult> {
        let value = self.variant.clone();
        let call = format!("get_config_entry {authority:?} {node:?} {entry:?}");
        self.answer(call, value)
    }

    fn get_my_roles(&mut self, authority: Option<&str>) -> Result<Roles, Hresult> {
        let roles = Roles::READ | Roles::OPERATOR | Roles::ADMINISTRATOR;
        self.answer(format!("get_my_roles {authority:?}"), roles)
    }
}
