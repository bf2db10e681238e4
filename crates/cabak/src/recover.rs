//! `cabak recover`: a set as one database file, with its logs rolled forward.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use ese::PageSource;
use serde_json::json;
use tempfile::{NamedTempFile, TempPath};

use crate::exit::{Exit, Failure};
use crate::manifest::DatabaseFormat;
use crate::medium::directory_of;
use crate::moment;
use crate::output::Reporter;
use crate::source::Source;
use crate::target::{self, cannot_write};
use crate::verify::{self, stop_if};
use crate::windows::{self, Files, Replay, inspect};

/// What `cabak recover` was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The set.
    pub set: PathBuf,
    /// The file to write.
    pub to: PathBuf,
    /// Write also what a replay that stopped came to.
    pub partial: bool,
}

/// Writes the recovered database. It appears under its name in one step, when all of it is on the disk.
///
/// # Errors
/// Exit code 2: the file exists. Exit code 10: no such set, or no directory for the file. Exit code 21: the set does not
/// recover. Exit code 22: it has no database. Exit code 1: it cannot be read or written.
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let source = Source::find(&request.set)?;
    target::check(&request.to, &source)?;
    let Some(database) = &source.database else {
        return Err(Failure::new(Exit::FullNeeded, format!("{} has no database", source.name))
            .hint("give the full set, or a cabak set that continues one")
            .into());
    };
    match source.format {
        DatabaseFormat::Ese => recover_windows(&source, database, request, reporter, cancel),
        DatabaseFormat::Certdb => recover_certdb(&source, database, request, reporter, cancel),
        DatabaseFormat::Unknown => {
            Err(Failure::new(Exit::NotFound, format!("{} is no database that this version knows", database.display()))
                .into())
        }
    }
}

fn recover_windows(
    source: &Source,
    database: &PathBuf,
    request: &Request,
    reporter: &mut Reporter,
    cancel: &certadm::Cancel,
) -> anyhow::Result<Exit> {
    // Where there has to be room for the whole database.
    let scratch = directory_of(&request.to);
    let files = Files { database: Some(database), logs: &source.logs, scratch: Some(scratch) };
    reporter.begin_progress("verify", windows::proof::work(&files, true).unwrap_or_default());
    let mut tick = |bytes| {
        reporter.advance(bytes);
        stop_if(cancel)
    };
    let inspection = inspect(&files, &mut tick)?;
    let replay = Replay::run(&files, &mut tick)?;
    reporter.end_progress();
    let damage = inspection.report.faults.iter().find(|fault| !fault.correctable && fault.code != NOT_A_COPY);
    let stopped = replay.reach.stop.as_ref().map(ToString::to_string).or(replay.reach.left.clone());
    let fault = stopped.or_else(|| damage.map(ToString::to_string));
    if let Some(fault) = &fault {
        if !request.partial {
            return Err(Failure::new(Exit::VerifyFailed, format!("{}: {fault}", source.name))
                .hint("`cabak verify` says everything that is wrong; --partial writes what could be recovered")
                .into());
        }
        reporter.warn(&format!("{fault}: the file is not the whole database"));
    }
    let Some(summary) = &inspection.database else {
        return Err(Failure::new(Exit::VerifyFailed, format!("{}: no database", source.name)).into());
    };
    let redo = replay.redo();
    let size = (u64::from(redo.last_page().0) + 2) * redo.page_size() as u64;
    reporter.begin_progress("write", size);
    let mut file = target::begin_file(&request.to)?;
    let mut out = BufWriter::with_capacity(1 << 20, file.as_file_mut());
    let mut tick = |bytes| {
        reporter.advance(bytes);
        if cancel.is_cancelled() { Err(std::io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    };
    let written = ese::compose::write(redo, summary, replay.reach.last_write, &mut out, &mut tick);
    stop_if(cancel)?;
    let header = written.and_then(|header| out.flush().map(|()| header)).with_context(|| cannot_write(&request.to))?;
    drop(out);
    target::publish_file(file, &request.to)?;
    reporter.end_progress();
    let progress = redo.progress();
    let text = format!(
        "{}: {} in {}, as it was at log position {}\n  {} changed {}, {} rolled back\n  readers of ESE open it; whether \
         Windows does has not been tried",
        request.to.display(),
        moment::counted(u64::from(redo.last_page().0), "page"),
        moment::bytes(size),
        progress.position,
        moment::counted(progress.applied, "record"),
        moment::counted(redo.changed_pages() as u64, "page"),
        moment::counted(replay.reach.rolled_back.transactions as u64, "open transaction"),
    );
    let fields = json!({
        "event": "result",
        "set": source.name,
        "path": request.to.display().to_string(),
        "size": size,
        "position": progress.position.to_string(),
        "state": header.state.to_string(),
        "complete": fault.is_none(),
    });
    reporter.result(&text, &fields);
    Ok(if fault.is_none() { Exit::Success } else { Exit::Incomplete })
}

const NOT_A_COPY: ese::JetError = ese::JetError::RESTORE_OF_NON_BACKUP_DATABASE;

fn recover_certdb(
    source: &Source,
    database: &Path,
    request: &Request,
    reporter: &mut Reporter,
    cancel: &certadm::Cancel,
) -> anyhow::Result<Exit> {
    let logs = source.logs.iter().map(|log| log.path.clone()).collect();
    let size = std::fs::metadata(database).with_context(|| format!("cannot read {}", database.display()))?.len();
    let set = certdb::set::BackupSet { database: database.to_owned(), logs };
    reporter.begin_progress("recovery", size);
    let trial = verify::recover(set, size, verify::Until::End, Some(directory_of(&request.to)), &mut |bytes| {
        reporter.advance(bytes);
        stop_if(cancel)
    });
    reporter.end_progress();
    let trial = trial?;
    // The directory of the trial is beside the target, so this is one step.
    let file = File::open(trial.path()).with_context(|| cannot_write(&request.to))?;
    let path = TempPath::try_from_path(trial.path()).with_context(|| cannot_write(&request.to))?;
    target::publish_file(NamedTempFile::from_parts(file, path), &request.to)?;
    let text = format!("{}: {}", request.to.display(), trial.outcome);
    let fields = json!({
        "event": "result",
        "set": source.name,
        "path": request.to.display().to_string(),
        "recovered": trial.outcome,
        "complete": true,
    });
    reporter.result(&text, &fields);
    Ok(Exit::Success)
}
