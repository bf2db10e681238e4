//! The chain of log generations.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use super::{ChainError, Phase, Progress};
use crate::log::{Header, LogDamage, LogReader, Record, WalPosition};
use crate::{Digest, Generation, Lsn, Signature, Timestamp};

/// What is known of a chain of logs that was found right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainReport {
    /// Identity of the database.
    pub signature: Signature,
    /// The generations, lowest first.
    pub generations: Vec<GenerationInfo>,
}

/// What is known of one generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenerationInfo {
    /// The file.
    pub path: PathBuf,
    /// Its number.
    pub generation: Generation,
    /// When it was begun.
    pub created: Timestamp,
    /// Page images in it.
    pub frames: u32,
    /// Transactions in it.
    pub transactions: u32,
    /// Its first commit; `None` when it holds none.
    pub first_commit: Option<Timestamp>,
    /// Its last commit.
    pub last_commit: Option<Timestamp>,
    /// Number of the first page image of the next generation.
    pub next_lsn: Lsn,
    /// Length of the file; of an open log, up to its last whole transaction.
    pub size: u64,
    /// SHA-256 of those bytes.
    pub digest: Digest,
}

/// Checks that logs are whole and form one chain: consecutive generations of one database, each with the time and the SHA-256 of the
/// one before it. The order of the paths does not matter.
///
/// # Errors
/// [`ChainError`], for the lowest generation that is wrong.
pub fn verify_chain(logs: &[PathBuf], progress: &mut dyn FnMut(Progress)) -> Result<ChainReport, ChainError> {
    let ordered = order(logs)?;
    let mut meter = Meter::new(progress, Phase::Verify, logs);
    let mut chain = LogChain::default();
    for (path, _) in &ordered {
        chain.follow_file(path, true, &mut meter, &mut |_, _| {})?;
    }
    chain.report()
}

/// Paths with their headers, lowest generation first.
pub(super) fn order(logs: &[PathBuf]) -> Result<Vec<(PathBuf, Header)>, ChainError> {
    let mut ordered = Vec::with_capacity(logs.len());
    for path in logs {
        let log = LogReader::new(open(path)?).map_err(|source| ChainError::NotALog { path: path.clone(), source })?;
        ordered.push((path.clone(), log.header().clone()));
    }
    ordered.sort_by_key(|(_, header)| header.generation);
    Ok(ordered)
}

/// A chain that is followed from log to log.
#[derive(Clone, Debug, Default)]
pub struct LogChain {
    /// What the next generation must link to.
    link: Option<Link>,
    generations: Vec<GenerationInfo>,
}

#[derive(Clone, Debug)]
struct Link {
    signature: Signature,
    generation: Generation,
    created: Timestamp,
    digest: Digest,
    next_lsn: Lsn,
    wal: WalPosition,
    pages: u32,
    last_commit: Timestamp,
}

impl LogChain {
    /// Reads a log that must be the next of the chain; `path` is for messages, and for its name. Nothing but memory is touched.
    ///
    /// With `closed` the log must carry its end mark; without, it ends with its last whole transaction. Each record is shown to
    /// `visit`, those of a transaction that is cut too, with the pages of the database after the last commit.
    ///
    /// # Errors
    /// [`ChainError`]. The chain stays as it was.
    pub fn follow(
        &mut self,
        path: &Path,
        source: impl Read,
        closed: bool,
        visit: &mut dyn FnMut(&Record, u32),
    ) -> Result<&GenerationInfo, ChainError> {
        let mut log = LogReader::new(source).map_err(|source| ChainError::NotALog { path: path.to_owned(), source })?;
        self.check_link(path, log.header())?;
        let header = log.header().clone();
        let generation = header.generation;
        let mut state = log.state().clone();
        while let Some(record) = log.next() {
            match record {
                Ok(record) => {
                    visit(&record, log.state().pages);
                    if !log.state().inside {
                        state = log.state().clone();
                    }
                }
                Err(source) if closed || matches!(source.damage, LogDamage::Io(_)) => {
                    return Err(ChainError::Damaged { path: path.to_owned(), generation, source });
                }
                Err(_) => break,
            }
        }
        let digest = Digest(sha2::Digest::finalize(state.digest).into());
        self.link = Some(Link {
            signature: header.signature,
            generation,
            created: header.created,
            digest,
            next_lsn: state.next_lsn,
            wal: state.wal,
            pages: state.pages,
            last_commit: state.last_commit,
        });
        let commits = state.transactions > 0;
        self.generations.push(GenerationInfo {
            path: path.to_owned(),
            generation,
            created: header.created,
            frames: state.images,
            transactions: state.transactions,
            first_commit: commits.then_some(state.first_commit),
            last_commit: commits.then_some(state.last_commit),
            next_lsn: state.next_lsn,
            size: state.offset,
            digest,
        });
        let last = self.generations.len() - 1;
        Ok(&self.generations[last])
    }

    pub(super) fn follow_file(
        &mut self,
        path: &Path,
        closed: bool,
        meter: &mut Meter<'_>,
        visit: &mut dyn FnMut(&Record, u32),
    ) -> Result<&GenerationInfo, ChainError> {
        let file = open(path)?;
        let source = BufReader::with_capacity(BUFFER_SIZE, Metered { source: file, meter });
        self.follow(path, source, closed, visit)
    }

    /// The generation that must come next, once there is one.
    pub(super) fn next_generation(&self) -> Option<Generation> {
        self.link.as_ref()?.generation.next()
    }

    pub(super) fn next_lsn(&self) -> Lsn {
        self.link.as_ref().map_or(Lsn(0), |link| link.next_lsn)
    }

    pub(super) fn wal(&self) -> WalPosition {
        self.link.as_ref().map_or_else(WalPosition::default, |link| link.wal)
    }

    pub(super) fn signature(&self) -> Option<Signature> {
        self.link.as_ref().map(|link| link.signature)
    }

    /// What was read.
    ///
    /// # Errors
    /// [`ChainError::NoLogs`]
    pub fn report(self) -> Result<ChainReport, ChainError> {
        let link = self.link.ok_or(ChainError::NoLogs)?;
        Ok(ChainReport { signature: link.signature, generations: self.generations })
    }

    /// Whether this header may come next.
    pub(super) fn check_link(&self, path: &Path, header: &Header) -> Result<(), ChainError> {
        let generation = header.generation;
        if let Some(named) = Generation::of_path(path)
            && named != generation
        {
            return Err(ChainError::WrongName { path: path.to_owned(), named, found: generation });
        }
        let Some(link) = &self.link else { return Ok(()) };
        if header.signature != link.signature {
            let (expected, found) = (link.signature, header.signature);
            return Err(ChainError::Foreign { path: path.to_owned(), generation, expected, found });
        }
        if generation <= link.generation {
            return Err(ChainError::Duplicate { path: path.to_owned(), generation });
        }
        match link.generation.next() {
            Some(next) if next == generation => {}
            next => {
                return Err(ChainError::Missing { generation: next.unwrap_or(link.generation) });
            }
        }
        let links: [(&'static str, String, String); 6] = [
            (
                "creation time of the previous generation",
                link.created.0.to_string(),
                header.previous_created.0.to_string(),
            ),
            ("SHA-256 of the previous generation", link.digest.to_string(), header.previous_digest.to_string()),
            ("first page image", link.next_lsn.to_string(), header.first_lsn.to_string()),
            ("place in the write-ahead log", format!("{:?}", link.wal), format!("{:?}", header.wal)),
            ("size of the database", link.pages.to_string(), header.pages.to_string()),
            ("time of the last commit", link.last_commit.0.to_string(), header.last_commit.0.to_string()),
        ];
        for (field, expected, found) in links {
            if expected != found {
                return Err(ChainError::DoesNotFollow { path: path.to_owned(), generation, field, expected, found });
            }
        }
        Ok(())
    }
}

/// Counts bytes for a progress callback.
pub(super) struct Meter<'a> {
    progress: &'a mut dyn FnMut(Progress),
    state: Progress,
}

impl<'a> Meter<'a> {
    pub(super) fn new(progress: &'a mut dyn FnMut(Progress), phase: Phase, files: &[PathBuf]) -> Self {
        let total = files.iter().filter_map(|path| path.metadata().ok()).map(|metadata| metadata.len()).sum();
        Self { progress, state: Progress { phase, done: 0, total } }
    }

    pub(super) fn add(&mut self, bytes: u64) {
        self.state.done = self.state.done.saturating_add(bytes);
        (self.progress)(self.state);
    }

    pub(super) fn expect(&mut self, bytes: u64) {
        self.state.total = self.state.total.saturating_add(bytes);
    }
}

/// A reader that counts.
struct Metered<'m, 'a, R> {
    source: R,
    meter: &'m mut Meter<'a>,
}

impl<R: Read> Read for Metered<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.meter.add(count as u64);
        Ok(count)
    }
}

fn open(path: &Path) -> Result<File, ChainError> {
    File::open(path).map_err(|source| ChainError::Io { path: path.to_owned(), source })
}

pub(super) const BUFFER_SIZE: usize = 256 * 1024;
