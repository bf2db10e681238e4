//! A certification authority inside the process of a test, with requests of every kind, and its backups as `certutil -backupDB` lays
//! them out.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use certdb::BackupKind;
use certsrvd::audit::Caller;
use certsrvd::authority::{self, Authority, CreateOptions};
use certsrvd::configuration::{Configuration, RequestDisposition};
use certsrvd::data_directory::DataDirectory;
use certsrvd::disposition::RevocationReason;
use certsrvd::key::KeyType;
use tempfile::TempDir;

/// A request that everybody submits, PKCS#10 in DER: P-256, with alternative names.
const REQUEST: &[u8] = include_bytes!("../corpus/certsrvd_pkcs10/p256.der");

/// A CA at work. Requests wait until they are decided.
pub struct Population {
    authority: Authority,
    _directory: TempDir,
}

/// A certificate that was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// Number of its request.
    pub id: i64,
    /// Its serial number.
    pub serial: String,
    /// The certificate.
    pub pem: String,
}

impl Population {
    /// The name of the CA.
    pub const NAME: &'static str = "Test CA";

    /// A CA that has issued nothing. Its own certificate is request 1, and it has published CRL 1.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn new() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let layout = DataDirectory::new(directory.path().join("ca"));
        fs::create_dir(layout.root())?;
        let mut configuration = Configuration::for_authority(Self::NAME);
        configuration.issuing.request_disposition = RequestDisposition::Pending;
        let authority = authority::create(CreateOptions {
            configuration_file: layout.configuration(),
            directory: layout,
            configuration,
            key_type: KeyType::P256,
            validity: Duration::from_secs(3650 * 86_400),
            passphrase: "a passphrase",
            caller: &caller(),
        })?;
        Ok(Self { authority, _directory: directory })
    }

    /// Submits a request with attributes (`CertificateTemplate:WebServer`), and returns its number.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn submit(&self, attributes: &[&str]) -> Result<i64> {
        let attributes: Vec<String> = attributes.iter().map(|&attribute| attribute.to_owned()).collect();
        Ok(self.authority.submit(&caller(), REQUEST, &attributes)?.request_id)
    }

    /// Submits a request and issues its certificate.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn issue(&self, attributes: &[&str]) -> Result<Issued> {
        self.approve(self.submit(attributes)?)
    }

    /// Issues the certificate of a request that waits.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn approve(&self, id: i64) -> Result<Issued> {
        let issued = self.authority.approve(&caller(), id)?;
        let (serial, pem) = issued.serial.zip(issued.pem).context("issued without a certificate")?;
        Ok(Issued { id, serial, pem })
    }

    /// Refuses a request that waits.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn deny(&self, id: i64) -> Result<()> {
        self.authority.deny(&caller(), id)?;
        Ok(())
    }

    /// Revokes a certificate, for the time being or for good.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn revoke(&self, serial: &str, hold: bool) -> Result<()> {
        let reason = if hold { RevocationReason::CertificateHold } else { RevocationReason::KeyCompromise };
        Ok(self.authority.revoke(&caller(), serial, reason, None)?)
    }

    /// Releases a certificate from hold.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn release(&self, serial: &str) -> Result<()> {
        Ok(self.authority.release(&caller(), serial)?)
    }

    /// Publishes a new revocation list.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn publish_crl(&self) -> Result<()> {
        self.authority.publish_crl(&caller())?;
        Ok(())
    }

    /// Changes the database behind the back of the CA.
    ///
    /// # Errors
    /// What SQLite says.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let sql = sql.to_owned();
        Ok(self.authority.database().write(move |transaction| transaction.execute_batch(&sql))?)
    }

    /// Backs up into `directory/DataBase`, as certutil does: the database (of a full backup), the logs, and the restore map.
    ///
    /// # Errors
    /// What certdb says, and when the directory exists.
    pub fn back_up(&self, kind: BackupKind, directory: &Path) -> Result<()> {
        let inside = directory.join("DataBase");
        fs::create_dir_all(directory)?;
        fs::create_dir(&inside)?;
        let mut session = self.authority.database().begin_backup(kind)?;
        let databases = if kind == BackupKind::Full { session.databases() } else { Vec::new() };
        for file in databases {
            copy(&mut session, &file, &inside)?;
        }
        for file in session.logs()? {
            copy(&mut session, &file, &inside)?;
        }
        session.end()?;
        let map = format!("D\\\\ca01\\CertSrv$\\DataBase\\{}.db\0\0", Self::NAME);
        fs::write(inside.join("certbkxp.dat"), map.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>())?;
        Ok(())
    }
}

fn copy(session: &mut certdb::BackupSession, from: &Path, directory: &Path) -> Result<()> {
    let mut bytes = vec![0; usize::try_from(session.open(from)?)?];
    let mut done = 0;
    while done < bytes.len() {
        let read = session.read(&mut bytes[done..])?;
        anyhow::ensure!(read > 0, "{} ends early", from.display());
        done += read;
    }
    session.close_file()?;
    fs::write(directory.join(from.file_name().context("no name")?), bytes)?;
    Ok(())
}

fn caller() -> Caller {
    Caller::Local { uid: 1000, pid: None }
}
