//! What the shim recorded.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

/// Operations in the order in which they took effect.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The operations; index `n` is the crash point "after operation n".
    pub operations: Vec<Operation>,
}

/// One operation below the watched directory. Paths are relative to it, inodes are the numbers of the real file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// open(2) for writing.
    Open {
        /// Path of the file.
        path: PathBuf,
        /// Its inode from here on.
        inode: u64,
        /// The file did not exist before.
        created: bool,
        /// It lost its content.
        truncated: bool,
        /// Modification time, nanoseconds since the Unix epoch.
        modified: u64,
    },
    /// write(2) and relatives: only what was really written.
    Write {
        /// The file.
        inode: u64,
        /// Position in bytes.
        offset: u64,
        /// The bytes.
        data: Arc<[u8]>,
        /// Modification time, nanoseconds since the Unix epoch.
        modified: u64,
    },
    /// ftruncate(2), shorter or longer.
    Truncate {
        /// The file.
        inode: u64,
        /// New length in bytes.
        length: u64,
        /// Modification time, nanoseconds since the Unix epoch.
        modified: u64,
    },
    /// fsync(2) or fdatasync(2) of a file that succeeded.
    Sync {
        /// The file.
        inode: u64,
    },
    /// An fsync that was made to fail: the kernel forgets which pages were dirty.
    SyncFailed {
        /// The file.
        inode: u64,
    },
    /// fsync of a directory.
    SyncDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// rename(2).
    Rename {
        /// Old path.
        from: PathBuf,
        /// New path; what was there is gone.
        to: PathBuf,
    },
    /// unlink(2) or rmdir(2).
    Unlink {
        /// Path of the file or empty directory.
        path: PathBuf,
    },
    /// mkdir(2).
    MakeDirectory {
        /// Path of the directory.
        path: PathBuf,
    },
    /// What the workload says about itself.
    Mark(String),
}

/// Why a journal cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The file cannot be read.
    #[error("journal {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record is not one of ours.
    #[error("journal: record at byte {at} is not understood")]
    Malformed {
        /// Position of the record.
        at: usize,
    },
    /// An operation names a file that no earlier operation made: the shim missed something.
    #[error("journal: operation {index} names a file that is not there: {operation}")]
    Unknown {
        /// Index of the operation.
        index: usize,
        /// The operation without its data.
        operation: String,
    },
}

impl Journal {
    /// Reads a journal. A record cut short at the end, of a workload that was killed, is left out.
    ///
    /// # Errors
    /// [`JournalError::Read`] and [`JournalError::Malformed`].
    pub fn read(path: &Path) -> Result<Self, JournalError> {
        let bytes = fs::read(path).map_err(|source| JournalError::Read { path: path.to_owned(), source })?;
        Self::parse(&bytes)
    }

    /// Parses the records described in `shim/storage.c` at `append()`.
    ///
    /// # Errors
    /// [`JournalError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, JournalError> {
        let mut operations = Vec::new();
        let mut rest = bytes;
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let Some((record, behind)) = behind.split_at_checked(u32::from_le_bytes(*length) as usize) else {
                break;
            };
            let at = bytes.len() - rest.len();
            operations.push(operation(record).ok_or(JournalError::Malformed { at })?);
            rest = behind;
        }
        Ok(Self { operations })
    }

    /// Indices of operations that change what a crash leaves behind, each a crash point; marks and opens of files that
    /// exist are left out.
    #[must_use]
    pub fn crash_points(&self) -> Vec<usize> {
        let matters = |operation: &Operation| {
            !matches!(operation, Operation::Mark(_) | Operation::Open { created: false, truncated: false, .. })
        };
        (0..self.operations.len()).filter(|index| matters(&self.operations[*index])).collect()
    }

    /// Marks up to and including operation `point`, with their indices.
    pub fn marks(&self, point: usize) -> impl Iterator<Item = (usize, &str)> {
        self.operations.iter().enumerate().take(point.saturating_add(1)).filter_map(
            |(index, operation)| match operation {
                Operation::Mark(text) => Some((index, text.as_str())),
                _ => None,
            },
        )
    }
}

fn operation(record: &[u8]) -> Option<Operation> {
    let (kind, rest) = record.split_first()?;
    let (inode, rest) = rest.split_first_chunk().map(|(field, rest)| (u64::from_le_bytes(*field), rest))?;
    let (offset, rest) = rest.split_first_chunk().map(|(field, rest)| (u64::from_le_bytes(*field), rest))?;
    let (modified, rest) = rest.split_first_chunk().map(|(field, rest)| (u64::from_le_bytes(*field), rest))?;
    let (path_length, rest) = rest.split_first_chunk().map(|(field, rest)| (u32::from_le_bytes(*field), rest))?;
    let (path, data) = rest.split_at_checked(path_length as usize)?;
    let path = PathBuf::from(std::str::from_utf8(path).ok()?);
    Some(match kind {
        1 => Operation::Open { path, inode, created: offset & 1 != 0, truncated: offset & 2 != 0, modified },
        2 => Operation::Write { inode, offset, data: data.into(), modified },
        3 => Operation::Truncate { inode, length: offset, modified },
        4 => Operation::Sync { inode },
        5 => Operation::SyncFailed { inode },
        6 => Operation::SyncDirectory { path },
        7 => Operation::Rename { from: path, to: PathBuf::from(std::str::from_utf8(data).ok()?) },
        8 => Operation::Unlink { path },
        9 => Operation::MakeDirectory { path },
        10 => Operation::Mark(std::str::from_utf8(data).ok()?.to_owned()),
        _ => return None,
    })
}
