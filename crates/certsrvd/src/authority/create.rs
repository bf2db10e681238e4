//! Making a new CA, in steps that can be told apart when they stop half-way.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use certdb::Database;
use der::EncodePem;
use der::oid::db::rfc5912::{ID_EC_PUBLIC_KEY, RSA_ENCRYPTION};
use der::pem::LineEnding;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::rows::{NewRequest, insert_certificate};
use super::{Authority, Error, SCHEMA, database_options};
use crate::accounts::{self, AccountFile};
use crate::audit::{AuditLog, Caller, Event};
use crate::certificate::{self_signed, serial_text};
use crate::configuration::Configuration;
use crate::data_directory::DataDirectory;
use crate::disposition::Disposition;
use crate::durable;
use crate::filetime::FileTime;
use crate::key::{AuthorityKey, KeyType};
use crate::pkcs10::PublicKeyFacts;

/// What a new CA is to be.
#[derive(Debug)]
pub struct CreateOptions<'a> {
    /// Where its files go.
    pub directory: DataDirectory,
    /// Its configuration; written to `configuration_file` unless there is one already.
    pub configuration: Configuration,
    /// The configuration file.
    pub configuration_file: PathBuf,
    /// Its key.
    pub key_type: KeyType,
    /// How long its certificate is valid.
    pub validity: Duration,
    /// What its key is encrypted with.
    pub passphrase: &'a str,
    /// Who makes it.
    pub caller: &'a Caller,
}

/// Makes a new CA: key, self-signed certificate, empty accounts, database, first CRL, configuration.
///
/// A marker file exists from before the first of these until after the last, so that a half-made CA is recognised.
///
/// # Errors
/// [`CreateError::Exists`] when there is a CA or a part of one, [`CreateError::Incomplete`] when an earlier one did not
/// finish, [`CreateError::Authority`], [`CreateError::Io`].
pub fn create(options: CreateOptions<'_>) -> Result<Authority, CreateError> {
    let CreateOptions { directory, configuration, configuration_file, key_type, validity, passphrase, caller } =
        options;
    if incomplete(&directory) {
        return Err(CreateError::Incomplete { directory: directory.root().to_owned() });
    }
    let log_directory = configuration.log_directory(directory.root());
    for path in [directory.key(), directory.certificate(), directory.accounts()] {
        if path.symlink_metadata().is_ok() {
            return Err(CreateError::Exists { path });
        }
    }
    for path in [directory.database(), log_directory.clone(), directory.crls()] {
        if !is_absent_or_empty(&path) {
            return Err(CreateError::Exists { path });
        }
    }
    let writes_configuration = configuration_file.symlink_metadata().is_err();

    // The slow part comes before anything is written.
    let key = AuthorityKey::generate(key_type, configuration.authority.signature_hash).map_err(Error::from)?;
    let encrypted = key.to_encrypted_pem(passphrase).map_err(Error::from)?;
    let now = FileTime::now();
    let skew = Duration::from_secs(u64::from(configuration.issuing.clock_skew_minutes) * 60);
    let certificate =
        self_signed(&key, &configuration.authority.name, now.minus(skew), validity + skew).map_err(Error::from)?;
    let pem = certificate.to_pem(LineEnding::LF).map_err(|error| Error::Issue(error.into()))?;
    let text = configuration.to_toml().map_err(|error| Error::Argument { problem: error.to_string() })?;

    let io = |path: PathBuf| move |source| CreateError::Io { path, source };
    let mut made = vec![directory.key(), directory.certificate(), directory.accounts()];
    made.extend([directory.database(), log_directory.clone(), directory.crls()]);
    if writes_configuration {
        made.push(configuration_file.clone());
    }
    let marker =
        serde_json::to_vec(&Marker { made }).map_err(|error| io(directory.incomplete_marker())(error.into()))?;
    durable::create(&directory.incomplete_marker(), &marker, 0o600).map_err(io(directory.incomplete_marker()))?;
    durable::create(&directory.key(), encrypted.as_bytes(), 0o600).map_err(io(directory.key()))?;
    durable::create(&directory.certificate(), pem.as_bytes(), 0o644).map_err(io(directory.certificate()))?;
    accounts::create_empty(&directory.accounts()).map_err(io(directory.accounts()))?;
    durable::create_directory(&directory.crls(), 0o755).map_err(io(directory.crls()))?;
    durable::create_directory(&directory.database(), 0o700).map_err(io(directory.database()))?;
    durable::create_directory(&log_directory, 0o700).map_err(io(log_directory))?;
    let audit = AuditLog::open(&directory.audit()).map_err(io(directory.audit()))?;
    let database = Database::create(&directory.database(), &database_options(&configuration, &directory), SCHEMA)
        .map_err(|error| Error::Database(error.into()))?;

    let account_file = AccountFile::new(directory.accounts());
    let marker = directory.incomplete_marker();
    let authority =
        Authority::assemble(directory, configuration, certificate, Some(key), database, account_file, audit)?;
    authority.insert_own_certificate(key_type, now)?;
    let serial = serial_text(authority.certificate());
    let details = json!({ "authority": authority.name(), "key_type": key_type, "serial": serial });
    authority.record(Event::AuthorityCreated, caller, details)?;
    authority.publish_crl(caller)?;
    if writes_configuration {
        durable::create(&configuration_file, text.as_bytes(), 0o640).map_err(io(configuration_file))?;
    }
    fs::remove_file(&marker).map_err(io(marker.clone()))?;
    durable::sync_directory(authority.directory.root()).map_err(io(marker))?;
    Ok(authority)
}

/// Whether an `init` in this directory did not finish.
pub fn incomplete(directory: &DataDirectory) -> bool {
    directory.incomplete_marker().symlink_metadata().is_ok()
}

/// Removes what an unfinished `init` has made, and nothing else.
///
/// # Errors
/// [`CreateError::Io`]. It can be called again.
pub fn discard_incomplete(directory: &DataDirectory) -> Result<(), CreateError> {
    let path = directory.incomplete_marker();
    let text = fs::read(&path).map_err(|source| CreateError::Io { path: path.clone(), source })?;
    // A marker that cannot be read was cut off itself: then nothing else had been made.
    let marker: Marker = serde_json::from_slice(&text).unwrap_or_default();
    for made in marker.made {
        let removed = if made.is_dir() { fs::remove_dir_all(&made) } else { fs::remove_file(&made) };
        match removed {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CreateError::Io { path: made, source });
            }
            _ => {}
        }
    }
    fs::remove_file(&path).map_err(|source| CreateError::Io { path: path.clone(), source })?;
    durable::sync_directory(directory.root()).map_err(|source| CreateError::Io { path, source })
}

impl Authority {
    /// The first row of Requests is the CA's own certificate, as with Windows.
    fn insert_own_certificate(&self, key_type: KeyType, now: FileTime) -> Result<(), Error> {
        let certificate = self.certificate.clone();
        let facts = match key_type {
            KeyType::Rsa2048 => PublicKeyFacts { algorithm: RSA_ENCRYPTION, bits: 2048 },
            KeyType::Rsa3072 => PublicKeyFacts { algorithm: RSA_ENCRYPTION, bits: 3072 },
            KeyType::Rsa4096 => PublicKeyFacts { algorithm: RSA_ENCRYPTION, bits: 4096 },
            KeyType::P256 => PublicKeyFacts { algorithm: ID_EC_PUBLIC_KEY, bits: 256 },
            KeyType::P384 => PublicKeyFacts { algorithm: ID_EC_PUBLIC_KEY, bits: 384 },
        };
        self.write(move |transaction| {
            let row = NewRequest {
                request: None,
                subject: certificate.tbs_certificate().subject(),
                attributes: &[],
                disposition: Disposition::AuthorityCertificate,
                status: 0,
                message: "CA certificate",
                caller: "certsrvd",
                now,
            };
            let id = row.insert(transaction)?;
            insert_certificate(transaction, id, &certificate, facts, None, None)
        })
    }
}

/// Content of the marker file.
#[derive(Default, Serialize, Deserialize)]
struct Marker {
    /// What the `init` makes; none of it existed with content before.
    made: Vec<PathBuf>,
}

fn is_absent_or_empty(path: &Path) -> bool {
    match fs::read_dir(path) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

/// Why there is no new CA.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// There is a CA, or a part of one.
    #[error("{path} exists already; nothing was changed")]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// An earlier attempt did not finish.
    #[error("an earlier init in {directory} did not finish")]
    Incomplete {
        /// The data directory.
        directory: PathBuf,
    },
    /// A file.
    #[error("cannot make {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The CA itself.
    #[error(transparent)]
    Authority(#[from] Error),
}
