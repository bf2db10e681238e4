//! The name of a CA, from the file name of its database. The functions of Certadm do not tell it otherwise.

use certadm::{DatabaseLocations, FileType};

/// A sanitized name that is longer was shortened: at most 51 characters of it, `-`, and five digits of a hash.
const LONGEST_WHOLE: usize = 51;

/// The name of the CA whose database this is; `None` when no database is named, or by a name that is not harmless.
#[must_use]
pub fn authority_of(locations: &DatabaseLocations) -> Option<String> {
    stem_of(locations).map(unsanitize)
}

/// The file name of the first database, without its extension: the sanitized name of the CA.
#[must_use]
pub fn stem_of(locations: &DatabaseLocations) -> Option<&str> {
    let database = locations.names().iter().find(|name| name.file_type() == Some(FileType::Database))?;
    let name = database.local_name().ok()?;
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    Some(stem).filter(|stem| !stem.is_empty())
}

/// Undoes what makes a name a file name: `!xxxx` is a UTF-16 code unit, \[MS-WCCE\] 3.1.1.4.1.1. What was shortened, is
/// no such form, or would contain control characters, is returned as it is.
#[must_use]
pub fn unsanitize(stem: &str) -> String {
    if is_shortened(stem) {
        return stem.to_owned();
    }
    decode(stem).filter(|name| !name.contains(char::is_control)).unwrap_or_else(|| stem.to_owned())
}

fn is_shortened(stem: &str) -> bool {
    let hash = |digits: &str| digits.len() == 5 && digits.bytes().all(|digit| digit.is_ascii_digit());
    stem.len() > LONGEST_WHOLE && stem.rsplit_once('-').is_some_and(|(_, digits)| hash(digits))
}

fn decode(stem: &str) -> Option<String> {
    let mut units = Vec::with_capacity(stem.len());
    let mut parts = stem.split('!');
    units.extend(parts.next()?.encode_utf16());
    for part in parts {
        let (digits, rest) = part.split_at_checked(4)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        units.push(u16::from_str_radix(digits, 16).ok()?);
        units.extend(rest.encode_utf16());
    }
    String::from_utf16(&units).ok()
}
