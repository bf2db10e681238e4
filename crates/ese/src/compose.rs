//! Writing a recovered database to a file.

use std::io::{self, Write};

use crate::header::{DatabaseHeader, DatabaseState, DatabaseSummary};
use crate::moment::LogTime;
use crate::redo::Redo;
use crate::source::{PageNumber, PageSource};

/// Writes the database that redo arrived at: both headers, every page, no trailer. `until` is the creation time of the last
/// log, or the time of its last record; it goes into the header as the time when the database was consistent.
///
/// The header says that the database was closed in order where the logs end, that it needs no logs, and that it is no backup
/// copy. Other fields stay as the server wrote them. Programs that read ESE open such a file; whether Windows attaches it has
/// not been tried.
///
/// # Errors
/// What reading a page or writing reports; [`io::ErrorKind::InvalidInput`] when the database had no readable header.
pub fn write<S: PageSource>(
    redo: &Redo<S>,
    database: &DatabaseSummary,
    until: LogTime,
    to: &mut impl Write,
    progress: &mut dyn FnMut(u64) -> io::Result<()>,
) -> io::Result<DatabaseHeader> {
    let Some(header) = &database.header else { return Err(io::ErrorKind::InvalidInput.into()) };
    let header = recovered(header, redo, until);
    let mut page = database.header_page.clone();
    header.write_to(&mut page);
    for _ in 0..2 {
        to.write_all(&page)?;
    }
    let page_size = redo.page_size();
    progress(2 * page_size as u64)?;
    let mut page = vec![0; page_size];
    for number in (1..=redo.last_page().0).map(PageNumber) {
        redo.read_page(number, &mut page)?;
        to.write_all(&page)?;
        progress(page_size as u64)?;
    }
    Ok(header)
}

fn recovered<S: PageSource>(header: &DatabaseHeader, redo: &Redo<S>, until: LogTime) -> DatabaseHeader {
    let progress = redo.progress();
    let end = progress.position;
    let mut header = DatabaseHeader {
        state: DatabaseState::Clean,
        dbtime: header.dbtime.max(progress.dbtime),
        last_object: header.last_object.max(progress.last_object),
        consistent: end,
        consistent_time: until,
        detach: end,
        detach_time: until,
        this_backup: Default::default(),
        snapshot: Default::default(),
        required_low: 0,
        required_high: 0,
        committed_high: 0,
        consistent_low: 0,
        high_created: LogTime::NONE,
        required_high_created: LogTime::NONE,
        ..header.clone()
    };
    if let Some([version, update_major, update_minor]) = progress.version
        && version == header.version
    {
        header.update_major = header.update_major.max(update_major);
        header.update_minor = header.update_minor.max(update_minor);
    }
    header
}
