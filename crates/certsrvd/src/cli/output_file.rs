//! The file that a user names for what a command makes.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::durable;
use crate::failure::{Code, Failure};

/// A path that was looked at before the work began: what cannot be written is refused while nothing has happened yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct OutputFile<'a> {
    path: &'a Path,
    /// An ordinary file, or none yet: replaced in one step. Anything else (a device, a pipe, a link) is written into.
    replace: bool,
}

impl<'a> OutputFile<'a> {
    /// # Errors
    /// The path is a directory, or its directory does not exist.
    pub(super) fn new(path: &'a Path) -> Result<Self, Failure> {
        let refuse =
            |problem: &str| Failure::new(Code::Configuration, format!("cannot write {}: {problem}", path.display()));
        if path.is_dir() {
            return Err(refuse("it is a directory"));
        }
        if !durable::parent(path).is_dir() {
            return Err(refuse("its directory does not exist"));
        }
        let replace = match fs::symlink_metadata(path) {
            Ok(metadata) => metadata.is_file(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => true,
            Err(error) => return Err(refuse(&error.to_string())),
        };
        Ok(Self { path, replace })
    }

    /// # Errors
    /// Whatever the file system says.
    pub(super) fn write(self, content: &[u8]) -> io::Result<()> {
        if self.replace {
            return durable::replace(self.path, content, 0o644);
        }
        OpenOptions::new().write(true).create(true).truncate(true).open(self.path)?.write_all(content)
    }

    /// The path.
    pub(super) fn path(self) -> &'a Path {
        self.path
    }
}
