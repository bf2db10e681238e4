//! What can go wrong in a CA.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use certdb::{OpenError, Stop, StopKind};

use super::adopt::is_adoptable;
use crate::accounts::AccountError;
use crate::certificate::IssueError;
use crate::data_directory::DataDirectory;
use crate::disposition::Disposition;
use crate::failure::{Code, Failure};
use crate::key::KeyError;
use crate::pkcs10::RequestError;

/// Why an [`super::Authority`] did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no request with this number.
    #[error("there is no request {id}")]
    NoSuchRequest {
        /// The number.
        id: i64,
    },
    /// No certificate with this serial number was issued.
    #[error("this CA has issued no certificate with the serial number {serial}")]
    NoSuchCertificate {
        /// The number.
        serial: String,
    },
    /// The request is in a state in which this cannot be done.
    #[error("request {id} is {disposition}, so it cannot be {action}: it would have to be {required}")]
    WrongDisposition {
        /// The request.
        id: i64,
        /// Its state.
        disposition: Disposition,
        /// The state that it must have.
        required: &'static str,
        /// What was to be done.
        action: &'static str,
    },
    /// A certificate that is not on hold cannot be released.
    #[error("certificate {serial} is not on hold, so it cannot be released")]
    NotOnHold {
        /// Its serial number.
        serial: String,
    },
    /// A certificate that is revoked for good cannot be put on hold.
    #[error("certificate {serial} is revoked already, so it cannot be put on hold")]
    RevokedForGood {
        /// Its serial number.
        serial: String,
    },
    /// A revocation without a reason does not take away the reason of an earlier one.
    #[error("certificate {serial} is revoked already, with a reason; give --reason to change it")]
    ReasonKept {
        /// Its serial number.
        serial: String,
    },
    /// An argument says something that cannot be.
    #[error("{problem}")]
    Argument {
        /// What is wrong.
        problem: String,
    },
    /// The request cannot be considered.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The key is needed and has not been opened.
    #[error("this needs the CA's key, and it has not been opened")]
    KeyClosed,
    /// Something about the key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no certificate or list.
    #[error("the CA could not issue")]
    Issue(#[from] IssueError),
    /// Something about accounts.
    #[error(transparent)]
    Accounts(#[from] AccountError),
    /// It was done, but the audit log could not be written.
    #[error("it was done, but the audit log could not be written")]
    Audit(#[source] io::Error),
    /// A file.
    #[error("cannot use {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A row of the database that this program did not write.
    #[error("the database holds something that cannot be: {what}")]
    Corrupt {
        /// What.
        what: String,
    },
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Open {
        /// The data directory.
        data_directory: PathBuf,
        /// Why.
        source: OpenError,
    },
    /// The database goes with its logs.
    #[error("{path} goes with its logs; there is nothing to adopt")]
    NothingToAdopt {
        /// The database.
        path: PathBuf,
    },
    /// The database stopped, now or earlier, because its storage failed.
    #[error(
        "{}: {stop}",
        if *earlier { "the database takes no writes until it is opened again" } else { "not acknowledged" }
    )]
    Stopped {
        /// Why.
        stop: Stop,
        /// Whether it had stopped before this was asked for, so that nothing was done.
        earlier: bool,
        /// Where the database and its logs are.
        directories: Vec<PathBuf>,
    },
    /// The database.
    #[error("the database refused")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(Box::new(error))
    }
}

impl Error {
    pub(super) fn open(directory: &DataDirectory, source: OpenError) -> Self {
        Self::Open { data_directory: directory.root().to_owned(), source }
    }

    /// The failure that people and scripts get.
    pub fn to_failure(&self) -> Failure {
        let failure = Failure::of(self.code(), self);
        match self {
            Self::KeyClosed | Self::Key(KeyError::WrongPassphrase) => failure.hint(
                "give the passphrase with --passphrase-file, CERTSRVD_PASSPHRASE or the credential ca-passphrase",
            ),
            Self::NoSuchRequest { .. } => failure.hint("certsrvd request list shows the requests"),
            Self::NoSuchCertificate { .. } => failure.hint("certsrvd certificate list shows the serial numbers"),
            Self::Key(KeyError::Permissions { path, .. }) => failure.hint(format!("chmod 600 {}", path.display())),
            Self::Accounts(AccountError::Permissions { path, .. }) => {
                failure.hint(format!("chmod 600 {}, and change the passwords if others could read it", path.display()))
            }
            Self::Open { data_directory, source } => match open_hint(data_directory, source) {
                Some(hint) => failure.hint(hint),
                None => failure,
            },
            Self::Stopped { stop, directories, .. } => failure.hint(stop_hint(stop, directories)),
            _ => failure,
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::NoSuchRequest { .. } | Self::NoSuchCertificate { .. } => Code::NotFound,
            Self::WrongDisposition { .. }
            | Self::NotOnHold { .. }
            | Self::RevokedForGood { .. }
            | Self::ReasonKept { .. }
            | Self::NothingToAdopt { .. } => Code::WrongState,
            Self::Argument { .. } => Code::Configuration,
            Self::Open { source, .. } => match source {
                OpenError::InUse { .. } => Code::Locked,
                OpenError::Storage { .. } => Code::Internal,
                _ => Code::Database,
            },
            Self::Request(_) => Code::Refused,
            Self::KeyClosed | Self::Key(KeyError::WrongPassphrase) => Code::Passphrase,
            Self::Key(KeyError::Permissions { .. }) => Code::Permissions,
            Self::Issue(IssueError::AuthorityExpired) => Code::WrongState,
            Self::Accounts(error) => match error {
                AccountError::Permissions { .. } => Code::Permissions,
                AccountError::Invalid { .. } | AccountError::InvalidName { .. } => Code::Configuration,
                AccountError::Exists { .. } => Code::Exists,
                AccountError::Unknown { .. } => Code::NotFound,
                AccountError::Io { .. } => Code::Internal,
            },
            Self::Key(_)
            | Self::Issue(_)
            | Self::Audit(_)
            | Self::Io { .. }
            | Self::Corrupt { .. }
            | Self::Stopped { .. }
            | Self::Database(_) => Code::Internal,
        }
    }
}

/// The way on when the database cannot be opened.
fn open_hint(data_directory: &Path, error: &OpenError) -> Option<String> {
    let restore = format!("restore the latest backup with cabak restore SET --data-dir {}", data_directory.display());
    Some(match error {
        OpenError::NotFound { .. } | OpenError::NotADatabase { .. } | OpenError::Damaged { .. } => restore,
        OpenError::EditedOffline { .. } => {
            format!("{restore}; or, if the change was intended, keep it with certsrvd database adopt")
        }
        OpenError::LogsMissing { .. } | OpenError::ForeignLog { .. } => format!(
            "see whether database.log_directory is right and its disk mounted; if the logs are lost, {restore}, or, if the \
             database is known to be whole, take it as it is with certsrvd database adopt"
        ),
        error if is_adoptable(error) => format!(
            "{restore}; or, if the change was intended or the database is known to be whole, take it as it is with \
             certsrvd database adopt"
        ),
        _ => return None,
    })
}

/// The way on when the database has stopped.
fn stop_hint(stop: &Stop, directories: &[PathBuf]) -> String {
    match stop.kind {
        StopKind::DiskFull => {
            format!("free space on the file system of {}, then restart certsrvd", file_systems(directories))
        }
        StopKind::Storage => {
            format!("look at the disk below {}, then restart certsrvd", file_systems(directories))
        }
        _ => "restart certsrvd; it says then whether the database still goes with its logs".to_owned(),
    }
}

/// One directory of each file system.
fn file_systems(directories: &[PathBuf]) -> String {
    let mut devices = Vec::new();
    let mut names = Vec::new();
    for directory in directories {
        let device = directory.metadata().ok().map(|metadata| metadata.dev());
        if device.is_none() || !devices.contains(&device) {
            devices.push(device);
            names.push(directory.display().to_string());
        }
    }
    names.join(" and of ")
}
