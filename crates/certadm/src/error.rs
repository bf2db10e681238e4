//! Errors, by what the caller can do about them, and the HRESULT that a C caller sees.

use std::path::PathBuf;

use csra::session::SequenceError;
use csra::{Hresult, InterfaceFlags, Roles, hresult};
use thiserror::Error;

/// Whose fault an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// Somebody has to configure something: accounts, rights, names.
    Setup,
    /// The network, or a machine that is off.
    Network,
    /// The server sent something it must not send.
    Peer,
    /// The server reports that it cannot do it now.
    Server,
    /// The program called in the wrong order or with wrong arguments.
    Caller,
    /// This machine: its disk, its files.
    Local,
    /// Nobody's: it was asked for.
    Nobody,
}

/// Why a server answered `E_ACCESSDENIED`, as far as it lets us find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Denied {
    /// `IF_NOREMOTEICERTADMINBACKUP` (0x40) is set: nobody may back up from another machine.
    RemoteBackupDisabled {
        /// All flags.
        flags: InterfaceFlags,
    },
    /// `IF_NOREMOTEICERTADMIN` (0x10) is set: nobody may administer from another machine.
    RemoteAdministrationDisabled {
        /// All flags.
        flags: InterfaceFlags,
    },
    /// The account does not have the role that the method needs, \[MS-CSRA\] 3.1.1.7.
    MissingRole {
        /// What it needs: any one of these.
        needed: Roles,
        /// What it has.
        held: Roles,
    },
    /// The server does not say.
    Unknown,
}

impl Denied {
    /// The next thing to do, for a person.
    #[must_use]
    pub fn hint(&self) -> String {
        let text = match self {
            Denied::RemoteBackupDisabled { .. } => {
                "on the CA, as administrator, once: \
                 `certutil -setreg CA\\InterfaceFlags -IF_NOREMOTEICERTADMINBACKUP`, then \
                 `net stop certsvc && net start certsvc`"
            }
            Denied::RemoteAdministrationDisabled { .. } => {
                "on the CA, as administrator, once: \
                 `certutil -setreg CA\\InterfaceFlags -IF_NOREMOTEICERTADMIN`, then \
                 `net stop certsvc && net start certsvc`"
            }
            Denied::MissingRole { .. } => {
                "grant the account Read on the CA and the right to back up files and directories (SeBackupPrivilege) \
                 on its host; on certsrvd, give it the role operator"
            }
            Denied::Unknown => {
                "run `cabak preflight` to see what is missing: the role operator, or InterfaceFlags 0x40 to clear"
            }
        };
        text.to_owned()
    }
}

/// Failure of anything in this library.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody answers at this address.
    #[error("cannot reach {host} port {port}")]
    Unreachable {
        /// The machine.
        host: String,
        /// The port.
        port: u16,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Wrong account or password.
    #[error("{host} does not accept the account {account} or its password")]
    AuthenticationFailed {
        /// The machine.
        host: String,
        /// Who we said we are.
        account: String,
    },
    /// The machine answers, and no certification authority runs there.
    #[error("no certification authority is running on {host}")]
    NotRunning {
        /// The machine.
        host: String,
    },
    /// The machine accepts the account and does not let it start a conversation with the CA.
    #[error("{host} does not let the account activate the certification authority's interface")]
    ActivationDenied {
        /// The machine.
        host: String,
    },
    /// The server refused a method for lack of rights.
    #[error("{method}: access denied{}", denied_text(.why))]
    AccessDenied {
        /// The method.
        method: &'static str,
        /// The reason.
        why: Denied,
    },
    /// The server has no CA of that name.
    #[error("{method}: the server does not know the certification authority '{authority}'")]
    WrongAuthority {
        /// The method.
        method: &'static str,
        /// The name that we used.
        authority: String,
    },
    /// An incremental backup, and the server knows of no full one that it could continue.
    #[error("the server has no full backup that an incremental one could continue")]
    FullBackupNeeded {
        /// The server's code.
        hresult: Hresult,
    },
    /// An incremental backup, and the server throws its logs away.
    #[error("the server uses circular logging, which keeps no logs for an incremental backup")]
    CircularLogging {
        /// The server's code.
        hresult: Hresult,
    },
    /// The server stopped its database during the backup.
    #[error("the database of the server was stopped ({hresult})")]
    DatabaseStopped {
        /// The server's code.
        hresult: Hresult,
    },
    /// Another client is backing up.
    #[error("the server is busy with another backup")]
    BackupInProgress {
        /// The server's code.
        hresult: Hresult,
    },
    /// The server refused a method with another code.
    #[error("{method} failed on the server: {hresult}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The server's code.
        hresult: Hresult,
    },
    /// The server answered with an RPC fault.
    #[error("{method} failed on the server with a fault")]
    Fault {
        /// The method.
        method: &'static str,
        /// The fault.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A function of a Certadm library that was loaded returned a code that says no more than itself.
    #[error("{function} failed: {hresult}")]
    Library {
        /// The function.
        function: &'static str,
        /// What it returned.
        hresult: Hresult,
    },
    /// The connection broke. A session that was open is over.
    #[error("the connection to {host} is lost")]
    ConnectionLost {
        /// The machine.
        host: String,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No answer in time. A session that was open is over.
    #[error("{host} does not answer")]
    Timeout {
        /// The machine.
        host: String,
    },
    /// An answer that cannot be read.
    #[error("{method}: the answer of the server cannot be read")]
    Malformed {
        /// The method.
        method: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file ended before its announced length.
    #[error("{name} ends after {received} bytes, the server announced {announced}")]
    ShortFile {
        /// The name on the server.
        name: String,
        /// Bytes that the server announced.
        announced: u64,
        /// Bytes that came.
        received: u64,
    },
    /// A file went on behind its announced length.
    #[error("{name} is longer than the {announced} bytes that the server announced")]
    LongFile {
        /// The name on the server.
        name: String,
        /// Bytes that the server announced.
        announced: u64,
    },
    /// Called at the wrong time; nothing was sent.
    #[error("{method} is not possible now: {source}")]
    Sequence {
        /// The method.
        method: &'static str,
        /// The rule.
        source: SequenceError,
    },
    /// A restore map that cannot be read.
    #[error("the restore map cannot be read")]
    RestoreMap {
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A server works on this data directory.
    #[error("a server is running on {}", data_directory.display())]
    ServerRunning {
        /// The directory.
        data_directory: PathBuf,
    },
    /// The directory is not the data directory of a server.
    #[error("{} is not the data directory of a certsrvd", path.display())]
    NotADataDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A restore on a system for which there is no certsrvd.
    #[error("a restore is for a certsrvd on this machine, and certsrvd runs on Linux only")]
    NoCertsrvdHere,
    /// A restore instruction is in the way, or cannot be extended like that.
    #[error("the restore instruction in {} does not allow this: {reason}", data_directory.display())]
    Instruction {
        /// The directory.
        data_directory: PathBuf,
        /// The rule.
        reason: String,
    },
    /// This machine's files.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// This machine has no thread left.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
    /// A [`Cancel`](crate::Cancel) token was used.
    #[error("interrupted")]
    Cancelled,
}

impl Error {
    /// The error that a code of Certadm.dll stands for, as far as a code can say it: less than was known where the code
    /// was made of an error by [`Error::hresult`].
    #[must_use]
    pub fn of_code(function: &'static str, hresult: Hresult) -> Self {
        match hresult {
            hresult::BACKUP_IN_PROGRESS => Error::BackupInProgress { hresult },
            hresult::INVALID_BACKUP => Error::CircularLogging { hresult },
            hresult::BACKUP_ABORTED_BY_SERVER => Error::DatabaseStopped { hresult },
            hresult::MISSING_FULL_BACKUP => Error::FullBackupNeeded { hresult },
            _ => Error::Library { function, hresult },
        }
    }

    /// Whose fault it is.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Error::AuthenticationFailed { .. }
            | Error::NotRunning { .. }
            | Error::ActivationDenied { .. }
            | Error::AccessDenied { .. }
            | Error::WrongAuthority { .. }
            | Error::NotADataDirectory { .. }
            | Error::NoCertsrvdHere
            | Error::ServerRunning { .. } => Blame::Setup,
            Error::Unreachable { .. } | Error::ConnectionLost { .. } | Error::Timeout { .. } => Blame::Network,
            Error::Malformed { .. } | Error::ShortFile { .. } | Error::LongFile { .. } | Error::Fault { .. } => {
                Blame::Peer
            }
            Error::FullBackupNeeded { .. }
            | Error::CircularLogging { .. }
            | Error::DatabaseStopped { .. }
            | Error::BackupInProgress { .. }
            | Error::Refused { .. }
            | Error::Library { .. } => Blame::Server,
            Error::Sequence { .. } | Error::Instruction { .. } => Blame::Caller,
            Error::RestoreMap { .. } | Error::Io { .. } | Error::Thread(_) => Blame::Local,
            Error::Cancelled => Blame::Nobody,
        }
    }

    /// The code that the functions of Certadm.dll return for it.
    #[must_use]
    pub fn hresult(&self) -> Hresult {
        match self {
            // RPC_S_SERVER_UNAVAILABLE
            Error::Unreachable { .. } | Error::NotRunning { .. } => Hresult::SERVER_UNAVAILABLE,
            Error::AuthenticationFailed { .. } => Hresult::LOGON_FAILURE,
            Error::ActivationDenied { .. } | Error::AccessDenied { .. } => Hresult::ACCESS_DENIED,
            Error::WrongAuthority { .. } | Error::NotADataDirectory { .. } => Hresult::INVALID_ARGUMENT,
            Error::FullBackupNeeded { hresult }
            | Error::CircularLogging { hresult }
            | Error::DatabaseStopped { hresult }
            | Error::BackupInProgress { hresult }
            | Error::Refused { hresult, .. }
            | Error::Library { hresult, .. } => *hresult,
            // RPC_S_CALL_FAILED
            Error::Fault { .. } | Error::ConnectionLost { .. } => Hresult::from_win32(1726),
            // ERROR_TIMEOUT
            Error::Timeout { .. } => Hresult::from_win32(1460),
            // ERROR_INVALID_DATA
            Error::Malformed { .. } | Error::RestoreMap { .. } => Hresult::from_win32(13),
            // ERROR_HANDLE_EOF
            Error::ShortFile { .. } => Hresult::from_win32(38),
            // ERROR_FILE_TOO_LARGE
            Error::LongFile { .. } => Hresult::from_win32(223),
            Error::Sequence { source, .. } => source.into(),
            // ERROR_SERVICE_ALREADY_RUNNING
            Error::ServerRunning { .. } => Hresult::from_win32(1056),
            Error::NoCertsrvdHere => Hresult::NOT_IMPLEMENTED,
            Error::Instruction { .. } => Hresult::UNEXPECTED,
            Error::Io { source, .. } => match source.kind() {
                std::io::ErrorKind::NotFound => Hresult::FILE_NOT_FOUND,
                std::io::ErrorKind::PermissionDenied => Hresult::ACCESS_DENIED,
                // ERROR_DISK_FULL
                std::io::ErrorKind::StorageFull => Hresult::from_win32(112),
                _ => Hresult::FAIL,
            },
            Error::Thread(_) => Hresult::OUT_OF_MEMORY,
            // ERROR_CANCELLED
            Error::Cancelled => Hresult::from_win32(1223),
        }
    }

    /// Whether a living server said no to this one thing, so that others may still be asked for.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Error::AccessDenied { .. }
                | Error::WrongAuthority { .. }
                | Error::FullBackupNeeded { .. }
                | Error::CircularLogging { .. }
                | Error::DatabaseStopped { .. }
                | Error::BackupInProgress { .. }
                | Error::Refused { .. }
        )
    }

    /// The next thing to do, for a person.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Error::Unreachable { port, .. } => format!(
                "check the name, whether the CA runs there, and the firewall: TCP port {port} (endpoint mapper) and the \
                 port of the CA service must be open from here"
            ),
            Error::AuthenticationFailed { .. } => {
                r"check the account (DOMAIN\name) and the password file; the server says no more than that".to_owned()
            }
            Error::NotRunning { .. } => {
                "start the CA (Windows: `net start certsvc`; Linux: `systemctl start certsrvd`), or name another \
                 host"
                    .to_owned()
            }
            Error::ActivationDenied { .. } => {
                "Windows: the account needs remote activation permission for CertSrv Admin (dcomcnfg; members of \
                 'Certificate Service DCOM Access' have it)"
                    .to_owned()
            }
            Error::AccessDenied { why, .. } => why.hint(),
            Error::WrongAuthority { .. } => {
                "leave the name away to take whichever CA runs there, or write it as `certutil -CAInfo name` prints it"
                    .to_owned()
            }
            Error::FullBackupNeeded { .. } => "take a full backup (CSBACKUP_TYPE_FULL; cabak without --incremental)".to_owned(),
            Error::CircularLogging { .. } => {
                "take a full backup (CSBACKUP_TYPE_FULL; cabak without --incremental), or switch circular logging off on \
                 the CA"
                    .to_owned()
            }
            Error::DatabaseStopped { .. } => "start the CA again, then repeat the backup".to_owned(),
            Error::BackupInProgress { .. } => {
                "wait until the other backup has ended; an abandoned one ends when its connection times out".to_owned()
            }
            Error::ConnectionLost { .. } | Error::Timeout { .. } => {
                "the server ends the session by itself; look at its state, then start again".to_owned()
            }
            Error::ShortFile { .. } | Error::LongFile { .. } | Error::Malformed { .. } => {
                "the server does not keep to the protocol; nothing it sent was kept".to_owned()
            }
            Error::ServerRunning { .. } => "stop the server first: `systemctl stop certsrvd`".to_owned(),
            Error::NotADataDirectory { .. } => "name the directory that has certsrvd.toml in it".to_owned(),
            Error::NoCertsrvdHere => {
                "restore on the machine of that certsrvd; for a Windows CA use `certutil -restoreDB` with the set's \
                 directory, or the functions of Windows' own Certadm.dll"
                    .to_owned()
            }
            Error::RestoreMap { .. } => "use another set; this one is damaged".to_owned(),
            Error::Library { hresult: Hresult::ACCESS_DENIED, .. } => {
                "the account of the library lacks the role operator, or the CA forbids remote backup (InterfaceFlags 0x40); or \
                 a file of the library's settings is open to others. libcertadm says which with CERTADM_LOG=stderr"
                    .to_owned()
            }
            Error::Refused { hresult: hresult::INVALID_BACKUP_SEQUENCE, .. }
            | Error::Sequence { source: SequenceError::NoFullBackup, .. } => {
                "databases are read in a full backup only, and before the logs are listed".to_owned()
            }
            Error::Sequence { source: SequenceError::NotListed { .. }, .. } => {
                "files are opened by the names in the lists, in C without their first unit, which is the CSBFT type"
                    .to_owned()
            }
            Error::Sequence { source: SequenceError::NotRead { .. } | SequenceError::NotListedYet { .. }, .. } => {
                "list the databases and the logs, and read every file to its end first".to_owned()
            }
            Error::Sequence { source: SequenceError::FileOpen { .. }, .. } => "close the open file first".to_owned(),
            Error::Sequence { source: SequenceError::NoOpenFile, .. } => "open a file first".to_owned(),
            Error::Library { hresult: Hresult::SERVER_UNAVAILABLE, .. } => {
                "the CA does not run there or cannot be reached: check the name, the service and the firewall"
                    .to_owned()
            }
            Error::Library { hresult: Hresult::LOGON_FAILURE, .. } => {
                "check the account that the library uses; libcertadm: CERTADM_USER and CERTADM_PASSWORD_FILE, or its \
                 configuration file"
                    .to_owned()
            }
            Error::Refused { .. }
            | Error::Library { .. }
            | Error::Fault { .. }
            | Error::Sequence { .. }
            | Error::Instruction { .. }
            | Error::Io { .. }
            | Error::Thread(_)
            | Error::Cancelled => return None,
        })
    }
}

fn denied_text(why: &Denied) -> String {
    match why {
        Denied::RemoteBackupDisabled { flags } => {
            format!(
                ": remote backup is disabled, InterfaceFlags {:#x} has IF_NOREMOTEICERTADMINBACKUP (0x40)",
                flags.bits()
            )
        }
        Denied::RemoteAdministrationDisabled { flags } => format!(
            ": remote administration is disabled, InterfaceFlags {:#x} has IF_NOREMOTEICERTADMIN (0x10)",
            flags.bits()
        ),
        Denied::MissingRole { needed, held } => {
            format!(": the account has the roles {}, this needs {}", roles_text(*held), roles_text(*needed))
        }
        Denied::Unknown => String::new(),
    }
}

/// The roles as people call them.
#[must_use]
pub fn roles_text(roles: Roles) -> String {
    const NAMES: [(Roles, &str); 6] = [
        (Roles::ADMINISTRATOR, "administrator"),
        (Roles::OFFICER, "officer"),
        (Roles::AUDITOR, "auditor"),
        (Roles::OPERATOR, "operator"),
        (Roles::READ, "read"),
        (Roles::ENROLL, "enroll"),
    ];
    let held: Vec<&str> = NAMES.iter().filter(|(role, _)| roles.contains(*role)).map(|(_, name)| *name).collect();
    if held.is_empty() { "none".to_owned() } else { held.join(", ") }
}
