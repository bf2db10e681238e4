//! What a recovery will do, found out by reading everything once.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::path::{Path, PathBuf};

use super::chain::{BUFFER_SIZE, LogChain, Meter, order};
use super::copy::Copy;
use super::{ChainError, CopyError, Phase, Progress, RecoverError, RecoverRequest, Until};
use crate::checkpoint::Checkpoint;
use crate::engine::{Mismatch, follow};
use crate::log::{Header, LogReader, OPEN_LOG, Record, WalPosition};
use crate::{Generation, Lsn, Signature, Timestamp};

/// A recovery that is known to be possible.
pub(super) struct Plan {
    pub(super) signature: Signature,
    pub(super) copy: Copy,
    /// Logs to be replayed, in order.
    pub(super) logs: Vec<PathBuf>,
    /// The last of them, when it is the open log: a running database may rename it at any time.
    pub(super) open_log: Option<File>,
    /// Frames of the write-ahead log to be replayed after them: from there, up to that many frames.
    pub(super) wal: Option<(PathBuf, WalPosition, u32)>,
    /// The page image before the first log.
    pub(super) start: Lsn,
    /// Last page image of the logs to be replayed.
    pub(super) goal: Goal,
    /// First generation.
    pub(super) low: Generation,
    /// The highest generation that was seen.
    pub(super) high: Generation,
}

/// The last commit to be replayed from the logs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Goal {
    pub(super) lsn: Lsn,
    pub(super) pages: u32,
    pub(super) time: Timestamp,
    pub(super) generation: Option<Generation>,
    pub(super) transactions: u64,
    /// A commit after the time that was asked for was seen.
    passed: bool,
}

impl Plan {
    pub(super) fn make(request: &RecoverRequest, progress: &mut dyn FnMut(Progress)) -> Result<Self, RecoverError> {
        let copy = Copy::open(&request.set.database)?;
        let ordered = order(&request.set.logs)?;
        let (_, first) = ordered.first().ok_or(ChainError::NoLogs)?;
        let low = first.generation;
        check_start(request, &copy, first)?;

        let start = Lsn(first.first_lsn.0.saturating_sub(1));
        let mut goal = Goal { lsn: start, pages: first.pages, ..Goal::default() };
        let mut meter = Meter::new(progress, Phase::Verify, &request.set.logs);
        let mut chain = LogChain::default();
        let mut logs = Vec::new();
        for (path, header) in ordered {
            chain.follow_file(&path, true, &mut meter, &mut goal.watch(request.until, header.generation))?;
            logs.push(path);
        }
        let signature = first_signature(&chain)?;
        let set_end = Lsn(chain.next_lsn().0.saturating_sub(1));
        let mut wal = None;
        let mut open_log = None;
        if let Some(directory) = &request.later_logs {
            open_log = follow_later(directory, request.until, &mut chain, &mut goal, &mut logs, &mut meter)?;
        }
        if let Some(path) = &request.salvage_wal {
            let wanted = match request.until {
                Until::End => true,
                // Frames carry no time: they count when the file was last written by then.
                Until::Time(time) => {
                    !goal.passed
                        && path.metadata().and_then(|metadata| metadata.modified()).is_ok_and(|written| written <= time)
                }
                Until::Generation(_) => false,
            };
            if wanted {
                wal = salvage(path, request, &chain)?;
            }
        }
        let high = chain.next_generation().map_or(low, |next| Generation(next.0 - 1));
        if let Until::Generation(until) = request.until
            && until > high
        {
            return Err(ChainError::Missing { generation: Generation(high.0.saturating_add(1)) }.into());
        }
        let (earliest, time) = match &copy.trailer {
            Some(trailer) => (trailer.end_lsn, trailer.ended),
            None if copy.length == 0 => (first_commit(), Timestamp(0)),
            None => (set_end, Timestamp(0)),
        };
        // A transaction that was captured when the copy ended may have later pages in it.
        if goal.lsn < earliest {
            return Err(RecoverError::TooEarly { earliest, time, asked: goal.lsn });
        }
        Ok(Self { signature, copy, logs, open_log, wal, start, goal, low, high })
    }
}

impl Goal {
    /// A visitor of records that moves the goal from commit to commit.
    fn watch(&mut self, until: Until, generation: Generation) -> impl FnMut(&Record, u32) {
        let time = match until {
            Until::Time(time) => Some(Timestamp::from(time)),
            _ => None,
        };
        let included = match until {
            Until::Generation(last) => generation <= last,
            _ => true,
        };
        move |record, pages| {
            let Record::Page(page) = record else { return };
            if page.commit_pages == 0 || !included || self.passed {
                return;
            }
            if time.is_some_and(|time| page.time > time) {
                self.passed = true;
                return;
            }
            self.lsn = page.lsn;
            self.pages = pages;
            self.time = page.time;
            self.generation = Some(generation);
            self.transactions += 1;
        }
    }
}

/// Whether the copy and the first log belong together.
fn check_start(request: &RecoverRequest, copy: &Copy, first: &Header) -> Result<(), RecoverError> {
    let path = || request.set.database.clone();
    match &copy.trailer {
        Some(trailer) => {
            if trailer.signature != first.signature {
                let (expected, found) = (first.signature, trailer.signature);
                return Err(RecoverError::ForeignCopy { path: path(), expected, found });
            }
            if first.generation > trailer.low {
                return Err(ChainError::Missing { generation: trailer.low }.into());
            }
        }
        None if copy.length == 0 => {
            if !first.origin {
                return Err(ChainError::Missing { generation: Generation::FIRST }.into());
            }
        }
        None if request.raw_copy => {}
        None => return Err(CopyError::NoTrailer { path: path() }.into()),
    }
    Ok(())
}

/// Goes on in the directory of the lost database: closed generations, then the open one, which is returned.
fn follow_later(
    directory: &Path,
    until: Until,
    chain: &mut LogChain,
    goal: &mut Goal,
    logs: &mut Vec<PathBuf>,
    meter: &mut Meter<'_>,
) -> Result<Option<File>, RecoverError> {
    let wanted = |generation: Generation| match until {
        Until::Generation(last) => generation <= last,
        _ => true,
    };
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ChainError::Io { path, source }
    };
    let mut highest = None;
    for entry in std::fs::read_dir(directory).map_err(io(directory))? {
        highest = highest.max(Generation::of_path(&entry.map_err(io(directory))?.path()));
    }
    loop {
        let Some(next) = chain.next_generation() else { return Ok(None) };
        if goal.passed || !wanted(next) {
            return Ok(None);
        }
        let path = next.path_in(directory);
        if path.try_exists().map_err(io(&path))? {
            meter.expect(path.metadata().map_or(0, |metadata| metadata.len()));
            chain.follow_file(&path, true, meter, &mut goal.watch(until, next))?;
            logs.push(path);
            continue;
        }
        if highest > Some(next) {
            return Err(ChainError::Missing { generation: next }.into());
        }
        let closed = path;
        let path = directory.join(OPEN_LOG);
        let file = match File::open(&path) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(&path)(error).into()),
        };
        if closed.try_exists().map_err(io(&closed))? {
            // The directory is that of a running database, which closed the generation meanwhile.
            continue;
        }
        let Some(mut file) = file else { return Ok(None) };
        let not_a_log = |source| ChainError::NotALog { path: path.clone(), source };
        let header = LogReader::new(&file).map_err(not_a_log)?.header().clone();
        if header.generation < next && Some(header.signature) == chain.signature() {
            // All of it is in the set.
            return Ok(None);
        }
        meter.expect(file.metadata().map_or(0, |metadata| metadata.len()));
        file.rewind().map_err(io(&path))?;
        let source = BufReader::with_capacity(BUFFER_SIZE, &file);
        meter.add(chain.follow(&path, source, false, &mut goal.watch(until, next))?.size);
        logs.push(path);
        return Ok(Some(file));
    }
}

/// Frames of the surviving write-ahead log that are not in the logs.
fn salvage(
    path: &Path,
    request: &RecoverRequest,
    chain: &LogChain,
) -> Result<Option<(PathBuf, WalPosition, u32)>, RecoverError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| ChainError::Io { path, source }
    };
    if !path.try_exists().map_err(io(path))? {
        return Ok(None);
    }
    let checkpoint = match &request.later_logs {
        Some(directory) => Checkpoint::read(directory).map_err(io(directory))?,
        None => None,
    };
    let checkpoint = checkpoint.filter(|checkpoint| Some(checkpoint.signature) == chain.signature());
    let wal = BufReader::new(File::open(path).map_err(io(path))?);
    match follow(chain.next_lsn(), chain.wal(), checkpoint.as_ref(), Some(wal)).map_err(io(path))? {
        Ok(frames) => Ok(frames.map(|frames| (path.to_owned(), frames.from, frames.to.frame))),
        // Nothing in it that the logs do not have.
        Err(Mismatch::WalEmpty | Mismatch::WalTooShort { .. }) => Ok(None),
        Err(mismatch) => Err(RecoverError::WalDoesNotFollow { path: path.to_owned(), reason: mismatch.to_string() }),
    }
}

fn first_signature(chain: &LogChain) -> Result<Signature, ChainError> {
    chain.signature().ok_or(ChainError::NoLogs)
}

/// A database that begins empty needs at least one commit.
fn first_commit() -> Lsn {
    Lsn(1)
}
