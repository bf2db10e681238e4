//! The logs of a set, rolled forward over its database.

use ese::header::DatabaseHeader;
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
        let page_size = pages.page_size();
        let mut redo =
            Redo::new(pages, &header).map_err(|error| Failure::new(Exit::VerifyFailed, error.to_string()))?;
        redo.spill_to(Box::new(Spill::new(files.scratch, page_size)), ROOM / page_size);
        let mut replay = Replay { redo, header, reach: Reach::default() };
        let first = replay.first_generation();
        let mut before: Option<LogHeader> = None;
        for log in files.logs.iter().filter(|log| first.is_some_and(|first| log.generation >= first)) {
            match replay.apply(log, before.as_ref(), page_size, tick)? {
                Some(header) => before = Some(header),
                None => break,
            }
        }
        replay.roll_back()?;
        Ok(replay)
    }

    /// The recovered pages.
    #[must_use]
    pub fn redo(&self) -> &Redo<Pages> {
        &self.redo
    }

    /// Whether the database may lack what is in logs.
    #[must_use]
    pub fn needs_logs(&self) -> bool {
        self.first_generation().is_some()
    }

    /// The recovered pages, to keep.
    #[must_use]
    pub fn into_redo(self) -> Redo<Pages> {
        self.redo
    }

    /// The first log whose records may be missing in the database; `None` when it was closed in order.
    fn first_generation(&self) -> Option<u32> {
        [self.header.this_backup.low, self.header.consistent_low, self.header.required_low]
            .into_iter()
            .find(|generation| *generation != 0)
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
