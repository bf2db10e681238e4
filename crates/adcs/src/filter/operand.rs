//! What a field is compared with, in the form that its values have.

use std::fmt;

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::field::Nature;
use crate::{Field, FileTime, SerialNumber, words};

/// A value of an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// No value.
    None,
    /// For a number.
    Number(i64),
    /// For 32 bits.
    Code(u32),
    /// For a date: from the first time up to, and without, the second.
    Span { from: FileTime, to: FileTime },
    /// For text: in small letters.
    Text(String),
    /// For a serial number.
    Serial(SerialNumber),
    /// For digits that may have blanks between them.
    Digits(String),
}

impl Operand {
    /// What a word means for a field.
    pub(super) fn of_word(word: &str, field: &Field, now: FileTime) -> Result<Self, String> {
        if word.eq_ignore_ascii_case("none") {
            return Ok(Self::None);
        }
        Self::of_text(word, field, now)
    }

    /// What a text means for a field: in quotes nothing is special.
    pub(super) fn of_text(text: &str, field: &Field, now: FileTime) -> Result<Self, String> {
        match field.nature() {
            Nature::Words(list) => {
                let number = words::number(list, text).or_else(|| number(text));
                number.map(Self::Number).ok_or_else(|| {
                    let known: Vec<&str> = list.iter().map(|(_, word)| *word).collect();
                    format!("'{text}' is no {field}; there are {}", known.join(", "))
                })
            }
            Nature::Number => {
                number(text).map(Self::Number).ok_or_else(|| format!("{field} is a number, '{text}' is none"))
            }
            Nature::Code(_) => number(text)
                .and_then(|number| u32::try_from(number).ok())
                .map(Self::Code)
                .ok_or_else(|| format!("{field} is a number of 32 bits such as 0x80094012, '{text}' is none")),
            Nature::Date => span(text, now).ok_or_else(|| {
                format!(
                    "{field} is a date, '{text}' is none; write 2026-12-01, 2026-12-01T08:00:00Z, now, now+30d, or none"
                )
            }),
            Nature::Serial => SerialNumber::parse(text)
                .map(Self::Serial)
                .ok_or_else(|| format!("{field} is in hexadecimal digits, '{text}' is not")),
            Nature::Digits => digits(text)
                .map(Self::Digits)
                .ok_or_else(|| format!("{field} is in hexadecimal digits, '{text}' is not")),
            Nature::Text | Nature::Oid => Ok(Self::Text(text.to_lowercase())),
            Nature::Binary => Err(format!("{field} is bytes; they can only be compared with none")),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Number(number) => number.fmt(f),
            Self::Code(code) => write!(f, "{code:#x}"),
            Self::Span { from, to } if to.0.saturating_sub(from.0) == DAY * FileTime::SECOND => {
                f.write_str(from.to_string().split('T').next().unwrap_or_default())
            }
            Self::Span { from, .. } => from.fmt(f),
            Self::Text(text) if text.contains('"') => write!(f, "'{text}'"),
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Serial(serial) => serial.fmt(f),
            Self::Digits(digits) => f.write_str(digits),
        }
    }
}

const DAY: i64 = 86_400;

/// Hexadecimal digits without blanks and colons, in small letters.
pub(super) fn digits(text: &str) -> Option<String> {
    let digits = text.replace([' ', ':'], "").to_lowercase();
    (!digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit())).then_some(digits)
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => i64::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None => text.parse().ok(),
    }
}

fn span(text: &str, now: FileTime) -> Option<Operand> {
    let (from, intervals) = if text.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("now")) {
        (now.plus_seconds(relative(text.get(3..)?)?), None)
    } else if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
        (FileTime::from_date_time(day.midnight().assume_utc()), Some(DAY * FileTime::SECOND))
    } else {
        (FileTime::from_date_time(OffsetDateTime::parse(text, &Rfc3339).ok()?), None)
    };
    // Dates before 1601 and after 9999 have no form here.
    if from.0 < 0 || from.date_time().is_none() {
        return None;
    }
    let whole = if from.0.rem_euclid(FileTime::SECOND) == 0 { FileTime::SECOND } else { 1 };
    Some(Operand::Span { from, to: FileTime(from.0.saturating_add(intervals.unwrap_or(whole))) })
}

/// Seconds of `+30d`; nothing is 0.
fn relative(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let unit = match rest.as_bytes().last()?.to_ascii_lowercase() {
        b'h' => 3600,
        b'd' => DAY,
        b'w' => 7 * DAY,
        _ => return None,
    };
    let count = rest.get(..rest.len() - 1).filter(|count| count.bytes().all(|digit| digit.is_ascii_digit()))?;
    count.parse::<i64>().ok()?.checked_mul(unit).map(|seconds| sign * seconds)
}
