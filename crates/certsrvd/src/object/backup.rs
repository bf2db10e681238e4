//! A backup session, [MS-CSRA] 3.1.4.1.18 to 3.1.4.1.27, over the backup session of the database.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use certdb::{BackupError, BackupSession};
use csra::names::{FileName, FileType, NameList};
use csra::session::{BackupKind, BackupSequence, Call};
use csra::{Hresult, hresult};
use serde_json::json;

use crate::audit::{Caller, Event};
use crate::authority::{Authority, database_options};
use crate::unc::Folder;

/// The backup session of one object, or none.
pub(super) struct Backup {
    authority: Arc<Authority>,
    sequence: BackupSequence,
    open: Option<Open>,
}

struct Open {
    session: BackupSession,
    caller: Caller,
    kind: BackupKind,
    /// Names as the client got them. Only these can be opened, and what they stand for never comes from the client.
    paths: HashMap<String, PathBuf>,
    files: u64,
    bytes: u64,
    truncated: bool,
}

impl Backup {
    pub(super) fn new(authority: Arc<Authority>) -> Self {
        Self { authority, sequence: BackupSequence::default(), open: None }
    }

    pub(super) fn prepare(&mut self, kind: BackupKind, caller: Caller) -> Result<(), Hresult> {
        self.sequence.check(Call::Prepare)?;
        let session = self
            .authority
            .database()
            .begin_backup(match kind {
                BackupKind::Full => certdb::BackupKind::Full,
                BackupKind::Incremental => certdb::BackupKind::Incremental,
            })
            .map_err(|error| code(&error))?;
        self.record(Event::BackupStarted, &caller, json!({ "kind": kind_name(kind) }))?;
        self.sequence.prepare(kind)?;
        let paths = HashMap::new();
        self.open = Some(Open { session, caller, kind, paths, files: 0, bytes: 0, truncated: false });
        Ok(())
    }

    pub(super) fn attachments(&mut self) -> Result<NameList, Hresult> {
        self.sequence.check(Call::Attachments)?;
        let folder = self.unc(Folder::Database);
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        let files = open.session.databases();
        let names = open.list(&folder, files)?;
        self.sequence.attachments(names.iter().cloned())?;
        list(Some(FileType::Database), names)
    }

    pub(super) fn logs(&mut self) -> Result<NameList, Hresult> {
        self.sequence.check(Call::Logs)?;
        let folder = self.unc(Folder::Log);
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        let files = open.session.logs().map_err(|error| code(&error))?;
        let names = open.list(&folder, files)?;
        self.sequence.logs(names.iter().cloned())?;
        list(Some(FileType::Log), names)
    }

    pub(super) fn open(&mut self, path: &str) -> Result<u64, Hresult> {
        self.sequence.check(Call::Open(path))?;
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        let file = open.paths.get(path).ok_or(hresult::INVALID_PARAMETER)?;
        let length = open.session.open(file).map_err(|error| code(&error))?;
        self.sequence.open(path, length)?;
        Ok(length)
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult> {
        self.sequence.check(Call::Read)?;
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        let count = open.session.read(buffer).map_err(|error| code(&error))?;
        let bytes = u64::try_from(count).unwrap_or(u64::MAX);
        open.bytes += bytes;
        self.sequence.read(bytes)?;
        Ok(count)
    }

    pub(super) fn close(&mut self) -> Result<(), Hresult> {
        self.sequence.check(Call::Close)?;
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        open.session.close_file().map_err(|error| code(&error))?;
        if self.sequence.close()? {
            open.files += 1;
        }
        Ok(())
    }

    pub(super) fn truncate(&mut self) -> Result<(), Hresult> {
        self.sequence.truncate()?;
        let open = self.open.as_mut().ok_or(hresult::UNEXPECTED)?;
        open.session.truncate().map_err(|error| code(&error))?;
        open.truncated = true;
        let caller = open.caller.clone();
        self.record(Event::LogsTruncated, &caller, json!({}))
    }

    pub(super) fn end(&mut self) -> Result<(), Hresult> {
        // What may be truncated has been read: every file of both lists, to its end.
        let complete = self.sequence.check(Call::Truncate).is_ok();
        self.sequence.end()?;
        let open = self.open.take().ok_or(hresult::UNEXPECTED)?;
        let details = open.summary(if complete { "complete" } else { "incomplete" });
        let ended = open.session.end().map_err(|error| code(&error));
        match ended {
            Ok(_) => self.record(Event::BackupEnded, &open.caller, details),
            Err(code) => {
                self.record(Event::BackupEnded, &open.caller, json!({ "outcome": "failed", "hresult": code.0 }))?;
                Err(code)
            }
        }
    }

    /// Files that are part of the CA's state and are copied by other means: its CRLs and its certificate.
    pub(super) fn dynamic_files(&self) -> Result<NameList, Hresult> {
        let folder = self.unc(Folder::Enrollment);
        let directory = self.authority.directory().crls();
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&directory).map_err(|error| io_code(&directory, &error))? {
            let entry = entry.map_err(|error| io_code(&directory, &error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // Not the temporary file of a CRL that is being written.
            if name.ends_with(".crl") && !name.starts_with('.') {
                names.push(format!("{folder}\\{name}"));
            }
        }
        names.push(format!("{folder}\\{}.crt", self.authority.sanitized_name()));
        names.sort();
        list(None, names)
    }

    /// Where the database, its logs and its checkpoint are.
    pub(super) fn locations(&self) -> Result<NameList, Hresult> {
        let database = self.unc(Folder::Database);
        let file = database_options(self.authority.configuration(), self.authority.directory()).database_name;
        Ok(NameList::new(vec![
            file_name(Some(FileType::Database), format!("{database}\\{file}"))?,
            file_name(Some(FileType::LogDirectory), self.unc(Folder::Log))?,
            file_name(Some(FileType::CheckpointDirectory), database)?,
        ]))
    }

    fn unc(&self, folder: Folder) -> String {
        folder.on(&self.authority.host_name())
    }

    fn record(&self, event: Event, caller: &Caller, details: serde_json::Value) -> Result<(), Hresult> {
        self.authority.record(event, caller, details).map_err(|error| super::property::internal(&error))
    }
}

impl Drop for Backup {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let details = open.summary("given up");
            self.authority.audit().record_or_warn(Event::BackupEnded, &open.caller, details);
        }
    }
}

impl Open {
    /// The names that stand for `files` on the wire.
    fn list(&mut self, folder: &str, files: Vec<PathBuf>) -> Result<Vec<String>, Hresult> {
        let mut names = Vec::with_capacity(files.len());
        for file in files {
            let name = file.file_name().ok_or(hresult::UNEXPECTED)?.to_string_lossy();
            let name = format!("{folder}\\{name}");
            self.paths.insert(name.clone(), file);
            names.push(name);
        }
        Ok(names)
    }

    fn summary(&self, outcome: &str) -> serde_json::Value {
        json!({
            "kind": kind_name(self.kind),
            "outcome": outcome,
            "files": self.files,
            "bytes": self.bytes,
            "truncated": self.truncated,
        })
    }
}

fn list(file_type: Option<FileType>, names: Vec<String>) -> Result<NameList, Hresult> {
    Ok(NameList::new(names.into_iter().map(|name| file_name(file_type, name)).collect::<Result<_, _>>()?))
}

/// A name that has no form on the wire (an empty one, or one with a NUL) does not come from this server.
fn file_name(file_type: Option<FileType>, path: String) -> Result<FileName, Hresult> {
    FileName::new(file_type, path).map_err(|_| hresult::UNEXPECTED)
}

fn kind_name(kind: BackupKind) -> &'static str {
    match kind {
        BackupKind::Full => "full",
        BackupKind::Incremental => "incremental",
    }
}

fn io_code(path: &Path, error: &std::io::Error) -> Hresult {
    tracing::error!(%error, path = %path.display(), "cannot read");
    hresult::UNEXPECTED
}

/// The HRESULT for every failure of the database, [MS-CSRA] 2.2.5 and 3.1.4.1.18 to 3.1.4.1.24: the codes are those of JET
/// where JET knows the situation.
fn code(error: &BackupError) -> Hresult {
    tracing::warn!(%error, "a backup call was refused");
    match error {
        // JET_errBackupInProgress
        BackupError::Busy => hresult::BACKUP_IN_PROGRESS,
        // JET_errInvalidBackup
        BackupError::CircularLogging => hresult::INVALID_BACKUP,
        // JET_errMissingFullBackup
        BackupError::FullRequired(_) => hresult::MISSING_FULL_BACKUP,
        BackupError::NotListed { .. } => hresult::INVALID_PARAMETER,
        // JET_errInvalidBackupSequence
        BackupError::DatabaseAfterLogs => hresult::INVALID_BACKUP_SEQUENCE,
        // Sequencing, 3.1.4.1.18: the state does not change.
        BackupError::FileOpen { .. }
        | BackupError::NoFileOpen
        | BackupError::LogsNotListed
        | BackupError::NotRead { .. } => hresult::UNEXPECTED,
        // JET_errMissingFileToBackup
        BackupError::LogDamaged { .. } => hresult::MISSING_FILE_TO_BACKUP,
        // JET_errReadVerifyFailure
        BackupError::Io { .. } => hresult::READ_VERIFY_FAILURE,
        // JET_errBackupAbortByServer
        BackupError::Stopped(_) | BackupError::Closed => hresult::BACKUP_ABORTED_BY_SERVER,
        _ => hresult::UNEXPECTED,
    }
}
