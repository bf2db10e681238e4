//! A database file, read once from front to back while its bytes pass.

use super::{DatabaseHeader, HeaderCopy, PAGE_SIZES, Trailer, read_header};
use crate::checksum::{self, Verdict};
use crate::error::Error;
use crate::jet::JetError;
use crate::source::PageNumber;

/// Looks at a database file while its bytes pass: both headers, every page, the trailer. Holds a page or two.
#[derive(Debug)]
pub struct DatabaseScan {
    pending: Vec<u8>,
    size: u64,
    next: u32,
    opened: bool,
    summary: DatabaseSummary,
}

/// What a database file turned out to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseSummary {
    /// The header that counts; `None` when both are damaged or this is no database.
    pub header: Option<DatabaseHeader>,
    /// Which of the two it is.
    pub copy: Option<HeaderCopy>,
    /// The page that it fills, for who has to write it again.
    pub header_page: Vec<u8>,
    /// The trailer; only a backup copy has one.
    pub trailer: Option<Trailer>,
    /// Bytes of the file.
    pub size: u64,
    /// Pages that fit their checksum.
    pub sound: u64,
    /// Pages that were never written.
    pub blank: u64,
    /// What is wrong, in the order of the file; at most [`DatabaseScan::FAULTS`].
    pub faults: Vec<DatabaseFault>,
    /// Faults that found no room in the list.
    pub more_faults: u64,
}

/// Something that is wrong with a database file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseFault {
    /// Where, in bytes from the start of the file.
    pub offset: u64,
    /// The code with which ESE reports it.
    pub code: JetError,
    /// Whether ESE goes on in spite of it: one wrong bit that is known, or one of two headers.
    pub correctable: bool,
    /// What is wrong: lowercase, no final period.
    pub problem: String,
}

impl Default for DatabaseScan {
    fn default() -> Self {
        DatabaseScan::new()
    }
}

impl DatabaseScan {
    /// More faults than this are only counted.
    pub const FAULTS: usize = 100;

    /// Starts at the first byte of a file.
    #[must_use]
    pub fn new() -> Self {
        DatabaseScan { pending: Vec::new(), size: 0, next: 1, opened: false, summary: DatabaseSummary::default() }
    }

    /// Takes the next bytes, any number of them.
    pub fn push(&mut self, bytes: &[u8]) {
        self.size += bytes.len() as u64;
        if self.opened && self.summary.header.is_none() {
            return;
        }
        self.pending.extend_from_slice(bytes);
        if !self.opened {
            if self.pending.len() < 2 * PAGE_SIZES[PAGE_SIZES.len() - 1] {
                return;
            }
            self.open();
        }
        self.pages(1);
    }

    /// Ends at the last byte of the file.
    #[must_use]
    pub fn finish(mut self) -> DatabaseSummary {
        if !self.opened {
            self.open();
        }
        self.summary.size = self.size;
        let Some(header) = self.summary.header.clone() else { return self.summary };
        let copied = header.this_backup.low != 0;
        // A backup copy ends with a trailer, until a restore has moved its content to the header and cleared it.
        let ends_with_trailer = copied && header.this_backup.high == 0;
        self.pages(usize::from(ends_with_trailer));
        let offset = self.offset();
        if ends_with_trailer {
            let page_size = header.page_size;
            self.summary.trailer = self.pending.get(..page_size).and_then(Trailer::parse);
            if self.summary.trailer.is_none() {
                let problem = "the trailer page is missing or damaged: the copy was cut, or never finished";
                self.fault(offset, JetError::BAD_PATCH_PAGE, false, problem.to_owned());
            }
            self.pending.drain(..page_size.min(self.pending.len()));
        }
        if !self.pending.is_empty() {
            let problem = format!("{} bytes at the end are no whole page", self.pending.len());
            self.fault(self.size - self.pending.len() as u64, JetError::DATABASE_CORRUPTED, false, problem);
        }
        self.summary
    }

    fn open(&mut self) {
        self.opened = true;
        match read_header(&self.pending) {
            Ok((header, copy)) => {
                let page_size = header.page_size;
                let (start, wrong) = match copy {
                    HeaderCopy::Both | HeaderCopy::First => (0, page_size),
                    HeaderCopy::Second => (page_size, 0),
                };
                if copy != HeaderCopy::Both {
                    let problem = "one of the two headers does not fit its checksum; the other one counts".to_owned();
                    self.fault(wrong as u64, JetError::READ_VERIFY_FAILURE, true, problem);
                }
                self.summary.header_page = self.pending.get(start..start + page_size).unwrap_or_default().to_vec();
                self.summary.copy = Some(copy);
                self.summary.header = Some(header);
                self.pending.drain(..(2 * page_size).min(self.pending.len()));
            }
            Err(error) => {
                let code = match &error {
                    Error::Damaged { code, .. } => *code,
                    _ => JetError::INVALID_DATABASE_VERSION,
                };
                let problem = match error {
                    Error::Damaged { problem, .. } => problem,
                    other => other.to_string(),
                };
                self.fault(0, code, false, problem);
                self.pending.clear();
            }
        }
    }

    /// Looks at all pages that are there whole, but for the last `keep`.
    fn pages(&mut self, keep: usize) {
        let Some(page_size) = self.summary.header.as_ref().map(|header| header.page_size) else { return };
        let whole = (self.pending.len() / page_size).saturating_sub(keep);
        let pending = std::mem::take(&mut self.pending);
        for page in pending.chunks_exact(page_size).take(whole) {
            self.page(page);
        }
        self.pending = pending;
        self.pending.drain(..whole * page_size);
    }

    fn page(&mut self, page: &[u8]) {
        let (number, offset) = (PageNumber(self.next), self.offset());
        self.next += 1;
        match checksum::verify_page(page, number) {
            Verdict::Sound => self.summary.sound += 1,
            Verdict::Blank => self.summary.blank += 1,
            Verdict::Correctable { bits } => {
                for bit in bits {
                    let problem = format!("page {number}: bit {} of byte {} of the page is wrong", bit % 8, bit / 8);
                    self.fault(offset + u64::from(bit / 8), JetError::READ_VERIFY_FAILURE, true, problem);
                }
            }
            Verdict::Damaged { stored, computed } => {
                let problem = format!(
                    "page {number} has the checksum {stored:#018x}, its content gives {computed:#018x}{}",
                    misplaced(page, number)
                );
                self.fault(offset, JetError::READ_VERIFY_FAILURE, false, problem);
            }
        }
    }

    /// Where the next page starts.
    fn offset(&self) -> u64 {
        let page_size = self.summary.header.as_ref().map_or(0, |header| header.page_size);
        PageNumber(self.next).offset(page_size)
    }

    fn fault(&mut self, offset: u64, code: JetError, correctable: bool, problem: String) {
        if self.summary.faults.len() < Self::FAULTS {
            self.summary.faults.push(DatabaseFault { offset, code, correctable, problem });
        } else {
            self.summary.more_faults += 1;
        }
    }
}

/// Says so when a page would be sound under another number: then the page is whole, and in the wrong place.
fn misplaced(page: &[u8], number: PageNumber) -> String {
    // The number goes into the sum by exclusive or, so the difference between the sums gives it away.
    let stored = page.get(..4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let block = page.len().min(match page.len() {
        0x4000 => 0x1000,
        _ => 0x2000,
    });
    let computed = checksum::block(page.get(..block).unwrap_or_default(), number.0, true) as u32;
    let other = PageNumber(stored ^ computed ^ number.0);
    match checksum::verify_page(page, other) {
        Verdict::Sound if other != number => format!("; it is page {other}, in the wrong place"),
        _ => String::new(),
    }
}
