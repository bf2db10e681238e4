//! Sets of Windows CAs: ESE. The one place where reading them begins.

use std::path::PathBuf;

use anyhow::Context;
use ese::Format;
use ese::log::SEGMENT_SIZE;

use super::{LogFile, LogHeader, Opened, Opening, Source};
use crate::exit::{Exit, Failure};
use crate::output::Reporter;
use crate::verify::{Recovered, stop_if};
use crate::windows::{Files, Replay};

/// The rows of a set whose database is ESE, with the logs rolled forward in memory. What a replay that stopped leaves out is
/// said in a warning.
pub(super) fn open(
    source: &Source,
    database: &PathBuf,
    opening: &Opening<'_>,
    reporter: &mut Reporter,
) -> anyhow::Result<Opened> {
    let files = Files { database: Some(database), logs: &source.logs, scratch: opening.scratch };
    let mut total = 0;
    for log in &source.logs {
        total += std::fs::metadata(&log.path).with_context(|| format!("cannot read {}", log.path.display()))?.len();
    }
    reporter.begin_progress("replay", total);
    let replay = Replay::run(&files, &mut |bytes| {
        reporter.advance(bytes);
        stop_if(opening.cancel)
    });
    reporter.end_progress();
    let replay = replay?;
    let missing = missing(&replay);
    if let Some(missing) = &missing {
        reporter.warn(missing);
    }
    let progress = replay.redo().progress();
    let recovered = replay.reach.generations.map(|(first, last)| Recovered {
        first,
        last,
        transactions: progress.committed,
        pages: u32::try_from(replay.redo().changed_pages()).unwrap_or(u32::MAX),
        last_commit: None,
    });
    let format = Format { version: replay.header.version, update: replay.header.update_major };
    let rows = adcs::windows::Database::open(replay.into_redo(), format, database.clone()).map_err(explain)?;
    Ok(Opened { database: Box::new(rows), _scratch: None, recovered, is_whole: missing.is_none() })
}

/// What somebody who looks at the rows has to know: that there may be more, and others.
fn missing(replay: &Replay) -> Option<String> {
    let reach = &replay.reach;
    if let Some(stop) = &reach.stop {
        let position = replay.redo().progress().position;
        return Some(format!(
            "the logs could be replayed up to log position {position} only ({stop}); what was written later is not shown"
        ));
    }
    let left = reach.left.as_ref()?;
    Some(if reach.generations.is_some() {
        format!("the logs end early: {left}; what was written later is not shown")
    } else {
        format!("no log could be replayed: {left}; what is only in the logs is not shown")
    })
}

fn explain(error: adcs::Error) -> anyhow::Error {
    let hint = match &error {
        adcs::Error::NotACa { .. } => "the set is that of another program's database",
        _ => "`cabak verify SET` says what is wrong",
    };
    let exit = if matches!(error, adcs::Error::NotACa { .. }) { Exit::NotABackup } else { Exit::VerifyFailed };
    let message = crate::output::with_causes(&error);
    Failure::new(exit, message).hint(hint).into()
}

/// What the header of an ESE log says.
pub(super) fn log_header(log: &LogFile) -> anyhow::Result<LogHeader> {
    use std::io::Read;

    let place = || format!("cannot read {}", log.path.display());
    let file = crate::medium::Set::open_file(&log.path).with_context(place)?;
    let size = file.metadata().with_context(place)?.len();
    let mut bytes = Vec::with_capacity(SEGMENT_SIZE);
    (&file).take(SEGMENT_SIZE as u64).read_to_end(&mut bytes).with_context(place)?;
    let header = ese::log::LogHeader::parse(&bytes).ok_or_else(|| {
        Failure::new(Exit::VerifyFailed, format!("{}: its header is damaged, or it is no log", log.path.display()))
            .hint("`cabak verify SET` says what else is wrong")
    })?;
    let time = |time: ese::LogTime| (!time.is_none()).then(|| time.to_string());
    Ok(LogHeader {
        generation: header.generation,
        created: time(header.created),
        previous_created: time(header.previous_created),
        signature: header.signature.to_string(),
        size,
    })
}
