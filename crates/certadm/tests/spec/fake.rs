//! A certification authority that does what a test tells it, behind a real server on a port of this machine.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard};

use certadm::{Cancel, Credentials, FileName, FileType, Hresult, Options, Roles, Server, Target, Variant};
use csra::dispatch::{CertAdmin, dispatch};
use csra::session::BackupKind;
use csra::{NameList, hresult, ids};
use csra::{Opnum, Status};
use orpc::server::{Accounts, Attempt, Caller, Class, Limits, Lookup, NtHash, Object, Running};
use uuid::Uuid;

/// A file on the fake: byte `n` is `n * 31 + n / 4096`, so that no two pages are alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct File {
    pub(crate) announced: u64,
    pub(crate) actual: u64,
}

pub(crate) fn byte(at: u64) -> u8 {
    (at.wrapping_mul(31) ^ (at / 4096)) as u8
}

pub(crate) fn content(size: u64) -> Vec<u8> {
    (0..size).map(byte).collect()
}

type OnRead = Box<dyn FnMut(u64) -> Result<(), Hresult> + Send>;

/// What the fake does, and what it saw.
pub(crate) struct Script {
    pub(crate) authority: String,
    pub(crate) state: u32,
    pub(crate) ping: Result<(), Hresult>,
    pub(crate) roles: Roles,
    pub(crate) interface_flags: i32,
    pub(crate) databases: Vec<String>,
    pub(crate) logs: Vec<String>,
    pub(crate) dynamic: Vec<String>,
    pub(crate) files: BTreeMap<String, File>,
    pub(crate) prepare: Result<(), Hresult>,
    pub(crate) locations: Result<(), Hresult>,
    /// Replies that are sent as they are, by opnum.
    pub(crate) raw: HashMap<u16, Vec<u8>>,
    /// Called with the offset before every block.
    pub(crate) on_read: Option<OnRead>,
    pub(crate) interfaces: Vec<Uuid>,
    /// Every call, in order.
    pub(crate) calls: Vec<String>,
    open: Option<(String, u64)>,
}

impl Default for Script {
    fn default() -> Self {
        let database = r"\\ca01\CertSrv$\DataBase\Test CA.db".to_owned();
        let log = r"\\ca01\CertSrv$\Log\edb00003.log".to_owned();
        let files = BTreeMap::from([
            (database.clone(), File { announced: 300_000, actual: 300_000 }),
            (log.clone(), File { announced: 65_536, actual: 65_536 }),
        ]);
        Script {
            authority: "Test CA".to_owned(),
            state: 1,
            ping: Ok(()),
            roles: Roles::OPERATOR | Roles::READ,
            interface_flags: 0,
            databases: vec![database],
            logs: vec![log],
            dynamic: vec![r"\\ca01\CertSrv$\CertEnroll\Test CA.crl".to_owned()],
            files,
            prepare: Ok(()),
            locations: Ok(()),
            raw: HashMap::new(),
            on_read: None,
            interfaces: vec![ids::IID_ICERT_ADMIN_D, ids::IID_ICERT_ADMIN_D2],
            calls: Vec::new(),
            open: None,
        }
    }
}

/// A running fake.
pub(crate) struct Fake {
    pub(crate) script: Arc<Mutex<Script>>,
    pub(crate) running: Arc<Mutex<Option<Running>>>,
    port: u16,
}

impl Fake {
    pub(crate) fn start() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Script)) -> Self {
        let mut script = Script::default();
        change(&mut script);
        let interfaces = script.interfaces.clone();
        let script = Arc::new(Mutex::new(script));
        let options = orpc::server::Options {
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            endpoint_mapper_port: 0,
            object_port: 0,
            host_names: vec!["localhost".to_owned()],
            limits: Limits::default(),
        };
        let class = Arc::new(Authority { script: script.clone(), interfaces });
        let running = orpc::server::Server::start(options, vec![class], Arc::new(Users), Vec::new()).unwrap();
        let port = running.endpoint_mapper_address().port();
        Fake { script, running: Arc::new(Mutex::new(Some(running))), port }
    }

    pub(crate) fn target(&self) -> Target {
        Target { host: "127.0.0.1".to_owned(), endpoint_mapper_port: self.port, authority: None }
    }

    pub(crate) fn connect(&self) -> Server {
        self.connect_with(&Cancel::new())
    }

    pub(crate) fn connect_with(&self, cancel: &Cancel) -> Server {
        Server::connect(&self.target(), &credentials("secret"), &Options::default(), cancel).unwrap()
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub(crate) fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }

    /// Waits, for what happens on the server after the client has turned away.
    pub(crate) fn wait_for(&self, call: &str) -> bool {
        for _ in 0..1000 {
            if self.calls().iter().any(|seen| seen == call) {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        false
    }
}

pub(crate) fn credentials(password: &str) -> Credentials {
    Credentials { domain: String::new(), user: "backup".to_owned(), password: password.to_owned().into() }
}

struct Users;

impl Accounts for Users {
    fn nt_hash(&self, _domain: &str, user: &str) -> Lookup {
        if user.eq_ignore_ascii_case("backup") { Lookup::Found(NtHash::of_password("secret")) } else { Lookup::Unknown }
    }

    fn succeeded(&self, _attempt: &Attempt<'_>) {}

    fn failed(&self, _attempt: &Attempt<'_>) {}
}

struct Authority {
    script: Arc<Mutex<Script>>,
    interfaces: Vec<Uuid>,
}

impl Class for Authority {
    fn clsid(&self) -> Uuid {
        ids::CLSID_CCERT_ADMIN_D
    }

    fn interfaces(&self) -> &[Uuid] {
        &self.interfaces
    }

    fn create(&self, _caller: &Caller) -> Result<Box<dyn Object>, Hresult> {
        Ok(Box::new(Connection { script: self.script.clone() }))
    }
}

struct Connection {
    script: Arc<Mutex<Script>>,
}

impl Object for Connection {
    fn call(
        &mut self,
        _caller: &Caller,
        interface: Uuid,
        opnum: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Status> {
        let raw = self.script.lock().unwrap().raw.get(&opnum.0).cloned();
        if let Some(bytes) = raw {
            reply.extend(bytes);
            return Ok(());
        }
        dispatch(opnum, interface, stub, reply, self)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.script.lock().unwrap().calls.push("released".to_owned());
    }
}

impl Connection {
    fn saw(&self, call: impl Into<String>) -> MutexGuard<'_, Script> {
        let mut script = self.script.lock().unwrap();
        script.calls.push(call.into());
        script
    }
}

fn named(script: &Script, authority: Option<&str>) -> Result<(), Hresult> {
    match authority {
        Some(name) if !name.is_empty() && name != script.authority => Err(Hresult::INVALID_ARGUMENT),
        _ => Ok(()),
    }
}

fn list(file_type: Option<FileType>, paths: &[String]) -> NameList {
    paths.iter().map(|path| FileName::new(file_type, path.as_str()).unwrap()).collect()
}

impl CertAdmin for Connection {
    fn authorize(&mut self, _opnum: Opnum) -> Result<(), Hresult> {
        Ok(())
    }

    fn backup_prepare(&mut self, authority: Option<&str>, kind: BackupKind) -> Result<(), Hresult> {
        let script = self.saw(format!("prepare {kind:?}"));
        script.prepare?;
        named(&script, authority)
    }

    fn backup_end(&mut self) -> Result<(), Hresult> {
        drop(self.saw("end"));
        Ok(())
    }

    fn backup_get_attachment_information(&mut self) -> Result<NameList, Hresult> {
        Ok(list(Some(FileType::Database), &self.saw("databases").databases))
    }

    fn backup_get_backup_logs(&mut self) -> Result<NameList, Hresult> {
        Ok(list(Some(FileType::Log), &self.saw("logs").logs))
    }

    fn backup_open_file(&mut self, path: &str) -> Result<u64, Hresult> {
        let mut script = self.saw(format!("open {}", path.rsplit('\\').next().unwrap()));
        let file = *script.files.get(path).ok_or(hresult::JET_FILE_NOT_FOUND)?;
        script.open = Some((path.to_owned(), 0));
        Ok(file.announced)
    }

    fn backup_read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult> {
        let (path, at) = self.saw(format!("read {}", buffer.len())).open.clone().ok_or(hresult::UNEXPECTED)?;
        let on_read = self.script.lock().unwrap().on_read.take();
        if let Some(mut on_read) = on_read {
            // Without the lock: it may wait for something.
            let result = on_read(at);
            self.script.lock().unwrap().on_read = Some(on_read);
            result?;
        }
        let mut script = self.script.lock().unwrap();
        let left = script.files[&path].actual.saturating_sub(at);
        let count = left.min(buffer.len() as u64);
        for (place, offset) in buffer.iter_mut().zip(at..at + count) {
            *place = byte(offset);
        }
        script.open = Some((path, at + count));
        Ok(count as usize)
    }

    fn backup_close_file(&mut self) -> Result<(), Hresult> {
        self.saw("close").open = None;
        Ok(())
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Hresult> {
        drop(self.saw("truncate"));
        Ok(())
    }

    fn backup_get_dynamic_files(&mut self) -> Result<NameList, Hresult> {
        Ok(list(None, &self.saw("dynamic").dynamic))
    }

    fn restore_get_database_locations(&mut self) -> Result<NameList, Hresult> {
        let script = self.saw("locations");
        script.locations?;
        let mut names = list(Some(FileType::Database), &script.databases).names;
        names.push(FileName::new(Some(FileType::LogDirectory), r"\\ca01\CertSrv$\Log").unwrap());
        names.push(FileName::new(Some(FileType::CheckpointDirectory), r"\\ca01\CertSrv$\DataBase").unwrap());
        Ok(NameList::new(names))
    }

    fn server_control(&mut self, authority: Option<&str>, flags: u32) -> Result<(), Hresult> {
        named(&self.saw(format!("control {flags}")), authority)
    }

    fn ping(&mut self, authority: Option<&str>) -> Result<(), Hresult> {
        let script = self.saw("ping");
        script.ping?;
        named(&script, authority)
    }

    fn get_server_state(&mut self, authority: Option<&str>) -> Result<u32, Hresult> {
        let script = self.saw("state");
        named(&script, authority)?;
        Ok(script.state)
    }

    fn get_ca_property(
        &mut self,
        authority: Option<&str>,
        id: i32,
        _index: i32,
        _property_type: i32,
    ) -> Result<Vec<u8>, Hresult> {
        let script = self.script.lock().unwrap();
        named(&script, authority)?;
        match id {
            csra::ca_property::CA_NAME => Ok(csra::ca_property::string_to_bytes(&script.authority)),
            csra::ca_property::CA_SIGNING_CERTIFICATE_COUNT => {
                Ok(csra::ca_property::CaInfo { signature_certificates: 2, ..Default::default() }.to_bytes())
            }
            csra::ca_property::CA_SIGNING_CERTIFICATE => Ok(b"certificate".to_vec()),
            _ => Err(Hresult::FILE_NOT_FOUND),
        }
    }

    fn get_config_entry(
        &mut self,
        authority: Option<&str>,
        _node: Option<&str>,
        entry: &str,
    ) -> Result<Variant, Hresult> {
        let script = self.script.lock().unwrap();
        named(&script, authority)?;
        match entry {
            "InterfaceFlags" => Ok(Variant::I4(script.interface_flags)),
            "Active" => Ok(Variant::Bstr(script.authority.clone())),
            _ => Err(Hresult::FILE_NOT_FOUND),
        }
    }

    fn get_my_roles(&mut self, authority: Option<&str>) -> Result<Roles, Hresult> {
        let script = self.script.lock().unwrap();
        named(&script, authority)?;
        Ok(script.roles)
    }
}
