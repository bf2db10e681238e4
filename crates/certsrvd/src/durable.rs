//! Files that are either there completely or not at all, also after a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Replaces `path` by `content`: temporary file, fsync, rename, fsync of the directory. `mode` are the permission bits.
///
/// # Errors
/// Whatever the file system says; the old file is then untouched.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = stage(path, content, mode)?;
    let result = fs::rename(&temporary, path);
    if result.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    result?;
    sync_directory(parent(path))
}

/// Like [`replace`], but refuses with [`io::ErrorKind::AlreadyExists`] when `path` exists.
///
/// # Errors
/// `AlreadyExists`, or whatever the file system says.
pub fn create(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let temporary = stage(path, content, mode)?;
    // A hard link, unlike a rename, never replaces what is there.
    let result = fs::hard_link(&temporary, path);
    let removed = fs::remove_file(&temporary);
    result?;
    removed?;
    sync_directory(parent(path))
}

/// Creates `path` and its missing parents; what is new gets `mode`. An existing directory is left as it is.
///
/// # Errors
/// Whatever the file system says.
pub fn create_directory(path: &Path, mode: u32) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(mode).create(path)?;
    sync_directory(parent(path))
}

/// Removes temporary files that a crash left in `directory`. The caller holds the lock of the data directory, so nobody is
/// writing one.
///
/// # Errors
/// Whatever the file system says.
pub fn remove_stale(directory: &Path) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with('.') && name.ends_with(".tmp") && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Makes the names inside `path` durable.
///
/// # Errors
/// Whatever the file system says.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The directory that holds `path`; `.` for a bare name.
pub fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn stage(path: &Path, content: &[u8], mode: u32) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidFilename))?;
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    let temporary = parent(path).join(format!(".{}.{}.tmp", name.to_string_lossy(), hex::encode(random)));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    if let Err(error) = written {
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    Ok(temporary)
}
