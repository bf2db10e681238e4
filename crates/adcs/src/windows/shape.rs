//! A table of a CA as the catalog has it.

use std::sync::Arc;

use ese::catalog::{self, Catalog, ColumnType, Index, IndexFlags};

use crate::windows::{number, schema, value};
use crate::{Column, Table};

/// A table of a CA, its columns, and how its rows come in the order of their numbers.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) table: Table,
    /// Its name in this database.
    pub(super) name: String,
    /// In the order of the catalog, one for each column there.
    pub(super) columns: Arc<[Column]>,
    /// Which of them is the number.
    pub(super) id: usize,
    /// Type of the numbers: an integer.
    pub(super) id_type: ColumnType,
    /// The index that begins with the number; `None` if there is none.
    pub(super) index: Option<String>,
}

impl Shape {
    /// The table, if the database has it. Without a number nothing ties its rows to those of others, and it does not count.
    pub(super) fn of(table: Table, catalog: &Catalog) -> Option<Shape> {
        let definition = catalog.table(table.name())?;
        let physical = definition.columns().map(|column| (column.name(), value::kind(column.column_type(), None)));
        let mut columns = schema::columns(table, physical).to_vec();
        for (column, physical) in columns.iter_mut().zip(definition.columns()) {
            column.kind = value::kind(physical.column_type(), column.known.then_some(column.kind));
        }
        let id = columns.iter().position(|column| column.name == table.id_column())?;
        let id_column = definition.columns().nth(id)?;
        let id_type = id_column.column_type();
        number::key(id_type, 0)?;
        let index = index(definition, id_column).map(|index| index.name().to_owned());
        Some(Shape { table, name: definition.name().to_owned(), columns: columns.into(), id, id_type, index })
    }
}

/// The index by which rows come in the order of their numbers: the primary one where it does, else one that has every row once.
fn index<'a>(table: &'a catalog::Table, id: &catalog::Column) -> Option<&'a Index> {
    let begins_with_id = |index: &&Index| {
        index.segments().first().is_some_and(|first| {
            !first.descending && table.column_by_id(first.column).is_some_and(|column| column.id() == id.id())
        })
    };
    let primary = table.primary_index().filter(begins_with_id);
    let secondary =
        || table.indexes().iter().filter(|index| has_every_row_once(index)).filter(begins_with_id).min_by_key(order);
    primary.or_else(secondary)
}

/// Keys of the number alone are shorter to read.
fn order(index: &&Index) -> usize {
    index.segments().len()
}

/// A row without a number belongs to nothing; it may be missing. Rows with one must all be there.
fn has_every_row_once(index: &Index) -> bool {
    let flags = index.flags();
    let alone = index.segments().len() == 1;
    let others_may_be_null = flags.intersects(IndexFlags::ALLOW_SOME_NULLS | IndexFlags::NO_NULL_SEGMENT);
    !index.is_primary()
        && !index.is_conditional()
        && !flags.contains(IndexFlags::DEFERRED_POPULATE)
        && (alone || (others_may_be_null && !flags.contains(IndexFlags::MULTI_VALUED)))
}
