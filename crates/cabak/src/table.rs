//! The functions of Certadm.dll that a backup uses, as a table that is filled in one of two ways.
//!
//! Microsoft's article begins with `LoadLibrary` and `GetProcAddress` and calls everything else through pointers.
//! Here the table is a pair of traits with one method per function; [`scenario`](crate::scenario) knows nothing else.
//! [`BuiltIn`] fills it with the Rust library [`certadm`], [`Loaded`] with the exports of a library that is found at run
//! time: `libcertadm.so`, `certadm.dll`, or the Certadm.dll of Windows.
//!
//! | step | function | here |
//! |---|---|---|
//! | 1, 2 | `LoadLibrary`, `GetProcAddress` | [`Table::choose`], [`Loaded::load`] |
//! | 3 | `CertSrvIsServerOnlineW` | [`Certadm::is_server_online`] |
//! | 4 | `CertSrvBackupPrepareW` | [`Certadm::backup_prepare`] |
//! | 5 | `CertSrvRestoreGetDatabaseLocationsW` | [`Backup::restore_get_database_locations`] |
//! | 6 | `CertSrvBackupGetDatabaseNamesW` | [`Backup::backup_get_database_names`] |
//! | 7 | `CertSrvBackupOpenFileW` | [`Backup::backup_open_file`] |
//! | 8 | `CertSrvBackupRead` | [`OpenFile::backup_read`] |
//! | 9 | `CertSrvBackupClose` | [`OpenFile::backup_close`] |
//! | 10 | `CertSrvBackupGetBackupLogsW` | [`Backup::backup_get_backup_logs`] |
//! | 11 | `CertSrvBackupTruncateLogs` | [`Backup::backup_truncate_logs`] |
//! | 12 | `CertSrvBackupGetDynamicFileListW` | [`Backup::backup_get_dynamic_file_list`] |
//! | 14 | `CertSrvBackupEnd` | [`Backup::backup_end`] |
//! | 15 | `CertSrvBackupFree` | nothing to do: a list is freed as soon as it is copied |
//! | 16 | `FreeLibrary` | dropping the [`Certadm`] |
//!
//! Functions in C take no credentials and no timeouts, cannot be interrupted, and are too few for the name of the CA, its
//! certificates and its CRLs. What only the built-in library can do goes through `connection`, which a loaded library
//! does not have.

mod built_in;
mod loaded;
mod name;

use std::path::{Path, PathBuf};

use certadm::{BackupKind, Cancel, DatabaseLocations, ENDPOINT_MAPPER_PORT, Error, FileName, ReadHint, Server, Target};

use crate::verify::stop_if;

pub use built_in::BuiltIn;
pub use loaded::{Loaded, server_name};
pub use name::{authority_of, stem_of, unsanitize};

/// The functions that need no session.
pub trait Certadm {
    /// Step 3: whether the CA runs and is ready.
    ///
    /// # Errors
    /// What calls can meet; see [`certadm`].
    fn is_server_online(&mut self) -> Result<bool, Error>;

    /// Step 4: starts a backup. Dropping the session ends it without success.
    ///
    /// # Errors
    /// The server refuses a backup, or what calls can meet.
    fn backup_prepare(&mut self, kind: BackupKind) -> Result<Box<dyn Backup>, Error>;

    /// What the built-in library has beside these functions; `None`: the functions are all there is.
    ///
    /// # Errors
    /// The server cannot be reached.
    fn connection(&mut self) -> Result<Option<&mut Server>, Error>;

    /// The library that was loaded; `None`: it is built in.
    fn library(&self) -> Option<&Path>;

    /// On whose behalf the server is called, for the manifest.
    fn account(&self) -> String;
}

/// A backup session (`HCSBC`).
pub trait Backup {
    /// Step 5: where the server keeps its database.
    ///
    /// # Errors
    /// What calls can meet.
    fn restore_get_database_locations(&mut self) -> Result<DatabaseLocations, Error>;

    /// Step 6: the databases of a full backup.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_get_database_names(&mut self) -> Result<Vec<FileName>, Error>;

    /// Step 7: opens a file. One is open at a time.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_open_file<'a>(&'a mut self, name: &FileName, hint: ReadHint) -> Result<Box<dyn OpenFile + 'a>, Error>;

    /// Step 10: the logs.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_get_backup_logs(&mut self) -> Result<Vec<FileName>, Error>;

    /// Step 11: lets the server delete the logs that this session has read.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_truncate_logs(&mut self) -> Result<(), Error>;

    /// Step 12: the dynamic files.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_get_dynamic_file_list(&mut self) -> Result<Vec<FileName>, Error>;

    /// Step 14: ends the session, with success if every file was read.
    ///
    /// # Errors
    /// What calls can meet; the session is over in any case.
    fn backup_end(self: Box<Self>) -> Result<(), Error>;

    /// As [`Certadm::connection`].
    fn connection(&mut self) -> Option<&mut Server>;
}

/// A file of a session that is open. Dropping it closes it.
pub trait OpenFile {
    /// Bytes, as the server announced them.
    fn size(&self) -> u64;

    /// Step 8: the next bytes; 0 at the end of the file.
    ///
    /// # Errors
    /// What calls can meet; there is no way on but to drop the file.
    fn backup_read(&mut self, into: &mut [u8]) -> Result<usize, Error>;

    /// Step 9: closes it.
    ///
    /// # Errors
    /// What calls can meet.
    fn backup_close(self: Box<Self>) -> Result<(), Error>;
}

/// Which library fills the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// The one in this program.
    BuiltIn,
    /// One that the user names (`--certadm PATH`).
    Named(PathBuf),
    /// The one that belongs to Windows.
    System(PathBuf),
}

/// What the command line says about the library.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The value of `--certadm`.
    pub certadm: Option<&'a Path>,
    /// Whether there is an option that only the built-in library can follow: an account, a timeout.
    pub built_in_only: bool,
}

/// What the choice depends on beside the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Machine {
    /// Whether this is Windows.
    pub windows: bool,
    /// `COMPUTERNAME`.
    pub computer_name: Option<String>,
    /// `SystemRoot`, an absolute path.
    pub system_root: Option<PathBuf>,
}

impl Machine {
    /// The one that this program runs on.
    #[must_use]
    pub fn this() -> Self {
        Machine {
            windows: cfg!(windows),
            computer_name: std::env::var("COMPUTERNAME").ok(),
            system_root: std::env::var_os("SystemRoot").map(PathBuf::from).filter(|root| root.is_absolute()),
        }
    }

    /// Whether a target is this machine, reached in the usual way.
    fn is(&self, target: &Target) -> bool {
        let names = ["localhost", "127.0.0.1", "::1"].into_iter().chain(self.computer_name.as_deref());
        target.endpoint_mapper_port == ENDPOINT_MAPPER_PORT
            && names.into_iter().any(|name| name.eq_ignore_ascii_case(&target.host))
    }
}

impl Table {
    /// The value of `--certadm` that asks for the library in this program.
    pub const BUILT_IN: &str = "built-in";

    /// The library that the user names. Otherwise, for the CA on the same Windows machine, the one of Windows, by its
    /// full path: a library is never searched for. Otherwise the built-in one.
    #[must_use]
    pub fn choose(target: &Target, wish: Wish<'_>, machine: &Machine, exists: impl Fn(&Path) -> bool) -> Self {
        match wish.certadm {
            Some(path) if path == Path::new(Self::BUILT_IN) => return Table::BuiltIn,
            Some(path) => return Table::Named(path.to_owned()),
            None => {}
        }
        if let Some(root) = &machine.system_root
            && machine.windows
            && machine.is(target)
            && !wish.built_in_only
        {
            let path = root.join("System32").join("certadm.dll");
            if exists(&path) {
                return Table::System(path);
            }
        }
        Table::BuiltIn
    }

    /// The library that is to be loaded.
    #[must_use]
    pub fn library(&self) -> Option<&Path> {
        match self {
            Table::BuiltIn => None,
            Table::Named(path) | Table::System(path) => Some(path),
        }
    }
}

/// The database locations, over functions that give them only to a session: one for the logs alone, since that leaves the
/// database alone, or a full one on a server that never had a full backup. It ends without having read anything.
///
/// # Errors
/// What calls can meet. Exit code 130: somebody asked to stop.
pub fn locations_of_session(certadm: &mut dyn Certadm, cancel: &Cancel) -> anyhow::Result<DatabaseLocations> {
    stop_if(cancel)?;
    let mut session = match certadm.backup_prepare(BackupKind::Incremental) {
        Err(Error::FullBackupNeeded { .. } | Error::CircularLogging { .. }) => {
            stop_if(cancel)?;
            certadm.backup_prepare(BackupKind::Full)?
        }
        other => other?,
    };
    stop_if(cancel)?;
    let locations = session.restore_get_database_locations()?;
    session.backup_end()?;
    Ok(locations)
}
