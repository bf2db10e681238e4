//! One scan.

use std::io::Write;
use std::sync::Arc;

use ese::PageSource;

use crate::windows::Database;
use crate::windows::order::Order;
use crate::windows::reader::Reader;
use crate::windows::shape::Shape;
use crate::{Column, Error, Row, Rows, Scan, Table, Value};

/// The rows of a table that a scan finds.
pub(super) struct Found<'d, S> {
    database: &'d Database<S>,
    shape: &'d Shape,
    columns: Arc<[Column]>,
    /// Those columns as the catalog has them.
    physical: Vec<&'d ese::catalog::Column>,
    order: Order<'d, S>,
    reader: Reader<'d, S>,
    /// Key of the row that was returned last.
    current: Option<Vec<u8>>,
    /// Its number; 0 before the first.
    after: i64,
    ended: bool,
}

/// One row of it.
struct Values {
    id: i64,
    key: Vec<u8>,
    values: Vec<Value>,
}

impl<'d, S: PageSource> Found<'d, S> {
    pub(super) fn new(database: &'d Database<S>, shape: &'d Shape, scan: &Scan) -> Result<Self, ese::Error> {
        let table = database.inner().table(&shape.name)?;
        let (columns, physical): (Vec<Column>, Vec<_>) = shape
            .columns
            .iter()
            .zip(table.columns())
            .filter(|(column, _)| scan.wants(column))
            .map(|(column, physical)| (column.clone(), physical))
            .unzip();
        let id = table.columns().nth(shape.id).ok_or_else(|| no_column(shape))?;
        let order = Order::new(table, shape, id, scan.id)?;
        let reader = Reader::new(table, scan.inline_limit);
        let columns = columns.into();
        Ok(Found { database, shape, columns, physical, order, reader, current: None, after: 0, ended: false })
    }

    fn read(&mut self) -> Result<Option<Values>, ese::Error> {
        let (columns, physical, reader) = (&self.columns, &self.physical, &self.reader);
        self.order.next(|number, row| {
            let value =
                |(column, physical): (&Column, &&'d ese::catalog::Column)| reader.value(row, physical, column.kind);
            let values = columns.iter().zip(physical).map(value).collect::<Result<_, _>>()?;
            Ok(Values { id: number, key: row.key().to_vec(), values })
        })
    }
}

impl<S: PageSource> Rows for Found<'_, S> {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        self.current = None;
        if self.ended {
            return Ok(None);
        }
        let table = self.shape.table;
        let found = self.read();
        self.ended = !matches!(found, Ok(Some(_)));
        let Some(Values { id, key, values }) = found.map_err(|error| self.database.failed(table, self.after, error))?
        else {
            return Ok(None);
        };
        let after = std::mem::replace(&mut self.after, id);
        // Rows without a number count as 0, and may come first.
        if id < after && after != 0 {
            self.ended = true;
            return Err(Error::OutOfOrder { table, id, after });
        }
        self.current = Some(key);
        Ok(Some(Row::new(table, self.columns.clone(), values)))
    }

    fn copy_value(&mut self, column: &str, out: &mut dyn Write) -> Result<u64, Error> {
        let table = self.shape.table;
        let no_value = || Error::NoValue { table, column: column.to_owned() };
        let key = self.current.as_ref().ok_or_else(no_value)?;
        let definition = self.reader.table().columns();
        let (known, physical) = self
            .shape
            .columns
            .iter()
            .zip(definition)
            .find(|(known, _)| known.name.eq_ignore_ascii_case(column))
            .ok_or_else(no_value)?;
        let copied = self.reader.table().rows().and_then(|mut rows| match rows.find(key)? {
            Some(row) => self.reader.copy(&row, physical, out),
            None => Ok(None),
        });
        match copied {
            Ok(size) => size.ok_or_else(no_value),
            Err(ese::Error::Write { source }) => Err(Error::Write { column: known.name.clone(), source }),
            Err(error) => Err(self.database.failed(table, self.after, error)),
        }
    }
}

/// The rows of a table that the database does not have.
pub(super) struct NoRows {
    pub(super) table: Table,
}

impl Rows for NoRows {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        Ok(None)
    }

    fn copy_value(&mut self, column: &str, _out: &mut dyn Write) -> Result<u64, Error> {
        Err(Error::NoValue { table: self.table, column: column.to_owned() })
    }
}

fn no_column(shape: &Shape) -> ese::Error {
    ese::Error::Damaged {
        problem: format!("table {} has no column {}", shape.name, shape.table.id_column()),
        code: ese::JetError::COLUMN_NOT_FOUND,
    }
}
