//! One row.

use std::borrow::Cow;
use std::io;

use crate::catalog::{Column, ColumnFlags};
use crate::compression::{CompressionError, decompress};
use crate::error::Error;
use crate::jet::JetError;
use crate::long_value::{LongValueId, LongValues};
use crate::page::Key;
use crate::record::{Record, Stored, TaggedColumn, TaggedValue};
use crate::source::{PageNumber, PageSource};
use crate::table::Table;
use crate::text;
use crate::tree::Entry;
use crate::value::{LongValue, Value};

/// One row of a table, for as long as the cursor stands on it.
#[derive(Clone, Copy, Debug)]
pub struct Row<'r, 'd, S> {
    table: Table<'d, S>,
    record: Record<'r>,
    key: Key<'r>,
    page: PageNumber,
}

impl<'r, 'd: 'r, S: PageSource> Row<'r, 'd, S> {
    pub(crate) fn new(table: Table<'d, S>, entry: &Entry<'r>) -> Result<Self, Error> {
        let record = Record::parse(entry.node.data, &entry.page).ok_or_else(|| {
            let problem = format!("a row of table {} is no record", table.name());
            entry.page.damage(problem, JetError::PRIMARY_INDEX_CORRUPTED)
        })?;
        Ok(Row { table, record, key: entry.node.key, page: entry.page.number() })
    }

    /// Its key in the primary index.
    #[must_use]
    pub fn key(&self) -> Key<'r> {
        self.key
    }

    /// The page that it is on.
    #[must_use]
    pub fn page(&self) -> PageNumber {
        self.page
    }

    /// Its columns as they are stored.
    #[must_use]
    pub fn record(&self) -> &Record<'r> {
        &self.record
    }

    /// The first value of the column with this name.
    ///
    /// # Errors
    /// As [`value`](Self::value); [`Error::Damaged`] (−1507) if there is no such column.
    pub fn get(&self, column: &str) -> Result<Value<'r>, Error> {
        self.value(self.table.column(column)?)
    }

    /// The first value of a column; its default value if the row does not say.
    ///
    /// # Errors
    /// [`Error::Page`] when the row is damaged there, [`Error::Unsupported`] when the value is encrypted, computed by
    /// the application, or compressed in a way that is not read here.
    pub fn value(&self, column: &'d Column) -> Result<Value<'r>, Error> {
        let mut first = Value::Null;
        self.each_value(column, |value| {
            first = value;
            false
        })?;
        Ok(first)
    }

    /// All values of a column; none if it is null.
    ///
    /// # Errors
    /// As [`value`](Self::value).
    pub fn values(&self, column: &'d Column) -> Result<Vec<Value<'r>>, Error> {
        let mut values = Vec::new();
        self.each_value(column, |value| {
            values.push(value);
            true
        })?;
        Ok(values)
    }

    /// The text of a column, at most `limit` bytes of it as stored; `None` if it is null.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes).
    pub fn text(&self, column: &'d Column, limit: u32) -> Result<Option<String>, Error> {
        Ok(self.bytes(column, limit)?.map(|bytes| text::decode(&bytes, column.code_page())))
    }

    /// The bytes of the first value of a binary or text column, long or not, of at most `limit`; `None` if it is null,
    /// or of another type.
    ///
    /// # Errors
    /// As [`value`](Self::value) and [`LongValues::read`].
    pub fn bytes(&self, column: &'d Column, limit: u32) -> Result<Option<Cow<'r, [u8]>>, Error> {
        Ok(match self.value(column)? {
            Value::Binary(bytes) => Some(Cow::Borrowed(bytes)),
            Value::Text(text) => Some(text.bytes),
            Value::LongBinary(LongValue::Inline(bytes)) | Value::LongText(LongValue::Inline(bytes), _) => Some(bytes),
            Value::LongBinary(LongValue::Separated(id)) | Value::LongText(LongValue::Separated(id), _) => {
                Some(Cow::Owned(self.long_values(column)?.read(id, limit)?))
            }
            _ => None,
        })
    }

    /// Writes a value of a long column, however long; how many bytes that are.
    ///
    /// # Errors
    /// As [`LongValues::copy`].
    pub fn copy_long_value(
        &self,
        column: &'d Column,
        value: &LongValue<'_>,
        output: &mut (impl io::Write + ?Sized),
    ) -> Result<u32, Error> {
        match value {
            LongValue::Inline(bytes) => {
                output.write_all(bytes).map_err(|source| Error::Write { source })?;
                Ok(u32::try_from(bytes.len()).unwrap_or(u32::MAX))
            }
            LongValue::Separated(id) => self.long_values(column)?.copy(*id, output),
        }
    }

    /// Calls `visit` with one value after another, until it says false.
    fn each_value(&self, column: &'d Column, mut visit: impl FnMut(Value<'r>) -> bool) -> Result<(), Error> {
        let stored = if column.is_tagged() {
            match self.record.tagged(column).ok_or_else(|| self.broken(column))? {
                Stored::Value(tagged) => return self.each_tagged_value(column, &tagged, visit),
                Stored::Null => Stored::Null,
                Stored::Absent => Stored::Absent,
            }
        } else {
            self.record.untagged(column).ok_or_else(|| self.broken(column))?
        };
        let bytes = match stored {
            Stored::Value(bytes) => bytes,
            Stored::Null => return Ok(()),
            Stored::Absent => {
                if column.flags().contains(ColumnFlags::USER_DEFINED_DEFAULT) {
                    return Err(self.unsupported(column, "a default value that the application computes"));
                }
                match column.default_value() {
                    Some(bytes) => bytes,
                    None => return Ok(()),
                }
            }
        };
        visit(Value::parse(column.column_type(), column.code_page(), bytes).ok_or_else(|| self.broken(column))?);
        Ok(())
    }

    fn each_tagged_value(
        &self,
        column: &'d Column,
        tagged: &TaggedColumn<'r>,
        mut visit: impl FnMut(Value<'r>) -> bool,
    ) -> Result<(), Error> {
        if tagged.is_encrypted() {
            return Err(self.unsupported(column, "an encrypted value"));
        }
        for value in tagged.values() {
            if !visit(self.tagged_value(column, value.ok_or_else(|| self.broken(column))?)?) {
                break;
            }
        }
        Ok(())
    }

    fn tagged_value(&self, column: &'d Column, value: TaggedValue<'r>) -> Result<Value<'r>, Error> {
        let (column_type, code_page) = (column.column_type(), column.code_page());
        let long = if value.separated {
            LongValue::Separated(LongValueId::parse(value.bytes).ok_or_else(|| self.broken(column))?)
        } else if value.compressed {
            LongValue::Inline(Cow::Owned(decompress(value.bytes).map_err(|error| match error {
                CompressionError::Unsupported(what) => self.unsupported(column, what),
                CompressionError::Corrupt | CompressionError::Scrubbed => {
                    self.damaged(column, "cannot be decompressed", JetError::DECOMPRESSION_FAILED)
                }
            })?))
        } else {
            return Value::parse(column_type, code_page, value.bytes).ok_or_else(|| self.broken(column));
        };
        match column_type.is_long() {
            true if column_type.is_text() => Ok(Value::LongText(long, code_page)),
            true => Ok(Value::LongBinary(long)),
            false => Err(self.broken(column)),
        }
    }

    fn long_values(&self, column: &Column) -> Result<LongValues<'d, S>, Error> {
        let missing = || self.damaged(column, "is a long value, and the table has none", JetError::LV_CORRUPTED);
        self.table.long_values()?.ok_or_else(missing)
    }

    fn unsupported(&self, column: &Column, what: &str) -> Error {
        Error::Unsupported { what: format!("{what} (column {} of table {})", column.name(), self.table.name()) }
    }

    fn broken(&self, column: &Column) -> Error {
        self.damaged(column, "is damaged", JetError::PRIMARY_INDEX_CORRUPTED)
    }

    fn damaged(&self, column: &Column, problem: &str, code: JetError) -> Error {
        let problem = format!("column {} of a row of table {} {problem}", column.name(), self.table.name());
        Error::Page { page: self.page, problem, code }
    }
}
