//! Making names and files durable.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub(crate) use crate::platform::sync_directory;
use crate::platform::{private_directory, private_file};

/// Replaces a file by a copy of its first `length` bytes, which is on the disk before it takes the name.
///
/// What a process that failed to sync left in the cache of the operating system may never reach the disk, though a later sync
/// says so: the cache takes it for clean. A copy is new, and is written.
pub(crate) fn renew(path: &Path, temporary: &Path, length: u64) -> io::Result<()> {
    let mut copy = create_private(temporary)?;
    let copied = io::copy(&mut File::open(path)?.take(length), &mut copy)?;
    if copied != length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    copy.sync_all()?;
    std::fs::rename(temporary, path)?;
    sync_directory(parent(path))
}

/// Directory of a file; the current one for a bare name.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Creates a directory, and those above it, that only the owner may enter.
pub(crate) fn create_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = parent(path);
    create_directory(above)?;
    match private_directory().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        result => result?,
    }
    sync_directory(above)
}

/// Removes a file that may be absent.
pub(crate) fn remove_if_present(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Creates an empty file for the owner alone, in place of one of that name.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    remove_if_present(path)?;
    private_file().create_new(true).open(path)
}
