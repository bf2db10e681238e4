//! The Certadm.dll API in Rust: backs up certification authorities over MS-CSRA, and restores our own.
//!
//! | function of Certadm.dll | here |
//! |---|---|
//! | `CertSrvIsServerOnlineW` | [`Server::connect`], [`Server::is_online`] |
//! | `CertSrvBackupPrepareW` | [`Server::prepare_backup`] |
//! | `CertSrvBackupGetDatabaseNamesW` | [`BackupSession::database_names`] |
//! | `CertSrvBackupOpenFileW` | [`BackupSession::open`] |
//! | `CertSrvBackupRead` | [`OpenFile::next_block`], or [`std::io::Read`] |
//! | `CertSrvBackupClose` | [`OpenFile::close`] |
//! | `CertSrvBackupGetBackupLogsW` | [`BackupSession::backup_logs`] |
//! | `CertSrvBackupGetDynamicFileListW` | [`BackupSession::dynamic_files`] |
//! | `CertSrvBackupTruncateLogs` | [`BackupSession::truncate_logs`] |
//! | `CertSrvBackupEnd` | [`BackupSession::end`]; dropping a session ends it without success |
//! | `CertSrvBackupFree` | nothing to do: values are dropped |
//! | `CertSrvRestoreGetDatabaseLocationsW` | [`Server::database_locations`], [`BackupSession::database_locations`] |
//! | `CertSrvRestorePrepareW` | [`RestoreSession::prepare`] |
//! | `CertSrvRestoreRegisterW`, `CertSrvRestoreRegisterThroughFile` | [`RestoreSession::register`] |
//! | `CertSrvRestoreRegisterComplete` | [`RestoreSession::register_complete`] |
//! | `CertSrvRestoreEnd` | [`RestoreSession::end`] |
//! | `CertSrvServerControlW` | [`Server::shut_down`] |
//!
//! Everything is synchronous. A [`Cancel`] token, used from another thread or a signal handler, ends what waits for the
//! network; a session that is open is then ended on the server, within seconds.
//!
//! ```no_run
//! use certadm::{BackupKind, Cancel, Credentials, Options, ReadHint, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let credentials = Credentials {
//!     domain: "CORP".into(),
//!     user: "svc-backup".into(),
//!     password: std::fs::read_to_string("/etc/backup/password")?.into(),
//! };
//! let target = "ca01.corp.example".parse()?;
//! let server = Server::connect(&target, &credentials, &Options::default(), &Cancel::new())?;
//! let mut session = server.prepare_backup(BackupKind::Full)?;
//! for name in session.database_names()? {
//!     let mut file = session.open(&name, ReadHint::default())?;
//!     std::io::copy(&mut file, &mut std::fs::File::create(name.local_name()?)?)?;
//!     file.close()?;
//! }
//! session.end()?;
//! # Ok(())
//! # }
//! ```

mod account;
mod backup;
mod cancel;
mod configured;
mod error;
mod link;
mod locations;
mod open_file;
mod platform;
mod read_hint;
mod restore;
mod server;
mod target;

pub use account::split_account;
pub use backup::{BackupKind, BackupSession};
pub use cancel::Cancel;
pub use configured::ConfiguredCa;
pub use csra::ca_property::{self, PropertyType};
pub use csra::names::{FileName, FileType, ListError, NameError, NameList, Prefix};
pub use csra::session::SequenceError;
pub use csra::variant::Variant;
pub use csra::{Hresult, InterfaceFlags, Roles};
pub use error::{Blame, Denied, Error, roles_text};
pub use locations::{DatabaseLocations, file_type_name};
pub use open_file::{FileCursor, OpenFile};
pub use read_hint::ReadHint;
pub use restore::{MapEntry, Registration, RestoreSession, RestoreState, RestoreUntil};
pub use server::{Credentials, Options, Server};
pub use target::{ENDPOINT_MAPPER_PORT, Target, TargetError};
