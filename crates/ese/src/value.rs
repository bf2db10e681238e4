//! Values of columns.

use std::borrow::Cow;

use crate::bytes::Bytes;
use crate::catalog::{CodePage, ColumnType};
use crate::long_value::LongValueId;
use crate::text::Text;

/// One value of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// None.
    Null,
    /// `JET_coltypBit`
    Bit(bool),
    /// `JET_coltypUnsignedByte`
    UnsignedByte(u8),
    /// `JET_coltypShort`
    Short(i16),
    /// `JET_coltypLong`
    Long(i32),
    /// `JET_coltypCurrency`
    Currency(i64),
    /// `JET_coltypIEEESingle`
    Single(f32),
    /// `JET_coltypIEEEDouble`
    Double(f64),
    /// `JET_coltypDateTime`: days since 1899-12-30 as a 64-bit floating point number by the book; some applications
    /// store a FILETIME.
    DateTime([u8; 8]),
    /// `JET_coltypBinary`
    Binary(&'a [u8]),
    /// `JET_coltypText`
    Text(Text<'a>),
    /// `JET_coltypLongBinary`
    LongBinary(LongValue<'a>),
    /// `JET_coltypLongText`
    LongText(LongValue<'a>, CodePage),
    /// `JET_coltypUnsignedLong`
    UnsignedLong(u32),
    /// `JET_coltypLongLong`
    LongLong(i64),
    /// `JET_coltypGUID`: as Windows stores one, the first three parts little-endian.
    Guid([u8; 16]),
    /// `JET_coltypUnsignedShort`
    UnsignedShort(u16),
    /// `JET_coltypUnsignedLongLong`
    UnsignedLongLong(u64),
}

/// A value of a long column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LongValue<'a> {
    /// In the record itself; decompressed.
    Inline(Cow<'a, [u8]>),
    /// In the tree of the long values of the table.
    Separated(LongValueId),
}

impl<'a> Value<'a> {
    /// The value of a column that is not long; `None` when the bytes are none.
    #[must_use]
    pub fn parse(column_type: ColumnType, code_page: CodePage, bytes: &'a [u8]) -> Option<Value<'a>> {
        if column_type.size().is_some_and(|size| usize::from(size) != bytes.len()) {
            return None;
        }
        Some(match column_type {
            ColumnType::Bit => Value::Bit(bytes.u8_at(0)? != 0),
            ColumnType::UnsignedByte => Value::UnsignedByte(bytes.u8_at(0)?),
            ColumnType::Short => Value::Short(i16::from_le_bytes(bytes.array(0)?)),
            ColumnType::Long => Value::Long(i32::from_le_bytes(bytes.array(0)?)),
            ColumnType::Currency => Value::Currency(i64::from_le_bytes(bytes.array(0)?)),
            ColumnType::Single => Value::Single(f32::from_le_bytes(bytes.array(0)?)),
            ColumnType::Double => Value::Double(f64::from_le_bytes(bytes.array(0)?)),
            ColumnType::DateTime => Value::DateTime(bytes.array(0)?),
            ColumnType::Binary => Value::Binary(bytes),
            ColumnType::Text => Value::Text(Text { bytes: Cow::Borrowed(bytes), code_page }),
            ColumnType::LongBinary => Value::LongBinary(LongValue::Inline(Cow::Borrowed(bytes))),
            ColumnType::LongText => Value::LongText(LongValue::Inline(Cow::Borrowed(bytes)), code_page),
            ColumnType::UnsignedLong => Value::UnsignedLong(bytes.u32_at(0)?),
            ColumnType::LongLong => Value::LongLong(i64::from_le_bytes(bytes.array(0)?)),
            ColumnType::Guid => Value::Guid(bytes.array(0)?),
            ColumnType::UnsignedShort => Value::UnsignedShort(bytes.u16_at(0)?),
            ColumnType::UnsignedLongLong => Value::UnsignedLongLong(bytes.u64_at(0)?),
        })
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// An integer of any width.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Value::Bit(value) => Some((*value).into()),
            Value::UnsignedByte(value) => Some((*value).into()),
            Value::Short(value) => Some((*value).into()),
            Value::Long(value) => Some((*value).into()),
            Value::Currency(value) | Value::LongLong(value) => Some(*value),
            Value::UnsignedLong(value) => Some((*value).into()),
            Value::UnsignedShort(value) => Some((*value).into()),
            Value::UnsignedLongLong(value) => i64::try_from(*value).ok(),
            _ => None,
        }
    }
}
