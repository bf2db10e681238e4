//! Why something cannot be read.

use std::io;

use thiserror::Error;

use crate::jet::JetError;
use crate::source::PageNumber;

/// Why a database or a log cannot be read further.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The source does not deliver: a disk or a network is at fault, not the content.
    #[error("page {page} cannot be read")]
    Read {
        /// Which page.
        page: PageNumber,
        /// What the source said.
        #[source]
        source: io::Error,
    },
    /// What was read cannot be written where it should go.
    #[error("the content cannot be written")]
    Write {
        /// What the output said.
        #[source]
        source: io::Error,
    },
    /// The content is not what the format demands.
    #[error("page {page}: {problem} ({code})")]
    Page {
        /// Which page.
        page: PageNumber,
        /// What is wrong: lowercase, no final period.
        problem: String,
        /// The code with which ESE reports this.
        code: JetError,
    },
    /// The content as a whole is not what the format demands: a header, the catalog, a row.
    #[error("{problem} ({code})")]
    Damaged {
        /// What is wrong, with the name of the thing: lowercase, no final period.
        problem: String,
        /// The code with which ESE reports this.
        code: JetError,
    },
    /// A sound file that uses something this crate does not read.
    #[error("{what} is not supported")]
    Unsupported {
        /// The name of the thing.
        what: String,
    },
}
