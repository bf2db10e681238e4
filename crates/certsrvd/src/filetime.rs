//! Points in time as the database keeps them: FILETIME, [MS-DTYP] 2.3.3.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Intervals of 100 ns between 1601-01-01 and 1970-01-01.
const UNIX_EPOCH_INTERVALS: i64 = 116_444_736_000_000_000;
const INTERVALS_PER_SECOND: i64 = 10_000_000;

/// Intervals of 100 ns since 1601-01-01 UTC (FILETIME, CERTTIME); the form of every date column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileTime(pub i64);

impl FileTime {
    /// The present time, as the system's clock tells it.
    pub fn now() -> Self {
        Self::from_system_time(SystemTime::now())
    }

    /// Converts; times before 1970 become 1970, for certificates and CRLs know none.
    pub fn from_system_time(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let intervals = i64::try_from(since.as_nanos() / 100).unwrap_or(i64::MAX - UNIX_EPOCH_INTERVALS);
        Self(intervals.saturating_add(UNIX_EPOCH_INTERVALS))
    }

    /// Converts a time as X.509 has it: whole seconds since 1970.
    pub fn from_unix_seconds(seconds: u64) -> Self {
        Self::from_system_time(UNIX_EPOCH + Duration::from_secs(seconds.min(i64::MAX as u64 / 1_000_000_000)))
    }

    /// Whole seconds since 1970, 0 for anything earlier.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from((self.0 - UNIX_EPOCH_INTERVALS).max(0) / INTERVALS_PER_SECOND).unwrap_or(0)
    }

    /// This time moved forward.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_nanos() / 100).unwrap_or(i64::MAX)))
    }

    /// This time moved back.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_nanos() / 100).unwrap_or(i64::MAX)))
    }

    /// RFC 3339 in UTC with seconds, as people and JSON get it: `2031-05-06T07:08:09Z`.
    pub fn rfc3339(self) -> String {
        let seconds = i64::try_from(self.unix_seconds()).unwrap_or(0);
        OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|time| time.format(&Rfc3339).ok())
            .unwrap_or_else(|| format!("FILETIME {}", self.0))
    }

    /// Reads RFC 3339; `None` when it is none.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        u64::try_from(time.unix_timestamp()).ok().map(Self::from_unix_seconds)
    }
}
