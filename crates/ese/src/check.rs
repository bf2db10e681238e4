//! Checks of a whole database, for use after its logs were replayed.

mod database;
mod long_values;
mod page_set;
mod space;
mod walk;

use std::fmt;

use crate::error::Error;
use crate::jet::JetError;
use crate::source::PageNumber;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Trees, space trees included.
    pub trees: u64,
    /// Pages of these trees.
    pub pages: u64,
    /// Rows of tables.
    pub rows: u64,
    /// Long values in trees of their own.
    pub long_values: u64,
    /// What is wrong, at most [`Report::MOST_FINDINGS`] of it.
    pub findings: Vec<Finding>,
    /// How much more is wrong.
    pub further_findings: u64,
}

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

impl Report {
    /// Findings that are kept.
    pub const MOST_FINDINGS: usize = 1000;

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.is_empty()
    }

    fn add(&mut self, finding: Finding) {
        if self.findings.len() < Self::MOST_FINDINGS {
            self.findings.push(finding);
        } else {
            self.further_findings += 1;
        }
    }

    /// Takes an error of the content as a finding; one of the source or of a form that is not read here ends the check.
    fn take(&mut self, table: Option<&str>, error: Error) -> Result<(), Error> {
        let (page, problem, code) = match error {
            Error::Page { page, problem, code } => (Some(page), problem, code),
            Error::Damaged { problem, code } => (None, problem, code),
            other => return Err(other),
        };
        self.add(Finding { page, table: table.map(str::to_owned), problem, code });
        Ok(())
    }
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
