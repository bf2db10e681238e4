//! Why redo stops.

use std::fmt;
use std::io;

use thiserror::Error;

use crate::error::Error;
use crate::jet::JetError;
use crate::log::RecordType;
use crate::position::LogPosition;
use crate::source::PageNumber;

/// Why redo does not go on.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedoError {
    /// The source has pages of a size that no database has.
    #[error("{page_size} bytes are no page")]
    Layout {
        /// What the source says.
        page_size: usize,
    },
    /// A record cannot be applied.
    #[error("{0}")]
    Stopped(#[from] Stop),
    /// The store for pages that find no room in memory failed; this says nothing about database and logs.
    #[error("cannot keep changed pages outside memory")]
    Store(#[source] io::Error),
}

/// The record at which redo stopped, and why. Nothing of the record was applied.
#[derive(Debug, Error)]
pub struct Stop {
    /// Where the record is.
    pub position: LogPosition,
    /// What it is.
    pub record: RecordType,
    /// The page that it is about, when it is about one.
    pub page: Option<PageNumber>,
    /// The code with which ESE reports this.
    pub code: JetError,
    /// What does not fit: lowercase, no final period.
    pub problem: String,
    /// What the storage said, when it is at fault.
    #[source]
    pub source: Option<io::Error>,
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "log position {}, {}", self.position, self.record)?;
        if let Some(page) = self.page {
            write!(f, " of page {page}")?;
        }
        write!(f, ": {} ({})", self.problem, self.code)
    }
}

/// Why one record cannot be applied, before anybody knows where it is.
#[derive(Debug)]
pub(super) enum Fault {
    /// The record is shorter than its kind demands, or contradicts itself.
    Record(&'static str),
    /// A page is older than the state that the record changes.
    TooOld { page: PageNumber, has: u64, before: u64 },
    /// A page is newer than the state that the record changes, and older than the result.
    TooNew { page: PageNumber, has: u64, before: u64, after: u64 },
    /// A page was never written.
    Blank(PageNumber),
    /// A page does not hold what the record says.
    Page(PageNumber, String),
    /// A page cannot be read.
    Read(Error),
    /// The store of changed pages failed.
    Store(io::Error),
    /// The kind of record is not supported.
    Unsupported,
    /// Something within the record is not supported.
    UnsupportedDetail(&'static str),
}

impl Fault {
    pub(super) fn page(page: PageNumber, problem: impl Into<String>) -> Self {
        Fault::Page(page, problem.into())
    }

    /// The error for the record at this position.
    pub(super) fn into_error(self, position: LogPosition, record: RecordType) -> RedoError {
        match self {
            Fault::Store(source) => RedoError::Store(source),
            fault => RedoError::Stopped(fault.at(position, record)),
        }
    }

    /// What somebody who reads a page is told.
    pub(super) fn into_io(self) -> io::Error {
        match self {
            Fault::Store(source) => source,
            Fault::Read(error) => io::Error::other(error),
            fault => io::Error::other(fault.at(LogPosition::default(), RecordType::NOP)),
        }
    }

    /// Where it happened.
    pub(super) fn at(self, position: LogPosition, record: RecordType) -> Stop {
        let (page, code, problem, source) = match self {
            Fault::Record(problem) => (None, JetError::LOG_FILE_CORRUPT, problem.to_owned(), None),
            Fault::TooOld { page, has, before } => {
                let problem =
                    format!("the page has change {has}, the record follows change {before}: a write was lost");
                (Some(page), JetError::DB_TIME_TOO_OLD, problem, None)
            }
            Fault::TooNew { page, has, before, after } => {
                let problem = format!("the page has change {has}, the record leads from change {before} to {after}");
                (Some(page), JetError::DB_TIME_TOO_NEW, problem, None)
            }
            Fault::Blank(page) => {
                (Some(page), JetError::PAGE_NOT_INITIALIZED, "the page was never written".to_owned(), None)
            }
            Fault::Page(page, problem) => (Some(page), JetError::DATABASE_CORRUPTED, problem, None),
            Fault::Read(Error::Read { page, source }) => {
                (Some(page), JetError::DISK_IO, "the page cannot be read".to_owned(), Some(source))
            }
            Fault::Store(source) => {
                (None, JetError::DISK_IO, "the store of changed pages failed".to_owned(), Some(source))
            }
            Fault::Read(Error::Page { page, problem, code }) => (Some(page), code, problem, None),
            Fault::Read(other) => (None, JetError::DATABASE_CORRUPTED, other.to_string(), None),
            Fault::Unsupported => {
                let problem = "records of this kind cannot be replayed".to_owned();
                (None, JetError::BAD_LOG_VERSION, problem, None)
            }
            Fault::UnsupportedDetail(what) => {
                (None, JetError::BAD_LOG_VERSION, format!("{what} cannot be replayed"), None)
            }
        };
        Stop { position, record, page, code, problem, source }
    }
}
