//! A table: its rows, in the order of its indexes.

mod index_rows;
mod row;
mod rows;

pub use index_rows::IndexRows;
pub use row::Row;
pub use rows::Rows;

use crate::catalog::{self, Column, Index};
use crate::error::Error;
use crate::jet::JetError;
use crate::long_value::LongValues;
use crate::source::PageSource;
use crate::tree::Tree;

/// A table of an open database.
#[derive(Debug)]
pub struct Table<'d, S> {
    source: &'d S,
    definition: &'d catalog::Table,
}

impl<S> Clone for Table<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Table<'_, S> {}

impl<'d, S: PageSource> Table<'d, S> {
    pub(crate) fn new(source: &'d S, definition: &'d catalog::Table) -> Self {
        Table { source, definition }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &'d str {
        self.definition.name()
    }

    /// What the catalog says about it.
    #[must_use]
    pub fn definition(&self) -> &'d catalog::Table {
        self.definition
    }

    /// Its columns, those of its template first.
    pub fn columns(&self) -> impl Iterator<Item = &'d Column> + use<'d, S> {
        self.definition.columns()
    }

    /// The column with this name; case does not matter.
    ///
    /// # Errors
    /// [`Error::Damaged`] (−1507) if there is none.
    pub fn column(&self, name: &str) -> Result<&'d Column, Error> {
        self.definition.column(name).ok_or_else(|| self.no("column", name, JetError::COLUMN_NOT_FOUND))
    }

    /// Its rows in the order of the primary index, or of their insertion if there is none.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn rows(&self) -> Result<Rows<'d, S>, Error> {
        let root = self.definition.tree();
        Ok(Rows::new(*self, Tree::open(self.source, root.page, root.objid)?.cursor()))
    }

    /// Its rows in the order of one of its indexes.
    ///
    /// # Errors
    /// [`Error::Damaged`] (−1305) if there is no such index; as [`Tree::open`].
    pub fn rows_by(&self, index: &str) -> Result<IndexRows<'d, S>, Error> {
        let index = self.definition.index(index).ok_or_else(|| self.no("index", index, JetError::OBJECT_NOT_FOUND))?;
        self.rows_by_index(index)
    }

    pub(crate) fn rows_by_index(&self, index: &'d Index) -> Result<IndexRows<'d, S>, Error> {
        let rows = self.rows()?;
        if index.is_primary() {
            return Ok(IndexRows::primary(rows, index));
        }
        let root = index.tree();
        Ok(IndexRows::secondary(rows, index, Tree::open(self.source, root.page, root.objid)?.cursor()))
    }

    /// Its long values; `None` if it never had any.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn long_values(&self) -> Result<Option<LongValues<'d, S>>, Error> {
        LongValues::open(self.source, self.definition)
    }

    fn no(&self, what: &str, name: &str, code: JetError) -> Error {
        Error::Damaged { problem: format!("table {} has no {what} {name}", self.name()), code }
    }
}
