//! Tagged columns: those that most rows do not have, that have several values, or that are long.

use bitflags::bitflags;

use crate::bytes::Bytes;
use crate::page::Layout;
use crate::record::Stored;

bitflags! {
    /// The byte in front of a tagged column (`TAGFLD_HEADER`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Flags: u8 {
        const LONG_VALUE = 0x01;
        const COMPRESSED = 0x02;
        const SEPARATED = 0x04;
        const MULTI_VALUES = 0x08;
        const TWO_VALUES = 0x10;
        /// Pages above 8 KiB only.
        const NULL = 0x20;
        const ENCRYPTED = 0x40;
    }
}

/// A tagged column of a row: one value or several (`TAGFLD`).
#[derive(Clone, Copy, Debug)]
pub struct TaggedColumn<'a> {
    form: Form<'a>,
    encrypted: bool,
}

#[derive(Clone, Copy, Debug)]
enum Form<'a> {
    One(TaggedValue<'a>),
    Two(&'a [u8], &'a [u8]),
    /// Ends of the values in front of them, as the record has it.
    Many {
        count: usize,
        bytes: &'a [u8],
        compressed: bool,
    },
    /// Values that follow each other in the older form.
    Old {
        fid: u16,
        derived: bool,
        bytes: &'a [u8],
    },
}

/// One value of a tagged column, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaggedValue<'a> {
    /// The value, or the id of a long value.
    pub bytes: &'a [u8],
    /// Whether `bytes` is the id of a long value.
    pub separated: bool,
    /// Whether `bytes` is compressed.
    pub compressed: bool,
}

impl<'a> TaggedColumn<'a> {
    pub(super) fn old(fid: u16, derived: bool, bytes: &'a [u8]) -> TaggedColumn<'a> {
        TaggedColumn { form: Form::Old { fid, derived, bytes }, encrypted: false }
    }

    /// Whether the bytes of its values are encrypted.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Its values in order.
    #[must_use]
    pub fn values(&self) -> TaggedValues<'a> {
        TaggedValues { form: self.form, next: 0 }
    }
}

/// The values of a tagged column; ends with `None` inside where the record is damaged.
#[derive(Clone, Debug)]
pub struct TaggedValues<'a> {
    form: Form<'a>,
    next: usize,
}

impl<'a> Iterator for TaggedValues<'a> {
    type Item = Option<TaggedValue<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.next;
        self.next = self.next.saturating_add(1);
        let plain = |bytes| Some(TaggedValue { bytes, separated: false, compressed: false });
        match (self.form, index) {
            (Form::One(value), 0) => Some(Some(value)),
            (Form::Two(first, _), 0) => Some(plain(first)),
            (Form::Two(_, second), 1) => Some(plain(second)),
            (Form::Many { count, bytes, compressed }, index) if index < count => {
                let value = many(bytes, index, count, compressed);
                if value.is_none() {
                    self.next = usize::MAX;
                }
                Some(value)
            }
            (Form::Old { fid, derived, bytes }, _) => {
                let (value, rest) = super::old_tagged::value(fid, derived, bytes)?;
                self.form = Form::Old { fid, derived, bytes: rest };
                Some(Some(value))
            }
            _ => None,
        }
    }
}

/// Value `index` of several (`MULTIVALUES`): first their offsets, 15 bits and a bit for a separated one, then the values.
fn many(bytes: &[u8], index: usize, count: usize, compressed: bool) -> Option<TaggedValue<'_>> {
    const OFFSET: u16 = 0x7fff;
    let start = bytes.u16_at(index * 2)?;
    let end = if index + 1 < count { usize::from(bytes.u16_at((index + 1) * 2)? & OFFSET) } else { bytes.len() };
    let value = bytes.get(usize::from(start & OFFSET)..end)?;
    // Of several values only the first is ever compressed.
    Some(TaggedValue { bytes: value, separated: start & !OFFSET != 0, compressed: compressed && index == 0 })
}

/// The columns of an area of tagged columns.
///
/// | size | field |
/// |---|---|
/// | 2 | id of the column |
/// | 2 | offset of its data in the area; bit 15: from the template. Up to 8 KiB pages 13 bits, bit 14: [`Flags`] come first, bit 13: null; on larger pages 15 bits, and the flags always come first |
///
/// repeated a column, ordered, then the data. The first offset says how many there are.
pub(super) fn columns(
    area: &[u8],
    layout: Layout,
) -> impl Iterator<Item = Option<(u16, bool, Stored<TaggedColumn<'_>>)>> + use<'_> {
    let mask = layout.tag_mask();
    let count = if area.is_empty() {
        Some(0)
    } else {
        area.u16_at(2)
            .map(|offset| usize::from(offset & mask))
            .filter(|end| *end >= 4 && end % 4 == 0)
            .map(|end| end / 4)
    };
    let broken = count.is_none_or(|count| count * 4 > area.len());
    let count = count.filter(|_| !broken).unwrap_or(0);
    broken.then_some(None).into_iter().chain((0..count).map(move |index| column(area, layout, index, count)))
}

fn column(area: &[u8], layout: Layout, index: usize, count: usize) -> Option<(u16, bool, Stored<TaggedColumn<'_>>)> {
    const DERIVED: u16 = 0x8000;
    const EXTENDED: u16 = 0x4000;
    const NULL: u16 = 0x2000;
    let mask = layout.tag_mask();
    let (fid, offset) = (area.u16_at(index * 4)?, area.u16_at(index * 4 + 2)?);
    let end = if index + 1 < count { usize::from(area.u16_at(index * 4 + 6)? & mask) } else { area.len() };
    let data = area.get(usize::from(offset & mask)..end)?;
    let small = layout.is_small();
    let (flags, data) = match data.split_first() {
        _ if small && offset & NULL != 0 => (Flags::NULL, data),
        Some((flags, data)) if !small || offset & EXTENDED != 0 => (Flags::from_bits_truncate(*flags), data),
        None if !small || offset & EXTENDED != 0 => return None,
        _ => (Flags::empty(), data),
    };
    let stored = if flags.contains(Flags::NULL) { Stored::Null } else { Stored::Value(values(flags, data)?) };
    Some((fid, offset & DERIVED != 0, stored))
}

fn values(flags: Flags, data: &[u8]) -> Option<TaggedColumn<'_>> {
    let form = if flags.contains(Flags::MULTI_VALUES | Flags::TWO_VALUES) {
        // TWOVALUES: the length of the first one, a byte, then both.
        let (length, data) = data.split_first()?;
        let (first, second) = data.split_at_checked(usize::from(*length))?;
        Form::Two(first, second)
    } else if flags.contains(Flags::MULTI_VALUES) {
        let first = usize::from(data.u16_at(0)? & 0x7fff);
        if first < 2 || first % 2 != 0 || first > data.len() {
            return None;
        }
        Form::Many { count: first / 2, bytes: data, compressed: flags.contains(Flags::COMPRESSED) }
    } else {
        Form::One(TaggedValue {
            bytes: data,
            separated: flags.contains(Flags::SEPARATED),
            compressed: flags.contains(Flags::COMPRESSED),
        })
    };
    Some(TaggedColumn { form, encrypted: flags.contains(Flags::ENCRYPTED) })
}
