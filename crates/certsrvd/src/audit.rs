//! The audit log: who did what, one JSON object a line, appended and never changed.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::filetime::FileTime;

/// Who asked for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "via", rename_all = "snake_case")]
pub enum Caller {
    /// An account over MS-CSRA.
    Network {
        /// `DOMAIN\user`, or the bare user name when the domain is empty.
        account: String,
        /// Address of the peer.
        address: String,
    },
    /// A user of this host over the control socket or the command line.
    Local {
        /// The user's number.
        uid: u32,
        /// The process.
        #[serde(skip_serializing_if = "Option::is_none")]
        pid: Option<i32>,
    },
    /// The server itself: at start, on a timer.
    Server,
}

impl Caller {
    /// The name that goes into the columns RequesterName and CallerName.
    pub fn name(&self) -> String {
        match self {
            Self::Network { account, .. } => account.clone(),
            Self::Local { uid, .. } => format!("local\\{uid}"),
            Self::Server => "certsrvd".to_owned(),
        }
    }
}

/// What happened. The numbers are those of the Windows security event that says the same, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The server answers from now on.
    ServiceStarted,
    /// The server stopped.
    ServiceStopped,
    /// A new CA was made.
    AuthorityCreated,
    /// A backup session began.
    BackupStarted,
    /// A backup session ended, or was given up.
    BackupEnded,
    /// Logs were deleted after a backup.
    LogsTruncated,
    /// A restore began.
    RestoreStarted,
    /// A restore ended.
    RestoreEnded,
    /// The database was taken as it is, without the logs that led to it.
    DatabaseAdopted,
    /// An account was added.
    AccountAdded,
    /// An account was removed.
    AccountRemoved,
    /// An account was locked after too many failures.
    AccountLocked,
    /// The configuration is not what it was at the last start.
    ConfigurationChanged,
    /// A request came in.
    RequestReceived,
    /// A request waits for an officer.
    RequestPending,
    /// A request was refused.
    RequestDenied,
    /// A certificate was issued.
    CertificateIssued,
    /// A certificate was revoked, or released from hold.
    CertificateRevoked,
    /// A CRL was published.
    CrlPublished,
    /// A call was refused.
    AccessDenied,
}

impl Event {
    /// The name in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ServiceStarted => "service_started",
            Self::ServiceStopped => "service_stopped",
            Self::AuthorityCreated => "authority_created",
            Self::BackupStarted => "backup_started",
            Self::BackupEnded => "backup_ended",
            Self::LogsTruncated => "logs_truncated",
            Self::RestoreStarted => "restore_started",
            Self::RestoreEnded => "restore_ended",
            Self::DatabaseAdopted => "database_adopted",
            Self::AccountAdded => "account_added",
            Self::AccountRemoved => "account_removed",
            Self::AccountLocked => "account_locked",
            Self::ConfigurationChanged => "configuration_changed",
            Self::RequestReceived => "request_received",
            Self::RequestPending => "request_pending",
            Self::RequestDenied => "request_denied",
            Self::CertificateIssued => "certificate_issued",
            Self::CertificateRevoked => "certificate_revoked",
            Self::CrlPublished => "crl_published",
            Self::AccessDenied => "access_denied",
        }
    }

    /// Number of the Windows security event that says the same.
    pub const fn windows_event(self) -> Option<u16> {
        match self {
            Self::ServiceStarted => Some(4880),
            Self::ServiceStopped => Some(4881),
            Self::BackupStarted => Some(4876),
            Self::BackupEnded => Some(4877),
            Self::RestoreStarted => Some(4878),
            Self::RestoreEnded => Some(4879),
            Self::AccountAdded | Self::AccountRemoved => Some(4882),
            Self::AccountLocked => Some(4740),
            Self::ConfigurationChanged => Some(4891),
            Self::RequestReceived => Some(4886),
            Self::RequestPending => Some(4889),
            Self::RequestDenied => Some(4888),
            Self::CertificateIssued => Some(4887),
            Self::CertificateRevoked => Some(4870),
            Self::CrlPublished => Some(4872),
            Self::AuthorityCreated | Self::LogsTruncated | Self::DatabaseAdopted | Self::AccessDenied => None,
        }
    }
}

/// A line of the log, in the order in which people read it.
#[derive(Serialize)]
struct Line<'a> {
    time: String,
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    windows_event: Option<u16>,
    caller: &'a Caller,
    #[serde(flatten)]
    details: Map<String, Value>,
}

/// The open audit log.
pub struct AuditLog {
    file: Mutex<File>,
}

impl AuditLog {
    /// Opens the log for appending, and makes it (mode 0600) when there is none. A line that a power cut left unfinished
    /// is closed, so that the next one starts on a line of its own.
    ///
    /// # Errors
    /// What the file system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        if file.metadata()?.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        } else {
            crate::durable::sync_directory(crate::durable::parent(path))?;
        }
        Ok(Self { file: Mutex::new(file) })
    }

    /// Appends one line and waits until it is on the disk. `details` is a JSON object.
    ///
    /// # Errors
    /// What the file system says.
    pub fn record(&self, event: Event, caller: &Caller, details: Value) -> io::Result<()> {
        let Value::Object(details) = details else { return Err(io::Error::from(io::ErrorKind::InvalidInput)) };
        let mut line = serde_json::to_vec(&Line {
            time: FileTime::now().rfc3339(),
            event: event.name(),
            windows_event: event.windows_event(),
            caller,
            details,
        })?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // One write: O_APPEND keeps lines of two processes apart.
        file.write_all(&line)?;
        file.sync_data()
    }

    /// Like [`AuditLog::record`], for places that have nobody to tell: a failure goes to the server's own log.
    pub fn record_or_warn(&self, event: Event, caller: &Caller, details: Value) {
        if let Err(error) = self.record(event, caller, details) {
            tracing::error!(event = event.name(), %error, "cannot write the audit log");
        }
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLog").finish_non_exhaustive()
    }
}
