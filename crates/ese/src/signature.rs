//! `SIGNATURE`: which database, which run of logs.

use std::fmt;

use crate::bytes::Bytes;
use crate::moment::LogTime;

/// What tells one database, or one run of logs, from every other, `SIGNATURE` (28 bytes).
///
/// | offset | field |
/// |---|---|
/// | 0 | u32 random number |
/// | 4 | [`LogTime`] of creation |
/// | 12 | name of the computer, 16 bytes; empty in newer versions |
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Signature(pub [u8; 28]);

impl Signature {
    /// The random number.
    #[must_use]
    pub fn random(&self) -> u32 {
        self.0.u32_at(0).unwrap_or_default()
    }

    /// When it was made.
    #[must_use]
    pub fn created(&self) -> LogTime {
        LogTime::at(&self.0, 4).unwrap_or_default()
    }

    pub(crate) fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        bytes.array(offset).map(Signature)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X} of {}", self.random(), self.created())
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
