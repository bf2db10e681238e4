//! The checksums of pages, headers and log segments.
//!
//! | where | rule |
//! |---|---|
//! | headers, checkpoint, trailer, log header | [`xor`] over everything behind the first four bytes, stored in them |
//! | page without the flag *new checksum format* | the same, and the page number in the next four bytes |
//! | page with it, up to 8 KiB; log segment | one [`block`] sum |
//! | page with it, 16 or 32 KiB | four [`block`] sums, of 4 or 8 KiB each; the first covers the other three |
//!
//! A block sum finds every error of one and two bits, and corrects one bit.

use crate::bytes::{Bytes, put};
use crate::source::PageNumber;

/// The seed of [`xor`] and the magic number of a database header.
pub(crate) const SEED: u32 = 0x89AB_CDEF;

const FLAGS: usize = 36;
const NEW_FORMAT: u32 = 0x2000;
const OTHER_SUMS: usize = 40;
const LARGEST_SMALL_PAGE: usize = 0x2000;

/// What a checksum says about a page or a log segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits.
    Sound,
    /// Every byte is zero: never written. Whether that is right depends on whether the page is in use.
    Blank,
    /// Bits are wrong, at most one in each block, and known: offsets in bits from the start of the page.
    Correctable {
        /// The wrong bits, in ascending order; one to four.
        bits: Vec<u32>,
    },
    /// It does not fit.
    Damaged {
        /// The first sum that does not fit, as stored.
        stored: u64,
        /// The same sum as computed.
        computed: u64,
    },
}

/// `ChecksumOldFormat`: the exclusive or of all 32-bit words but the first, seeded.
#[must_use]
pub fn xor(bytes: &[u8]) -> u32 {
    bytes.get(4..).map_or(SEED, |rest| SEED ^ xor_words(rest))
}

/// Whether a header, a trailer page or a checkpoint fits its sum.
#[must_use]
pub fn header_is_sound(bytes: &[u8]) -> bool {
    bytes.u32_at(0) == Some(xor(bytes))
}

/// Looks at one page of a database. Its length says which layout it has.
#[must_use]
pub fn verify_page(page: &[u8], number: PageNumber) -> Verdict {
    if is_blank(page) {
        return Verdict::Blank;
    }
    let new_format = page.u32_at(FLAGS).is_some_and(|flags| flags & NEW_FORMAT != 0);
    if new_format { verify_blocks(page, number.0) } else { verify_legacy(page, number) }
}

/// Looks at one segment of a log. Its sum is that of a page whose number is the index of the segment.
#[must_use]
pub fn verify_segment(segment: &[u8], index: u32) -> Verdict {
    if is_blank(segment) { Verdict::Blank } else { verify_blocks(segment, index) }
}

/// Writes the sums of a page in the new format, and sets the flag that says so.
pub fn seal_page(page: &mut [u8], number: PageNumber) {
    if let Some(flags) = page.u32_at(FLAGS) {
        put(page, FLAGS, &(flags | NEW_FORMAT).to_le_bytes());
    }
    seal_blocks(page, number.0);
}

/// Writes the sum of a log segment.
pub fn seal_segment(segment: &mut [u8], index: u32) {
    seal_blocks(segment, index);
}

/// Writes the sum of a header, a trailer page or a checkpoint.
pub fn seal_header(bytes: &mut [u8]) {
    let sum = xor(bytes);
    put(bytes, 0, &sum.to_le_bytes());
}

/// Flips bits, as [`Verdict::Correctable`] names them.
pub fn correct(page: &mut [u8], bits: &[u32]) {
    for &bit in bits {
        if let Some(byte) = page.get_mut(bit as usize / 8) {
            *byte ^= 1 << (bit % 8);
        }
    }
}

/// `XECHECKSUM`: the low half is the exclusive or of all words and the page number, the high half an error-correcting
/// code. `skip` says that the block starts with its own sum, which counts as zero.
#[must_use]
pub fn block(bytes: &[u8], number: u32, skip: bool) -> u64 {
    // The code is the exclusive or of the position of every set bit; its high half that of all complements. A row of
    // 128 bits contributes its number when its parity is odd, and all rows together one column each.
    let mut columns: u128 = 0;
    let mut rows: u32 = 0;
    let mut odd: u32 = 0;
    for (index, row) in (0u32..).zip(bytes.as_chunks::<16>().0) {
        let mut row = u128::from_le_bytes(*row);
        if skip && index == 0 {
            row &= u128::MAX << 64;
        }
        columns ^= row;
        let parity = ((row as u64) ^ (row >> 64) as u64).count_ones() & 1;
        rows ^= index & parity.wrapping_neg();
        odd ^= parity;
    }
    let mut column = 0;
    let mut rest = columns;
    while rest != 0 {
        column ^= rest.trailing_zeros();
        rest &= rest - 1;
    }
    let mask = u32::try_from(bytes.len() * 8).map_or(u32::MAX, |bits| bits.wrapping_sub(1)) & 0xFFFF;
    let low = ((rows << 7) | column) & mask;
    let high = (low ^ odd.wrapping_neg()) & mask;
    let folded = (columns ^ (columns >> 64)) as u64;
    let xor = (folded ^ (folded >> 32)) as u32;
    u64::from(xor ^ number) | (u64::from((high << 16) | low) << 32)
}

fn is_blank(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

fn xor_words(bytes: &[u8]) -> u32 {
    bytes.as_chunks::<4>().0.iter().fold(0, |sum, word| sum ^ u32::from_le_bytes(*word))
}

fn verify_legacy(page: &[u8], number: PageNumber) -> Verdict {
    let stored = page.u64_at(0).unwrap_or_default();
    let computed = u64::from(xor(page)) | (u64::from(number.0) << 32);
    if stored == computed { Verdict::Sound } else { Verdict::Damaged { stored, computed } }
}

/// Start and length of the blocks of a page: `CbBlockSize`.
fn blocks(length: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let size = match length {
        0..=LARGEST_SMALL_PAGE => length,
        0x2001..=0x4000 => 4096,
        _ => 8192,
    };
    (0..length).step_by(size.max(1)).take(4).map(move |start| start..(start + size).min(length))
}

/// Where the sum of a block is stored.
fn sum_offset(index: usize) -> usize {
    if index == 0 { 0 } else { OTHER_SUMS + (index - 1) * 8 }
}

fn verify_blocks(page: &[u8], number: u32) -> Verdict {
    let mut bits = Vec::new();
    let mut page = std::borrow::Cow::Borrowed(page);
    for (index, range) in blocks(page.len()).enumerate() {
        let Some(bytes) = page.get(range.clone()) else { break };
        let stored = page.u64_at(sum_offset(index)).unwrap_or_default();
        let computed = block(bytes, number, index == 0);
        if stored == computed {
            continue;
        }
        let Some(bit) = wrong_bit(bytes.len(), stored, computed, index == 0) else {
            return Verdict::Damaged { stored, computed };
        };
        let bit = bit + u32::try_from(range.start * 8).unwrap_or_default();
        // The first block holds the sums of the others: they must be looked at corrected.
        correct(page.to_mut(), &[bit]);
        bits.push(bit);
    }
    if bits.is_empty() { Verdict::Sound } else { Verdict::Correctable { bits } }
}

/// The one bit whose flip explains the difference between two sums of a block, if there is one.
fn wrong_bit(length: usize, stored: u64, computed: u64, header: bool) -> Option<u32> {
    let difference = stored ^ computed;
    let code = (difference >> 32) as u32;
    let mask = u32::try_from(length * 8).ok()?.wrapping_sub(1) & 0xFFFF;
    if ((code >> 16) ^ code) & mask != mask || (difference as u32).count_ones() != 1 {
        return None;
    }
    let bit = code & 0xFFFF;
    // Neither the sum itself, nor the flag that says which kind of sum this is, can be mended by it.
    let unmendable = header && (bit < 64 || bit == (FLAGS * 8) as u32 + NEW_FORMAT.trailing_zeros());
    (bit as usize / 8 < length && !unmendable).then_some(bit)
}

fn seal_blocks(page: &mut [u8], number: u32) {
    // The first block covers the sums of the others, so it comes last.
    let ranges: Vec<_> = blocks(page.len()).enumerate().collect();
    for (index, range) in ranges.into_iter().rev() {
        let Some(bytes) = page.get(range) else { continue };
        let sum = block(bytes, number, index == 0);
        put(page, sum_offset(index), &sum.to_le_bytes());
    }
}
