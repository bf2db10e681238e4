//! Values out of the rows of one table.

use std::cell::OnceCell;
use std::io::Write;

use ese::catalog::{CodePage, Column};
use ese::{Error, JetError, LongValue, LongValueId, LongValues, PageSource, Row, Table};

use crate::windows::value;
use crate::{Kind, Value};

/// Reads values, long ones from the tree of the table.
#[derive(Debug)]
pub(super) struct Reader<'d, S> {
    table: Table<'d, S>,
    /// Opened with the first long value.
    long_values: OnceCell<LongValues<'d, S>>,
    /// Longer ones stay where they are.
    limit: u64,
}

impl<'d, S: PageSource> Reader<'d, S> {
    pub(super) fn new(table: Table<'d, S>, limit: u64) -> Self {
        Reader { table, long_values: OnceCell::new(), limit }
    }

    pub(super) fn table(&self) -> Table<'d, S> {
        self.table
    }

    /// The value of a column for its row. What this crate cannot read is the trouble of that value alone.
    pub(super) fn value(&self, row: &Row<'_, 'd, S>, column: &'d Column, kind: Kind) -> Result<Value, Error> {
        match self.read(row, column, kind) {
            Err(Error::Unsupported { what }) => Ok(Value::Unreadable(format!("{what} is not supported"))),
            value => value,
        }
    }

    fn read(&self, row: &Row<'_, 'd, S>, column: &'d Column, kind: Kind) -> Result<Value, Error> {
        Ok(match row.value(column)? {
            ese::Value::Null => Value::Null,
            ese::Value::DateTime(bytes) => Value::Date(value::date(bytes)),
            ese::Value::Binary(bytes) => self.short(bytes, None),
            ese::Value::Guid(bytes) => self.short(&bytes, None),
            ese::Value::Text(text) => self.short(&text.bytes, Some(text.code_page)),
            ese::Value::LongBinary(value) => self.long(&value, None)?,
            ese::Value::LongText(value, code_page) => self.long(&value, Some(code_page))?,
            ese::Value::Single(number) => Value::Text(number.to_string()),
            ese::Value::Double(number) => Value::Text(number.to_string()),
            ese::Value::UnsignedLongLong(number) if i64::try_from(number).is_err() => Value::Text(number.to_string()),
            number => number.as_i64().map_or(Value::Null, |number| value::number(number, kind)),
        })
    }

    /// Writes a value of bytes or text as it is stored, however long; `None` when it is of another type.
    pub(super) fn copy(
        &self,
        row: &Row<'_, 'd, S>,
        column: &'d Column,
        out: &mut dyn Write,
    ) -> Result<Option<u64>, Error> {
        let mut write = |bytes: &[u8]| {
            out.write_all(bytes).map_err(|source| Error::Write { source })?;
            Ok(Some(bytes.len() as u64))
        };
        match row.value(column)? {
            ese::Value::Null => Ok(Some(0)),
            ese::Value::Binary(bytes) => write(bytes),
            ese::Value::Guid(bytes) => write(&bytes),
            ese::Value::Text(text) => write(&text.bytes),
            ese::Value::LongBinary(value) | ese::Value::LongText(value, _) => match value {
                LongValue::Inline(bytes) => write(&bytes),
                LongValue::Separated(id) => self.long_values()?.copy(id, out).map(|size| Some(size.into())),
            },
            _ => Ok(None),
        }
    }

    fn short(&self, bytes: &[u8], text: Option<CodePage>) -> Value {
        let size = bytes.len() as u64;
        if size > self.limit { Value::Unread(size) } else { value::bytes(bytes, text) }
    }

    fn long(&self, value: &LongValue<'_>, text: Option<CodePage>) -> Result<Value, Error> {
        match value {
            LongValue::Inline(bytes) => Ok(self.short(bytes, text)),
            LongValue::Separated(id) => self.separated(*id, text),
        }
    }

    fn separated(&self, id: LongValueId, text: Option<CodePage>) -> Result<Value, Error> {
        let long_values = self.long_values()?;
        let size = u64::from(long_values.header(id)?.size);
        if size > self.limit {
            return Ok(Value::Unread(size));
        }
        // Grows with what is there; a size that is only claimed takes no memory.
        let mut bytes = Vec::new();
        long_values.copy(id, &mut bytes)?;
        Ok(value::bytes(&bytes, text))
    }

    fn long_values(&self) -> Result<&LongValues<'d, S>, Error> {
        if let Some(opened) = self.long_values.get() {
            return Ok(opened);
        }
        let opened = self.table.long_values()?.ok_or_else(|| Error::Damaged {
            problem: format!("a row of table {} has a long value, and the table has none", self.table.name()),
            code: JetError::LV_CORRUPTED,
        })?;
        Ok(self.long_values.get_or_init(|| opened))
    }
}
