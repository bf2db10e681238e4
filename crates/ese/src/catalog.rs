//! The catalog: tables, columns, indexes and long-value trees, as the database describes itself (`MSysObjects`).

mod bootstrap;
mod check;
mod column;
mod index;
mod load;
mod table;

pub use column::{CodePage, Column, ColumnFlags, ColumnId, ColumnType, Storage};
pub use index::{Index, IndexFlags, IndexSegment};
pub use table::{Table, TableFlags, TreeRoot};

use std::collections::HashMap;

use crate::error::Error;
use crate::source::{ObjectId, PageNumber, PageSource};

/// Where every database has its catalog.
pub const CATALOG_ROOT: PageNumber = PageNumber(4);

/// The object number that every catalog has.
pub const CATALOG_OBJID: ObjectId = ObjectId(2);

/// The tables of a database.
#[derive(Debug)]
pub struct Catalog {
    /// In the order of their object numbers.
    tables: Vec<Table>,
    by_name: HashMap<String, usize>,
    /// Rows of the catalog that belong to no table.
    orphans: Vec<(ObjectId, String)>,
}

impl Catalog {
    /// Reads the catalog of a database.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Page`], or [`Error::Damaged`] (−1220) for rows that make no sense.
    pub fn load<S: PageSource + ?Sized>(source: &S) -> Result<Catalog, Error> {
        load::load(source)
    }

    fn new(tables: Vec<Table>, orphans: Vec<(ObjectId, String)>) -> Catalog {
        let by_name = tables.iter().enumerate().map(|(at, table)| (folded(table.name()), at)).collect();
        Catalog { tables, by_name, orphans }
    }

    /// All tables in the order of their object numbers, those of the system included.
    #[must_use]
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table with this name; case does not matter.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(*self.by_name.get(&folded(name))?)
    }
}

/// Names compare without regard to the case of ASCII letters.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}
