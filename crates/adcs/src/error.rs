//! Why rows cannot be read.

use std::io;
use std::path::PathBuf;

use crate::Table;

/// What lies underneath an [`Error`].
pub type Source = Box<dyn std::error::Error + Send + Sync>;

/// A database that cannot be read, or not further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It is a database, and not one of a CA.
    #[error("{}: this is no database of a CA: it has no table {table}", database.display())]
    NotACa {
        /// The file.
        database: PathBuf,
        /// The table that is missing.
        table: Table,
    },
    /// The file cannot be opened as a database, or the operating system could not read it.
    #[error("{}: cannot be read", database.display())]
    Open {
        /// The file.
        database: PathBuf,
        /// What happened.
        source: Source,
    },
    /// A place of the file contradicts its format.
    #[error("{}: table {table}: cannot read on behind row {after}", database.display())]
    Damaged {
        /// The file.
        database: PathBuf,
        /// The table.
        table: Table,
        /// Number of the last row that was read; 0 before the first.
        after: i64,
        /// What is wrong there.
        source: Source,
    },
    /// Rows do not come in the order of their numbers, so that tables cannot be read side by side.
    #[error("table {table}: row {id} comes after row {after}; the order of the table is damaged")]
    OutOfOrder {
        /// The table.
        table: Table,
        /// The row that came too late.
        id: i64,
        /// The row before it.
        after: i64,
    },
    /// The value asked for is not there: no such column, or no row has been read yet.
    #[error("table {table} has no value {column} here")]
    NoValue {
        /// The table.
        table: Table,
        /// The column.
        column: String,
    },
    /// The caller's writer took no more.
    #[error("cannot write the value of {column}")]
    Write {
        /// The column.
        column: String,
        /// What the writer says.
        source: io::Error,
    },
}
