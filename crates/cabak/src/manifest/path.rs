//! Where a file is in a set: one of three directories, and a plain name.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::platform::is_device;

/// The directories of a set; names as `certutil -restoreDB` expects them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Directory {
    /// Database, logs and the restore map.
    DataBase,
    /// Dynamic files.
    Dynamic,
    /// CA certificates and CRLs.
    Ca,
}

impl Directory {
    /// All of them.
    pub const ALL: [Directory; 3] = [Directory::DataBase, Directory::Dynamic, Directory::Ca];

    /// Its name on disk.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Directory::DataBase => "DataBase",
            Directory::Dynamic => "Dynamic",
            Directory::Ca => "CA",
        }
    }
}

/// A path inside a set that cannot lead out of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SetPath {
    directory: Directory,
    // INVARIANT: one normal path component, see `check`.
    name: String,
}

impl SetPath {
    /// A file in one of the directories.
    ///
    /// # Errors
    /// The name is not a plain file name.
    pub fn new(directory: Directory, name: &str) -> Result<Self, PathError> {
        check(name)?;
        Ok(SetPath { directory, name: name.to_owned() })
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> Directory {
        self.directory
    }

    /// The file name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file below a set's own directory.
    #[must_use]
    pub fn below(&self, set: &Path) -> PathBuf {
        set.join(self.directory.name()).join(&self.name)
    }

    /// What two names have in common that differ only in case; Windows would take them for the same file.
    #[must_use]
    pub fn folded(&self) -> (Directory, String) {
        (self.directory, self.name.to_lowercase())
    }
}

impl fmt::Display for SetPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.directory.name(), self.name)
    }
}

impl From<SetPath> for String {
    fn from(path: SetPath) -> String {
        path.to_string()
    }
}

impl TryFrom<String> for SetPath {
    type Error = PathError;

    fn try_from(text: String) -> Result<Self, PathError> {
        let Some((first, name)) = text.split_once('/') else { return Err(PathError { name: text }) };
        let Some(directory) = Directory::ALL.into_iter().find(|directory| directory.name() == first) else {
            return Err(PathError { name: text });
        };
        SetPath::new(directory, name)
    }
}

/// A name that is not allowed in a set.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{}' is not a file name inside a set", name.escape_debug())]
pub struct PathError {
    /// The name.
    pub name: String,
}

fn check(name: &str) -> Result<(), PathError> {
    const LONGEST: usize = 255;
    let forbidden = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    let plain = !name.is_empty() && name.len() <= LONGEST && name != "." && name != ".." && !name.contains(forbidden);
    if !plain || is_device(name) {
        return Err(PathError { name: name.to_owned() });
    }
    Ok(())
}
