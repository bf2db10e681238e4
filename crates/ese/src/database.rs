//! A database: its tables.

use crate::catalog::{self, Catalog};
use crate::error::Error;
use crate::jet::JetError;
use crate::page::Layout;
use crate::source::PageSource;
use crate::table::Table;

/// The format of a database, out of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// `ulVersion`
    pub version: u32,
    /// `ulDaeUpdateMajor`
    pub update: u32,
}

impl Format {
    /// The version of every database since Windows 2000.
    pub const VERSION: u32 = 0x620;

    /// The oldest update whose pages look like those of today.
    const OLDEST_UPDATE: u32 = 0x2;
}

/// A database that is open for reading.
///
/// Pages are read as they are needed and not kept. Their checksums are not looked at.
#[derive(Debug)]
pub struct Database<S> {
    source: S,
    catalog: Catalog,
}

impl<S: PageSource> Database<S> {
    /// Opens the database in `source` and reads its catalog.
    ///
    /// # Errors
    /// [`Error::Damaged`] for a format that is not understood (−1209) or a size that no page has (−1213); else as
    /// [`Catalog::load`].
    pub fn open(source: S, format: Format) -> Result<Database<S>, Error> {
        let Format { version, update } = format;
        if version != Format::VERSION || update < Format::OLDEST_UPDATE {
            let problem = format!("format {version:#x},{update:#x} is not understood");
            return Err(Error::Damaged { problem, code: JetError::INVALID_DATABASE_VERSION });
        }
        if Layout::of(source.page_size()).is_none() {
            let problem = format!("there are no pages of {} bytes", source.page_size());
            return Err(Error::Damaged { problem, code: JetError::PAGE_SIZE_MISMATCH });
        }
        let catalog = Catalog::load(&source)?;
        Ok(Database { source, catalog })
    }

    /// Its catalog.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Where its pages come from.
    #[must_use]
    pub fn source(&self) -> &S {
        &self.source
    }

    /// All tables, those of the system included.
    pub fn tables(&self) -> impl Iterator<Item = Table<'_, S>> {
        self.catalog.tables().iter().map(|definition| self.open_table(definition))
    }

    /// The table with this name; case does not matter.
    ///
    /// # Errors
    /// [`Error::Damaged`] (−1305) if there is none.
    pub fn table(&self, name: &str) -> Result<Table<'_, S>, Error> {
        let definition = self.catalog.table(name).ok_or_else(|| Error::Damaged {
            problem: format!("there is no table {name}"),
            code: JetError::OBJECT_NOT_FOUND,
        })?;
        Ok(self.open_table(definition))
    }

    fn open_table<'d>(&'d self, definition: &'d catalog::Table) -> Table<'d, S> {
        Table::new(&self.source, definition)
    }
}
