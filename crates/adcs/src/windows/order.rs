//! Rows in the order of their numbers.

use std::collections::{BinaryHeap, VecDeque};

use ese::catalog::Column;
use ese::{Error, IndexRows, JetError, PageSource, Row, Rows, Table};

use crate::windows::number;
use crate::windows::shape::Shape;

/// Steps over the rows of a table in the order of their numbers. A row without one counts as 0.
#[derive(Debug)]
pub(super) struct Order<'d, S> {
    walk: Walk<'d, S>,
    id: &'d Column,
    /// Only the rows with this number.
    only: Option<i64>,
}

#[derive(Debug)]
enum Walk<'d, S> {
    /// By an index that begins with the number.
    Index(IndexRows<'d, S>),
    /// All rows, for those with one number.
    All(Rows<'d, S>),
    Sorted(Sorted<'d, S>),
    /// No row can have the number.
    Nothing,
}

impl<'d, S: PageSource> Order<'d, S> {
    pub(super) fn new(table: Table<'d, S>, shape: &Shape, id: &'d Column, only: Option<i64>) -> Result<Self, Error> {
        let walk = match (&shape.index, only) {
            (Some(index), None) => Walk::Index(table.rows_by(index)?),
            (Some(index), Some(only)) => match number::key(shape.id_type, only) {
                Some(key) => {
                    let mut rows = table.rows_by(index)?;
                    rows.seek(&key)?;
                    Walk::Index(rows)
                }
                None => Walk::Nothing,
            },
            (None, Some(_)) => Walk::All(table.rows()?),
            (None, None) => {
                Walk::Sorted(Sorted { rows: table.rows()?, batch: VecDeque::new(), last: None, ended: false })
            }
        };
        Ok(Order { walk, id, only })
    }

    /// Hands the next row and its number to `read`; `None` behind the last one.
    pub(super) fn next<T>(
        &mut self,
        read: impl FnOnce(i64, &Row<'_, 'd, S>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let (id, only) = (self.id, self.only);
        match &mut self.walk {
            Walk::Nothing => Ok(None),
            Walk::Index(rows) => {
                let Some(row) = rows.next()? else { return Ok(None) };
                let number = number_of(&row, id)?;
                if only.is_some_and(|only| only != number) {
                    return Ok(None);
                }
                read(number, &row).map(Some)
            }
            Walk::All(rows) => {
                while let Some(row) = rows.next()? {
                    let number = number_of(&row, id)?;
                    if only.is_none_or(|only| only == number) {
                        return read(number, &row).map(Some);
                    }
                }
                Ok(None)
            }
            Walk::Sorted(sorted) => sorted.next(id, read),
        }
    }
}

/// Sorts the rows of a table that has no index for it, by reading all keys again for each batch of rows. That takes long where
/// rows are many, and memory for the keys of one batch however many there are; the lists of a CA, of which alone it is known that
/// nothing else asks for their order, fit into one.
#[derive(Debug)]
struct Sorted<'d, S> {
    rows: Rows<'d, S>,
    /// The rows that come next.
    batch: VecDeque<Place>,
    /// The last row of the batches so far.
    last: Option<Place>,
    /// The batch is the last one.
    ended: bool,
}

/// The number of a row, and its key in the tree of the rows.
type Place = (i64, Vec<u8>);

/// Rows of a batch.
const BATCH: usize = 1 << 16;

impl<'d, S: PageSource> Sorted<'d, S> {
    fn next<T>(
        &mut self,
        id: &'d Column,
        read: impl FnOnce(i64, &Row<'_, 'd, S>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        if self.batch.is_empty() && !self.ended {
            self.fill(id)?;
        }
        let Some((number, key)) = self.batch.pop_front() else { return Ok(None) };
        match self.rows.find(&key)? {
            Some(row) => read(number, &row).map(Some),
            None => Err(Error::Damaged {
                problem: format!("a row of table {} is not where its key says", self.rows.table().name()),
                code: JetError::PRIMARY_INDEX_CORRUPTED,
            }),
        }
    }

    /// Finds the rows that come behind the last one.
    fn fill(&mut self, id: &'d Column) -> Result<(), Error> {
        let mut first: BinaryHeap<Place> = BinaryHeap::new();
        let mut left = false;
        self.rows.rewind();
        while let Some(row) = self.rows.next()? {
            let place = (number_of(&row, id)?, row.key().to_vec());
            if self.last.as_ref().is_some_and(|last| place <= *last) {
                continue;
            }
            if first.len() < BATCH {
                first.push(place);
                continue;
            }
            left = true;
            if let Some(mut greatest) = first.peek_mut()
                && place < *greatest
            {
                *greatest = place;
            }
        }
        self.batch = first.into_sorted_vec().into();
        self.last = self.batch.back().cloned();
        self.ended = !left;
        Ok(())
    }
}

fn number_of<'d, S: PageSource>(row: &Row<'_, 'd, S>, id: &'d Column) -> Result<i64, Error> {
    Ok(row.value(id)?.as_i64().unwrap_or(0))
}
