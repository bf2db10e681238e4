//! Numbers as keys of indexes.

use ese::catalog::ColumnType;

/// In front of every value in a key that is not NULL.
const VALUE: u8 = 0x7F;

/// The part of a key that stands for a number: a byte that says that it is not NULL, then the number in big-endian, with its sign
/// flipped if the column has one. `None` for a column of another type, and for a number that it cannot hold.
pub(super) fn key(column_type: ColumnType, number: i64) -> Option<Vec<u8>> {
    /// The highest bit of a byte: the sign.
    const SIGN: u8 = 0x80;
    let (bytes, flip) = match column_type {
        ColumnType::UnsignedByte => (u8::try_from(number).ok()?.to_be_bytes().to_vec(), 0),
        ColumnType::Short => (i16::try_from(number).ok()?.to_be_bytes().to_vec(), SIGN),
        ColumnType::UnsignedShort => (u16::try_from(number).ok()?.to_be_bytes().to_vec(), 0),
        ColumnType::Long => (i32::try_from(number).ok()?.to_be_bytes().to_vec(), SIGN),
        ColumnType::UnsignedLong => (u32::try_from(number).ok()?.to_be_bytes().to_vec(), 0),
        ColumnType::Currency | ColumnType::LongLong => (number.to_be_bytes().to_vec(), SIGN),
        ColumnType::UnsignedLongLong => (u64::try_from(number).ok()?.to_be_bytes().to_vec(), 0),
        _ => return None,
    };
    let mut key = vec![VALUE];
    key.extend(bytes);
    if let Some(first) = key.get_mut(1) {
        *first ^= flip;
    }
    Some(key)
}

#[cfg(test)]
mod tests {
    use ese::catalog::ColumnType::{Binary, Bit, Long, LongLong, Short, UnsignedByte, UnsignedLong, UnsignedLongLong};

    use super::key;

    #[test]
    fn keys_sort_as_numbers_do() {
        let hex = |column_type, number| key(column_type, number).map(hex::encode);
        assert_eq!(hex(Long, -1).as_deref(), Some("7f7fffffff"));
        assert_eq!(hex(Long, 0).as_deref(), Some("7f80000000"));
        assert_eq!(hex(Long, 0x0102_0304).as_deref(), Some("7f81020304"));
        assert_eq!(hex(Short, -2).as_deref(), Some("7f7ffe"));
        assert_eq!(hex(UnsignedLong, 0xFFFF_FFFF).as_deref(), Some("7fffffffff"));
        assert_eq!(hex(UnsignedByte, 7).as_deref(), Some("7f07"));
        assert_eq!(hex(LongLong, i64::MIN).as_deref(), Some("7f0000000000000000"));
        assert_eq!(hex(UnsignedLongLong, 1).as_deref(), Some("7f0000000000000001"));
    }

    #[test]
    fn what_a_column_cannot_hold_has_no_key() {
        assert_eq!(key(Long, 1 << 31), None);
        assert_eq!(key(UnsignedLong, -1), None);
        assert_eq!(key(Short, 40_000), None);
        assert_eq!(key(UnsignedLongLong, -1), None);
        assert_eq!(key(Bit, 1), None);
        assert_eq!(key(Binary, 1), None);
    }
}
