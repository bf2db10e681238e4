//! Text of the code pages that ESE knows.

use std::borrow::Cow;
use std::fmt;

use crate::catalog::CodePage;

/// Text as stored, with its code page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a> {
    /// The bytes as stored, decompressed.
    pub bytes: Cow<'a, [u8]>,
    /// How they are encoded.
    pub code_page: CodePage,
}

impl fmt::Display for Text<'_> {
    /// As [`decode`] has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decode(&self.bytes, self.code_page))
    }
}

/// The characters of `bytes`: UTF-16 for code page 1200, Windows-1252 for every other. What is no character becomes
/// U+FFFD. Terminators are kept.
#[must_use]
pub fn decode(bytes: &[u8], code_page: CodePage) -> String {
    if code_page == CodePage::UNICODE {
        let (units, rest) = bytes.as_chunks();
        let characters = char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
            .map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER));
        return characters.chain((!rest.is_empty()).then_some(char::REPLACEMENT_CHARACTER)).collect();
    }
    bytes.iter().map(|byte| windows_1252(*byte)).collect()
}

fn windows_1252(byte: u8) -> char {
    const C1: [char; 32] = [
        '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘',
        '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..0xa0 => C1.get(usize::from(byte - 0x80)).copied().unwrap_or(char::REPLACEMENT_CHARACTER),
        _ => char::from(byte),
    }
}
