//! Rows of several tables that belong to one request.

use std::cell::OnceCell;

use crate::decode::{self, DecodeError};
use crate::{CaDatabase, Error, Row, Rows, Scan, Table};

/// Several scans read side by side, in the order of the requests' numbers: one pass over each table, and in memory only the rows
/// of one request.
pub struct Join<'a> {
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    table: Table,
    rows: Box<dyn Rows + 'a>,
    /// The row that comes next, and belongs to this or a later request.
    head: Option<Row>,
}

impl<'a> Join<'a> {
    /// Starts the scans. Each must be of another table, and none of [`Table::Crls`], whose numbers are not those of requests.
    ///
    /// # Errors
    /// Those of [`CaDatabase::scan`] and [`Rows::next`].
    pub fn new(database: &'a dyn CaDatabase, scans: &[Scan]) -> Result<Self, Error> {
        let mut parts = Vec::with_capacity(scans.len());
        for scan in scans {
            let mut rows = database.scan(scan)?;
            let head = rows.next()?;
            parts.push(Part { table: scan.table, rows, head });
        }
        Ok(Self { parts })
    }

    /// The rows of the next request; `None` behind the last. A request that only one of the tables knows comes as well.
    ///
    /// # Errors
    /// [`Error::OutOfOrder`], and those of [`Rows::next`].
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot fail and end at the same time")]
    pub fn next(&mut self) -> Result<Option<Entry>, Error> {
        let Some(id) = self.parts.iter().filter_map(|part| part.head.as_ref().map(Row::id)).min() else {
            return Ok(None);
        };
        let mut rows = Vec::with_capacity(self.parts.len());
        for part in &mut self.parts {
            while let Some(row) = part.head.take_if(|row| row.id() == id) {
                rows.push(row);
                part.head = part.rows.next()?;
                if let Some(next) = part.head.as_ref().map(Row::id).filter(|next| *next < id) {
                    return Err(Error::OutOfOrder { table: part.table, id: next, after: id });
                }
            }
        }
        Ok(Some(Entry { id, rows, decoded: OnceCell::new() }))
    }
}

/// What the database has about one request.
#[derive(Debug)]
pub struct Entry {
    id: i64,
    rows: Vec<Row>,
    decoded: OnceCell<Option<Result<decode::Certificate, DecodeError>>>,
}

impl Entry {
    /// The number of the request.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The request itself.
    #[must_use]
    pub fn request(&self) -> Option<&Row> {
        self.of(Table::Requests).next()
    }

    /// What it came to. On Windows there is a row also for requests without a certificate: see [`Entry::has_certificate`].
    #[must_use]
    pub fn certificate(&self) -> Option<&Row> {
        self.of(Table::Certificates).next()
    }

    /// The rows of one table.
    pub fn of(&self, table: Table) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.table() == table)
    }

    /// Whether all rows are the same, in the same order.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.rows.len() == other.rows.len() && self.rows.iter().zip(&other.rows).all(|(one, other)| one.is_same(other))
    }

    /// Whether a certificate was made, as its serial number tells.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        self.certificate().is_some_and(|row| !row.get("SerialNumber").is_null() || !row.get("RawCertificate").is_null())
    }

    /// The certificate, decoded once and only when asked for; `None` when its bytes are not there or were not read.
    #[must_use]
    pub fn decoded(&self) -> Option<&Result<decode::Certificate, DecodeError>> {
        self.decoded
            .get_or_init(|| self.certificate()?.get("RawCertificate").binary().map(decode::Certificate::decode))
            .as_ref()
    }
}
