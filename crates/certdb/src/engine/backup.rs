//! A backup session: the steps of ESE's external backup.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::Sender;

use super::command::{Command, ask};
use super::database::Shared;
use crate::log::LogReader;
use crate::platform::PositionedFile;
use crate::trailer::Trailer;
use crate::{BackupError, BackupRecord, Generation, Lsn, PAGE_SIZE, Signature, Timestamp};

/// What a backup holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupKind {
    /// The database and the logs that its copy needs.
    Full,
    /// The logs since the last backup.
    Incremental,
}

/// What became of the logs, [`BackupSession::truncate`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truncated {
    /// Deleted generations.
    pub deleted: Vec<Generation>,
    /// Generations of the backup that the checkpoint still needs; the next truncation deletes them.
    pub kept: Vec<Generation>,
}

/// A backup: [`databases`](Self::databases), then each file [`open`](Self::open), [`read`](Self::read) to its end,
/// [`close_file`](Self::close_file); [`logs`](Self::logs), and each of those; [`truncate`](Self::truncate), [`end`](Self::end).
///
/// Writers and checkpoints go on meanwhile. Dropping the session aborts the backup: nothing is remembered, nothing deleted.
#[derive(Debug)]
pub struct BackupSession {
    shared: Arc<Shared>,
    commands: Sender<Command>,
    kind: BackupKind,
    signature: Signature,
    low: Generation,
    begin_lsn: Lsn,
    began: Timestamp,
    /// Last generation of the backup, once the logs were asked for.
    high: Option<Generation>,
    /// Listed files, and whether they were read to their end.
    listed: BTreeMap<PathBuf, bool>,
    open: Option<OpenFile>,
    truncated: bool,
    ended: bool,
}

/// What the writer says when a backup begins.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) low: Generation,
    pub(crate) lsn: Lsn,
}

#[derive(Debug)]
struct OpenFile {
    path: PathBuf,
    file: Arc<File>,
    offset: u64,
    /// Bytes to be read, the trailer of a database included.
    size: u64,
    /// Of a database: checksum of the pages so far, and the trailer once they were all read.
    copy: Option<Copy>,
}

#[derive(Debug)]
struct Copy {
    hasher: crc32fast::Hasher,
    pages_end: u64,
    trailer: Option<[u8; PAGE_SIZE]>,
}

impl BackupSession {
    pub(crate) fn begin(shared: Arc<Shared>, commands: Sender<Command>, kind: BackupKind) -> Result<Self, BackupError> {
        let began = Timestamp::now();
        let begun = ask(&commands, |reply| Command::Begin(kind, reply)).ok_or(BackupError::Closed)??;
        let signature = shared.live().signature;
        let listed = match kind {
            BackupKind::Full => BTreeMap::from([(shared.path.clone(), false)]),
            BackupKind::Incremental => BTreeMap::new(),
        };
        Ok(Self {
            shared,
            commands,
            kind,
            signature,
            low: begun.low,
            begin_lsn: begun.lsn,
            began,
            high: None,
            listed,
            open: None,
            truncated: false,
            ended: false,
        })
    }

    /// Full or incremental.
    #[must_use]
    pub fn kind(&self) -> BackupKind {
        self.kind
    }

    /// The database file of a full backup; nothing for an incremental one.
    #[must_use]
    pub fn databases(&self) -> Vec<PathBuf> {
        match self.kind {
            BackupKind::Full => vec![self.shared.path.clone()],
            BackupKind::Incremental => Vec::new(),
        }
    }

    /// Closes the open generation and lists the logs of the backup, lowest first. The same list when asked again.
    ///
    /// # Errors
    /// [`BackupError::LogDamaged`] for a generation that is missing, [`BackupError::Stopped`], [`BackupError::Closed`].
    pub fn logs(&mut self) -> Result<Vec<PathBuf>, BackupError> {
        let high = match self.high {
            Some(high) => high,
            None => ask(&self.commands, Command::Roll).ok_or(BackupError::Closed)??,
        };
        let generations = (self.low.0..=high.0).map(Generation);
        let mut logs = Vec::new();
        for generation in generations {
            let path = generation.path_in(&self.shared.options.log_directory);
            if !path.is_file() {
                let reason = "missing".to_owned();
                return Err(BackupError::LogDamaged { path, generation, reason });
            }
            logs.push(path);
        }
        self.high = Some(high);
        for path in &logs {
            self.listed.entry(path.clone()).or_insert(false);
        }
        Ok(logs)
    }

    /// Opens a listed file and returns its size: for the database that of now, and a trailer of one page.
    ///
    /// A log is read and checked before its first byte is given out.
    ///
    /// # Errors
    /// [`BackupError::FileOpen`], [`BackupError::NotListed`], [`BackupError::DatabaseAfterLogs`], [`BackupError::LogDamaged`],
    /// [`BackupError::Io`].
    pub fn open(&mut self, path: &Path) -> Result<u64, BackupError> {
        if let Some(open) = &self.open {
            return Err(BackupError::FileOpen { path: open.path.clone() });
        }
        if !self.listed.contains_key(path) {
            return Err(BackupError::NotListed { path: path.to_owned() });
        }
        let failed = |source| BackupError::Io { path: path.to_owned(), source };
        let open = if path == self.shared.path {
            if self.high.is_some() {
                return Err(BackupError::DatabaseAfterLogs);
            }
            let file = self.shared.database().map_err(BackupError::Stopped)?;
            let length = file.metadata().map_err(failed)?.len();
            let pages_end = length - length % PAGE_SIZE as u64;
            let copy = Copy { hasher: crc32fast::Hasher::new(), pages_end, trailer: None };
            let size = pages_end + PAGE_SIZE as u64;
            OpenFile { path: path.to_owned(), file, offset: 0, size, copy: Some(copy) }
        } else {
            let file = File::open(path).map_err(failed)?;
            let size = self.check_log(path, &file)?;
            OpenFile { path: path.to_owned(), file: Arc::new(file), offset: 0, size, copy: None }
        };
        let size = open.size;
        self.open = Some(open);
        Ok(size)
    }

    /// Reads on in the open file; 0 at its end. A database is read as it is, torn pages and all: the logs make it whole.
    ///
    /// # Errors
    /// [`BackupError::NoFileOpen`], [`BackupError::Io`], [`BackupError::Closed`].
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, BackupError> {
        let open = self.open.as_mut().ok_or(BackupError::NoFileOpen)?;
        let failed = |path: &Path, source| BackupError::Io { path: path.to_owned(), source };
        let mut filled = 0;
        while filled < buffer.len() && open.offset < open.size {
            let rest = &mut buffer[filled..];
            let count = match &mut open.copy {
                Some(copy) if open.offset >= copy.pages_end => {
                    if copy.trailer.is_none() {
                        // INVARIANT: taken after the last page was read. A page that a checkpoint moved before that moment has
                        // its image in the logs up to here.
                        let live = self.shared.live();
                        let trailer = Trailer {
                            signature: self.signature,
                            pages: copy.pages_end / PAGE_SIZE as u64,
                            low: self.low,
                            high: live.current,
                            begin_lsn: self.begin_lsn,
                            end_lsn: live.last_image,
                            began: self.began,
                            ended: Timestamp::now(),
                            checksum: copy.hasher.clone().finalize(),
                        };
                        copy.trailer = Some(trailer.encode());
                    }
                    let trailer = copy.trailer.as_ref().map_or(&[][..], |trailer| &trailer[..]);
                    let at = usize::try_from(open.offset - copy.pages_end).unwrap_or(PAGE_SIZE);
                    let from = trailer.get(at..).unwrap_or(&[]);
                    let count = from.len().min(rest.len());
                    rest[..count].copy_from_slice(&from[..count]);
                    count
                }
                Some(copy) => {
                    let left = usize::try_from(copy.pages_end - open.offset).unwrap_or(usize::MAX);
                    let most = rest.len().min(left);
                    let count = read_or_zero(&open.file, &mut rest[..most], open.offset)
                        .map_err(|error| failed(&open.path, error))?;
                    copy.hasher.update(&rest[..count]);
                    count
                }
                None => {
                    let left = usize::try_from(open.size - open.offset).unwrap_or(usize::MAX);
                    let most = rest.len().min(left);
                    open.file
                        .read_exact_at(&mut rest[..most], open.offset)
                        .map_err(|error| failed(&open.path, error))?;
                    most
                }
            };
            open.offset += count as u64;
            filled += count;
        }
        Ok(filled)
    }

    /// Closes the open file. True when it was read to its end; only then does it count for the truncation.
    ///
    /// # Errors
    /// [`BackupError::NoFileOpen`]
    pub fn close_file(&mut self) -> Result<bool, BackupError> {
        let open = self.open.take().ok_or(BackupError::NoFileOpen)?;
        let whole = open.offset == open.size;
        if whole {
            self.listed.insert(open.path, true);
        }
        Ok(whole)
    }

    /// Deletes the logs of this backup that the checkpoint no longer needs, after it made a new one.
    ///
    /// # Errors
    /// [`BackupError::LogsNotListed`], [`BackupError::FileOpen`], [`BackupError::NotRead`]: every listed file must have been read to
    /// its end. [`BackupError::Stopped`], [`BackupError::Closed`].
    pub fn truncate(&mut self) -> Result<Truncated, BackupError> {
        if let Some(open) = &self.open {
            return Err(BackupError::FileOpen { path: open.path.clone() });
        }
        let record = self.record().ok_or(BackupError::LogsNotListed)?;
        if let Some((path, _)) = self.listed.iter().find(|(_, read)| !**read) {
            return Err(BackupError::NotRead { path: path.clone() });
        }
        let truncated =
            ask(&self.commands, |reply| Command::Truncate(self.kind, record, reply)).ok_or(BackupError::Closed)??;
        self.truncated = true;
        Ok(truncated)
    }

    /// Ends the session. A backup of which every listed file was read is remembered, truncated or not: the next incremental one
    /// starts after it.
    ///
    /// # Errors
    /// [`BackupError::Stopped`], [`BackupError::Closed`]. The session is over all the same.
    pub fn end(mut self) -> Result<(), BackupError> {
        self.ended = true;
        let whole = self.listed.values().all(|read| *read) && self.open.is_none() && !self.truncated;
        let record = self.record().filter(|_| whole).map(|record| (self.kind, record));
        ask(&self.commands, |reply| Command::End(record, reply)).ok_or(BackupError::Closed)?
    }

    fn record(&self) -> Option<BackupRecord> {
        Some(BackupRecord { low: self.low, high: self.high?, finished: Timestamp::now() })
    }

    /// Checks a closed generation; returns its length.
    fn check_log(&self, path: &Path, file: &File) -> Result<u64, BackupError> {
        let generation = Generation::of_path(path).unwrap_or(self.low);
        let damaged = |reason: String| BackupError::LogDamaged { path: path.to_owned(), generation, reason };
        let mut log =
            LogReader::new(BufReader::with_capacity(256 * 1024, file)).map_err(|error| damaged(error.to_string()))?;
        if log.header().signature != self.signature || log.header().generation != generation {
            return Err(damaged(format!(
                "it is generation {} of {}, expected {generation} of {}",
                log.header().generation,
                log.header().signature,
                self.signature
            )));
        }
        for record in &mut log {
            record.map_err(|error| damaged(error.to_string()))?;
        }
        Ok(log.offset())
    }
}

impl Drop for BackupSession {
    fn drop(&mut self) {
        if !self.ended {
            // A writer that is gone needs no abort.
            let _ = self.commands.send(Command::Abort);
        }
    }
}

/// Fills the buffer; with zeros where the file has become shorter meanwhile.
fn read_or_zero(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => {
                buffer[filled..].fill(0);
                break;
            }
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(buffer.len())
}
