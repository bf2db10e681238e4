//! The order in which the methods of a backup may be called, \[MS-CSRA\] 3.1.4.1.18 and 3.2.4.1.18.

use std::collections::BTreeMap;

use dcom::Hresult;

use crate::hresult;

/// What a backup contains (grbitJet of BackupPrepare).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BackupKind {
    /// Database and logs; grbitJet 0.
    Full,
    /// The logs since the last backup; grbitJet 1.
    Incremental,
}

impl BackupKind {
    /// From grbitJet; `None` for values that are neither.
    #[must_use]
    pub fn from_grbit(grbit: u32) -> Option<Self> {
        match grbit {
            0 => Some(Self::Full),
            1 => Some(Self::Incremental),
            _ => None,
        }
    }

    /// As grbitJet.
    #[must_use]
    pub fn to_grbit(self) -> u32 {
        match self {
            Self::Full => 0,
            Self::Incremental => 1,
        }
    }
}

/// Where one client is in its backup. The server keeps one per object, the client one per session.
///
/// Each method is a call of the protocol that *succeeded*: it checks that the call was in order, and changes the state. A
/// call that is out of order changes nothing. To ask before doing the work, use [`check`](Self::check).
///
/// ```text
///            prepare            open              read
///   Idle ─────────────▶ Prepared ─────▶ FileOpen ─────┐
///     ▲                 │  ▲  │ ▲           │  ▲       │
///     └──────── end ────┘  │  │ └─ close ───┘  └───────┘
///                          └──┘ attachments, logs, truncate
/// ```
///
/// BackupGetDynamicFiles and RestoreGetDatabaseLocations depend on nothing and do not appear here.
///
/// ```
/// use csra::session::{BackupKind, BackupSequence, Call};
///
/// let mut sequence = BackupSequence::default();
/// sequence.prepare(BackupKind::Full)?;
/// sequence.attachments(["D:\\CA.edb"])?;
/// sequence.logs(["D:\\edb00001.log"])?;
/// for path in ["D:\\CA.edb", "D:\\edb00001.log"] {
///     assert!(sequence.check(Call::Truncate).is_err());
///     sequence.open(path, 4096)?;
///     sequence.read(4096)?;
///     sequence.close()?;
/// }
/// sequence.truncate()?;
/// sequence.end()?;
/// # Ok::<(), csra::session::SequenceError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackupSequence {
    state: State,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Idle,
    Prepared(Session),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    kind: BackupKind,
    attachments_listed: bool,
    logs_listed: bool,
    /// Every path that was listed, and whether it has been read to its end.
    files: BTreeMap<String, bool>,
    // INVARIANT: its path is in `files`.
    open: Option<OpenFile>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct OpenFile {
    path: String,
    length: u64,
    position: u64,
}

/// A call that is about to be made, for [`BackupSequence::check`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call<'a> {
    /// BackupPrepare.
    Prepare,
    /// BackupGetAttachmentInformation.
    Attachments,
    /// BackupGetBackupLogs.
    Logs,
    /// BackupOpenFile with this path.
    Open(&'a str),
    /// BackupReadFile.
    Read,
    /// BackupCloseFile.
    Close,
    /// BackupTruncateLogs.
    Truncate,
    /// BackupEnd.
    End,
}

impl BackupSequence {
    /// Whether a call would be in order now.
    ///
    /// # Errors
    /// The rule that it would break.
    pub fn check(&self, call: Call<'_>) -> Result<(), SequenceError> {
        match call {
            Call::Prepare => match &self.state {
                State::Idle => Ok(()),
                State::Prepared(_) => Err(SequenceError::AlreadyPrepared),
            },
            Call::Attachments => {
                if !matches!(&self.state, State::Prepared(session) if session.kind == BackupKind::Full) {
                    return Err(SequenceError::NoFullBackup);
                }
                self.closed().map(drop)
            }
            Call::Logs | Call::End => self.closed().map(drop),
            Call::Open(path) => {
                if !self.closed()?.files.contains_key(path) {
                    return Err(SequenceError::NotListed { path: path.to_owned() });
                }
                Ok(())
            }
            Call::Read | Call::Close => {
                if self.session()?.open.is_none() {
                    return Err(SequenceError::NoOpenFile);
                }
                Ok(())
            }
            Call::Truncate => {
                let session = self.closed()?;
                if session.kind == BackupKind::Full && !session.attachments_listed {
                    return Err(SequenceError::NotListedYet { list: "BackupGetAttachmentInformation" });
                }
                if !session.logs_listed {
                    return Err(SequenceError::NotListedYet { list: "BackupGetBackupLogs" });
                }
                match session.files.iter().find(|(_, read)| !**read) {
                    Some((path, _)) => Err(SequenceError::NotRead { path: path.clone() }),
                    None => Ok(()),
                }
            }
        }
    }

    /// BackupPrepare succeeded.
    ///
    /// # Errors
    /// [`SequenceError::AlreadyPrepared`] until [`end`](Self::end).
    pub fn prepare(&mut self, kind: BackupKind) -> Result<(), SequenceError> {
        self.check(Call::Prepare)?;
        self.state = State::Prepared(Session {
            kind,
            attachments_listed: false,
            logs_listed: false,
            files: BTreeMap::new(),
            open: None,
        });
        Ok(())
    }

    /// BackupGetAttachmentInformation succeeded with these paths, which are without their type prefix.
    ///
    /// # Errors
    /// [`SequenceError::NoFullBackup`] unless a full backup was prepared, [`SequenceError::FileOpen`].
    pub fn attachments<P>(&mut self, paths: impl IntoIterator<Item = P>) -> Result<(), SequenceError>
    where
        P: Into<String>,
    {
        self.check(Call::Attachments)?;
        let session = self.session_mut()?;
        session.attachments_listed = true;
        session.list(paths);
        Ok(())
    }

    /// BackupGetBackupLogs succeeded with these paths, which are without their type prefix.
    ///
    /// A second list adds to the first.
    ///
    /// # Errors
    /// [`SequenceError::NotPrepared`], [`SequenceError::FileOpen`].
    pub fn logs<P>(&mut self, paths: impl IntoIterator<Item = P>) -> Result<(), SequenceError>
    where
        P: Into<String>,
    {
        self.check(Call::Logs)?;
        let session = self.session_mut()?;
        session.logs_listed = true;
        session.list(paths);
        Ok(())
    }

    /// BackupOpenFile succeeded for `path`, and the file has `length` bytes.
    ///
    /// # Errors
    /// [`SequenceError::NotPrepared`], [`SequenceError::FileOpen`], [`SequenceError::NotListed`].
    pub fn open(&mut self, path: &str, length: u64) -> Result<(), SequenceError> {
        self.check(Call::Open(path))?;
        self.session_mut()?.open = Some(OpenFile { path: path.to_owned(), length, position: 0 });
        Ok(())
    }

    /// BackupReadFile succeeded and gave `count` bytes.
    ///
    /// # Errors
    /// [`SequenceError::NotPrepared`], [`SequenceError::NoOpenFile`].
    pub fn read(&mut self, count: u64) -> Result<(), SequenceError> {
        self.check(Call::Read)?;
        if let Some(file) = &mut self.session_mut()?.open {
            file.position = file.position.saturating_add(count);
        }
        Ok(())
    }

    /// BackupCloseFile succeeded. Returns whether the file was read to its end this time, so that it counts as backed up.
    ///
    /// # Errors
    /// [`SequenceError::NotPrepared`], [`SequenceError::NoOpenFile`].
    pub fn close(&mut self) -> Result<bool, SequenceError> {
        self.check(Call::Close)?;
        let session = self.session_mut()?;
        let Some(file) = session.open.take() else {
            return Err(SequenceError::NoOpenFile);
        };
        let complete = file.position >= file.length;
        if complete {
            session.files.insert(file.path, true);
        }
        Ok(complete)
    }

    /// BackupTruncateLogs succeeded.
    ///
    /// # Errors
    /// [`SequenceError::NotListedYet`] and [`SequenceError::NotRead`] until every file of both lists has been read,
    /// [`SequenceError::NotPrepared`], [`SequenceError::FileOpen`].
    pub fn truncate(&mut self) -> Result<(), SequenceError> {
        self.check(Call::Truncate)
    }

    /// BackupEnd succeeded. Another backup may be prepared.
    ///
    /// # Errors
    /// [`SequenceError::NotPrepared`], [`SequenceError::FileOpen`].
    pub fn end(&mut self) -> Result<(), SequenceError> {
        self.check(Call::End)?;
        self.state = State::Idle;
        Ok(())
    }

    /// What is being backed up; `None` outside of a backup.
    #[must_use]
    pub fn kind(&self) -> Option<BackupKind> {
        self.session().ok().map(|session| session.kind)
    }

    /// The path of the open file.
    #[must_use]
    pub fn open_file(&self) -> Option<&str> {
        let file = self.session().ok()?.open.as_ref()?;
        Some(&file.path)
    }

    /// Bytes of the open file that have not been read; what the server said it has, less what it gave.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        let file = self.session().ok()?.open.as_ref()?;
        Some(file.length.saturating_sub(file.position))
    }

    fn session(&self) -> Result<&Session, SequenceError> {
        match &self.state {
            State::Prepared(session) => Ok(session),
            State::Idle => Err(SequenceError::NotPrepared),
        }
    }

    fn session_mut(&mut self) -> Result<&mut Session, SequenceError> {
        match &mut self.state {
            State::Prepared(session) => Ok(session),
            State::Idle => Err(SequenceError::NotPrepared),
        }
    }

    /// The session, if no file is open.
    fn closed(&self) -> Result<&Session, SequenceError> {
        let session = self.session()?;
        match &session.open {
            Some(file) => Err(SequenceError::FileOpen { path: file.path.clone() }),
            None => Ok(session),
        }
    }
}

impl Session {
    /// Adds files that are to be read; those that have been read stay so.
    fn list<P: Into<String>>(&mut self, paths: impl IntoIterator<Item = P>) {
        for path in paths {
            self.files.entry(path.into()).or_insert(false);
        }
    }
}

/// Which rule a call breaks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SequenceError {
    /// BackupPrepare again, before BackupEnd.
    #[error("a backup has been prepared already")]
    AlreadyPrepared,
    /// A call that needs BackupPrepare before it.
    #[error("no backup has been prepared")]
    NotPrepared,
    /// BackupGetAttachmentInformation without BackupPrepare for a full backup.
    #[error("no full backup has been prepared")]
    NoFullBackup,
    /// A call that cannot be made while a file is open.
    #[error("{path} is open")]
    FileOpen {
        /// The open file.
        path: String,
    },
    /// BackupReadFile or BackupCloseFile without BackupOpenFile.
    #[error("no file is open")]
    NoOpenFile,
    /// BackupOpenFile with a name that was not listed.
    #[error("{path} is not a file of this backup")]
    NotListed {
        /// What was asked for.
        path: String,
    },
    /// BackupTruncateLogs before a list has been asked for.
    #[error("{list} has not been called")]
    NotListedYet {
        /// The method that lists the files.
        list: &'static str,
    },
    /// BackupTruncateLogs before a file has been read to its end.
    #[error("{path} has not been read to its end")]
    NotRead {
        /// The first such file.
        path: String,
    },
}

/// The codes that \[MS-CSRA\] 3.1.4.1.18 requires; for a name that was not listed, 3.1.4.1.22 gives none.
impl From<&SequenceError> for Hresult {
    fn from(error: &SequenceError) -> Self {
        match error {
            SequenceError::NoFullBackup => hresult::INVALID_BACKUP_SEQUENCE,
            SequenceError::NotListed { .. } => hresult::INVALID_PARAMETER,
            SequenceError::AlreadyPrepared
            | SequenceError::NotPrepared
            | SequenceError::FileOpen { .. }
            | SequenceError::NoOpenFile
            | SequenceError::NotListedYet { .. }
            | SequenceError::NotRead { .. } => hresult::UNEXPECTED,
        }
    }
}

impl From<SequenceError> for Hresult {
    fn from(error: SequenceError) -> Self {
        Self::from(&error)
    }
}
