//! Rows, and the records that they become.

use std::collections::BTreeMap;

use super::schema::{ColumnKind, Storage};

/// The values of a row by the name of the column; no entry means NULL, or the default. Values are bytes as a reader gives
/// them back: numbers in little-endian, text in its code page.
pub type Row = BTreeMap<String, Vec<Vec<u8>>>;

/// A column with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NumberedColumn {
    pub(super) number: u32,
    pub(super) kind: ColumnKind,
    pub(super) storage: Storage,
    /// Where the value is in the record; fixed columns alone.
    pub(super) offset: usize,
}

/// A value in the form in which a record holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    Plain(Vec<u8>),
    /// In seven bits or XPRESS.
    Compressed(Vec<u8>),
    /// The number of a long value.
    Separated(Vec<u8>),
    /// An explicit NULL, which hides a default.
    Null,
}

impl Stored {
    fn bytes(&self) -> &[u8] {
        match self {
            Stored::Plain(bytes) | Stored::Compressed(bytes) | Stored::Separated(bytes) => bytes,
            Stored::Null => &[],
        }
    }
}

/// Size of the record header; fixed columns begin behind it.
pub(super) const RECORD_HEADER: usize = 4;
const FIRST_VARIABLE: u32 = 128;

/// Puts a record together.
///
/// | part | content |
/// |---|---|
/// | 1 | number of the last fixed column in the record |
/// | 1 | number of the last variable column in it, 127 for none |
/// | 2 | where the fixed part ends |
/// | fixed part | values, then a bit for each that is NULL |
/// | 2 each | ends of the variable values; the highest bit: NULL |
/// | | variable values |
/// | 4 each | number and offset of the tagged values, with flags in the offset |
/// | | tagged values, each with a byte of flags where it has any, on large pages always |
pub(super) fn record(columns: &[NumberedColumn], values: &BTreeMap<u32, Vec<Stored>>, small_pages: bool) -> Vec<u8> {
    let of = |storage: Storage| columns.iter().filter(move |column| column.storage == storage);
    let value = |column: &NumberedColumn| values.get(&column.number).and_then(|values| values.first());
    let last =
        |storage: Storage| of(storage).filter(|column| value(column).is_some()).map(|column| column.number).max();
    let last_fixed = last(Storage::Fixed).unwrap_or(0);
    let last_variable = last(Storage::Variable).unwrap_or(FIRST_VARIABLE - 1);
    let mut record = vec![last_fixed as u8, last_variable as u8, 0, 0];
    let mut nulls = vec![0u8; (last_fixed as usize).div_ceil(8)];
    for column in of(Storage::Fixed).filter(|column| column.number <= last_fixed) {
        record.resize(column.offset + column.kind.size(), 0);
        match value(column) {
            None | Some(Stored::Null) => {
                let bit = column.number as usize - 1;
                nulls[bit / 8] |= 1 << (bit % 8);
            }
            Some(stored) => record[column.offset..].copy_from_slice(stored.bytes()),
        }
    }
    // Bits behind the last column are set.
    for bit in last_fixed as usize..nulls.len() * 8 {
        nulls[bit / 8] |= 1 << (bit % 8);
    }
    record.extend(nulls);
    let end = (record.len() as u16).to_le_bytes();
    record[2..4].copy_from_slice(&end);
    let mut variable: Vec<u8> = Vec::new();
    for column in of(Storage::Variable).filter(|column| column.number <= last_variable) {
        let null = match value(column) {
            None | Some(Stored::Null) => 0x8000,
            Some(stored) => {
                variable.extend(stored.bytes());
                0
            }
        };
        record.extend((variable.len() as u16 | null).to_le_bytes());
    }
    record.extend(variable);
    record.extend(tagged(columns, values, small_pages));
    record
}

fn tagged(columns: &[NumberedColumn], values: &BTreeMap<u32, Vec<Stored>>, small_pages: bool) -> Vec<u8> {
    const EXTENDED: u16 = 0x4000;
    const NULL_SMALL: u16 = 0x2000;
    const NULL: u8 = 0x20;
    let present: Vec<_> = columns
        .iter()
        .filter(|column| column.storage == Storage::Tagged)
        .filter_map(|column| values.get(&column.number).map(|values| (column, values)))
        .filter(|(_, values)| !values.is_empty())
        .collect();
    let mut array: Vec<u8> = Vec::new();
    let mut data: Vec<u8> = Vec::new();
    for (column, values) in &present {
        let mut offset = (present.len() * 4 + data.len()) as u16;
        let (mut flags, bytes) = tagged_value(column.kind, values);
        let null = values.as_slice() == [Stored::Null];
        if small_pages {
            if null {
                (flags, offset) = (0, offset | NULL_SMALL);
            }
            if flags != 0 {
                offset |= EXTENDED;
                data.push(flags);
            }
        } else {
            data.push(if null { flags | NULL } else { flags });
        }
        data.extend(bytes);
        array.extend((column.number as u16).to_le_bytes());
        array.extend(offset.to_le_bytes());
    }
    array.extend(data);
    array
}

/// The flags and bytes of a tagged column.
fn tagged_value(kind: ColumnKind, values: &[Stored]) -> (u8, Vec<u8>) {
    const LONG_VALUE: u8 = 0x01;
    const COMPRESSED: u8 = 0x02;
    const SEPARATED: u8 = 0x04;
    const MULTI_VALUES: u8 = 0x08;
    const TWO_VALUES: u8 = 0x10;
    const SEPARATED_VALUE: u16 = 0x8000;
    let long = if kind.is_long() { LONG_VALUE } else { 0 };
    match values {
        [Stored::Null] | [] => (long, Vec::new()),
        [Stored::Plain(bytes)] => (long, bytes.clone()),
        [Stored::Compressed(bytes)] => (long | COMPRESSED, bytes.clone()),
        [Stored::Separated(number)] => (long | SEPARATED, number.clone()),
        [first, second] if !kind.is_long() && first.bytes().len() < 256 => {
            (MULTI_VALUES | TWO_VALUES, [&[first.bytes().len() as u8], first.bytes(), second.bytes()].concat())
        }
        several => {
            let mut offsets: Vec<u8> = Vec::new();
            let mut data: Vec<u8> = Vec::new();
            for value in several {
                let offset = (several.len() * 2 + data.len()) as u16;
                let separated = if matches!(value, Stored::Separated(_)) { SEPARATED_VALUE } else { 0 };
                offsets.extend((offset | separated).to_le_bytes());
                data.extend(value.bytes());
            }
            offsets.extend(data);
            // The first value alone can be compressed.
            let compressed = if matches!(several[0], Stored::Compressed(_)) { COMPRESSED } else { 0 };
            (long | MULTI_VALUES | compressed, offsets)
        }
    }
}
