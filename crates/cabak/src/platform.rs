//! What differs between operating systems: the same names for both, and nothing of it elsewhere in this crate.

pub(crate) use system::{
    STOP_SIGNALS, forget_cached, is_device, like_owner, make_private, open_regular, private_directory, private_file,
    read_at, rename_new, sync_directory, write_at,
};

#[cfg(unix)]
mod system {
    use std::fs::{DirBuilder, File, OpenOptions, Permissions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
    use std::path::Path;

    use rustix::fs::{Advice, CWD, OFlags, RenameFlags};
    use rustix::io::Errno;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    /// What asks the program to stop.
    pub(crate) const STOP_SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

    /// Opens files for writing; one that it creates is for the owner alone: sets hold personal data, and the hashes of
    /// requests.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.write(true).mode(0o600);
        options
    }

    /// Creates directories that only the owner may enter.
    pub(crate) fn private_directory() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    }

    /// Lets only the owner enter temporary directories.
    pub(crate) fn make_private(builder: &mut tempfile::Builder<'_, '_>) {
        builder.permissions(Permissions::from_mode(0o700));
    }

    /// Puts the names in a directory on the disk.
    pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Renames a directory, unless the target exists.
    pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(()),
            // Some file systems (NFS, many FUSE ones) cannot; a directory is never renamed over one that has content.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => std::fs::rename(from, to),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the system to forget its copy of a file, so that the next read comes from the medium. Best effort.
    pub(crate) fn forget_cached(file: &File) {
        // A file system without this advice simply serves its cache; the hash is compared all the same.
        let _ = rustix::fs::fadvise(file, 0, None, Advice::DontNeed);
    }

    /// Opens a regular file, and neither follows a link nor waits for a pipe.
    pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(file)
    }

    /// Gives a file to whom a directory belongs.
    pub(crate) fn like_owner(path: &Path, directory: &Path) -> io::Result<()> {
        let (owner, present) = (std::fs::metadata(directory)?, std::fs::metadata(path)?);
        if (owner.uid(), owner.gid()) == (present.uid(), present.gid()) {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
    }

    /// Reads at a place of a file.
    pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(file, buffer, offset)
    }

    /// Writes at a place of a file.
    pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::write_at(file, bytes, offset)
    }

    /// Whether the system takes a file name for a device, or for another file. Never here.
    pub(crate) fn is_device(_name: &str) -> bool {
        false
    }
}

#[cfg(windows)]
mod system {
    use std::fs::{DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::windows::fs::{MetadataExt, OpenOptionsExt};
    use std::path::Path;

    use signal_hook::consts::{SIGINT, SIGTERM};

    /// What asks the program to stop: Ctrl-C is SIGINT.
    pub(crate) const STOP_SIGNALS: [i32; 2] = [SIGINT, SIGTERM];

    /// Opens files for writing; one that it creates inherits the access list of its directory.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.write(true);
        options
    }

    /// Creates directories, which inherit the access list of the one above.
    pub(crate) fn private_directory() -> DirBuilder {
        DirBuilder::new()
    }

    /// Nothing to do: a temporary directory inherits the access list of the one above.
    pub(crate) fn make_private(_builder: &mut tempfile::Builder<'_, '_>) {}

    /// Puts the names in a directory on the disk, as far as that can be asked for: a file system that refuses to flush a
    /// directory writes names down in its own time, NTFS through its journal.
    pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let flushed = OpenOptions::new()
            .write(true)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(path)
            .and_then(|directory| directory.sync_all());
        match flushed {
            Err(error) if is_refusal(&error) => Ok(()),
            result => result,
        }
    }

    /// Whether a file system says that it does not flush directories, rather than that it failed to.
    fn is_refusal(error: &io::Error) -> bool {
        const ERROR_INVALID_FUNCTION: i32 = 1;
        const ERROR_INVALID_HANDLE: i32 = 6;
        matches!(
            error.kind(),
            io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput
        ) || matches!(error.raw_os_error(), Some(ERROR_INVALID_FUNCTION | ERROR_INVALID_HANDLE))
    }

    /// Renames a directory, unless the target exists. No call does both in one; the folder's lock keeps others from coming
    /// in between, and a directory is never renamed over one that has content.
    pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
        if to.try_exists()? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        std::fs::rename(from, to)
    }

    /// Nothing to do: no call makes the system forget its copy of a file that others may have open.
    pub(crate) fn forget_cached(_file: &File) {}

    /// Opens a regular file, and follows no link: whatever redirects is refused.
    pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
        const FILE_FLAG_OPEN_REPARSE_POINT: u32 = 0x0020_0000;
        const FILE_ATTRIBUTE_REPARSE_POINT: u32 = 0x400;
        let file = OpenOptions::new().read(true).custom_flags(FILE_FLAG_OPEN_REPARSE_POINT).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() || metadata.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT != 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(file)
    }

    /// Not reached: a restore is refused before it writes a file.
    pub(crate) fn like_owner(_path: &Path, _directory: &Path) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Reads at a place of a file.
    pub(crate) fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
    }

    /// Writes at a place of a file.
    pub(crate) fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_write(file, bytes, offset)
    }

    /// Whether the system takes a file name for a device, or for another file.
    pub(crate) fn is_device(name: &str) -> bool {
        super::is_device_on_windows(name)
    }
}

/// Whether Windows takes a file name for a device (`NUL`, `com1.log`), or for another file (`name.`).
#[cfg(any(windows, test))]
fn is_device_on_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|port| {
        let number = stem.strip_prefix(port).unwrap_or_default();
        number.chars().count() == 1 && number.contains(|c: char| c.is_ascii_digit() || "¹²³".contains(c))
    });
    numbered || DEVICES.contains(&stem.as_str()) || name.ends_with(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::is_device_on_windows;

    #[test]
    fn names_of_devices_are_known_in_every_spelling() {
        for name in ["NUL", "nul", "com1.log", "LPT9 .x.y", "COM²", "conin$", "edb.log.", "edb.log "] {
            assert!(is_device_on_windows(name), "{name}");
        }
        for name in ["edb00001.log", "console.db", "COM10", "Null CA.db", "aux-1.crl", "COM"] {
            assert!(!is_device_on_windows(name), "{name}");
        }
    }
}
