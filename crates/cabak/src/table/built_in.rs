//! The table, filled by the library in this program.

use std::io::Read;
use std::path::Path;

use certadm::{
    BackupKind, BackupSession, Cancel, Credentials, DatabaseLocations, Error, FileName, Options, ReadHint, Server,
    Target,
};

use super::{Backup, Certadm, OpenFile};

/// [`certadm`], which connects when it is first asked for something. It says more than an HRESULT about what goes wrong,
/// and stops waiting when it is cancelled.
pub struct BuiltIn {
    target: Target,
    credentials: Credentials,
    options: Options,
    cancel: Cancel,
    server: Option<Server>,
}

impl BuiltIn {
    /// Nothing is sent yet.
    #[must_use]
    pub fn new(target: Target, credentials: Credentials, options: Options, cancel: Cancel) -> Self {
        BuiltIn { target, credentials, options, cancel, server: None }
    }

    /// The connection, which leaves this value.
    fn take_server(&mut self) -> Result<Server, Error> {
        match self.server.take() {
            Some(server) => Ok(server),
            None => Server::connect(&self.target, &self.credentials, &self.options, &self.cancel),
        }
    }

    fn server(&mut self) -> Result<&mut Server, Error> {
        let server = self.take_server()?;
        Ok(self.server.insert(server))
    }
}

impl Certadm for BuiltIn {
    fn is_server_online(&mut self) -> Result<bool, Error> {
        self.server()?.is_online()
    }

    fn backup_prepare(&mut self, kind: BackupKind) -> Result<Box<dyn Backup>, Error> {
        Ok(Box::new(self.take_server()?.prepare_backup(kind)?))
    }

    fn connection(&mut self) -> Result<Option<&mut Server>, Error> {
        self.server().map(Some)
    }

    fn library(&self) -> Option<&Path> {
        None
    }

    fn account(&self) -> String {
        let Credentials { domain, user, .. } = &self.credentials;
        if domain.is_empty() { user.clone() } else { format!("{domain}\\{user}") }
    }
}

impl Backup for BackupSession {
    fn restore_get_database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        self.database_locations()
    }

    fn backup_get_database_names(&mut self) -> Result<Vec<FileName>, Error> {
        self.database_names()
    }

    fn backup_open_file<'a>(&'a mut self, name: &FileName, hint: ReadHint) -> Result<Box<dyn OpenFile + 'a>, Error> {
        Ok(Box::new(self.open(name, hint)?))
    }

    fn backup_get_backup_logs(&mut self) -> Result<Vec<FileName>, Error> {
        self.backup_logs()
    }

    fn backup_truncate_logs(&mut self) -> Result<(), Error> {
        self.truncate_logs()
    }

    fn backup_get_dynamic_file_list(&mut self) -> Result<Vec<FileName>, Error> {
        self.dynamic_files()
    }

    fn backup_end(self: Box<Self>) -> Result<(), Error> {
        self.end()
    }

    fn connection(&mut self) -> Option<&mut Server> {
        self.server_mut().ok()
    }
}

impl OpenFile for certadm::OpenFile<'_> {
    fn size(&self) -> u64 {
        certadm::OpenFile::size(self)
    }

    fn backup_read(&mut self, into: &mut [u8]) -> Result<usize, Error> {
        self.read(into).map_err(|error| match error.downcast::<Error>() {
            Ok(error) => error,
            Err(source) => Error::Io { action: "read", path: "the file on the server".into(), source },
        })
    }

    fn backup_close(self: Box<Self>) -> Result<(), Error> {
        self.close()
    }
}
