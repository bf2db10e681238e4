//! Numbers of the database in words.

mod oid;
mod status;

pub use oid::oid;
pub use status::status;

use std::fmt::Write as _;

/// The state of a request, column Disposition.
pub const DISPOSITIONS: &[(i64, &str)] = &[
    (8, "active"),
    (9, "pending"),
    (12, "foreign"),
    (15, "ca_certificate"),
    (16, "ca_chain"),
    (17, "kra_certificate"),
    (20, "issued"),
    (21, "revoked"),
    (30, "failed"),
    (31, "denied"),
];

/// Why a certificate is revoked, column RevokedReason: RFC 5280 5.3.1 and [MS-CSRA] 3.1.1.1.1.
pub const REASONS: &[(i64, &str)] = &[
    (0, "unspecified"),
    (1, "keyCompromise"),
    (2, "cACompromise"),
    (3, "affiliationChanged"),
    (4, "superseded"),
    (5, "cessationOfOperation"),
    (6, "certificateHold"),
    (8, "removeFromCRL"),
    (0xFFFF_FFFF, "releasedFromHold"),
];

/// What a request is written in, the second byte of column RequestType, [MS-WCCE] 3.2.1.4.2.1.
pub const REQUEST_TYPES: &[(i64, &str)] =
    &[(0x100, "PKCS#10"), (0x200, "KEYGEN"), (0x300, "PKCS#7"), (0x400, "CMC"), (0x500, "challenge response")];

/// Column RequestFlags, [MS-CSRA] 3.1.1.1.2.
const REQUEST_FLAGS: &[(u32, &str)] = &[
    (0x1, "force teletex"),
    (0x2, "renewal"),
    (0x4, "force UTF-8"),
    (0x8, "CA exchange certificate"),
    (0x10, "enroll on behalf of"),
    (0x20, "subject unmodified"),
    (0x40, "valid encrypted key hash"),
    (0x80, "CA cross certificate"),
    (0x100, "enforce UTF-8"),
    (0x200, "defined CA certificate"),
    (0x400, "challenge pending"),
    (0x800, "challenge satisfied"),
    (0x1000, "trust on use"),
    (0x2000, "trusted EK certificate"),
    (0x4000, "trusted EK key"),
    (0x8000_0000, "publish error"),
];

/// Column CRLPublishFlags, [MS-CSRA] 3.1.1.4.1.
const PUBLISH_FLAGS: &[(u32, &str)] = &[
    (0x1, "base"),
    (0x2, "delta"),
    (0x4, "complete"),
    (0x8, "shadow"),
    (0x10, "CA store error"),
    (0x20, "bad URL"),
    (0x40, "manual"),
    (0x80, "signature error"),
    (0x100, "LDAP error"),
    (0x200, "file error"),
    (0x400, "FTP error"),
    (0x800, "HTTP error"),
    (0x1000, "postponed: base LDAP error"),
    (0x2000, "postponed: base file error"),
];

/// Column ExtensionFlags, [MS-CSRA] 3.1.1.3: how the extension is used. Where it comes from is in [`EXTENSION_ORIGINS`].
const EXTENSION_FLAGS: &[(u32, &str)] = &[(0x1, "critical"), (0x2, "disabled")];

/// Where an extension comes from, bits 16 to 19 of ExtensionFlags.
const EXTENSION_ORIGINS: &[(u32, &str)] = &[
    (0x1_0000, "from the request"),
    (0x2_0000, "from the policy"),
    (0x3_0000, "from an administrator"),
    (0x4_0000, "from the server"),
    (0x5_0000, "from the renewed certificate"),
    (0x6_0000, "from the imported certificate"),
    (0x7_0000, "from the PKCS#7"),
    (0x8_0000, "from the CMC"),
    (0x9_0000, "from the CA certificate"),
];

/// The word for a number in one of the lists here.
#[must_use]
pub fn word(list: &[(i64, &'static str)], number: i64) -> Option<&'static str> {
    // Columns of 32 bits may have been read with a sign.
    let unsigned = i32::try_from(number).map_or(number, |number| i64::from(number.cast_unsigned()));
    list.iter().find(|(known, _)| *known == unsigned).map(|(_, word)| *word)
}

/// The number of a word in one of the lists here; case and `_`, `-` do not count.
#[must_use]
pub fn number(list: &[(i64, &'static str)], word: &str) -> Option<i64> {
    let fold = |text: &str| text.replace(['_', '-', ' '], "").to_lowercase();
    list.iter().find(|(_, known)| fold(known) == fold(word)).map(|(number, _)| *number)
}

/// The state of a request: `issued`.
#[must_use]
pub fn disposition(number: i64) -> Option<&'static str> {
    word(DISPOSITIONS, number)
}

/// The reason of a revocation: `keyCompromise`.
#[must_use]
pub fn reason(number: i64) -> Option<&'static str> {
    word(REASONS, number)
}

/// The form of a request: `PKCS#10`.
#[must_use]
pub fn request_type(number: i64) -> Option<&'static str> {
    word(REQUEST_TYPES, number & 0xFF00)
}

/// Column RequestFlags: `renewal, force UTF-8`.
#[must_use]
pub fn request_flags(flags: u32) -> String {
    flag_words(REQUEST_FLAGS, flags)
}

/// Column CRLPublishFlags: `base, complete`.
#[must_use]
pub fn publish_flags(flags: u32) -> String {
    flag_words(PUBLISH_FLAGS, flags)
}

/// Column ExtensionFlags: `critical, from the policy`.
#[must_use]
pub fn extension_flags(flags: u32) -> String {
    const ORIGIN: u32 = 0xF_0000;
    let Some((_, origin)) = EXTENSION_ORIGINS.iter().find(|(bits, _)| *bits == flags & ORIGIN) else {
        return flag_words(EXTENSION_FLAGS, flags);
    };
    let words = flag_words(EXTENSION_FLAGS, flags & !ORIGIN);
    if words.is_empty() { (*origin).to_owned() } else { format!("{words}, {origin}") }
}

/// Bits without a word are kept as a number.
fn flag_words(list: &[(u32, &str)], flags: u32) -> String {
    let mut text = String::new();
    let mut left = flags;
    for (bit, word) in list {
        if flags & bit != 0 {
            left &= !bit;
            text.push_str(if text.is_empty() { "" } else { ", " });
            text.push_str(word);
        }
    }
    if left != 0 {
        // Infallible: the target is a string.
        let _ = write!(text, "{}{left:#x}", if text.is_empty() { "" } else { ", " });
    }
    text
}
