//! The pages of a database file.

use std::fs::File;
use std::io;
use std::path::Path;

use anyhow::Context;
use ese::header::{DatabaseHeader, PAGE_SIZES, Trailer, read_header};
use ese::{PageNumber, PageSource};

use crate::exit::{Exit, Failure};
use crate::medium::Set;
use crate::platform::read_at;

/// The pages of a database file, read where they are asked for.
#[derive(Debug)]
pub struct Pages {
    file: File,
    page_size: usize,
    last: PageNumber,
    trailer: Option<Trailer>,
}

impl Pages {
    /// Opens a file, and reads its header.
    ///
    /// # Errors
    /// Exit code 21: no readable header. Exit code 1: it cannot be read.
    pub fn open(path: &Path) -> anyhow::Result<(Self, DatabaseHeader)> {
        let place = || format!("cannot read {}", path.display());
        let file = Set::open_file(path).with_context(place)?;
        let size = file.metadata().with_context(place)?.len();
        let mut start = vec![0; 2 * PAGE_SIZES[PAGE_SIZES.len() - 1]];
        let length = read_up_to_at(&file, &mut start, 0).with_context(place)?;
        let (header, _) = read_header(&start[..length]).map_err(|error| {
            Failure::new(Exit::VerifyFailed, format!("{}: {error}", path.display()))
                .hint("`cabak verify SET` says what else is wrong; use an earlier set")
        })?;
        // A copy that no restore has touched ends with a trailer, which is no page of the database.
        let trailer = u64::from(header.this_backup.low != 0 && header.this_backup.high == 0);
        let pages = (size / header.page_size as u64).saturating_sub(2 /* headers */ + trailer);
        let last = PageNumber(u32::try_from(pages).unwrap_or(u32::MAX));
        let mut pages = Pages { file, page_size: header.page_size, last, trailer: None };
        if trailer == 1 {
            let mut page = vec![0; header.page_size];
            let at = PageNumber(last.0.saturating_add(1)).offset(header.page_size);
            // One that cannot be read is found when every byte is looked at.
            pages.trailer = read_exact_at(&pages.file, &mut page, at).ok().and_then(|()| Trailer::parse(&page));
        }
        Ok((pages, header))
    }

    /// What the page behind the last one says, in the copy of a backup.
    #[must_use]
    pub fn trailer(&self) -> Option<&Trailer> {
        self.trailer.as_ref()
    }
}

impl PageSource for Pages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        self.last
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        if page > self.last {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        read_exact_at(&self.file, buffer, page.offset(self.page_size))
    }
}

pub(super) fn read_exact_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let read = read_up_to_at(file, buffer, offset)?;
    if read < buffer.len() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
}

fn read_up_to_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < buffer.len() {
        match read_at(file, &mut buffer[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(read) => done += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}
