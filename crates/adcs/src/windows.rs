//! The database of AD CS: ESE, with tables and columns as its catalog describes them.
//!
//! Nothing but the names of the tables is taken for granted. Columns are found by name, whether they begin with `$` or not
//! ([`schema`]), and their values are read by the type that the catalog gives them:
//!
//! | type of the column | value |
//! |---|---|
//! | integers, `Bit` | [`Value::Long`](crate::Value::Long) |
//! | `DateTime`; 64-bit integers in a column that [MS-CSRA] has as a date | [`Value::Date`](crate::Value::Date) |
//! | `Binary`, `LongBinary`, `Guid` | [`Value::Binary`](crate::Value::Binary) |
//! | `Text`, `LongText` | [`Value::Text`](crate::Value::Text), without the terminator |
//! | floating-point numbers | [`Value::Text`](crate::Value::Text) |
//!
//! AD CS keeps a FILETIME in columns of type `DateTime`, where ESE itself means days since 1899-12-30 as a floating-point number.
//! The value tells which of the two it is: a FILETIME up to the year 9999 is one; else a number of days between 1980 and 2150 is
//! that; everything else is a FILETIME that no calendar has. No 8 bytes are both.
//!
//! A value that is compressed or encrypted in a way that is not read here is [`Value::Unreadable`](crate::Value::Unreadable) in its
//! row. Of a column with several values the first one counts; no column of AD CS has more.

mod number;
mod order;
mod reader;
mod scan;
mod shape;
mod value;

use std::path::PathBuf;
use std::sync::Arc;

use ese::{Format, PageSource};

use crate::windows::scan::{Found, NoRows};
use crate::windows::shape::Shape;
use crate::{CaDatabase, Column, Error, Rows, Scan, Table, schema};

/// The database of a Windows CA, clean or dirty; for what is only in the logs, its pages must come with those changes laid over
/// them ([`ese::redo`]).
#[derive(Debug)]
pub struct Database<S> {
    path: PathBuf,
    database: ese::Database<S>,
    shapes: Vec<Shape>,
}

impl<S: PageSource> Database<S> {
    /// Opens the database in `source` and reads its catalog; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::NotACa`].
    pub fn open(source: S, format: Format, path: PathBuf) -> Result<Self, Error> {
        let database = match ese::Database::open(source, format) {
            Ok(database) => database,
            Err(error) => return Err(Error::Open { database: path, source: error.into() }),
        };
        let shapes: Vec<Shape> =
            Table::ALL.into_iter().filter_map(|table| Shape::of(table, database.catalog())).collect();
        for table in [Table::Requests, Table::Certificates] {
            if !shapes.iter().any(|shape| shape.table == table) {
                return Err(Error::NotACa { database: path, table });
            }
        }
        Ok(Self { path, database, shapes })
    }

    /// The ESE database itself.
    #[must_use]
    pub fn inner(&self) -> &ese::Database<S> {
        &self.database
    }

    fn shape(&self, table: Table) -> Option<&Shape> {
        self.shapes.iter().find(|shape| shape.table == table)
    }

    /// What kept a table from being read behind row `after`.
    fn failed(&self, table: Table, after: i64, error: ese::Error) -> Error {
        let database = self.path.clone();
        match error {
            ese::Error::Read { ref source, .. } if source.kind() != std::io::ErrorKind::UnexpectedEof => {
                Error::Open { database, source: error.into() }
            }
            error => Error::Damaged { database, table, after, source: error.into() },
        }
    }
}

impl<S: PageSource> CaDatabase for Database<S> {
    fn columns(&self, table: Table) -> Arc<[Column]> {
        self.shape(table).map_or_else(|| Arc::new([]) as Arc<[Column]>, |shape| shape.columns.clone())
    }

    /// Never known: ESE does not count rows.
    fn row_count(&self, _table: Table) -> Option<u64> {
        None
    }

    fn scan(&self, scan: &Scan) -> Result<Box<dyn Rows + '_>, Error> {
        let Some(shape) = self.shape(scan.table) else { return Ok(Box::new(NoRows { table: scan.table })) };
        let found = Found::new(self, shape, scan).map_err(|error| self.failed(scan.table, 0, error))?;
        Ok(Box::new(found))
    }
}
