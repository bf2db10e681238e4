//! Numbers of log generations and the file names they have.

use std::fmt;
use std::path::{Path, PathBuf};

/// Number of a log generation; the first one of a database is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u32);

impl Generation {
    /// The generation that a new database starts with.
    pub const FIRST: Self = Self(1);

    /// Name of the closed log file: `edb`, five hexadecimal digits (eight above 0xFFFFF), `.log`.
    #[must_use]
    pub fn file_name(self) -> String {
        if self.0 > 0xF_FFFF { format!("edb{:08x}.log", self.0) } else { format!("edb{:05x}.log", self.0) }
    }

    /// The generation that a closed log file of this name holds; only the name that [`Generation::file_name`] gives is recognised.
    #[must_use]
    pub fn of_file_name(name: &str) -> Option<Self> {
        let digits = name.strip_prefix("edb")?.strip_suffix(".log")?;
        let generation = Self(u32::from_str_radix(digits, 16).ok()?);
        (generation.0 > 0 && generation.file_name() == name).then_some(generation)
    }

    /// Like [`Generation::of_file_name`], for the last component of a path.
    #[must_use]
    pub fn of_path(path: &Path) -> Option<Self> {
        Self::of_file_name(path.file_name()?.to_str()?)
    }

    /// The generation after this one; `None` when the numbers are used up.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    pub(crate) fn path_in(self, directory: &Path) -> PathBuf {
        directory.join(self.file_name())
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}
