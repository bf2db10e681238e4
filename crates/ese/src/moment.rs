//! `LOGTIME`: a moment in the headers of ESE.

use std::fmt;

use crate::bytes::Bytes;

/// A moment, `LOGTIME` (8 bytes).
///
/// | offset | field |
/// |---|---|
/// | 0 | seconds |
/// | 1 | minutes |
/// | 2 | hours |
/// | 3 | day of the month, from 1 |
/// | 4 | month, from 1 |
/// | 5 | year - 1900 |
/// | 6 | bit 0: the time is UTC; bits 1–7: milliseconds, low |
/// | 7 | bits 1–3: milliseconds, high; bit 0: belongs to an OS snapshot |
///
/// Compared byte by byte, as ESE does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct LogTime(pub [u8; 8]);

impl LogTime {
    /// No time at all: every byte is zero.
    pub const NONE: LogTime = LogTime([0; 8]);

    /// Whether it says nothing.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.0[..6] == [0; 6]
    }

    /// Whether the time is UTC; otherwise it is the local time of the server.
    #[must_use]
    pub fn is_utc(self) -> bool {
        self.0[6] & 1 != 0
    }

    /// Year, month, day, hour, minute, second, millisecond, as they stand there; they may be no date at all.
    #[must_use]
    pub fn fields(self) -> (u16, u8, u8, u8, u8, u8, u16) {
        let [second, minute, hour, day, month, year, low, high] = self.0;
        let millisecond = u16::from(low >> 1) | (u16::from((high >> 1) & 7) << 7);
        (1900 + u16::from(year), month, day, hour, minute, second, millisecond)
    }

    pub(crate) fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        bytes.array(offset).map(LogTime)
    }
}

impl fmt::Display for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() {
            return f.write_str("never");
        }
        let (year, month, day, hour, minute, second, millisecond) = self.fields();
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}")?;
        if self.is_utc() { f.write_str("Z") } else { Ok(()) }
    }
}

impl fmt::Debug for LogTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
