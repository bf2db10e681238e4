//! The compressions of ESE: seven bits a character, and XPRESS.
//!
//! | first byte, upper five bits | what follows |
//! |---|---|
//! | 1 | ASCII characters, seven bits each, the lowest bits first; the lower three bits of the first byte count the bits of the last byte that are used, less one |
//! | 2 | the same, for UTF-16 code units below 128 |
//! | 3 | u16 length of the original, then plain LZ77 of \[MS-XCA\] |

const SEVEN_BIT_ASCII: u8 = 1;
const SEVEN_BIT_UNICODE: u8 = 2;
const XPRESS: u8 = 3;

/// Text of code units below 128, seven bits each; `wide` says that `text` is UTF-16. `None` when a unit is above.
pub(super) fn seven_bits(text: &[u8], wide: bool) -> Option<Vec<u8>> {
    let units: Vec<u16> = if wide {
        text.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect()
    } else {
        text.iter().map(|byte| u16::from(*byte)).collect()
    };
    if units.is_empty() || units.iter().any(|unit| *unit >= 128) {
        return None;
    }
    let scheme = if wide { SEVEN_BIT_UNICODE } else { SEVEN_BIT_ASCII };
    let used = (units.len() * 7 - 1) % 8;
    let mut bytes = vec![(scheme << 3) | used as u8];
    let (mut pending, mut bits) = (0u32, 0);
    for unit in units {
        pending |= u32::from(unit) << bits;
        bits += 7;
        while bits >= 8 {
            bytes.push(pending as u8);
            pending >>= 8;
            bits -= 8;
        }
    }
    if bits > 0 {
        bytes.push(pending as u8);
    }
    Some(bytes)
}

/// XPRESS with the header of ESE; `None` when it is not shorter, or the original too long for the header.
pub(super) fn xpress(original: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(original.len()).ok()?;
    let mut bytes = vec![XPRESS << 3];
    bytes.extend(length.to_le_bytes());
    bytes.extend(lz77(original));
    (bytes.len() < original.len()).then_some(bytes)
}

/// Plain LZ77, \[MS-XCA\] 2.3: 32 flags, then as many literals and matches.
fn lz77(original: &[u8]) -> Vec<u8> {
    const LONGEST_DISTANCE: usize = 8192;
    let mut bytes = vec![0; 4];
    let (mut flags, mut count, mut flags_at) = (0u32, 0, 0);
    let mut shared: Option<usize> = None;
    // The last place where three bytes with this hash began.
    let mut heads = vec![usize::MAX; 4096];
    let hash = |at: usize| {
        let [a, b, c] = [0, 1, 2].map(|offset| usize::from(original[at + offset]));
        (a.wrapping_mul(31).wrapping_add(b).wrapping_mul(31).wrapping_add(c)) % 4096
    };
    let mut at = 0;
    while at < original.len() {
        let mut length = 0;
        let mut distance = 0;
        if at + 3 <= original.len() {
            let candidate = heads[hash(at)];
            if candidate != usize::MAX && at - candidate <= LONGEST_DISTANCE {
                distance = at - candidate;
                length = original[at..].iter().zip(&original[candidate..]).take_while(|(a, b)| a == b).count();
            }
        }
        let taken = if length >= 3 { length } else { 1 };
        for place in at..(at + taken).min(original.len().saturating_sub(2)) {
            heads[hash(place)] = place;
        }
        flags <<= 1;
        count += 1;
        if length >= 3 {
            flags |= 1;
            put_match(&mut bytes, &mut shared, distance, length - 3);
        } else {
            bytes.push(original[at]);
        }
        at += taken;
        if count == 32 {
            bytes[flags_at..flags_at + 4].copy_from_slice(&flags.to_le_bytes());
            (flags, count, flags_at) = (0, 0, bytes.len());
            bytes.extend([0; 4]);
        }
    }
    // What follows the last item counts as matches, so that a reader stops at the end of the input.
    let rest = 32 - count;
    let filled = if rest == 32 { u32::MAX } else { (flags << rest) | ((1 << rest) - 1) };
    bytes[flags_at..flags_at + 4].copy_from_slice(&filled.to_le_bytes());
    bytes
}

/// A match: 13 bits of distance and 3 of length, then a shared half byte, then a byte, then two.
fn put_match(bytes: &mut Vec<u8>, shared: &mut Option<usize>, distance: usize, length: usize) {
    let word = ((distance - 1) << 3) | length.min(7);
    bytes.extend((word as u16).to_le_bytes());
    let Some(length) = length.checked_sub(7) else { return };
    let nibble = length.min(15) as u8;
    match shared.take() {
        None => {
            *shared = Some(bytes.len());
            bytes.push(nibble);
        }
        Some(place) => bytes[place] |= nibble << 4,
    }
    let Some(length) = length.checked_sub(15) else { return };
    if length < 255 {
        bytes.push(length as u8);
    } else {
        bytes.push(255);
        bytes.extend(((length + 15 + 7) as u16).to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain LZ77, the other way round.
    fn unpack(bytes: &[u8], length: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let (mut at, mut flags, mut left, mut shared) = (0, 0u32, 0, None::<usize>);
        while out.len() < length {
            if left == 0 {
                flags = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
                at += 4;
                left = 32;
            }
            left -= 1;
            if flags >> left & 1 == 0 {
                out.push(bytes[at]);
                at += 1;
                continue;
            }
            let word = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]));
            at += 2;
            let mut count = word & 7;
            if count == 7 {
                let nibble = match shared.take() {
                    None => {
                        shared = Some(at);
                        at += 1;
                        bytes[at - 1] & 15
                    }
                    Some(place) => bytes[place] >> 4,
                };
                count = usize::from(nibble);
                if count == 15 {
                    count = usize::from(bytes[at]);
                    at += 1;
                    if count == 255 {
                        count = usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]])) - 15 - 7;
                        at += 2;
                    }
                    count += 15;
                }
                count += 7;
            }
            for _ in 0..count + 3 {
                out.push(out[out.len() - (word >> 3) - 1]);
            }
        }
        out
    }

    #[test]
    fn xpress_unpacks_to_what_was_packed() {
        let mut random = crate::random::Random::new(5);
        for length in [1, 3, 40, 1000, 4096, 32_768] {
            for variety in [1, 4, 256] {
                let original: Vec<u8> = (0..length).map(|_| random.below(variety) as u8).collect();
                assert!(unpack(&lz77(&original), length) == original, "{length} bytes of {variety}");
            }
        }
    }

    #[test]
    fn seven_bits_a_character() {
        assert_eq!(seven_bits(b"ab", false), Some(vec![0x08 | 5, 0x61, 0x31]));
        assert_eq!(seven_bits("h\u{e9}".as_bytes(), false), None);
    }
}
