//! Rows and their values.

use std::fmt;
use std::sync::Arc;

use crate::{Column, FileTime, Table};

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// None.
    Null,
    /// A number as the database has it. Codes and flags of 32 bits may be negative: see [`Value::code`].
    Long(i64),
    /// A time.
    Date(FileTime),
    /// Text.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
    /// Longer than the scan wanted: only its length in bytes is known. [`crate::Rows::copy_value`] reads it.
    Unread(u64),
    /// There is one, in a form that cannot be read here; the text says why. [`crate::Rows::copy_value`] fails.
    Unreadable(String),
}

impl Value {
    /// Whether there is none.
    #[must_use]
    pub fn is_null(&self) -> bool {
        *self == Self::Null
    }

    /// The number.
    #[must_use]
    pub fn long(&self) -> Option<i64> {
        match self {
            Self::Long(number) => Some(*number),
            _ => None,
        }
    }

    /// The number as 32 bits without a sign, as codes and flags are written, however the database stores them.
    #[must_use]
    pub fn code(&self) -> Option<u32> {
        self.long().and_then(|number| u32::try_from(number).ok().or(i32::try_from(number).ok().map(i32::cast_unsigned)))
    }

    /// The time.
    #[must_use]
    pub fn date(&self) -> Option<FileTime> {
        match self {
            Self::Date(time) => Some(*time),
            _ => None,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes.
    #[must_use]
    pub fn binary(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    /// The plain value: nothing for NULL, decimal, RFC 3339, the text as it is, lower-case hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => Ok(()),
            Self::Long(number) => number.fmt(f),
            Self::Date(time) => time.fmt(f),
            Self::Text(text) => f.write_str(text),
            Self::Binary(bytes) => bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}")),
            Self::Unread(size) => write!(f, "({size} bytes)"),
            Self::Unreadable(why) => write!(f, "({why})"),
        }
    }
}

/// One row of a table, with the columns that were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    table: Table,
    columns: Arc<[Column]>,
    values: Vec<Value>,
}

impl Row {
    /// A row; values are those of the columns, in their order. What is missing is NULL, what is too much is left out.
    #[must_use]
    pub fn new(table: Table, columns: Arc<[Column]>, mut values: Vec<Value>) -> Self {
        values.resize(columns.len(), Value::Null);
        Self { table, columns, values }
    }

    /// The table it is from.
    #[must_use]
    pub fn table(&self) -> Table {
        self.table
    }

    /// Its columns.
    #[must_use]
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The number of the request that it belongs to, or of the list; 0 when it has none.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.get(self.table.id_column()).long().unwrap_or(0)
    }

    /// The value of a column by its name in [MS-CSRA]; NULL when there is none. Case does not count.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value {
        self.iter().find(|(column, _)| column.name.eq_ignore_ascii_case(name)).map_or(&Value::Null, |(_, value)| value)
    }

    /// Whether another row has the same columns with the same values.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let same_columns = || {
            Arc::ptr_eq(&self.columns, &other.columns)
                || self.columns.iter().map(|column| &column.name).eq(other.columns.iter().map(|column| &column.name))
        };
        self.table == other.table && self.values == other.values && same_columns()
    }

    /// Columns and values, in the order of the columns.
    pub fn iter(&self) -> impl Iterator<Item = (&Column, &Value)> {
        self.columns.iter().zip(&self.values)
    }
}
