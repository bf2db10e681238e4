//! Serial numbers of certificates, however they are written.

use std::fmt;

/// A serial number: hexadecimal digits. Blanks, colons, case, `0x` and leading zeros do not count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SerialNumber(String);

impl SerialNumber {
    /// Reads what a database, a program or a person writes; `None` when it is no number.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        let mut digits = String::with_capacity(text.len());
        for character in text.chars() {
            match character {
                ' ' | ':' => {}
                digit if digit.is_ascii_hexdigit() => digits.push(digit.to_ascii_lowercase()),
                _ => return None,
            }
        }
        if digits.is_empty() {
            return None;
        }
        let significant = digits.trim_start_matches('0');
        Some(Self(if significant.is_empty() { "0".to_owned() } else { significant.to_owned() }))
    }

    /// The number from the bytes of a certificate, big-endian.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::parse(&hex::encode(bytes)).unwrap_or(Self("0".to_owned()))
    }
}

impl fmt::Display for SerialNumber {
    /// Lower-case digits without leading zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
