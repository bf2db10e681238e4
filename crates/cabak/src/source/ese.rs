//! Sets of Windows CAs: ESE. The one place where reading them begins.

use std::path::Path;

use super::{LogFile, LogHeader, Opened, Opening, Source};
use crate::exit::{Exit, Failure};
use crate::output::Reporter;

/// The rows of a set whose database is ESE.
pub(super) fn open(
    _source: &Source,
    database: &Path,
    _opening: &Opening<'_>,
    _reporter: &mut Reporter,
) -> anyhow::Result<Opened> {
    Err(not_supported(database))
}

/// What the header of an ESE log says.
pub(super) fn log_header(log: &LogFile) -> anyhow::Result<LogHeader> {
    Err(not_supported(&log.path))
}

fn not_supported(path: &Path) -> anyhow::Error {
    Failure::new(Exit::Failure, format!("{} is of a Windows CA (ESE), which this version cannot read", path.display()))
        .hint("`cabak verify SET` compares its hashes; certutil on Windows lists its rows")
        .into()
}
