//! A certification authority on the network.

use std::time::Duration;

use csra::ca_property::{self, PropertyType};
use csra::call::{self, Call};
use csra::variant::Variant;
use csra::{Hresult, InterfaceFlags, Roles, ids, opnum};
use orpc::client::Client;
use uuid::Uuid;

use crate::cancel::Cancel;
use crate::error::{Denied, Error};
use crate::link::{Link, Place, method};
use crate::locations::DatabaseLocations;
use crate::target::Target;

pub use orpc::client::Credentials;

/// CR_PROP_PRODUCTVERSION.
const PRODUCT_VERSION: i32 = 0x02;

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// For a connection.
    pub connect_timeout: Duration,
    /// For each answer.
    pub call_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { connect_timeout: Duration::from_secs(20), call_timeout: Duration::from_secs(120) }
    }
}

/// A connection to a certification authority, at packet privacy.
pub struct Server {
    authority: Option<String>,
    link: Link,
}

impl Server {
    /// Connects and activates the CA's administration interface: ICertAdminD2, or ICertAdminD of older servers.
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::AuthenticationFailed`], [`Error::NotRunning`], [`Error::ActivationDenied`] and
    /// what calls can meet.
    pub fn connect(
        target: &Target,
        credentials: &Credentials,
        options: &Options,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        const INTERFACES: &[Uuid] = &[ids::IID_ICERT_ADMIN_D2, ids::IID_ICERT_ADMIN_D];
        let account = match credentials.domain.as_str() {
            "" => credentials.user.clone(),
            domain => format!("{domain}\\{}", credentials.user),
        };
        let place = Place { host: target.host.clone(), account };
        let options = orpc::client::Options {
            endpoint_mapper_port: target.endpoint_mapper_port,
            connect_timeout: options.connect_timeout,
            call_timeout: options.call_timeout,
            ..orpc::client::Options::default()
        };
        let client = Client::new(credentials.clone(), options);
        let link = Link::open(client, place, ids::CLSID_CCERT_ADMIN_D, INTERFACES, cancel.clone())?;
        Ok(Server { authority: target.authority.clone(), link })
    }

    /// Whether the CA is running and ready (`CertSrvIsServerOnlineW`): `true` when it works, `false` when it runs and
    /// does not work, being paused for example. A CA that does not run is [`Error::NotRunning`] or
    /// [`Error::Unreachable`] already when connecting.
    ///
    /// # Errors
    /// [`Error::WrongAuthority`], and what calls can meet.
    pub fn is_online(&mut self) -> Result<bool, Error> {
        let authority = self.authority.clone();
        // Ping wants an administrator; a server that refuses it is alive all the same. ICertAdminD has no Ping2.
        let answer = match self.link.call(&call::Ping2 { authority: authority.clone() }) {
            Err(Error::Fault { .. }) => self.link.call(&call::Ping { authority })?,
            other => other?,
        };
        match answer {
            Ok(()) | Err(Hresult::ACCESS_DENIED) => {}
            Err(hresult) => return Err(self.refused::<call::Ping2>(hresult)),
        }
        Ok(self.state()? != 0)
    }

    /// Whether this account may read the database (GetServerState): 1 or 0.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn state(&mut self) -> Result<u32, Error> {
        let authority = self.authority.clone();
        self.call(&call::GetServerState { authority })
    }

    /// The name of the CA: as the target said, or as the server says.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn authority(&mut self) -> Result<&str, Error> {
        if self.authority.is_none() {
            let name = match self.string_property(ca_property::CA_NAME) {
                Ok(name) => name,
                // Some servers want a name before they tell it; the root of the configuration has it in `Active`.
                Err(error) if error.is_refusal() || matches!(error, Error::Fault { .. }) => {
                    match self.config_entry_of(None, "", "Active") {
                        Ok(Variant::Bstr(name)) if !name.is_empty() => name,
                        _ => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            };
            self.authority = Some(name);
        }
        Ok(self.authority.as_deref().unwrap_or_default())
    }

    /// The name of the CA as it appears in file names.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn sanitized_name(&mut self) -> Result<String, Error> {
        self.string_property(ca_property::SANITIZED_CA_NAME)
    }

    /// The version of the server program.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn product_version(&mut self) -> Result<String, Error> {
        self.string_property(PRODUCT_VERSION)
    }

    /// How many keys, and so certificates, the CA has had.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn ca_certificate_count(&mut self) -> Result<u32, Error> {
        let bytes = self.ca_property(ca_property::CA_SIGNING_CERTIFICATE_COUNT, 0, PropertyType::Long)?;
        let info = ca_property::CaInfo::from_bytes(&bytes)
            .map_err(|error| Error::Malformed { method: "GetCAProperty", source: error.into() })?;
        Ok(info.signature_certificates)
    }

    /// A CA certificate by the number of its key, DER.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn ca_certificate(&mut self, index: u32) -> Result<Vec<u8>, Error> {
        self.indexed(ca_property::CA_SIGNING_CERTIFICATE, index)
    }

    /// The newest base CRL by the number of its key, DER.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn base_crl(&mut self, index: u32) -> Result<Vec<u8>, Error> {
        self.indexed(ca_property::BASE_CRL, index)
    }

    /// Any property of the CA (GetCAProperty), \[MS-CSRA\] 3.1.4.2.2, as the server sends it.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn ca_property(&mut self, id: i32, index: i32, property_type: PropertyType) -> Result<Vec<u8>, Error> {
        let authority = self.authority.clone();
        self.call(&call::GetCaProperty { authority, id, index, property_type: property_type.to_wire() })
    }

    /// A value of the CA's configuration (GetConfigEntry), \[MS-CSRA\] 3.1.4.2.14. The node is empty for the CA itself.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn config_entry(&mut self, node: &str, entry: &str) -> Result<Variant, Error> {
        let authority = self.authority()?.to_owned();
        self.config_entry_of(Some(authority), node, entry)
    }

    /// The configuration value InterfaceFlags.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn interface_flags(&mut self) -> Result<InterfaceFlags, Error> {
        match self.config_entry("", "InterfaceFlags")? {
            Variant::I4(flags) => Ok(InterfaceFlags::from_bits_retain(flags.cast_unsigned())),
            _ => Err(Error::Malformed {
                method: method::<call::GetConfigEntry>(),
                source: "InterfaceFlags is not a number".into(),
            }),
        }
    }

    /// The roles of this account (GetMyRoles).
    ///
    /// # Errors
    /// What calls can meet.
    pub fn my_roles(&mut self) -> Result<Roles, Error> {
        let authority = Some(self.authority()?.to_owned());
        self.call(&call::GetMyRoles { authority })
    }

    /// Where the CA keeps its database (`CertSrvRestoreGetDatabaseLocationsW`). Needs no backup session.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        Ok(DatabaseLocations::from_list(self.call(&call::RestoreGetDatabaseLocations)?))
    }

    /// Asks the CA to stop serving (`CertSrvServerControlW` with `CSCONTROL_SHUTDOWN`).
    ///
    /// # Errors
    /// What calls can meet.
    pub fn shut_down(&mut self) -> Result<(), Error> {
        let authority = Some(self.authority()?.to_owned());
        self.call(&call::ServerControl { authority, flags: call::ServerControl::SHUTDOWN })
    }

    /// Calls, and explains a refusal.
    pub(crate) fn call<C: Call>(&mut self, call: &C) -> Result<C::Reply, Error> {
        match self.link.call(call)? {
            Ok(reply) => Ok(reply),
            Err(hresult) => Err(self.refused::<C>(hresult)),
        }
    }

    /// What a refusal means.
    pub(crate) fn refused<C: Call>(&mut self, hresult: Hresult) -> Error {
        let method = method::<C>();
        match hresult {
            Hresult::ACCESS_DENIED => Error::AccessDenied { method, why: self.why_denied::<C>() },
            Hresult::INVALID_ARGUMENT if takes_authority::<C>() => match &self.authority {
                Some(authority) => Error::WrongAuthority { method, authority: authority.clone() },
                None => Error::Refused { method, hresult },
            },
            _ => match Error::of_code(method, hresult) {
                Error::Library { .. } => Error::Refused { method, hresult },
                known => known,
            },
        }
    }

    /// Two causes look alike on the wire; flags and roles, if the server lets us read them, tell them apart.
    fn why_denied<C: Call>(&mut self) -> Denied {
        if !opnum::is_backup(C::OPNUM) && C::OPNUM != opnum::SERVER_CONTROL {
            return Denied::Unknown;
        }
        let authority = self.authority.clone();
        let roles = self.link.call(&call::GetMyRoles { authority: authority.clone() });
        if let Ok(Ok(held)) = roles {
            let needed = match C::OPNUM {
                opnum::SERVER_CONTROL => Roles::OPERATOR | Roles::ADMINISTRATOR,
                _ => Roles::OPERATOR,
            };
            if !held.intersects(needed) {
                return Denied::MissingRole { needed, held };
            }
        }
        let entry = "InterfaceFlags".to_owned();
        let flags = self.link.call(&call::GetConfigEntry { authority, node: Some(String::new()), entry });
        if let Ok(Ok(Variant::I4(flags))) = flags {
            let flags = InterfaceFlags::from_bits_retain(flags.cast_unsigned());
            if flags.contains(InterfaceFlags::NO_REMOTE_ADMIN) {
                return Denied::RemoteAdministrationDisabled { flags };
            }
            if flags.contains(InterfaceFlags::NO_REMOTE_ADMIN_BACKUP) {
                return Denied::RemoteBackupDisabled { flags };
            }
        }
        Denied::Unknown
    }

    pub(crate) fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    fn indexed(&mut self, id: i32, index: u32) -> Result<Vec<u8>, Error> {
        let index = i32::try_from(index).unwrap_or(i32::MAX);
        let bytes = self.ca_property(id, index, PropertyType::Binary)?;
        if bytes.is_empty() {
            return Err(Error::Refused { method: method::<call::GetCaProperty>(), hresult: Hresult::FILE_NOT_FOUND });
        }
        Ok(bytes)
    }

    fn string_property(&mut self, id: i32) -> Result<String, Error> {
        let bytes = self.ca_property(id, 0, PropertyType::String)?;
        match ca_property::string_from_bytes(&bytes) {
            Some(text) if !text.is_empty() && !text.contains(char::is_control) => Ok(text),
            _ => Err(Error::Malformed {
                method: method::<call::GetCaProperty>(),
                source: "the property is not a line of UTF-16".into(),
            }),
        }
    }

    fn config_entry_of(&mut self, authority: Option<String>, node: &str, entry: &str) -> Result<Variant, Error> {
        self.call(&call::GetConfigEntry { authority, node: Some(node.to_owned()), entry: entry.to_owned() })
    }
}

/// Methods in which `E_INVALIDARG` can mean the name of the CA.
fn takes_authority<C: Call>() -> bool {
    matches!(
        C::OPNUM,
        opnum::BACKUP_PREPARE
            | opnum::PING
            | opnum::PING2
            | opnum::GET_SERVER_STATE
            | opnum::GET_MY_ROLES
            | opnum::SERVER_CONTROL
    )
}
