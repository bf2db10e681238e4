//! Every byte of a set, read once.

use std::io::Read;
use std::path::Path;

use anyhow::Context;
use ese::header::{DatabaseScan, DatabaseSummary};
use ese::log::{LogScan, LogSummary};
use ese::set::{self, SetLog, SetReport};

use super::{BLOCK, Files};
use crate::medium::Set;
use crate::verify::Tick;

/// What the files of a set hold, and what the rules say about them together.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The database; `None` when the set has none.
    pub database: Option<DatabaseSummary>,
    /// The logs, in the order of the set.
    pub logs: Vec<SetLog>,
    /// The rules.
    pub report: SetReport,
}

/// Reads the files and applies the rules. Nothing is kept but what is said about them.
///
/// # Errors
/// Exit code 1: a file cannot be read. What `tick` returns.
pub fn inspect(files: &Files<'_>, tick: &mut Tick<'_>) -> anyhow::Result<Inspection> {
    let mut database = None;
    if let Some(path) = files.database {
        let mut scan = DatabaseScan::new();
        read(path, tick, &mut |bytes| scan.push(bytes))?;
        database = Some(scan.finish());
    }
    let mut logs = Vec::with_capacity(files.logs.len());
    for log in files.logs {
        logs.push(SetLog { named: Some(log.generation), summary: scan_log(&log.path, tick)? });
    }
    let report = set::check(database.as_ref(), &logs);
    Ok(Inspection { database, logs, report })
}

fn scan_log(path: &Path, tick: &mut Tick<'_>) -> anyhow::Result<LogSummary> {
    let mut scan = LogScan::new();
    read(path, tick, &mut |bytes| scan.push(bytes, &mut |_, _| {}))?;
    Ok(scan.finish())
}

/// Reads a file from front to back.
pub(super) fn read(path: &Path, tick: &mut Tick<'_>, push: &mut dyn FnMut(&[u8])) -> anyhow::Result<()> {
    let place = || format!("cannot read {}", path.display());
    let mut file = Set::open_file(path).with_context(place)?;
    let mut block = vec![0; BLOCK];
    loop {
        let read = match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error).with_context(place),
        };
        push(&block[..read]);
        tick(read as u64)?;
    }
}
