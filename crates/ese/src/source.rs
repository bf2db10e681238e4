//! Where pages come from.

use std::fmt;
use std::io;

/// Number of a page of a database, from 1. Page `n` starts at byte `(n + 1) * page_size` of the file: two header pages
/// are in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PageNumber(pub u32);

impl PageNumber {
    /// The page with this number; `None` for 0, which means no page.
    #[must_use]
    pub fn some(number: u32) -> Option<PageNumber> {
        (number != 0).then_some(PageNumber(number))
    }

    /// Where the page starts in a file with this page size.
    #[must_use]
    pub fn offset(self, page_size: usize) -> u64 {
        (u64::from(self.0) + 1).saturating_mul(page_size as u64)
    }
}

impl fmt::Display for PageNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of a tree of a database (`OBJID`): a table, an index, the long values of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId(pub u32);

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The pages of one database: a file, or a file with changes laid over it.
pub trait PageSource {
    /// Size of a page in bytes: 4096, 8192, 16384 or 32768 (2048 in very old files).
    fn page_size(&self) -> usize;

    /// Number of the last page.
    fn last_page(&self) -> PageNumber;

    /// Fills `buffer`, which has [`page_size`](Self::page_size) bytes, with one page. Checksums are not looked at.
    ///
    /// # Errors
    /// What the storage reports; [`io::ErrorKind::UnexpectedEof`] for a page behind the last.
    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()>;
}

impl<S: PageSource + ?Sized> PageSource for &S {
    fn page_size(&self) -> usize {
        (**self).page_size()
    }

    fn last_page(&self) -> PageNumber {
        (**self).last_page()
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        (**self).read_page(page, buffer)
    }
}
