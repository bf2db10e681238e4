//! Tagged columns in the older form, on pages without the flag of the newer one.

use crate::bytes::Bytes;
use crate::record::{Stored, TaggedColumn, TaggedValue};

const LENGTH: u16 = 0x0fff;
const DERIVED: u16 = 0x2000;
const NULL: u16 = 0x4000;
const LONG_VALUE: u16 = 0x8000;

/// The columns of an area of tagged columns (`TAGFLD_OLD`).
///
/// | size | field |
/// |---|---|
/// | 2 | id of the column |
/// | 2 | bits 0–11: length; 13: from the template; 14: null; 15: long |
/// | | data; of a long column its first byte says whether the rest is the id of a long value (1) or the value (0) |
///
/// repeated a value: the values of a column follow each other.
pub(super) fn columns(area: &[u8]) -> impl Iterator<Item = Option<(u16, bool, Stored<TaggedColumn<'_>>)>> + use<'_> {
    let mut rest = area;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let column = column(rest);
        rest = match column {
            Some((.., behind)) => behind,
            None => &[],
        };
        Some(column.map(|(fid, derived, stored, _)| (fid, derived, stored)))
    })
}

type Column<'a> = (u16, bool, Stored<TaggedColumn<'a>>, &'a [u8]);

fn column(area: &[u8]) -> Option<Column<'_>> {
    let (fid, bits, _, mut rest) = split(area)?;
    let derived = bits & DERIVED != 0;
    if bits & NULL != 0 {
        return Some((fid, derived, Stored::Null, rest));
    }
    value(fid, derived, area)?;
    // All values of the column belong to it.
    while let Some((_, behind)) = value(fid, derived, rest) {
        rest = behind;
    }
    let own = area.get(..area.len() - rest.len())?;
    Some((fid, derived, Stored::Value(TaggedColumn::old(fid, derived, own)), rest))
}

/// The value at the start of `area` if it belongs to this column, and what is behind it.
pub(super) fn value(fid: u16, derived: bool, area: &[u8]) -> Option<(TaggedValue<'_>, &[u8])> {
    let (found, bits, data, rest) = split(area)?;
    if found != fid || (bits & DERIVED != 0) != derived || bits & NULL != 0 {
        return None;
    }
    let (separated, bytes) = if bits & LONG_VALUE != 0 {
        let (flags, bytes) = data.split_first()?;
        (flags & 0x1 != 0, bytes)
    } else {
        (false, data)
    };
    Some((TaggedValue { bytes, separated, compressed: false }, rest))
}

/// Id, bits and data of the value at the start of `area`, and what is behind it.
fn split(area: &[u8]) -> Option<(u16, u16, &[u8], &[u8])> {
    let (fid, bits) = (area.u16_at(0)?, area.u16_at(2)?);
    let (data, rest) = area.get(4..)?.split_at_checked(usize::from(bits & LENGTH))?;
    Some((fid, bits, data, rest))
}
