//! The trial recovery.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use certdb::Generation;
use certdb::set::{BackupSet, ChainError, Phase, Progress, RecoverError, RecoverRequest};
use serde::Serialize;
use tempfile::TempDir;
use time::OffsetDateTime;

use super::{Tick, View};
use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::Role;
use crate::moment;
use crate::platform::make_private;

/// How far to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// All logs.
    End,
    /// The end of this generation.
    Generation(u32),
    /// This time.
    Time(OffsetDateTime),
}

/// What a recovery came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Recovered {
    /// First log generation that was replayed.
    pub first: u32,
    /// Last log generation that was replayed.
    pub last: u32,
    /// Transactions that were replayed.
    pub transactions: u64,
    /// Pages of the recovered database.
    pub pages: u32,
    /// Time of the last transaction in the logs, RFC 3339, UTC.
    pub last_commit: Option<String>,
}

impl fmt::Display for Recovered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "recovered with logs {:#x} to {:#x}: {} replayed, {}, integrity ok",
            self.first,
            self.last,
            moment::counted(self.transactions, "transaction"),
            moment::counted(self.pages.into(), "page")
        )?;
        match &self.last_commit {
            Some(time) => write!(f, ", last transaction {time}"),
            None => Ok(()),
        }
    }
}

/// How often a waiting caller is asked whether it still wants to wait.
const POLL: Duration = Duration::from_millis(100);

pub(super) fn trial(
    sets: &[View<'_>],
    until: Until,
    scratch: Option<&Path>,
    tick: &mut Tick<'_>,
) -> anyhow::Result<Recovered> {
    let full = sets.first().context("a chain has at least one set")?;
    let logs: Vec<PathBuf> = chain::logs(sets.iter().copied())?.into_values().map(|log| log.path).collect();
    let databases: Vec<_> = full.manifest.files_of(Role::Database).collect();
    let [database] = databases.as_slice() else {
        return Err(Failure::new(Exit::Failure, format!("the set has {} databases", databases.len())).into());
    };
    let set = BackupSet { database: database.path.below(full.path), logs };
    Ok(recover(set, database.size, until, scratch, tick)?.outcome)
}

/// A database that was recovered in a scratch directory, which goes with this value.
#[derive(Debug)]
pub struct Trial {
    /// What the recovery came to.
    pub outcome: Recovered,
    path: PathBuf,
    _directory: TempDir,
}

impl Trial {
    /// The database file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Recovers a set whose copy of the database has this size.
pub(crate) fn recover(
    set: BackupSet,
    size: u64,
    until: Until,
    scratch: Option<&Path>,
    tick: &mut Tick<'_>,
) -> anyhow::Result<Trial> {
    let parent = scratch.map_or_else(std::env::temp_dir, Path::to_owned);
    let mut builder = tempfile::Builder::new();
    builder.prefix("cabak-trial-");
    make_private(&mut builder);
    let directory =
        builder.tempdir_in(&parent).with_context(|| format!("cannot create a directory in {}", parent.display()))?;
    check_room(&parent, size)?;
    let path = directory.path().join("trial.db");
    let request = RecoverRequest {
        set,
        target: path.clone(),
        until: match until {
            Until::End => certdb::set::Until::End,
            Until::Generation(generation) => certdb::set::Until::Generation(Generation(generation)),
            Until::Time(time) => certdb::set::Until::Time(SystemTime::from(time)),
        },
        ..RecoverRequest::default()
    };

    // On a thread of its own, so that the wish to stop is heard at any moment.
    let (events, received) = channel();
    let (send_result, result) = channel();
    let work = move || {
        let outcome = certdb::set::recover(&request, &mut |progress| {
            // Nobody listens any more once the caller has given up.
            let _ = events.send(progress);
        });
        drop(events);
        let _ = send_result.send(outcome);
    };
    std::thread::Builder::new().name("recover".to_owned()).spawn(work).context("cannot start a thread")?;
    let mut meter = Meter::default();
    loop {
        match received.recv_timeout(POLL) {
            Ok(progress) => tick(meter.step(progress))?,
            Err(RecvTimeoutError::Timeout) => tick(0)?,
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    let recovered = result.recv().context("the trial recovery ended without a result")?.map_err(explain)?;
    let outcome = Recovered {
        first: recovered.first.0,
        last: recovered.last.0,
        transactions: recovered.transactions,
        pages: recovered.pages,
        last_commit: recovered
            .last_commit
            .and_then(certdb::Timestamp::system_time)
            .and_then(|time| moment::rfc3339(moment::to_seconds(time.into())).ok()),
    };
    Ok(Trial { outcome, path, _directory: directory })
}

/// Makes steps of what `certdb` reports as positions.
#[derive(Default)]
struct Meter {
    phase: Option<Phase>,
    done: u64,
}

impl Meter {
    fn step(&mut self, progress: Progress) -> u64 {
        // Only reading counts as progress through the bytes of the set; the other phases go over the same bytes again.
        if !matches!(progress.phase, Phase::Verify | Phase::Copy) {
            return 0;
        }
        if self.phase != Some(progress.phase) {
            self.phase = Some(progress.phase);
            self.done = 0;
        }
        let step = progress.done.saturating_sub(self.done);
        self.done = progress.done;
        step
    }
}

fn check_room(parent: &Path, size: u64) -> anyhow::Result<()> {
    let free = fs4::available_space(parent)
        .with_context(|| format!("cannot ask for the free space of {}", parent.display()))?;
    if free < size {
        let message = format!(
            "no room for the trial recovery: {} are needed, {} are free in {}",
            moment::bytes(size),
            moment::bytes(free),
            parent.display()
        );
        return Err(Failure::new(Exit::Failure, message)
            .hint("say --scratch DIR with a directory that has room")
            .into());
    }
    Ok(())
}

fn explain(error: RecoverError) -> anyhow::Error {
    let exit = match &error {
        RecoverError::Chain(ChainError::Missing { .. }) => Exit::FullNeeded,
        RecoverError::TooEarly { .. } => Exit::Usage,
        RecoverError::Storage { .. } | RecoverError::InUse { .. } => Exit::Failure,
        _ => Exit::VerifyFailed,
    };
    let message = format!("the set does not recover: {error}");
    let hint = match exit {
        Exit::FullNeeded => "a log is missing from the chain; take a full backup",
        Exit::Usage => "choose a later time or generation, or an earlier full set",
        Exit::VerifyFailed => "do not restore from it; use an earlier set, and take a new full backup",
        _ => "say --scratch DIR to recover somewhere else",
    };
    Failure::new(exit, message).hint(hint).into()
}
