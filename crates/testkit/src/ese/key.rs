//! Keys of indexes: values in a form that sorts byte by byte.
//!
//! A segment of a key begins with 0x7F, or is 0x00 for NULL. Numbers follow in big-endian with the sign flipped; bytes in
//! groups of eight, each with a byte behind it that says how many count (9: all, and more follow); text in code pages in
//! upper case with a NUL; UTF-16 in upper case, two bytes a unit, with two NULs. The last differs from Windows, which has
//! its own tables for that; no reader looks at it. Segments of descending columns are inverted.

use super::schema::ColumnKind;

const NULL: u8 = 0x00;
const VALUE: u8 = 0x7F;
const GROUP: usize = 8;

/// One segment of a key; `value` is in the form in which a record holds it.
pub(super) fn segment(kind: ColumnKind, code_page: u32, value: Option<&[u8]>, descending: bool) -> Vec<u8> {
    let mut bytes = match value {
        None => vec![NULL],
        Some(value) => [&[VALUE], normalized(kind, code_page, value).as_slice()].concat(),
    };
    if descending {
        bytes.iter_mut().for_each(|byte| *byte = !*byte);
    }
    bytes
}

fn normalized(kind: ColumnKind, code_page: u32, value: &[u8]) -> Vec<u8> {
    let mut big: Vec<u8> = value.iter().rev().copied().collect();
    match kind {
        ColumnKind::Bit => vec![if value == [0] { 0 } else { 0xFF }],
        ColumnKind::UnsignedByte | ColumnKind::UnsignedShort | ColumnKind::UnsignedLong => big,
        ColumnKind::Short | ColumnKind::Long | ColumnKind::Currency | ColumnKind::LongLong => {
            big[0] ^= 0x80;
            big
        }
        ColumnKind::Single | ColumnKind::Double | ColumnKind::DateTime => {
            if big[0] & 0x80 == 0 {
                big[0] ^= 0x80;
            } else {
                big.iter_mut().for_each(|byte| *byte = !*byte);
            }
            big
        }
        ColumnKind::Guid => {
            let order = [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3];
            order.into_iter().map(|at: usize| value[at]).collect()
        }
        ColumnKind::Text | ColumnKind::LongText if code_page == 1200 => {
            let units = value.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit));
            let upper = units.map(|unit| if (0x61..=0x7A).contains(&unit) { unit - 0x20 } else { unit });
            upper.chain([0]).flat_map(u16::to_be_bytes).collect()
        }
        ColumnKind::Text | ColumnKind::LongText => value.iter().map(u8::to_ascii_uppercase).chain([0]).collect(),
        ColumnKind::Binary | ColumnKind::LongBinary => groups(value),
    }
}

fn groups(value: &[u8]) -> Vec<u8> {
    const MORE: u8 = 9;
    let mut bytes = Vec::new();
    let mut rest = value;
    loop {
        let (group, later) = rest.split_at(rest.len().min(GROUP));
        bytes.extend(group);
        bytes.resize(bytes.len() + GROUP - group.len(), 0);
        if later.is_empty() {
            bytes.push(group.len() as u8);
            return bytes;
        }
        bytes.push(MORE);
        rest = later;
    }
}
