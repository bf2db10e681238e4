//! Sets of certdb, the database of certsrvd.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use adcs::certsrvd::Database;
use anyhow::Context;
use certdb::log::{HEADER_SIZE, Header};
use certdb::set::BackupSet;
use certdb::{PAGE_SIZE, Timestamp, Trailer};

use super::{LogFile, LogHeader, Opened, Opening, Source, moment};
use crate::exit::{Exit, Failure};
use crate::output::Reporter;
use crate::verify::{self, Until, stop_if};

/// A copy of a backup is recovered with its logs; a database that is whole is read where it is.
pub(super) fn open(
    source: &Source,
    path: &Path,
    opening: &Opening<'_>,
    reporter: &mut Reporter,
) -> anyhow::Result<Opened> {
    let place = || format!("cannot read {}", path.display());
    let size = std::fs::metadata(path).with_context(place)?.len();
    if certdb::set::is_certdb_database(path).with_context(place)? && !has_trailer(path).with_context(place)? {
        refuse_unwritten(path)?;
        // With logs beside it, it is a copy that was cut, or the directory of a server: then the rows are not all here.
        if source.logs.is_empty() {
            return Ok(Opened { database: Box::new(read(path)?), _scratch: None, recovered: None, is_whole: true });
        }
    }
    if source.logs.is_empty() {
        let text = format!("{} is the copy of a backup, and no logs are beside it", path.display());
        return Err(Failure::new(Exit::FullNeeded, text)
            .hint("give the directory with its logs, or the cabak set")
            .into());
    }
    let logs: Vec<PathBuf> = source.logs.iter().map(|log| log.path.clone()).collect();
    let mut total = size;
    for log in &logs {
        total += std::fs::metadata(log).with_context(|| format!("cannot read {}", log.display()))?.len();
    }
    reporter.begin_progress("recovery", total);
    let set = BackupSet { database: path.to_owned(), logs };
    let trial = verify::recover(set, size, Until::End, opening.scratch, &mut |bytes| {
        reporter.advance(bytes);
        stop_if(opening.cancel)
    });
    reporter.end_progress();
    let trial = trial?;
    let database = read(trial.path())?;
    let recovered = Some(trial.outcome.clone());
    Ok(Opened { database: Box::new(database), _scratch: Some(trial), recovered, is_whole: true })
}

fn read(path: &Path) -> anyhow::Result<Database> {
    Database::open(path).map_err(|error| match error {
        adcs::Error::NotACa { .. } => Failure::new(Exit::NotABackup, error.to_string())
            .hint("the set is that of another program's database")
            .into(),
        error => anyhow::Error::new(error),
    })
}

fn has_trailer(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let Some(at) = length.checked_sub(PAGE_SIZE as u64) else { return Ok(false) };
    let mut page = [0; PAGE_SIZE];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut page)?;
    Ok(Trailer::decode(&page).is_some())
}

/// Rows in a write-ahead log are not in the file yet, and reading them would need writing beside it.
fn refuse_unwritten(path: &Path) -> anyhow::Result<()> {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push("-wal");
    match std::fs::metadata(&name) {
        Ok(metadata) if metadata.len() > 0 => {
            let text = format!(
                "{} is a database in use: {} holds rows that are not in it yet",
                path.display(),
                Path::new(&name).display()
            );
            Err(Failure::new(Exit::Locked, text)
                .hint("take a backup of it with `cabak backup`, and look at that")
                .into())
        }
        _ => Ok(()),
    }
}

/// The first page of a log.
pub(super) fn log_header(log: &LogFile) -> anyhow::Result<LogHeader> {
    let place = || format!("cannot read {}", log.path.display());
    let file = crate::medium::Set::open_file(&log.path).with_context(place)?;
    let size = file.metadata().with_context(place)?.len();
    let mut bytes = [0; HEADER_SIZE];
    let header = (&file)
        .read_exact(&mut bytes)
        .map_err(anyhow::Error::new)
        .and_then(|()| Header::decode(&bytes).map_err(anyhow::Error::new))
        .map_err(|error| {
            Failure::new(Exit::VerifyFailed, format!("{}: no log of certdb: {error}", log.path.display()))
                .hint("`cabak verify SET` says what else is wrong")
        })?;
    let time = |time: Timestamp| moment::rfc3339(moment::to_seconds(time.system_time()?.into())).ok();
    Ok(LogHeader {
        generation: header.generation.0,
        created: time(header.created),
        previous_created: time(header.previous_created),
        signature: header.signature.to_string(),
        size,
    })
}
