//! Checks of a whole database, for use after its logs were replayed.

use std::fmt;

use crate::jet::JetError;
use crate::source::PageNumber;

/// Something that is wrong in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// On which page, if on one.
    pub page: Option<PageNumber>,
    /// In which table, if in one.
    pub table: Option<String>,
    /// What: lowercase, no final period.
    pub problem: String,
    /// The code with which ESE reports this.
    pub code: JetError,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(page) = self.page {
            write!(f, "page {page}: ")?;
        }
        if let Some(table) = &self.table {
            write!(f, "table {table}: ")?;
        }
        write!(f, "{} ({})", self.problem, self.code)
    }
}
