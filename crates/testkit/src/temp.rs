//! Temporary directories.

use std::io;
use std::path::Path;

use tempfile::TempDir;

/// A directory that is removed on drop: in memory (`/dev/shm`) where that exists and can be written, since tests of
/// durability count on simulated crashes, not on a real disk; otherwise where the system keeps temporary files.
///
/// # Errors
/// When neither place takes a directory.
pub fn directory() -> io::Result<TempDir> {
    let builder = || {
        let mut builder = tempfile::Builder::new();
        builder.prefix("cabak-test-");
        builder
    };
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(directory) = builder().tempdir_in(memory)
    {
        return Ok(directory);
    }
    builder().tempdir()
}
