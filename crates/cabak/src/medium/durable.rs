//! The few file-system calls that durability rests on.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use crate::platform::{self, private_directory, private_file};

/// How bytes reach the disk; tests put a disk there that fills up.
pub trait Medium {
    /// Appends to a file.
    ///
    /// # Errors
    /// What the operating system says.
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()>;

    /// Makes the content of a file durable.
    ///
    /// # Errors
    /// What the operating system says.
    fn sync(&self, file: &File) -> io::Result<()>;
}

/// The real thing.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Medium for System {
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }
}

/// Syncs a directory, so that the names in it are durable.
///
/// # Errors
/// What the operating system says.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    platform::sync_directory(path)
}

/// Replaces a file in one step: a new file beside it, synced, renamed over it, directory synced.
///
/// # Errors
/// What the operating system says; the old file is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory_of(path);
    let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

/// The directory that a path is in; that of a bare name is `.`, not the empty path that [`Path::parent`] returns.
pub(crate) fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A directory that only its owner may enter.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    private_directory().create(path)
}

/// Opens or creates a file that only its owner may read.
pub(super) fn open_private(path: &Path) -> io::Result<File> {
    private_file().read(true).create(true).truncate(false).open(path)
}

/// Creates a file that must not exist yet.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    private_file().create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_name_is_in_the_current_directory() {
        assert_eq!(directory_of(Path::new("loc.dat")), Path::new("."));
        assert_eq!(directory_of(Path::new("/srv/loc.dat")), Path::new("/srv"));
    }
}
