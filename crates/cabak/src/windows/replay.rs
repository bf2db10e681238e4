//! The logs of a set, rolled forward over its database.

use ese::header::{DatabaseHeader, DatabaseState, Trailer};
use ese::log::{LogHeader, LogScan};
use ese::redo::{Redo, RedoError, RolledBack, Stop};
use ese::{LogTime, PageSource};

use super::inspect::read;
use super::spill::Spill;
use super::{Files, Pages};
use crate::exit::{Exit, Failure};
use crate::source::LogFile;
use crate::verify::Tick;

/// Bytes of changed pages that stay in memory. Taken apart into nodes they take twice as much, and eight times when rows are short.
const ROOM: usize = 16 << 20;

/// A database with its logs rolled forward, beside the file. Reading pages through it shows the recovered state.
#[derive(Debug)]
pub struct Replay {
    redo: Redo<Pages>,
    needed: Option<(u32, Option<u32>)>,
    /// The header of the copy.
    pub header: DatabaseHeader,
    /// How far it came.
    pub reach: Reach,
}

/// How far a replay came.
#[derive(Debug, Default)]
pub struct Reach {
    /// First and last generation whose records were applied; `None` when no log was needed, or there was none.
    pub generations: Option<(u32, u32)>,
    /// When the last log was last written to.
    pub last_write: LogTime,
    /// The record that could not be applied; nothing of it and behind it was.
    pub stop: Option<Stop>,
    /// Why the logs were left before their end: a gap, or damage.
    pub left: Option<String>,
    /// What never committed, and was taken back.
    pub rolled_back: RolledBack,
}

impl Reach {
    /// Whether every record of every log was applied.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.stop.is_none() && self.left.is_none()
    }
}

impl Replay {
    /// Rolls the logs forward, as far as they continue each other and are whole.
    ///
    /// # Errors
    /// Exit code 21: the database has no readable header. Exit code 1: a file cannot be read, or the scratch directory has no room. What `tick` returns. A record
    /// that cannot be applied is no error: see [`Reach`].
    pub fn run(files: &Files<'_>, tick: &mut Tick<'_>) -> anyhow::Result<Self> {
        let Some(database) = files.database else {
            return Err(Failure::new(Exit::FullNeeded, "there is no database to roll forward").into());
        };
        let (pages, header) = Pages::open(database)?;
        let needed = needed(&header, pages.trailer());
        let page_size = pages.page_size();
        let mut redo =
            Redo::new(pages, &header).map_err(|error| Failure::new(Exit::VerifyFailed, error.to_string()))?;
        redo.spill_to(Box::new(Spill::new(files.scratch, page_size)), ROOM / page_size);
        let mut replay = Replay { redo, header, needed, reach: Reach::default() };
        if let Some((low, high)) = needed {
            replay.roll_forward(low, high, files, page_size, tick)?;
        }
        replay.roll_back()?;
        Ok(replay)
    }

    /// The recovered pages.
    #[must_use]
    pub fn redo(&self) -> &Redo<Pages> {
        &self.redo
    }

    /// The logs without which the database contradicts itself: the first, and the last when it is known. `None`: it was closed
    /// in order.
    #[must_use]
    pub fn needed(&self) -> Option<(u32, Option<u32>)> {
        self.needed
    }

    /// Whether every log was applied without which the database contradicts itself.
    #[must_use]
    pub fn is_consistent(&self) -> bool {
        let reached = self.reach.generations.map_or(0, |(_, last)| last);
        let reached = if self.reach.stop.is_some() { reached.saturating_sub(1) } else { reached };
        self.needed.is_none_or(|(low, high)| reached >= high.unwrap_or(low))
    }

    /// The recovered pages, to keep.
    #[must_use]
    pub fn into_redo(self) -> Redo<Pages> {
        self.redo
    }

    /// Applies the logs from `low` on, one after the other, to the end.
    fn roll_forward(
        &mut self,
        low: u32,
        high: Option<u32>,
        files: &Files<'_>,
        page_size: usize,
        tick: &mut Tick<'_>,
    ) -> anyhow::Result<()> {
        let mut before: Option<LogHeader> = None;
        let mut next = low;
        for log in files.logs.iter().filter(|log| log.generation >= low) {
            if log.generation != next {
                break;
            }
            match self.apply(log, before.as_ref(), page_size, tick)? {
                Some(header) => before = Some(header),
                None => return Ok(()),
            }
            next = next.saturating_add(1);
        }
        let more = files.logs.iter().any(|log| log.generation >= next);
        if next == low || more || high.is_some_and(|high| next <= high) {
            self.reach.left = Some(match high {
                Some(high) if high > next => {
                    format!("the log of generation {next:#x} is missing; those up to {high:#x} are needed")
                }
                _ => format!("the log of generation {next:#x} is missing"),
            });
        }
        Ok(())
    }

    /// Applies one log; `None` when the next one must not be.
    fn apply(
        &mut self,
        log: &LogFile,
        before: Option<&LogHeader>,
        page_size: usize,
        tick: &mut Tick<'_>,
    ) -> anyhow::Result<Option<LogHeader>> {
        let mut scan = LogScan::new();
        let redo = &mut self.redo;
        let (mut begun, mut stop, mut left) = (false, None, None);
        read(&log.path, tick, &mut |bytes| {
            // The header is the first segment: it is known before the first record comes.
            let head = if begun { 0 } else { bytes.len().min(ese::log::SEGMENT_SIZE) };
            let (head, rest) = bytes.split_at(head);
            scan.push(head, &mut |_, _| {});
            let Some(header) = scan.summary().header.clone() else { return };
            if !begun {
                begun = true;
                left = why_not(&header, before, log.generation, page_size);
                redo.begin_log(&header);
            }
            scan.push(rest, &mut |position, record| {
                if stop.is_none() && left.is_none() {
                    stop = redo.apply(position, record).err();
                }
            });
        })?;
        let summary = scan.finish();
        let Some(header) = summary.header else {
            self.reach.left = Some(format!("{} has no readable header", name(log)));
            return Ok(None);
        };
        if let Some(left) = left {
            self.reach.left = Some(left);
            return Ok(None);
        }
        if summary.valid == 0 {
            self.reach.left = Some(format!("{} has nothing in it", name(log)));
            return Ok(None);
        }
        let first = self.reach.generations.map_or(header.generation, |(first, _)| first);
        self.reach.generations = Some((first, header.generation));
        if !summary.last_write.is_none() {
            self.reach.last_write = summary.last_write;
        }
        match stop {
            Some(RedoError::Stopped(stop)) => {
                self.reach.stop = Some(stop);
                return Ok(None);
            }
            Some(other) => return Err(no_store(other)),
            None => {}
        }
        if let Some(fault) = summary.faults.iter().find(|fault| !fault.is_correctable()) {
            self.reach.left = Some(format!("{}: {fault}", name(log)));
            return Ok(None);
        }
        Ok(Some(header))
    }

    fn roll_back(&mut self) -> anyhow::Result<()> {
        match self.redo.roll_back() {
            Ok(rolled_back) => self.reach.rolled_back = rolled_back,
            Err(RedoError::Stopped(stop)) => {
                self.reach.stop.get_or_insert(stop);
            }
            Err(other) => return Err(no_store(other)),
        }
        self.redo.settle();
        Ok(())
    }
}

/// First and last log that a database needs.
fn needed(header: &DatabaseHeader, trailer: Option<&Trailer>) -> Option<(u32, Option<u32>)> {
    let known = |generation: u32| (generation != 0).then_some(generation);
    if let Some(low) = known(header.this_backup.low) {
        let high = known(header.this_backup.high).or_else(|| known(trailer?.backup.high));
        return Some((low, high));
    }
    if matches!(header.state, DatabaseState::Clean | DatabaseState::JustCreated) {
        return None;
    }
    let low = known(header.required_low).or(known(header.consistent_low))?;
    Some((low, known(header.required_high)))
}

/// What happened to the store of changed pages is no damage of the set.
fn no_store(error: RedoError) -> anyhow::Error {
    Failure::new(Exit::Failure, crate::output::with_causes(&error))
        .hint("--scratch DIR names a directory with room for the pages that the logs change; TMPDIR does the same")
        .into()
}

/// Why a log does not continue what was replayed before it.
fn why_not(header: &LogHeader, before: Option<&LogHeader>, named: u32, page_size: usize) -> Option<String> {
    let generation = header.generation;
    if header.is_legacy() {
        return Some(format!(
            "generation {generation:#x} has the format of Windows 7 and before, which is not replayed"
        ));
    }
    if header.page_size != page_size {
        return Some(format!("generation {generation:#x} is for pages of {} bytes", header.page_size));
    }
    if generation != named {
        return Some(format!("the log that is named {named:#x} is generation {generation:#x}"));
    }
    let before = before?;
    let continues = generation == before.generation + 1
        && header.signature == before.signature
        && header.previous_created == before.created;
    (!continues).then(|| format!("generation {generation:#x} does not continue generation {:#x}", before.generation))
}

fn name(log: &LogFile) -> String {
    log.path.file_name().map_or_else(|| log.path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
