//! `DBSTATE`: how a database was left.

use std::fmt;

/// How a database was left, `JET_dbstate…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseState {
    /// 1: created and never finished.
    JustCreated,
    /// 2: in use, or not closed in order; its logs are needed.
    Dirty,
    /// 3: closed in order; it needs no logs.
    Clean,
    /// 4: being converted.
    BeingConverted,
    /// 5: detached by force.
    ForceDetach,
    /// 6: pages are being replaced.
    IncrementalReseed,
    /// 7: in use, pages were replaced.
    DirtyAndPatched,
    /// 8: being set back to an earlier state.
    Revert,
    /// Any other number.
    Unknown(u32),
}

impl DatabaseState {
    /// The number in the header.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            DatabaseState::JustCreated => 1,
            DatabaseState::Dirty => 2,
            DatabaseState::Clean => 3,
            DatabaseState::BeingConverted => 4,
            DatabaseState::ForceDetach => 5,
            DatabaseState::IncrementalReseed => 6,
            DatabaseState::DirtyAndPatched => 7,
            DatabaseState::Revert => 8,
            DatabaseState::Unknown(number) => number,
        }
    }
}

impl From<u32> for DatabaseState {
    fn from(number: u32) -> Self {
        match number {
            1 => DatabaseState::JustCreated,
            2 => DatabaseState::Dirty,
            3 => DatabaseState::Clean,
            4 => DatabaseState::BeingConverted,
            5 => DatabaseState::ForceDetach,
            6 => DatabaseState::IncrementalReseed,
            7 => DatabaseState::DirtyAndPatched,
            8 => DatabaseState::Revert,
            other => DatabaseState::Unknown(other),
        }
    }
}

impl fmt::Display for DatabaseState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DatabaseState::JustCreated => "just created",
            DatabaseState::Dirty => "dirty shutdown",
            DatabaseState::Clean => "clean shutdown",
            DatabaseState::BeingConverted => "being converted",
            DatabaseState::ForceDetach => "force detach",
            DatabaseState::IncrementalReseed => "incremental reseed",
            DatabaseState::DirtyAndPatched => "dirty and patched",
            DatabaseState::Revert => "being reverted",
            DatabaseState::Unknown(number) => return write!(f, "state {number}"),
        })
    }
}
