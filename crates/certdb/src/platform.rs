//! What differs between operating systems: the same names for both, and nothing of it elsewhere in this crate.

pub(crate) use system::{PositionedFile, SQLITE_VFS, private_directory, private_file, sync_directory};

#[cfg(unix)]
mod system {
    use std::ffi::CStr;
    use std::fs::{DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    use std::path::Path;

    /// The way SQLite uses files: it keeps other processes out, and the index of the write-ahead log in memory.
    pub(crate) const SQLITE_VFS: &CStr = c"unix-excl";

    /// Reads and writes at a place in a file, also from several threads.
    pub(crate) use std::os::unix::fs::FileExt as PositionedFile;

    /// Opens files for reading and writing; one that it creates is for the owner alone.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(0o600);
        options
    }

    /// Creates directories that only the owner may enter.
    pub(crate) fn private_directory() -> DirBuilder {
        let mut builder = DirBuilder::new();
        builder.mode(0o700);
        builder
    }

    /// Puts the names in a directory on the disk.
    pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
        File::open(directory)?.sync_all()
    }
}

#[cfg(windows)]
mod system {
    use std::ffi::CStr;
    use std::fs::{DirBuilder, File, OpenOptions};
    use std::io;
    use std::os::windows::fs::{FileExt, OpenOptionsExt};
    use std::path::Path;

    /// The way SQLite uses files. The index of the write-ahead log is the file `-shm`, and only our own lock file keeps other
    /// processes out.
    pub(crate) const SQLITE_VFS: &CStr = c"win32";

    /// Reads and writes at a place in a file, also from several threads.
    ///
    /// Both move the cursor of the file, which they do not on Unix: who then reads on in order seeks first.
    pub(crate) trait PositionedFile {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
        fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
        fn write_all_at(&self, buffer: &[u8], offset: u64) -> io::Result<()>;
    }

    impl PositionedFile for File {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
            self.seek_read(buffer, offset)
        }

        fn read_exact_at(&self, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
            while !buffer.is_empty() {
                match self.seek_read(buffer, offset) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => {
                        buffer = &mut buffer[count..];
                        offset += count as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }

        fn write_all_at(&self, mut buffer: &[u8], mut offset: u64) -> io::Result<()> {
            while !buffer.is_empty() {
                match self.seek_write(buffer, offset) {
                    Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        buffer = &buffer[count..];
                        offset += count as u64;
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            Ok(())
        }
    }

    /// Opens files for reading and writing; one that it creates inherits the access list of its directory.
    pub(crate) fn private_file() -> OpenOptions {
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        options
    }

    /// Creates directories, which inherit the access list of the one above.
    pub(crate) fn private_directory() -> DirBuilder {
        DirBuilder::new()
    }

    /// Puts the names in a directory on the disk, as far as that can be asked for: a file system that refuses to flush a
    /// directory writes names down in its own time, NTFS through its journal.
    pub(crate) fn sync_directory(directory: &Path) -> io::Result<()> {
        const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let flushed = OpenOptions::new()
            .write(true)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS)
            .open(directory)
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

    #[cfg(test)]
    mod tests {
        use std::io::{ErrorKind, Read, Seek};

        use super::{PositionedFile, private_file, sync_directory};

        #[test]
        fn a_directory_that_cannot_be_flushed_is_no_error_and_one_that_is_missing_is() {
            let directory = tempfile::tempdir().unwrap();
            sync_directory(directory.path()).unwrap();
            let missing = sync_directory(&directory.path().join("missing")).unwrap_err();
            assert_eq!(missing.kind(), ErrorKind::NotFound);
        }

        #[test]
        fn a_place_behind_the_end_is_an_error_and_a_cursor_is_set_again_before_it_is_used() {
            let directory = tempfile::tempdir().unwrap();
            let mut file = private_file().create_new(true).open(directory.path().join("file")).unwrap();
            file.write_all_at(b"0123456789", 2).unwrap();
            let mut bytes = [0; 4];
            file.read_exact_at(&mut bytes, 8).unwrap();
            assert_eq!(&bytes, b"6789");
            let error = file.read_exact_at(&mut bytes, 9).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
            assert_eq!(file.read_at(&mut bytes, 100).unwrap(), 0);
            file.rewind().unwrap();
            let mut whole = Vec::new();
            file.read_to_end(&mut whole).unwrap();
            assert_eq!(whole, b"\0\x000123456789");
        }
    }
}
