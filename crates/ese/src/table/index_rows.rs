//! Rows in the order of an index.

use crate::catalog::Index;
use crate::error::Error;
use crate::jet::JetError;
use crate::source::PageSource;
use crate::table::{Row, Rows};
use crate::tree::Cursor;

/// The rows of a table in the order of one of its indexes.
///
/// The nodes of a secondary index hold the key of the row in the primary index (the bookmark), by which the row is
/// looked up.
#[derive(Debug)]
pub struct IndexRows<'d, S> {
    index: &'d Index,
    /// `None` for the primary index.
    entries: Option<Cursor<'d, S>>,
    rows: Rows<'d, S>,
    bookmark: Vec<u8>,
}

impl<'d, S: PageSource> IndexRows<'d, S> {
    pub(super) fn primary(rows: Rows<'d, S>, index: &'d Index) -> Self {
        IndexRows { index, entries: None, rows, bookmark: Vec::new() }
    }

    pub(super) fn secondary(rows: Rows<'d, S>, index: &'d Index, entries: Cursor<'d, S>) -> Self {
        IndexRows { index, entries: Some(entries), rows, bookmark: Vec::new() }
    }

    /// The index.
    #[must_use]
    pub fn index(&self) -> &'d Index {
        self.index
    }

    /// Goes before the first row whose key in this index is not below `key`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`].
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        match &mut self.entries {
            Some(entries) => entries.seek(key),
            None => self.rows.seek(key),
        }
    }

    /// The next row; `None` behind the last one, and after an error.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`]; [`Error::Damaged`] (−1414) when the row does not exist.
    #[allow(clippy::should_implement_trait, reason = "what it returns borrows from the cursor")]
    pub fn next(&mut self) -> Result<Option<Row<'_, 'd, S>>, Error> {
        let Some(entries) = &mut self.entries else { return self.rows.next() };
        let Some(entry) = entries.next()? else { return Ok(None) };
        self.bookmark.clear();
        self.bookmark.extend_from_slice(entry.node.data);
        let table = self.rows.table().name();
        match self.rows.find(&self.bookmark)? {
            Some(row) => Ok(Some(row)),
            None => Err(Error::Damaged {
                problem: format!("index {} of table {table} leads to a row that does not exist", self.index.name()),
                code: JetError::SECONDARY_INDEX_CORRUPTED,
            }),
        }
    }
}
