//! Rows one after another.

use crate::error::Error;
use crate::source::PageSource;
use crate::table::{Row, Table};
use crate::tree::Cursor;

/// The rows of a table in the order of their keys.
#[derive(Debug)]
pub struct Rows<'d, S> {
    table: Table<'d, S>,
    cursor: Cursor<'d, S>,
}

impl<'d, S: PageSource> Rows<'d, S> {
    pub(super) fn new(table: Table<'d, S>, cursor: Cursor<'d, S>) -> Self {
        Rows { table, cursor }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> Table<'d, S> {
        self.table
    }

    /// Goes before the first row.
    pub fn rewind(&mut self) {
        self.cursor.rewind();
    }

    /// Goes before the first row whose key is not below `key`; see [`index_key`](crate::index_key()).
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`].
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        self.cursor.seek(key)
    }

    /// The row with exactly this key.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn find(&mut self, key: &[u8]) -> Result<Option<Row<'_, 'd, S>>, Error> {
        let table = self.table;
        self.cursor.find(key)?.map(|entry| Row::new(table, &entry)).transpose()
    }

    /// The next row; `None` behind the last one, and after an error.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`].
    #[allow(clippy::should_implement_trait, reason = "what it returns borrows from the cursor")]
    pub fn next(&mut self) -> Result<Option<Row<'_, 'd, S>>, Error> {
        let table = self.table;
        self.cursor.next()?.map(|entry| Row::new(table, &entry)).transpose()
    }
}
