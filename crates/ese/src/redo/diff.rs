//! The differences that a ReplaceD record holds.

use super::error::Fault;
use super::record::Fields;

const BROKEN: Fault = Fault::Record("the difference does not fit the data that it changes");
const SAME_LENGTH: u8 = 1 << 5;
const INSERT: u8 = 1 << 6;
const TWO_BYTES: u8 = 1 << 7;

/// Applies a list of differences (`ErrLGGetAfterImage`). Each is
///
/// | size | field |
/// |---|---|
/// | 2 | `DIFFHDR`: bits 0–12 offset in the old data, bits 13–15 flags: same length, insert, lengths of two bytes |
/// | 3 | `DIFFHDR2`, instead: u16 offset, u8 with the flags in bits 5–7 |
/// | 1 or 2 | bytes of new data |
/// | 1 or 2 | bytes of old data, when neither *same length* nor *insert* is set |
/// | | the new data |
pub(super) fn apply(old: &[u8], mut diff: &[u8], wide: bool, limit: usize) -> Result<Vec<u8>, Fault> {
    let mut new = Vec::with_capacity(old.len());
    let mut at = 0;
    while !diff.is_empty() {
        let word = u16::try_from(diff.short(0)?).map_err(|_| BROKEN)?;
        let [_, high] = word.to_le_bytes();
        let (offset, flags, size) = if wide { (word, diff.byte(2)?, 3) } else { (word & 0x1FFF, high, 2) };
        diff = diff.get(size..).unwrap_or_default();
        let skipped = old.get(at..offset.into()).ok_or(BROKEN)?;
        new.extend_from_slice(skipped);
        at = offset.into();
        let mut length = || -> Result<usize, Fault> {
            let (length, size) =
                if flags & TWO_BYTES != 0 { (diff.short(0)?, 2) } else { (usize::from(diff.byte(0)?), 1) };
            diff = diff.get(size..).unwrap_or_default();
            Ok(length)
        };
        let inserted = length()?;
        let replaced = match (flags & INSERT != 0, flags & SAME_LENGTH != 0) {
            (true, _) => 0,
            (false, true) => inserted,
            (false, false) => length()?,
        };
        new.extend_from_slice(diff.slice(0, inserted)?);
        diff = diff.get(inserted..).unwrap_or_default();
        at += replaced;
        if at > old.len() || new.len() > limit {
            return Err(BROKEN);
        }
    }
    new.extend_from_slice(old.get(at..).unwrap_or_default());
    Ok(new)
}
