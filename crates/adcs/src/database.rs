//! What every reader of a CA database offers.

use std::io::Write;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::{Column, Error, Row, Table};

/// Values of up to this many bytes come with their row unless a scan says otherwise: all that [MS-CSRA] allows for, but lists.
pub const INLINE_LIMIT: u64 = 1 << 20;

/// A CA database, read only.
///
/// An implementation keeps a bounded number of rows in memory, however long the table is and whatever the file claims.
pub trait CaDatabase {
    /// The columns of a table in the order of the database; none when the database does not have the table, as those of
    /// Windows 2000 have no CRLs.
    fn columns(&self, table: Table) -> Arc<[Column]>;

    /// The number of rows, where it can be told without reading them; for a progress bar.
    fn row_count(&self, table: Table) -> Option<u64>;

    /// Starts to read the rows of a table, in ascending order of [`Table::id_column`]; rows of the same number come in the order
    /// of the database.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    fn scan(&self, scan: &Scan) -> Result<Box<dyn Rows + '_>, Error>;

    /// Calls `visitor` with each row of a scan until it breaks.
    ///
    /// # Errors
    /// Those of [`CaDatabase::scan`] and [`Rows::next`].
    fn visit(&self, scan: &Scan, visitor: &mut dyn FnMut(&Row) -> ControlFlow<()>) -> Result<(), Error> {
        let mut rows = self.scan(scan)?;
        while let Some(row) = rows.next()? {
            if visitor(&row).is_break() {
                break;
            }
        }
        Ok(())
    }
}

/// The rows of a scan, one after the other.
pub trait Rows {
    /// The next row; `None` behind the last.
    ///
    /// # Errors
    /// [`Error::Damaged`]. Nothing can be read behind it.
    fn next(&mut self) -> Result<Option<Row>, Error>;

    /// Writes a value of the row that [`Rows::next`] returned last, however long it is, in pieces. Returns its length; nothing is
    /// written for NULL. The column need not be among those of the scan. Text comes as the database stores it: UTF-8 in those of certsrvd,
    /// mostly UTF-16 in those of Windows.
    ///
    /// # Errors
    /// [`Error::NoValue`], [`Error::Damaged`], [`Error::Write`].
    fn copy_value(&mut self, column: &str, out: &mut dyn Write) -> Result<u64, Error>;
}

/// Which rows, and what of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scan {
    /// The table.
    pub table: Table,
    /// Names of the columns wanted, as in [MS-CSRA]; `None` for all of them. What the database does not have is left out; the
    /// column of [`Table::id_column`] always comes.
    pub columns: Option<Vec<String>>,
    /// Only the rows of this request (of the list with this number, in [`Table::Crls`]).
    pub id: Option<i64>,
    /// Longer values come as [`crate::Value::Unread`].
    pub inline_limit: u64,
}

impl Scan {
    /// All rows of a table, with values of up to [`INLINE_LIMIT`].
    #[must_use]
    pub fn of(table: Table) -> Self {
        Self { table, columns: None, id: None, inline_limit: INLINE_LIMIT }
    }

    /// Only these columns.
    #[must_use]
    pub fn columns<S: Into<String>>(self, columns: impl IntoIterator<Item = S>) -> Self {
        Self { columns: Some(columns.into_iter().map(Into::into).collect()), ..self }
    }

    /// Only the rows of one request, or of one list.
    #[must_use]
    pub fn id(self, id: i64) -> Self {
        Self { id: Some(id), ..self }
    }

    /// Only values of up to this many bytes.
    #[must_use]
    pub fn inline_limit(self, inline_limit: u64) -> Self {
        Self { inline_limit, ..self }
    }

    /// Whether a column belongs to what is wanted.
    #[must_use]
    pub fn wants(&self, column: &Column) -> bool {
        column.name == self.table.id_column()
            || self
                .columns
                .as_ref()
                .is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&column.name)))
    }
}
