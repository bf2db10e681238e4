//! The table, filled by a library that is found at run time.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use certadm::{
    BackupKind, DatabaseLocations, ENDPOINT_MAPPER_PORT, Error, FileName, Hresult, ReadHint, Server, Target,
};
use certadm_ffi::{Library, LoadError};

use super::{Backup, Certadm, OpenFile};
use crate::exit::{Exit, Failure};

/// A library with the functions of Certadm.dll.
///
/// Its functions take the server's name and nothing else: the account and the timeouts are those of the library, on
/// Windows the account that runs this program. A call that is under way is waited for.
pub struct Loaded {
    library: Library,
    path: PathBuf,
    server: String,
}

impl Loaded {
    /// Steps 1 and 2: loads the library, and finds its functions.
    ///
    /// # Errors
    /// Exit code 2: it cannot be loaded, or lacks functions; they are named.
    pub fn load(path: &Path, target: &Target) -> anyhow::Result<Self> {
        let library = Library::load(path).map_err(|error| unusable(&error))?;
        Ok(Loaded { library, path: path.to_owned(), server: server_name(target) })
    }

    /// How many functions were found.
    #[must_use]
    pub fn functions() -> usize {
        certadm_ffi::Table::FUNCTIONS.len()
    }

    /// Asks Windows for the right that a backup session needs, which an account may hold and does not use until it is
    /// asked for. The right to restore is not needed. Elsewhere nothing is to be done.
    ///
    /// # Errors
    /// The account does not hold it.
    pub fn enable_privilege() -> anyhow::Result<()> {
        #[cfg(windows)]
        {
            use certadm_ffi::privilege::{Privilege, enable};
            enable(Privilege::Backup).map_err(|error| {
                let text = crate::output::with_causes(&error);
                Failure::new(Exit::Failure, format!("this account cannot back up: {text}")).hint(error.hint())
            })?;
        }
        Ok(())
    }
}

/// A target as the functions take it: the machine, with its port if that is an unusual one, and the CA if it was named. An
/// IPv6 address without a port has no brackets, which only libcertadm would understand.
#[must_use]
pub fn server_name(target: &Target) -> String {
    let mut name = match target.endpoint_mapper_port {
        ENDPOINT_MAPPER_PORT => target.host.clone(),
        _ => Target { authority: None, ..target.clone() }.to_string(),
    };
    if let Some(authority) = &target.authority {
        name.push('\\');
        name.push_str(authority);
    }
    name
}

fn unusable(error: &LoadError) -> Failure {
    let hint = "name a library for this machine that has the functions of Certadm.dll (libcertadm.so, certadm.dll), or \
                say `--certadm built-in`";
    Failure::new(Exit::Usage, crate::output::with_causes(error)).hint(hint)
}

impl Certadm for Loaded {
    fn is_server_online(&mut self) -> Result<bool, Error> {
        self.library.is_server_online(&self.server)
    }

    fn backup_prepare(&mut self, kind: BackupKind) -> Result<Box<dyn Backup>, Error> {
        let session = self.library.backup_prepare(&self.server, kind)?;
        Ok(Box::new(Session { session: Some(session), kind, read: Progress::default() }))
    }

    fn connection(&mut self) -> Result<Option<&mut Server>, Error> {
        Ok(None)
    }

    fn library(&self) -> Option<&Path> {
        Some(&self.path)
    }

    fn account(&self) -> String {
        format!("as {} decides", self.path.display())
    }
}

struct Session {
    // INVARIANT: `Some` until `backup_end` takes it.
    session: Option<certadm_ffi::Backup>,
    kind: BackupKind,
    read: Progress,
}

/// What has been listed, and whether it has been read to its end.
#[derive(Default)]
struct Progress {
    databases: bool,
    logs: bool,
    files: HashMap<String, bool>,
}

impl Progress {
    fn list(&mut self, names: &[FileName]) {
        for name in names {
            self.files.entry(name.path().to_owned()).or_insert(false);
        }
    }

    /// Whether `CertSrvBackupEnd` would tell the server that the backup is good.
    fn is_complete(&self, kind: BackupKind) -> bool {
        let listed = self.logs && (self.databases || kind == BackupKind::Incremental);
        listed && self.files.values().all(|read| *read)
    }
}

impl Session {
    fn session(&mut self) -> Result<&mut certadm_ffi::Backup, Error> {
        self.session.as_mut().ok_or(Error::Cancelled)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else { return };
        if self.read.is_complete(self.kind) {
            // In C there is one way to end a session, and after the last file it says that the backup is good: the next
            // incremental one would start after it. The end of this process ends the session without that.
            std::mem::forget(session);
        }
    }
}

impl Backup for Session {
    fn restore_get_database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        self.session()?.database_locations()
    }

    fn backup_get_database_names(&mut self) -> Result<Vec<FileName>, Error> {
        let names = self.session()?.database_names()?;
        self.read.databases = true;
        self.read.list(&names);
        Ok(names)
    }

    fn backup_open_file<'a>(&'a mut self, name: &FileName, hint: ReadHint) -> Result<Box<dyn OpenFile + 'a>, Error> {
        let session = self.session.as_mut().ok_or(Error::Cancelled)?;
        let file = session.open(name, hint)?;
        let read = self.read.files.entry(name.path().to_owned()).or_insert(false);
        Ok(Box::new(Source { file, read, received: 0 }))
    }

    fn backup_get_backup_logs(&mut self) -> Result<Vec<FileName>, Error> {
        let names = self.session()?.backup_logs()?;
        self.read.logs = true;
        self.read.list(&names);
        Ok(names)
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Error> {
        self.session()?.truncate_logs()
    }

    fn backup_get_dynamic_file_list(&mut self) -> Result<Vec<FileName>, Error> {
        self.session()?.dynamic_files()
    }

    fn backup_end(mut self: Box<Self>) -> Result<(), Error> {
        self.session.take().ok_or(Error::Cancelled)?.end()
    }

    fn connection(&mut self) -> Option<&mut Server> {
        None
    }
}

struct Source<'a> {
    file: certadm_ffi::OpenFile<'a>,
    read: &'a mut bool,
    received: u64,
}

impl OpenFile for Source<'_> {
    fn size(&self) -> u64 {
        self.file.size()
    }

    fn backup_read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        // ERROR_HANDLE_EOF: some say so behind the last byte instead of reading nothing.
        const END: Hresult = Hresult::from_win32(38);
        let count = match self.file.read(into) {
            Err(error) if self.received == self.size() && error.hresult() == END => 0,
            other => other?,
        };
        self.received += count as u64;
        *self.read |= self.received >= self.size();
        Ok(count)
    }

    fn backup_close(self: Box<Self>) -> Result<(), Error> {
        self.file.close()
    }
}
