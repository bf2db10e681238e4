//! Keys of indexes: values in a form whose bytes compare as the values do (`fldnorm` of ESE).

use crate::catalog::{self, CodePage, Column, Index, IndexFlags, Storage};
use crate::error::Error;
use crate::value::Value;

// The first byte of the key of a column.
const NULL: u8 = 0x00;
const EMPTY: u8 = 0x40;
const DATA: u8 = 0x7f;
const NULL_HIGH: u8 = 0xc0;

/// The key that `index` of `table` has for these values of its columns, in their order. Fewer values than columns give
/// the start of a key: what [`seek`](crate::Rows::seek) needs to go before the first of several rows.
///
/// | column | key |
/// |---|---|
/// | null | 00, or C0 where nulls sort high |
/// | text or bytes that are empty | 40 |
/// | integer | 7F, big-endian, the sign bit inverted |
/// | floating point, date | 7F, big-endian; the sign bit inverted, of negative ones every bit |
/// | bit | 7F, 00 or FF |
/// | GUID | 7F, the last six bytes first: the order of its text from the right part to the left |
/// | bytes | 7F, then 8 at a time, the last ones filled up with 0; behind each 8 how many count, 9 where more follow |
/// | text, not Unicode | 7F, ASCII letters as capitals, 00 |
///
/// A descending column has every bit inverted. A key ends at the length that the index allows.
///
/// # Errors
/// [`Error::Unsupported`] for Unicode text, whose order is that of Windows, for long values, and for values of another
/// type than their column.
pub fn index_key(table: &catalog::Table, index: &Index, values: &[Value<'_>]) -> Result<Vec<u8>, Error> {
    let mut key = Vec::new();
    for (segment, value) in index.segments().iter().zip(values) {
        let column = table.column_by_id(segment.column);
        let start = key.len();
        column.and_then(|column| append(&mut key, column, index.flags(), value)).ok_or_else(|| {
            let name = column.map_or("", Column::name);
            Error::Unsupported { what: format!("a key of index {} for column {name}", index.name()) }
        })?;
        if segment.descending {
            key.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
    }
    if index.variable_segment_most() < index.key_most() && key.len() > usize::from(index.variable_segment_most()) {
        return Err(Error::Unsupported { what: format!("a key of index {} with cut columns", index.name()) });
    }
    key.truncate(index.key_most().into());
    Ok(key)
}

fn append(key: &mut Vec<u8>, column: &Column, flags: IndexFlags, value: &Value<'_>) -> Option<()> {
    match value {
        Value::Null => key.push(if flags.contains(IndexFlags::SORT_NULLS_HIGH) { NULL_HIGH } else { NULL }),
        Value::Binary([]) => key.push(EMPTY),
        Value::Text(text) if text.bytes.is_empty() => key.push(EMPTY),
        Value::Binary(bytes) => {
            key.push(DATA);
            match column.storage() {
                Storage::Fixed { .. } => key.extend_from_slice(bytes),
                Storage::Variable | Storage::Tagged => append_binary(key, bytes),
            }
        }
        Value::Text(text) if text.code_page != CodePage::UNICODE => {
            key.push(DATA);
            let characters = text.bytes.iter().take_while(|byte| **byte != 0);
            key.extend(characters.map(u8::to_ascii_uppercase).chain([0]));
        }
        _ => {
            key.push(DATA);
            append_fixed(key, flags, value)?;
        }
    }
    Some(())
}

fn append_fixed(key: &mut Vec<u8>, flags: IndexFlags, value: &Value<'_>) -> Option<()> {
    match value {
        Value::Bit(value) => key.push(if *value { 0xff } else { 0 }),
        Value::UnsignedByte(value) => key.push(*value),
        Value::Short(value) => key.extend((value ^ i16::MIN).to_be_bytes()),
        Value::UnsignedShort(value) => key.extend(value.to_be_bytes()),
        Value::Long(value) => key.extend((value ^ i32::MIN).to_be_bytes()),
        Value::UnsignedLong(value) => key.extend(value.to_be_bytes()),
        Value::Currency(value) | Value::LongLong(value) => key.extend((value ^ i64::MIN).to_be_bytes()),
        Value::UnsignedLongLong(value) => key.extend(value.to_be_bytes()),
        Value::Single(value) => {
            let bits = value.to_bits();
            key.extend((if bits >> 31 != 0 { !bits } else { bits | 1 << 31 }).to_be_bytes());
        }
        Value::Double(value) => key.extend(ordered(value.to_bits()).to_be_bytes()),
        Value::DateTime(bytes) => key.extend(ordered(u64::from_le_bytes(*bytes)).to_be_bytes()),
        Value::Guid([a, b, c, d, e, f, g, h, rest @ ..]) => {
            let [i, j, node @ ..] = rest;
            if flags.contains(IndexFlags::DOT_NET_GUID) {
                key.extend([d, c, b, a, f, e, h, g]);
                key.extend(rest);
            } else {
                key.extend(node);
                key.extend([i, j, g, h, e, f, a, b, c, d]);
            }
        }
        _ => return None,
    }
    Some(())
}

/// Bits of a 64-bit floating point number that compare as unsigned.
fn ordered(bits: u64) -> u64 {
    if bits >> 63 != 0 { !bits } else { bits | 1 << 63 }
}

fn append_binary(key: &mut Vec<u8>, bytes: &[u8]) {
    const CHUNK: usize = 8;
    let mut chunks = bytes.chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        key.extend_from_slice(chunk);
        key.resize(key.len() + CHUNK - chunk.len(), 0);
        let count = if chunks.peek().is_some() { CHUNK + 1 } else { chunk.len() };
        key.extend(u8::try_from(count));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fixed(value: &Value<'_>) -> Vec<u8> {
        let mut key = Vec::new();
        append_fixed(&mut key, IndexFlags::empty(), value).unwrap();
        key
    }

    fn binary(bytes: &[u8]) -> Vec<u8> {
        let mut key = Vec::new();
        append_binary(&mut key, bytes);
        key
    }

    #[test]
    fn keys_of_some_values() {
        assert_eq!(fixed(&Value::Bit(true)), [0xff]);
        assert_eq!(fixed(&Value::Long(-2)), [0x7f, 0xff, 0xff, 0xfe]);
        assert_eq!(fixed(&Value::UnsignedShort(0x1234)), [0x12, 0x34]);
        assert_eq!(fixed(&Value::Single(-1.0)), [0x40, 0x7f, 0xff, 0xff]);
        assert_eq!(binary(b"abc"), *b"abc\0\0\0\0\0\x03");
        assert_eq!(binary(b"abcdefgh"), *b"abcdefgh\x08");
        assert_eq!(binary(b"abcdefghi"), *b"abcdefgh\x09i\0\0\0\0\0\0\0\x01");
    }

    #[test]
    fn guids_have_two_orders() {
        let guid = Value::Guid(std::array::from_fn(|at| u8::try_from(at).unwrap()));
        assert_eq!(fixed(&guid), [10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3]);
        let mut key = Vec::new();
        append_fixed(&mut key, IndexFlags::DOT_NET_GUID, &guid).unwrap();
        assert_eq!(key, [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]);
    }

    proptest! {
        #[test]
        fn keys_compare_as_their_values(a: i64, b: i64, c: i16, d: i16, e: f64, f: f64, g: f32, h: f32) {
            prop_assert_eq!(fixed(&Value::LongLong(a)).cmp(&fixed(&Value::LongLong(b))), a.cmp(&b));
            prop_assert_eq!(fixed(&Value::Short(c)).cmp(&fixed(&Value::Short(d))), c.cmp(&d));
            prop_assert_eq!(fixed(&Value::Double(e)).cmp(&fixed(&Value::Double(f))), e.total_cmp(&f));
            prop_assert_eq!(fixed(&Value::Single(g)).cmp(&fixed(&Value::Single(h))), g.total_cmp(&h));
        }

        #[test]
        fn keys_compare_as_their_bytes(
            a in prop::collection::vec(0..3_u8, 1..20),
            b in prop::collection::vec(0..3_u8, 1..20),
        ) {
            prop_assert_eq!(binary(&a).cmp(&binary(&b)), a.cmp(&b));
        }
    }
}
