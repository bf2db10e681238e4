//! What a restore will do, decided before anything is done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use certadm::{ConfiguredCa, RestoreSession};
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Request, show};
use crate::chain::{self, Log};
use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, LogRange, Role};
use crate::medium::{Listing, Set};
use crate::moment;
use crate::verify::{Until, View};

/// How far to roll forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// As far as sets and surviving logs reach.
    AtEnd,
    /// At the end of the set.
    AtSet,
    /// At the end of this generation.
    Generation(u32),
    /// At this time.
    Time(OffsetDateTime),
}

/// A database of the full set.
#[derive(Clone, Debug)]
pub(super) struct Database {
    /// The file in the set.
    pub(super) from: PathBuf,
    pub(super) sha256: String,
    pub(super) name: String,
    /// The name on the server that was backed up.
    pub(super) source: String,
}

/// A restore.
#[derive(Clone, Debug)]
pub struct Plan {
    sets: Vec<Set>,
    stop: Stop,
    data: PathBuf,
    pub(super) databases: Vec<Database>,
    // INVARIANT: by generation, each once.
    pub(super) logs: BTreeMap<u32, Log>,
    pub(super) range: Option<LogRange>,
    aside: PathBuf,
    replaces: bool,
    warnings: Vec<String>,
}

impl Plan {
    /// Finds the sets, and looks at the data directory without changing it.
    ///
    /// # Errors
    /// Exit code 22: the chain is broken. Exit code 2: the end lies before the full backup. Exit code 1: this program
    /// cannot replay the database, or the data directory is not one. Exit code 22 also when surviving logs do not follow, and 2
    /// when nothing reaches the generation that is asked for.
    pub fn make(set: &Set, listing: &Listing, request: &Request, now: OffsetDateTime) -> anyhow::Result<Self> {
        let sets = choose(set, listing, request.until)?;
        let full = sets.first().context("a chain has at least one set")?;
        let format = full.manifest().database_format;
        if format != DatabaseFormat::Certdb {
            return Err(Failure::new(
                Exit::Failure,
                format!("the database format is {}; certsrvd cannot use it", format.name()),
            )
            .hint("restore it on Windows: `certutil -f -restoreDB` reads the directory of the set as it is")
            .into());
        }
        let databases: Vec<Database> = full
            .manifest()
            .files_of(Role::Database)
            .map(|file| Database {
                from: file.path.below(full.path()),
                sha256: file.sha256.clone(),
                name: file.path.name().to_owned(),
                source: file.source.clone().unwrap_or_else(|| file.path.name().to_owned()),
            })
            .collect();
        let mut logs = chain::logs(sets.iter().map(View::of))?;
        if let Stop::Generation(last) = request.until {
            logs.retain(|&generation, _| generation <= last);
        }
        let range = match (logs.first_key_value(), logs.last_key_value()) {
            (Some((&first, _)), Some((&last, _))) => Some(LogRange { first, last }),
            _ => None,
        };
        let data = match request.data_directory.canonicalize() {
            Ok(data) => data,
            Err(_) => {
                let text = format!("there is no data directory {}", request.data_directory.display());
                return Err(Failure::new(Exit::NotFound, text)
                    .hint("make the CA's directory first: `certsrvd init`, or from a backup")
                    .into());
            }
        };
        RestoreSession::check_data_directory(&data)?;
        let present = data.join("database");
        let exists = |name: &str| present.join(name).exists() || present.join(format!("{name}-wal")).exists();
        let replaces = databases.iter().any(|database| exists(&database.name));
        let aside = aside(&data, now)?;
        let mut plan =
            Plan { sets, stop: request.until, data, databases, logs, range, aside, replaces, warnings: Vec::new() };
        let configured = ConfiguredCa::read(&plan.data);
        plan.check_end(&configured.log_directory)?;
        plan.warnings = plan.compare(&present, configured.name)?;
        Ok(plan)
    }

    /// The sets, full backup first.
    #[must_use]
    pub fn sets(&self) -> &[Set] {
        &self.sets
    }

    /// What makes this restore doubtful.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Where the present database goes, if there is one.
    #[must_use]
    pub fn aside(&self) -> &Path {
        &self.aside
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether later logs that survive on this machine are replayed too.
    #[must_use]
    pub fn rolls_forward(&self) -> bool {
        self.stop != Stop::AtSet
    }

    /// How far the server is told to go; `None`: as far as it can.
    #[must_use]
    pub fn stop(&self) -> Stop {
        match (self.stop, self.range) {
            (Stop::AtSet, Some(range)) => Stop::Generation(range.last),
            (stop, _) => stop,
        }
    }

    /// How far the trial recovery goes: the sets may end before the generation that was asked for.
    #[must_use]
    pub fn trial_until(&self) -> Until {
        match self.stop() {
            Stop::AtEnd | Stop::AtSet => Until::End,
            Stop::Time(time) => Until::Time(time),
            Stop::Generation(generation) => match self.range {
                Some(range) if generation < range.last => Until::Generation(generation),
                _ => Until::End,
            },
        }
    }

    /// The plan for programs.
    #[must_use]
    pub fn summary(&self) -> Value {
        json!({
            "authority": self.sets.first().map(|set| set.manifest().authority.name.clone()),
            "sets": self.sets.iter().map(Set::name).collect::<Vec<_>>(),
            "databases": self.databases.iter().map(|database| database.name.clone()).collect::<Vec<_>>(),
            "logs": self.range,
            "data_directory": self.data.display().to_string(),
            "kept_as": self.replaces.then(|| self.aside.display().to_string()),
            "until": self.end_text(),
            "warnings": self.warnings,
        })
    }

    fn end_text(&self) -> String {
        match self.stop {
            Stop::AtEnd => "the last committed transaction that survives".to_owned(),
            Stop::AtSet => "the end of the set".to_owned(),
            Stop::Generation(generation) => format!("the end of log generation {}", chain::show_generation(generation)),
            Stop::Time(time) => show(time),
        }
    }

    /// Whether sets and surviving logs reach the end that is asked for, as far as the names of files say it.
    fn check_end(&self, log_directory: &Path) -> anyhow::Result<()> {
        let refuse = |exit, message: String, hint: &str| Err(Failure::new(exit, message).hint(hint.to_owned()).into());
        let (Some(range), Some(full)) = (self.range, self.sets.first()) else { return Ok(()) };
        if let Stop::Time(time) = self.stop
            && time < moment::parse(&full.manifest().started)?
        {
            let started = &full.manifest().started;
            let message =
                format!("{} lies before the full backup {}, which began at {started}", show(time), full.name());
            return refuse(Exit::Usage, message, "a backup is consistent only at its end; choose an earlier full set");
        }
        let wanted = match self.stop {
            Stop::AtSet => return Ok(()),
            Stop::Generation(generation) => generation,
            Stop::AtEnd | Stop::Time(_) => u32::MAX,
        };
        let surviving = generations(log_directory)?;
        let later: Vec<u32> = surviving.range(range.last.saturating_add(1)..).copied().collect();
        let follows =
            |(at, generation): &(usize, &u32)| u64::from(range.last) + *at as u64 + 1 == u64::from(**generation);
        let following = later.iter().enumerate().take_while(follows).count();
        let reached = if following == 0 { range.last } else { later[following - 1] };
        if let Some(&next) = later.get(following).filter(|_| reached < wanted) {
            let message = format!(
                "the surviving logs in {} do not follow the sets: behind generation {} comes {}",
                log_directory.display(),
                chain::show_generation(reached),
                chain::show_generation(next)
            );
            let hint = "restore a later set; or only what the set holds, with --no-roll-forward: what was issued after it \
                        is lost then";
            return refuse(Exit::FullNeeded, message, hint);
        }
        if let Stop::Generation(generation) = self.stop
            && generation > reached
        {
            let message = format!(
                "there is no generation {}: sets and surviving logs end with {}",
                chain::show_generation(generation),
                chain::show_generation(reached)
            );
            return refuse(Exit::Usage, message, "without --until-generation all of them are replayed");
        }
        Ok(())
    }

    fn compare(&self, present: &Path, configured: Option<String>) -> anyhow::Result<Vec<String>> {
        let mut warnings = Vec::new();
        if present.exists() {
            let place = || format!("cannot list {}", present.display());
            for entry in std::fs::read_dir(present).with_context(place)? {
                let name = entry.with_context(place)?.file_name().to_string_lossy().into_owned();
                let is_database = Path::new(&name).extension().is_some_and(|extension| extension == "db");
                if is_database && !self.databases.iter().any(|database| database.name == name) {
                    warnings.push(format!("{} holds {name}, another authority's database", present.display()));
                }
            }
        }
        if let Some(name) = configured
            && let Some(set) = self.sets.iter().find(|set| set.manifest().authority.name != name)
        {
            warnings.push(format!(
                "{} belongs to the certification authority {name}, and {} is a backup of {}",
                self.data.display(),
                set.name(),
                set.manifest().authority.name
            ));
        }
        Ok(warnings)
    }
}

/// The generations of the logs in a directory; none when it is not there.
fn generations(directory: &Path) -> anyhow::Result<BTreeSet<u32>> {
    let place = || format!("cannot list {}", directory.display());
    let mut generations = BTreeSet::new();
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(generations),
        Err(error) => return Err(error).with_context(place),
    };
    for entry in entries {
        let name = entry.with_context(place)?.file_name();
        generations.extend(name.to_str().and_then(chain::generation));
    }
    Ok(generations)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.databases.iter().map(|database| database.name.as_str()).collect();
        let logs = match self.range {
            Some(range) => format!("{:#x} to {:#x}", range.first, range.last),
            None => "none".to_owned(),
        };
        let size = self.sets.iter().map(|set| set.manifest().size()).sum();
        let mut number = 0;
        let mut step = |f: &mut fmt::Formatter<'_>, text: String| {
            number += 1;
            writeln!(f, "  {number}. {text}")
        };
        writeln!(f, "plan for {}:", self.data.display())?;
        for set in &self.sets {
            let manifest = set.manifest();
            writeln!(
                f,
                "  {} backup {} of {} ({})",
                manifest.kind.name(),
                set.name(),
                manifest.authority.name,
                moment::bytes(manifest.size())
            )?;
        }
        step(f, format!("verify the sets and recover them on trial, {}", moment::bytes(size)))?;
        step(f, format!("stage {} and the logs {logs}", names.join(", ")))?;
        step(f, "register the restore; certsrvd does not start from here on".to_owned())?;
        match self.replaces {
            true => {
                let aside = self.aside.display();
                step(f, format!("move the present database to {aside}, the staged one into its place"))?;
            }
            false => step(f, "move the staged database into its place".to_owned())?,
        }
        step(f, "mark the restore complete".to_owned())?;
        write!(f, "  then certsrvd, when you start it, rolls forward to {}", self.end_text())
    }
}

/// The full set first. Later sets belong to it unless the restore ends before them.
fn choose(set: &Set, listing: &Listing, stop: Stop) -> anyhow::Result<Vec<Set>> {
    let mut sets = chain::below(set.manifest(), listing)?;
    sets.push(set.clone());
    if stop == Stop::AtSet {
        return Ok(sets);
    }
    sets.extend(chain::above(set, listing));
    let mut earlier = None;
    for set in &sets {
        chain::join(earlier, set.manifest().logs)?;
        earlier = set.manifest().logs.or(earlier);
    }
    if let Stop::Generation(generation) = stop {
        let full = sets.first().and_then(|full| full.manifest().logs);
        if let Some(range) = full.filter(|range| generation < range.last) {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "generation {} lies before the end of the full backup, generation {}",
                    chain::show_generation(generation),
                    chain::show_generation(range.last)
                ),
            )
            .hint("a backup is consistent only at its end; choose an earlier full set")
            .into());
        }
        sets.retain(|set| set.manifest().logs.is_none_or(|range| range.first <= generation));
    }
    Ok(sets)
}

fn aside(data: &Path, now: OffsetDateTime) -> anyhow::Result<PathBuf> {
    let name = format!("database.before-restore-{}", moment::set_name(now)?);
    let taken = |path: &PathBuf| path.exists();
    let candidates = std::iter::once(data.join(&name)).chain((2..1000).map(|n| data.join(format!("{name}-{n}"))));
    candidates.into_iter().find(|path| !taken(path)).context("every name for the present database is taken")
}
