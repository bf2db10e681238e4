//! Points in time, as set names, in manifests and from the command line, always UTC; and other figures for people.

use anyhow::Context;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};

use crate::exit::{Exit, Failure};

/// `2026-11-21T113322Z`: sorts by time, and is a legal directory name on every system.
const SET_NAME: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day]T[hour][minute][second]Z");
const WITH_SECONDS: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const WITH_MINUTES: &[BorrowedFormatItem<'static>] = format_description!("[year]-[month]-[day] [hour]:[minute]");

/// Now, to the second.
#[must_use]
pub fn now() -> OffsetDateTime {
    to_seconds(OffsetDateTime::now_utc())
}

/// A time without its fraction of a second.
#[must_use]
pub fn to_seconds(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(0).unwrap_or(at)
}

/// The directory name of a set that was started at this time.
///
/// # Errors
/// The year does not fit.
pub fn set_name(at: OffsetDateTime) -> anyhow::Result<String> {
    at.to_offset(UtcOffset::UTC).format(SET_NAME).context("this time has no name")
}

/// RFC 3339, UTC.
///
/// # Errors
/// The year does not fit.
pub fn rfc3339(at: OffsetDateTime) -> anyhow::Result<String> {
    at.to_offset(UtcOffset::UTC).format(&Rfc3339).context("this time cannot be written")
}

/// What a person types: RFC 3339, or `YYYY-MM-DD HH:MM[:SS]` in UTC.
///
/// # Errors
/// Exit code 2: none of these forms.
pub fn parse(text: &str) -> anyhow::Result<OffsetDateTime> {
    if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
        return Ok(at.to_offset(UtcOffset::UTC));
    }
    let spaced = text.trim_end_matches('Z').replacen('T', " ", 1);
    for form in [WITH_SECONDS, WITH_MINUTES] {
        if let Ok(at) = PrimitiveDateTime::parse(&spaced, form) {
            return Ok(at.assume_utc());
        }
    }
    Err(Failure::new(Exit::Usage, format!("'{text}' is not a time"))
        .hint("write it like 2026-08-01T12:00:00Z or '2026-08-01 12:00' (UTC)")
        .into())
}

/// How long ago something was, for people: `5 minutes`, `3 days`.
#[must_use]
pub fn age(earlier: OffsetDateTime, later: OffsetDateTime) -> String {
    let seconds = (later - earlier).whole_seconds().max(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    counted(count.unsigned_abs(), unit)
}

/// A number with its noun: `1 file`, `2 files`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Bytes for people, in binary units: `1.5 MiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if count < 1024 {
        return format!("{count} B");
    }
    let mut value = count as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}
