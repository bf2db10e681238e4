//! A backup session, \[MS-CSRA\] 3.1.4.1.18 to 3.1.4.1.26: `CertSrvBackupPrepareW` to `CertSrvBackupEnd`.

use std::collections::BTreeSet;

use csra::call;
use csra::names::FileName;
use csra::session::{BackupSequence, Call, SequenceError};

pub use csra::session::BackupKind;

use crate::error::Error;
use crate::locations::DatabaseLocations;
use crate::open_file::{FileCursor, OpenFile};
use crate::read_hint::ReadHint;
use crate::server::Server;

/// A backup session on a server.
///
/// Ownership carries the order that the protocol wants: a file borrows the session, so that a second one cannot be
/// opened, logs cannot be truncated and the session cannot end while one is open; [`BackupSession::end`] consumes it.
/// What ownership cannot carry is checked before it is sent, with the same type that the server uses
/// ([`BackupSequence`]).
///
/// Dropping a session ends it on the server without success: also when every file was read, the server does not count
/// it as a backup that an incremental one may continue. Only [`BackupSession::end`] says that the backup is good.
///
/// ```compile_fail,E0505
/// # fn f(mut session: certadm::BackupSession, name: certadm::FileName) -> Result<(), certadm::Error> {
/// let file = session.open(&name, certadm::ReadHint::default())?;
/// session.end()?; // the file is still open
/// file.close()?;
/// # Ok(())
/// # }
/// ```
pub struct BackupSession {
    // INVARIANT: `Some` until `end` takes it.
    server: Option<Server>,
    sequence: BackupSequence,
    kind: BackupKind,
    buffer_size: Option<u32>,
    /// Files that were closed before the caller had all of them. The server, asked a block ahead, may have sent them whole
    /// and believe that they were read.
    unread: BTreeSet<String>,
}

impl Server {
    /// Starts a backup (`CertSrvBackupPrepareW`): database and logs, or only logs.
    ///
    /// # Errors
    /// [`Error::AccessDenied`] with the reason, [`Error::BackupInProgress`], [`Error::FullBackupNeeded`], and what
    /// calls can meet.
    pub fn prepare_backup(mut self, kind: BackupKind) -> Result<BackupSession, Error> {
        let authority = self.authority()?.to_owned();
        let mut sequence = BackupSequence::default();
        self.call(&call::BackupPrepare { authority: Some(authority), grbit: kind.to_grbit() })?;
        sequence.prepare(kind).map_err(|source| Error::Sequence { method: "BackupPrepare", source })?;
        Ok(BackupSession { server: Some(self), sequence, kind, buffer_size: None, unread: BTreeSet::new() })
    }
}

impl BackupSession {
    /// Where the server keeps its database (`CertSrvRestoreGetDatabaseLocationsW`): the restore map of this backup.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn database_locations(&mut self) -> Result<DatabaseLocations, Error> {
        self.server_mut()?.database_locations()
    }

    /// The databases of a full backup (`CertSrvBackupGetDatabaseNamesW`).
    ///
    /// # Errors
    /// [`Error::Sequence`] in an incremental backup, and what calls can meet.
    pub fn database_names(&mut self) -> Result<Vec<FileName>, Error> {
        self.in_order("BackupGetAttachmentInformation", Call::Attachments)?;
        let names = self.server_mut()?.call(&call::BackupGetAttachmentInformation)?.names;
        let paths = names.iter().map(FileName::path);
        self.sequence.attachments(paths).map_err(out_of_order("BackupGetAttachmentInformation"))?;
        Ok(names)
    }

    /// The logs (`CertSrvBackupGetBackupLogsW`).
    ///
    /// # Errors
    /// What calls can meet.
    pub fn backup_logs(&mut self) -> Result<Vec<FileName>, Error> {
        self.in_order("BackupGetBackupLogs", Call::Logs)?;
        let names = self.server_mut()?.call(&call::BackupGetBackupLogs)?.names;
        let paths = names.iter().map(FileName::path);
        self.sequence.logs(paths).map_err(out_of_order("BackupGetBackupLogs"))?;
        Ok(names)
    }

    /// Opens a file (`CertSrvBackupOpenFileW`). Only the hint of the first file that a session opens counts.
    ///
    /// # Errors
    /// [`Error::Sequence`] when the name is in none of the session's lists, and what calls can meet.
    pub fn open(&mut self, name: &FileName, hint: ReadHint) -> Result<OpenFile<'_>, Error> {
        let cursor = self.open_cursor(name, hint)?;
        Ok(OpenFile::new(self, cursor))
    }

    /// As [`BackupSession::open`], for a caller that cannot borrow: the cursor wants this session with every call, and
    /// must be closed before anything but reading is possible again.
    ///
    /// # Errors
    /// As [`BackupSession::open`].
    pub fn open_cursor(&mut self, name: &FileName, hint: ReadHint) -> Result<FileCursor, Error> {
        self.in_order("BackupOpenFile", Call::Open(name.path()))?;
        let size = self.server_mut()?.call(&call::BackupOpenFile { path: Some(name.path().to_owned()) })?;
        self.sequence.open(name.path(), size).map_err(out_of_order("BackupOpenFile"))?;
        let buffer_size = *self.buffer_size.get_or_insert(hint.buffer_size());
        FileCursor::new(self, name.path().to_owned(), size, buffer_size)
    }

    /// Lets the server delete the logs that this session has read (`CertSrvBackupTruncateLogs`). Only after every byte
    /// of the backup is safe: a backup whose logs are gone on both sides cannot be restored.
    ///
    /// # Errors
    /// [`Error::Sequence`] when a listed file was not read to its end, and what calls can meet.
    pub fn truncate_logs(&mut self) -> Result<(), Error> {
        self.in_order("BackupTruncateLogs", Call::Truncate)?;
        if let Some(path) = self.unread.first() {
            let source = SequenceError::NotRead { path: path.clone() };
            return Err(Error::Sequence { method: "BackupTruncateLogs", source });
        }
        self.server_mut()?.call(&call::BackupTruncateLogs)
    }

    /// The dynamic files (`CertSrvBackupGetDynamicFileListW`), CRLs in general. The protocol hands out only their
    /// names.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn dynamic_files(&mut self) -> Result<Vec<FileName>, Error> {
        Ok(self.server_mut()?.call(&call::BackupGetDynamicFiles)?.names)
    }

    /// Tells the server that we are still there, during long work on this side.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn keep_alive(&mut self) -> Result<(), Error> {
        self.server_mut()?.state().map(|_| ())
    }

    /// Ends the session (`CertSrvBackupEnd`). When every listed file was read to its end, the server counts this as a backup
    /// that an incremental one may continue.
    ///
    /// # Errors
    /// What calls can meet; the session is over in any case.
    pub fn end(mut self) -> Result<(), Error> {
        self.in_order("BackupEnd", Call::End)?;
        if self.is_misjudged() {
            return Ok(());
        }
        let Some(mut server) = self.server.take() else { return Err(Error::Cancelled) };
        server.call(&call::BackupEnd)
    }

    /// Whether the server would take BackupEnd for the end of a good backup, and it is none.
    fn is_misjudged(&self) -> bool {
        self.sequence.check(Call::Truncate).is_ok() && !self.unread.is_empty()
    }

    /// A file was closed.
    pub(crate) fn note(&mut self, path: &str, is_read: bool) {
        if is_read {
            self.unread.remove(path);
        } else {
            self.unread.insert(path.to_owned());
        }
    }

    /// Full or incremental.
    #[must_use]
    pub fn kind(&self) -> BackupKind {
        self.kind
    }

    /// The server, for everything that is not part of the session.
    ///
    /// # Errors
    /// Never while the session lives.
    pub fn server_mut(&mut self) -> Result<&mut Server, Error> {
        self.server.as_mut().ok_or(Error::Cancelled)
    }

    pub(crate) fn in_order(&self, method: &'static str, call: Call<'_>) -> Result<(), Error> {
        self.sequence.check(call).map_err(out_of_order(method))
    }

    pub(crate) fn sequence(&mut self) -> &mut BackupSequence {
        &mut self.sequence
    }
}

/// What a broken rule looks like to the caller.
pub(crate) fn out_of_order(method: &'static str) -> impl FnOnce(SequenceError) -> Error {
    move |source| Error::Sequence { method, source }
}

impl Drop for BackupSession {
    fn drop(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        server.link().hurry();
        if self.sequence.check(Call::Truncate).is_ok() {
            // Every file was read: to the server, BackupEnd would say that this backup is good, and the next
            // incremental one would start after it. Without its object the session is over, too, and not remembered.
            return;
        }
        // Whatever goes wrong now, the server ends the session when the object is released, which happens next.
        if self.sequence.open_file().is_some() {
            let _ = server.call(&call::BackupCloseFile);
        }
        if let Err(error) = server.call(&call::BackupEnd) {
            tracing::debug!(%error, "the server did not confirm the end of the backup");
        }
    }
}
