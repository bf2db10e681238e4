//! Points in time as the database has them: FILETIME, [MS-DTYP] 2.3.3.

use std::fmt;

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

/// Intervals of 100 ns between 1601-01-01 and 1970-01-01.
const UNIX_EPOCH: i128 = 116_444_736_000_000_000;
const SECONDS: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
const FRACTION: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:7]Z");

/// Intervals of 100 ns since 1601-01-01, UTC: the form of every date column (CERTTIME, [MS-CSRA] 2.2.1.12).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileTime(pub i64);

impl FileTime {
    /// Intervals in a second.
    pub const SECOND: i64 = 10_000_000;

    /// Converts; times that do not fit become the first or last one that does.
    #[must_use]
    pub fn from_date_time(at: OffsetDateTime) -> Self {
        let intervals = at.unix_timestamp_nanos().div_euclid(100) + UNIX_EPOCH;
        Self(i64::try_from(intervals).unwrap_or(if intervals < 0 { i64::MIN } else { i64::MAX }))
    }

    /// The time for calendars; `None` past the year 9999.
    #[must_use]
    pub fn date_time(self) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp_nanos((i128::from(self.0) - UNIX_EPOCH) * 100).ok()
    }

    /// This time moved by seconds.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(Self::SECOND)))
    }

    /// Eight bytes, little-endian, as a date column of ESE has them.
    #[must_use]
    pub fn from_le_bytes(bytes: [u8; 8]) -> Self {
        Self(i64::from_le_bytes(bytes))
    }
}

impl fmt::Display for FileTime {
    /// RFC 3339 in UTC; with a fraction of seven digits when it has one. Past the year 9999 the number itself.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.rem_euclid(Self::SECOND) == 0 { SECONDS } else { FRACTION };
        match self.date_time().and_then(|at| at.to_offset(UtcOffset::UTC).format(format).ok()) {
            Some(text) => f.write_str(&text),
            None => write!(f, "FILETIME {}", self.0),
        }
    }
}

impl From<std::time::SystemTime> for FileTime {
    fn from(at: std::time::SystemTime) -> Self {
        Self::from_date_time(at.into())
    }
}
