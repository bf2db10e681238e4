//! The certification authority: its data, and everything that can be asked of it.

mod adopt;
mod certificates;
mod create;
mod crls;
mod error;
mod requests;
mod rows;
mod status;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use certdb::Database;
use der::{DecodePem, Encode};
use rusqlite::{Connection, Transaction};
use serde_json::{Value, json};
use x509_cert::certificate::Certificate;

pub use adopt::{Adopted, adopt};
pub use create::{CreateError, CreateOptions, create, discard_incomplete, incomplete};
pub use error::Error;

use crate::accounts::{Account, AccountFile};
use crate::audit::{AuditLog, Caller, Event};
use crate::configuration::Configuration;
use crate::control::{AccountSummary, Reply, Request};
use crate::data_directory::DataDirectory;
use crate::filetime::FileTime;
use crate::key::{self, AuthorityKey, KeyError};
use crate::lockout::Lockout;

/// Tables, columns and indexes of the database.
pub const SCHEMA: &str = include_str!("schema.sql");

/// An open certification authority. Whoever opens one holds the lock of its data directory.
#[derive(Debug)]
pub struct Authority {
    directory: DataDirectory,
    configuration: Configuration,
    certificate: Certificate,
    certificate_der: Vec<u8>,
    // INVARIANT: its public half is in `certificate`.
    key: Option<AuthorityKey>,
    database: Database,
    accounts: AccountFile,
    audit: AuditLog,
    lockout: Mutex<Lockout>,
    crl_turn: Mutex<()>,
    addresses: OnceLock<(SocketAddr, SocketAddr)>,
}

impl Authority {
    /// Opens the CA in `directory`. Without a passphrase it answers, but issues nothing.
    ///
    /// # Errors
    /// [`Error::Key`] when the passphrase does not open the key or the key is another's, [`Error::Accounts`] when others
    /// can read the accounts, [`Error::Io`], [`Error::Open`].
    pub fn open(
        directory: DataDirectory,
        configuration: Configuration,
        passphrase: Option<&str>,
    ) -> Result<Self, Error> {
        let read = |path: PathBuf| fs::read_to_string(&path).map_err(|source| Error::Io { path, source });
        let pem = read(directory.certificate())?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|_| Error::Corrupt { what: format!("{} is no certificate", directory.certificate().display()) })?;
        let key = match passphrase {
            Some(passphrase) => {
                let path = directory.key();
                let pem = read(path.clone())?;
                key::check_permissions(&path).map_err(|source| Error::Io { path, source })??;
                let key = AuthorityKey::from_encrypted_pem(&pem, passphrase, configuration.authority.signature_hash)?;
                if key.public_key() != certificate.tbs_certificate().subject_public_key_info() {
                    return Err(KeyError::NotOfCertificate.into());
                }
                Some(key)
            }
            None => None,
        };
        let accounts = AccountFile::new(directory.accounts());
        accounts.list()?;
        let audit =
            AuditLog::open(&directory.audit()).map_err(|source| Error::Io { path: directory.audit(), source })?;
        let options = database_options(&configuration, &directory);
        let database =
            Database::open(&directory.database(), &options).map_err(|error| Error::open(&directory, error))?;
        Self::assemble(directory, configuration, certificate, key, database, accounts, audit)
    }

    fn assemble(
        directory: DataDirectory,
        configuration: Configuration,
        certificate: Certificate,
        key: Option<AuthorityKey>,
        database: Database,
        accounts: AccountFile,
        audit: AuditLog,
    ) -> Result<Self, Error> {
        let certificate_der = certificate.to_der().map_err(|error| Error::Issue(error.into()))?;
        let period = Duration::from_secs(u64::from(configuration.accounts.lockout_minutes) * 60);
        let lockout = Mutex::new(Lockout::new(configuration.accounts.lockout_threshold, period));
        Ok(Self {
            directory,
            configuration,
            certificate,
            certificate_der,
            key,
            database,
            accounts,
            audit,
            lockout,
            crl_turn: Mutex::new(()),
            addresses: OnceLock::new(),
        })
    }

    /// Does what is asked. The one way in for the command line and the control socket.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn execute(&self, caller: &Caller, request: Request) -> Result<Reply, Error> {
        match request {
            Request::AccountAdd { account } => {
                let message = format!("account {} is added", account.name);
                self.add_account(caller, account).map(|()| Reply::Done { message })
            }
            Request::AccountList => Ok(Reply::Accounts { accounts: self.account_summaries()? }),
            Request::AccountRemove { name } => {
                self.remove_account(caller, &name)?;
                Ok(Reply::Done { message: format!("account {name} is removed") })
            }
            Request::RequestSubmit { content, attributes } => {
                let content = hex::decode(&content)
                    .map_err(|_| Error::Argument { problem: "the request is not in hexadecimal digits".to_owned() })?;
                self.submit(caller, &content, &attributes).map(Reply::Submitted)
            }
            Request::RequestList { disposition, after, limit } => {
                Ok(Reply::Requests { requests: self.requests(disposition, after, limit)? })
            }
            Request::RequestApprove { id } => self.approve(caller, id).map(Reply::Submitted),
            Request::RequestDeny { id } => self.deny(caller, id).map(Reply::Submitted),
            Request::CertificateList { disposition, after, limit } => {
                Ok(Reply::Certificates { certificates: self.certificates(disposition, after, limit)? })
            }
            Request::CertificateShow { serial, by_request } => {
                let (summary, pem) = self.certificate_of(&serial, by_request)?;
                Ok(Reply::Certificate { summary, pem })
            }
            Request::CertificateRevoke { serial, reason, when } => {
                let parse = |text: String| {
                    let problem = format!("{text:?} is no date in RFC 3339, like 2031-05-06T07:08:09Z");
                    FileTime::parse_rfc3339(&text).ok_or(Error::Argument { problem })
                };
                let when = when.map(parse).transpose()?;
                self.revoke(caller, &serial, reason, when)?;
                Ok(Reply::Done {
                    message: format!("certificate {serial} is revoked ({reason}); the next list shows it"),
                })
            }
            Request::CertificateRelease { serial } => {
                self.release(caller, &serial)?;
                let message = format!("certificate {serial} is released from hold; the next list no longer shows it");
                Ok(Reply::Done { message })
            }
            Request::CrlPublish => self.publish_crl(caller).map(Reply::Crl),
            Request::Status => Ok(Reply::Status(Box::new(self.status()?))),
        }
    }

    /// Tells `status` where the server listens.
    pub fn set_addresses(&self, endpoint_mapper: SocketAddr, object: SocketAddr) {
        // A second call has nothing new to say.
        let _ = self.addresses.set((endpoint_mapper, object));
    }

    /// Appends to the audit log.
    ///
    /// # Errors
    /// [`Error::Audit`].
    pub fn record(&self, event: Event, caller: &Caller, details: Value) -> Result<(), Error> {
        self.audit.record(event, caller, details).map_err(Error::Audit)
    }

    /// The account with this name, as the file has it now.
    ///
    /// # Errors
    /// [`Error::Accounts`].
    pub fn account(&self, name: &str) -> Result<Option<Account>, Error> {
        Ok(self.accounts.list()?.find(name).cloned())
    }

    /// Whether the account is locked after too many failures.
    pub fn is_locked(&self, account: &str) -> bool {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner).is_locked(account, Instant::now())
    }

    /// A password was wrong. Locks the account when it was the last of too many, and audits that.
    pub fn authentication_failed(&self, account: &str) {
        let locked = self.lockout.lock().unwrap_or_else(PoisonError::into_inner).failed(account, Instant::now());
        if locked {
            let details = json!({
                "account": account,
                "failures": self.configuration.accounts.lockout_threshold,
                "minutes": self.configuration.accounts.lockout_minutes,
            });
            self.audit.record_or_warn(Event::AccountLocked, &Caller::Server, details);
        }
    }

    /// A password was right.
    pub fn authentication_succeeded(&self, account: &str) {
        self.lockout.lock().unwrap_or_else(PoisonError::into_inner).succeeded(account);
    }

    /// The name of the CA.
    pub fn name(&self) -> &str {
        &self.configuration.authority.name
    }

    /// The name as it is used for files, [MS-WCCE] 3.1.1.4.1.
    pub fn sanitized_name(&self) -> String {
        csra::ca_name::sanitize(self.name())
    }

    /// Its configuration.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Its files.
    pub fn directory(&self) -> &DataDirectory {
        &self.directory
    }

    /// Its certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Its certificate in DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate_der
    }

    /// Its database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Its audit log.
    pub fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// Name of this host in UNC names.
    pub fn host_name(&self) -> String {
        host_name(&self.configuration)
    }

    fn add_account(&self, caller: &Caller, account: Account) -> Result<(), Error> {
        let details = json!({ "account": account.name, "roles": account.roles });
        self.accounts.add(account)?;
        self.record(Event::AccountAdded, caller, details)
    }

    fn remove_account(&self, caller: &Caller, name: &str) -> Result<(), Error> {
        let account = self.accounts.remove(name)?;
        self.authentication_succeeded(name);
        self.record(Event::AccountRemoved, caller, json!({ "account": account.name, "roles": account.roles }))
    }

    fn account_summaries(&self) -> Result<Vec<AccountSummary>, Error> {
        let summary = |account: Account| AccountSummary {
            locked: self.is_locked(&account.name),
            roles: account.roles.iter().copied().collect(),
            name: account.name,
        };
        Ok(self.accounts.list()?.accounts.into_iter().map(summary).collect())
    }

    /// One transaction; when this returns, it is on the disk.
    fn write<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.database.write(change).map_err(|error| match error {
            certdb::WriteError::Rejected(error) => error,
            certdb::WriteError::Unacknowledged(stop) => self.stopped(stop, false),
            certdb::WriteError::Stopped(stop) => self.stopped(stop, true),
            other => Error::Database(other.into()),
        })
    }

    fn stopped(&self, stop: certdb::Stop, earlier: bool) -> Error {
        let log_directory = self.configuration.log_directory(self.directory.root());
        Error::Stopped { stop, earlier, directories: vec![self.directory.database(), log_directory] }
    }

    fn read<T>(&self, look: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        self.database.read(look).map_err(|error| match error {
            certdb::ReadError::Rejected(error) => error,
            other => Error::Database(other.into()),
        })
    }
}

/// How `certdb` is to open the database of a CA.
pub fn database_options(configuration: &Configuration, directory: &DataDirectory) -> certdb::Options {
    certdb::Options {
        database_name: format!("{}.db", csra::ca_name::sanitize(&configuration.authority.name)),
        log_directory: configuration.log_directory(directory.root()),
        generation_size: configuration.database.log_size_kib * 1024,
        circular: configuration.database.circular_logging,
        ..certdb::Options::default()
    }
}

/// The host name of the configuration, or else that of the system.
pub fn host_name(configuration: &Configuration) -> String {
    if let Some(name) = &configuration.server.host_name {
        return name.clone();
    }
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    if name.is_empty() { "localhost".to_owned() } else { name.to_owned() }
}
