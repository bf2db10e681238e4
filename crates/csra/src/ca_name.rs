//! The names that a CA answers to, \[MS-WCCE\] 3.1.1.4.1.1 and 3.1.1.4.2.

use std::fmt::Write;

/// Characters that a sanitized name does not contain, beside control and non-ASCII characters.
const DISALLOWED: &str = "!\"#%&'()*+,/:;<=>?[\\]^`{|}";

/// Characters of a sanitized name that the short form keeps.
const SHORT_BASE: usize = 51;

/// Length of `!xxxx`.
const ESCAPE: usize = 1 /* ! */ + 4 /* hexadecimal digits */;

/// The sanitized name: ASCII, usable as a file name; every other UTF-16 code unit becomes `!xxxx`.
#[must_use]
pub fn sanitize(name: &str) -> String {
    let mut sanitized = String::with_capacity(name.len());
    for character in name.chars() {
        let allowed = matches!(character, ' '..='~') && !DISALLOWED.contains(character);
        if allowed {
            sanitized.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing to a String cannot fail.
            let _ = write!(sanitized, "!{unit:04x}");
        }
    }
    sanitized
}

/// The sanitized short name: at most 57 characters, of which the last five are a hash of what was cut.
#[must_use]
pub fn sanitize_short(name: &str) -> String {
    let sanitized = sanitize(name);
    if sanitized.len() <= SHORT_BASE {
        return sanitized;
    }
    // An escape that does not fit is cut as a whole. Every '!' begins an escape: it is itself disallowed.
    let tail = &sanitized.as_bytes()[SHORT_BASE + 1 - ESCAPE..SHORT_BASE];
    let cut = match tail.iter().position(|&byte| byte == b'!') {
        Some(at) => SHORT_BASE + 1 - ESCAPE + at,
        None => SHORT_BASE,
    };
    let (base, excess) = sanitized.split_at(cut);
    let hash = excess.bytes().fold(0_u16, |hash, byte| hash.rotate_left(1).wrapping_add(u16::from(byte)));
    format!("{base}-{hash:05}")
}

/// Whether `authority`, as a client sent it, names the CA: its common name, sanitized name or sanitized short name, without
/// regard to case.
#[must_use]
pub fn matches(authority: &str, common_name: &str) -> bool {
    let equal =
        |name: &str| authority.chars().flat_map(char::to_lowercase).eq(name.chars().flat_map(char::to_lowercase));
    equal(common_name) || equal(&sanitize(common_name)) || equal(&sanitize_short(common_name))
}
