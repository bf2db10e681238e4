//! What can be wrong with one log file.

use std::io;

use crate::Lsn;

/// A log file that cannot be read on: where, and why.
#[derive(Debug, thiserror::Error)]
#[error("offset {offset:#x}: {damage}")]
#[non_exhaustive]
pub struct LogError {
    /// Offset in the file of the header or record that is wrong.
    pub offset: u64,
    /// What is wrong with it.
    #[source]
    pub damage: LogDamage,
}

/// What is wrong with the header or with a record of a log file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogDamage {
    /// The operating system could not read the file.
    #[error("cannot read: {0}")]
    Io(#[source] io::Error),
    /// The file does not start with the magic number.
    #[error("not a certdb log (magic {found})")]
    NotALog {
        /// The eight bytes found, in hexadecimal.
        found: String,
    },
    /// A later version of the format, or another page size.
    #[error("{field} {found} is not supported (expected {expected})")]
    Unsupported {
        /// `version` or `page size`.
        field: &'static str,
        /// What the header says.
        found: u32,
        /// What this version reads.
        expected: u32,
    },
    /// Bytes changed: the checksum does not fit.
    #[error("checksum mismatch (stored {stored:#010x}, computed {computed:#010x})")]
    Checksum {
        /// Checksum in the file.
        stored: u32,
        /// Checksum of the bytes.
        computed: u32,
    },
    /// A record of no known type.
    #[error("unknown record type {found}")]
    RecordType {
        /// The type byte.
        found: u8,
    },
    /// A field of a record contradicts the records before it.
    #[error("{field} is {found}, expected {expected}")]
    Field {
        /// Which field.
        field: &'static str,
        /// What the record says.
        found: u64,
        /// What the records before it require.
        expected: u64,
    },
    /// The file ends inside a record or before the end mark.
    #[error("the file ends before its end mark (last page image {last})")]
    Truncated {
        /// The last page image that was read.
        last: Lsn,
    },
    /// Bytes follow the end mark.
    #[error("bytes follow the end mark")]
    TrailingBytes,
}
