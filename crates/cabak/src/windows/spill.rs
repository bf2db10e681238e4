//! Changed pages that memory has no room for.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use ese::PageNumber;
use ese::redo::PageStore;

use crate::platform::write_at;

/// A file without a name, made when the first page comes. The system removes it with the process, however that ends.
#[derive(Debug)]
pub(super) struct Spill {
    directory: PathBuf,
    file: Option<File>,
    page_size: usize,
}

impl Spill {
    /// Pages of one size in this directory, or in that for temporary files.
    pub(super) fn new(directory: Option<&Path>, page_size: usize) -> Self {
        let directory = directory.map_or_else(std::env::temp_dir, Path::to_owned);
        Spill { directory, file: None, page_size }
    }
}

impl PageStore for Spill {
    fn write_page(&mut self, page: PageNumber, bytes: &[u8]) -> io::Result<()> {
        let file = match &self.file {
            Some(file) => file,
            None => self.file.insert(tempfile::tempfile_in(&self.directory)?),
        };
        let offset = page.offset(self.page_size);
        let mut done = 0;
        while done < bytes.len() {
            match write_at(file, &bytes[done..], offset + done as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => done += written,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let Some(file) = &self.file else { return Err(io::ErrorKind::NotFound.into()) };
        super::pages::read_exact_at(file, buffer, page.offset(self.page_size))
    }
}
