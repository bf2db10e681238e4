//! The CA as a DCOM object: ICertAdminD and ICertAdminD2, [MS-CSRA] 3.1.

mod backup;
mod logon;
mod property;
mod registry;

use std::sync::Arc;

use csra::dispatch::{self, CertAdmin};
use csra::ids::{CLSID_CCERT_ADMIN_D, IID_ICERT_ADMIN_D, IID_ICERT_ADMIN_D2};
use csra::names::NameList;
use csra::session::BackupKind;
use csra::variant::Variant;
use csra::{Hresult, InterfaceFlags, Roles, hresult};
use csra::{Opnum, Status};
use orpc::server::{Caller as Peer, Class, Object};
use serde_json::json;
use uuid::Uuid;

pub use logon::Logon;

use crate::audit::{Caller, Event};
use crate::authority::Authority;
use crate::stop::Stop;
use backup::Backup;

/// The class that clients activate.
pub struct AdminClass {
    authority: Arc<Authority>,
    stop: Arc<Stop>,
}

impl AdminClass {
    /// Objects of this class speak for `authority`; ServerControl ends the server through `stop`.
    pub fn new(authority: Arc<Authority>, stop: Arc<Stop>) -> Self {
        Self { authority, stop }
    }
}

impl Class for AdminClass {
    fn clsid(&self) -> Uuid {
        CLSID_CCERT_ADMIN_D
    }

    fn interfaces(&self) -> &[Uuid] {
        &[IID_ICERT_ADMIN_D, IID_ICERT_ADMIN_D2]
    }

    fn create(&self, caller: &Peer) -> Result<Box<dyn Object>, Hresult> {
        Ok(Box::new(AdminObject {
            backup: Backup::new(Arc::clone(&self.authority)),
            authority: Arc::clone(&self.authority),
            stop: Arc::clone(&self.stop),
            peer: caller.clone(),
        }))
    }
}

/// One activated object. A backup session lives in it and ends with it.
struct AdminObject {
    // Dropped first: a session that is still open is given up and audited.
    backup: Backup,
    authority: Arc<Authority>,
    stop: Arc<Stop>,
    /// Who makes the call that is being answered.
    peer: Peer,
}

impl Object for AdminObject {
    fn call(
        &mut self,
        caller: &Peer,
        interface: Uuid,
        opnum: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Status> {
        self.peer = caller.clone();
        dispatch::dispatch(opnum, interface, stub, reply, self)
    }
}

impl AdminObject {
    /// The caller as the audit log and the database know it.
    fn caller(&self) -> Caller {
        Caller::Network { account: account_name(&self.peer), address: self.peer.address.to_string() }
    }

    /// The roles of the caller, as the accounts file has them now. Role separation takes them all away from an account
    /// that mixes them.
    fn roles(&self) -> Roles {
        match self.authority.account(&self.peer.identity.user) {
            Ok(Some(account)) if self.authority.configuration().server.role_separation && account.mixes_roles() => {
                Roles::empty()
            }
            Ok(Some(account)) => Roles::from_bits_truncate(account.role_bits()),
            Ok(None) => Roles::empty(),
            Err(error) => {
                // Nobody is let in on the word of a file that cannot be trusted.
                tracing::error!(%error, "cannot look up roles");
                Roles::empty()
            }
        }
    }

    /// Whether the caller means this CA, [MS-CSRA] 3.1.4.1.1: common, sanitized or short sanitized name.
    fn check_name(&self, authority: Option<&str>) -> Result<(), Hresult> {
        match authority {
            Some(name) if csra::ca_name::matches(name, self.authority.name()) => Ok(()),
            _ => Err(hresult::INVALID_PARAMETER),
        }
    }

    /// As [`Self::check_name`], where no name at all means this CA too.
    fn check_optional_name(&self, authority: Option<&str>) -> Result<(), Hresult> {
        match authority {
            None | Some("") => Ok(()),
            name => self.check_name(name),
        }
    }
}

impl CertAdmin for AdminObject {
    fn authorize(&mut self, opnum: Opnum) -> Result<(), Hresult> {
        let flags = InterfaceFlags::from_bits_retain(self.authority.configuration().server.interface_flags);
        let caller = csra::access::Caller {
            identified: !self.peer.identity.user.is_empty(),
            level: self.peer.level,
            remote: !self.peer.is_local,
            roles: self.roles(),
        };
        csra::access::check(opnum, &caller, flags).inspect_err(|_| {
            let details = json!({ "opnum": opnum.0, "roles": caller.roles.bits() });
            self.authority.audit().record_or_warn(Event::AccessDenied, &self.caller(), details);
        })
    }

    fn backup_prepare(&mut self, authority: Option<&str>, kind: BackupKind) -> Result<(), Hresult> {
        self.check_name(authority)?;
        let caller = self.caller();
        self.backup.prepare(kind, caller)
    }

    fn backup_end(&mut self) -> Result<(), Hresult> {
        self.backup.end()
    }

    fn backup_get_attachment_information(&mut self) -> Result<NameList, Hresult> {
        self.backup.attachments()
    }

    fn backup_get_backup_logs(&mut self) -> Result<NameList, Hresult> {
        self.backup.logs()
    }

    fn backup_open_file(&mut self, path: &str) -> Result<u64, Hresult> {
        self.backup.open(path)
    }

    fn backup_read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult> {
        self.backup.read(buffer)
    }

    fn backup_close_file(&mut self) -> Result<(), Hresult> {
        self.backup.close()
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Hresult> {
        self.backup.truncate()
    }

    fn backup_get_dynamic_files(&mut self) -> Result<NameList, Hresult> {
        self.backup.dynamic_files()
    }

    fn restore_get_database_locations(&mut self) -> Result<NameList, Hresult> {
        self.backup.locations()
    }

    fn server_control(&mut self, authority: Option<&str>, flags: u32) -> Result<(), Hresult> {
        self.check_optional_name(authority)?;
        match flags {
            // CSCONTROL_SHUTDOWN
            1 => {
                self.stop.request(format!("ServerControl by {}", account_name(&self.peer)));
                Ok(())
            }
            // CSCONTROL_SUSPEND and CSCONTROL_RESTART do nothing, 3.1.4.1.15.
            2 | 3 => Ok(()),
            _ => Err(hresult::INVALID_PARAMETER),
        }
    }

    fn ping(&mut self, authority: Option<&str>) -> Result<(), Hresult> {
        self.check_optional_name(authority)
    }

    fn get_server_state(&mut self, authority: Option<&str>) -> Result<u32, Hresult> {
        self.check_optional_name(authority)?;
        let readers = Roles::ADMINISTRATOR | Roles::OFFICER | Roles::READ;
        Ok(u32::from(self.roles().effective().intersects(readers)))
    }

    fn get_ca_property(
        &mut self,
        authority: Option<&str>,
        id: i32,
        index: i32,
        property_type: i32,
    ) -> Result<Vec<u8>, Hresult> {
        self.check_optional_name(authority)?;
        property::value(&self.authority, id, index, property_type)
    }

    fn get_config_entry(
        &mut self,
        authority: Option<&str>,
        node: Option<&str>,
        entry: &str,
    ) -> Result<Variant, Hresult> {
        self.check_optional_name(authority)?;
        let has_authority = authority.is_some_and(|name| !name.is_empty());
        registry::entry(&self.authority, has_authority, node.unwrap_or_default(), entry)
    }

    fn get_my_roles(&mut self, authority: Option<&str>) -> Result<Roles, Hresult> {
        self.check_optional_name(authority)?;
        Ok(self.roles())
    }
}

fn account_name(peer: &Peer) -> String {
    match peer.identity.domain.as_str() {
        "" => peer.identity.user.clone(),
        domain => format!("{domain}\\{}", peer.identity.user),
    }
}
