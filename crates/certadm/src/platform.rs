//! What differs between operating systems. All of it concerns restores, which need the files of a certsrvd on this machine.

pub(crate) use system::{HAS_CERTSRVD, like_owner, private_file, sync_directory};

#[cfg(unix)]
mod system {
    use std::fs::{File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    /// Whether certsrvd exists for this system.
    pub(crate) const HAS_CERTSRVD: bool = true;

    /// Opens files for reading and writing; one that it creates is for the owner alone.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        options
    }

    /// Gives a file to whom a directory belongs.
    pub(crate) fn like_owner(path: &Path, directory: &Path) -> io::Result<()> {
        let (owner, present) = (std::fs::metadata(directory)?, std::fs::metadata(path)?);
        if (owner.uid(), owner.gid()) == (present.uid(), present.gid()) {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
    }

    /// Puts the names in a directory on the disk.
    pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

/// Nothing here is reached: a session is refused before it touches a file.
#[cfg(windows)]
mod system {
    use std::fs::OpenOptions;
    use std::io;
    use std::path::Path;

    /// Whether certsrvd exists for this system.
    pub(crate) const HAS_CERTSRVD: bool = false;

    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options
    }

    pub(crate) fn like_owner(_path: &Path, _directory: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn sync_directory(_directory: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
