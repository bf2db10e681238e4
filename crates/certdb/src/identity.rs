//! Small values that tie a database, its logs and its copies together.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Identity of a database and of one unbroken run of its logs; random, drawn anew when a database is created or adopted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Signature(pub [u8; 16]);

impl Signature {
    /// A new random signature.
    pub(crate) fn random() -> std::io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signature({self})")
    }
}

/// Number of a page image in the run of all logs of a database; the first one is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Microseconds since the Unix epoch, the form in which the files hold times; 0 means "none".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// The time of the clock.
    pub(crate) fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// As a system time; `None` for 0 and for values that the platform cannot express.
    #[must_use]
    pub fn system_time(self) -> Option<SystemTime> {
        if self.0 == 0 {
            return None;
        }
        UNIX_EPOCH.checked_add(Duration::from_micros(self.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before 1970 become 0, times that do not fit the largest value.
    fn from(time: SystemTime) -> Self {
        let micros = time.duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_micros());
        Self(u64::try_from(micros).unwrap_or(u64::MAX))
    }
}

/// SHA-256 of a closed generation.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
