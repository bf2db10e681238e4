//! Names of log files.

use std::fmt;

/// What the name of a log file says: three letters, the generation in hexadecimal (five digits, eight above 0xFFFFF),
/// `.log`; the current log has no number, `edb.log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName {
    /// The three letters: `edb` for a CA.
    pub base: String,
    /// The generation; `None` for the current log.
    pub generation: Option<u32>,
}

impl FileName {
    /// Reads a name, in upper or lower case. `None`: it is no name of a log.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (stem, extension) = name.rsplit_once('.')?;
        if !extension.eq_ignore_ascii_case("log") && !extension.eq_ignore_ascii_case("jtx") {
            return None;
        }
        let (base, digits) = stem.split_at_checked(3)?;
        if !base.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return None;
        }
        let generation = match digits.len() {
            0 => None,
            5 | 8 if digits.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Some(u32::from_str_radix(digits, 16).ok().filter(|generation| *generation != 0)?)
            }
            _ => return None,
        };
        Some(FileName { base: base.to_owned(), generation })
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation {
            None => write!(f, "{}.log", self.base),
            Some(generation @ 0..=0xF_FFFF) => write!(f, "{}{generation:05X}.log", self.base),
            Some(generation) => write!(f, "{}{generation:08X}.log", self.base),
        }
    }
}
