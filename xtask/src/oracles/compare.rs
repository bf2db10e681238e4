//! Two readers of one database.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::oracles::dump::{Column, Dump, Row, Table};

/// Why two readers differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// libesedb does not open a database whose header has more than the 668 bytes that it sums, or whose pages have reserved
    /// tags, as those of Server 2025 have.
    Refused,
    /// The other reader lists nodes that are marked as deleted.
    DeletedRow,
    /// A table or column whose row in the catalog is marked as deleted.
    DeletedInCatalog,
    /// The other reader says that it does not read the value.
    NotRead,
    /// The other reader returns the bytes of a fixed column that is null.
    NullOfFixedColumn,
    /// The other reader has no value where a tagged column has its default value.
    DefaultOfTaggedColumn,
    /// We stop at a page that was never written: a backup copy without its logs.
    NeedsLogs,
    /// None of these.
    Unexplained,
}

/// What was compared and is equal, and how the rest differs.
#[derive(Default)]
pub(crate) struct Comparison {
    tables: usize,
    rows: usize,
    cells: usize,
    differences: BTreeMap<Class, usize>,
    examples: BTreeMap<Class, String>,
}

/// A column that both readers have.
struct Pair<'a> {
    own: usize,
    at: usize,
    column: &'a Column,
}

/// Numbers of variable columns begin here.
const FIRST_VARIABLE: u32 = 128;
/// Numbers of tagged columns begin here.
const FIRST_TAGGED: u32 = 256;

impl Comparison {
    pub(crate) fn of(ours: &Dump, theirs: &Dump) -> Comparison {
        let mut comparison = Comparison::default();
        if let Some(reason) = &theirs.refused {
            comparison.differs(refused(reason), || reason.clone());
        }
        if let Some(reason) = &ours.refused {
            comparison.differs(never_written(reason), || format!("we: {reason}"));
            return comparison;
        }
        for table in &theirs.tables {
            match ours.table(&table.name) {
                _ if table.deleted => comparison.differs(Class::DeletedInCatalog, || format!("table {}", table.name)),
                Some(own) => comparison.table(own, table),
                None => comparison.differs(Class::Unexplained, || format!("we lack table {}", table.name)),
            }
        }
        for own in &ours.tables {
            if theirs.refused.is_none() && theirs.table(&own.name).is_none() {
                comparison.differs(Class::Unexplained, || format!("only we have table {}", own.name));
            }
        }
        comparison
    }

    fn table(&mut self, ours: &Table, theirs: &Table) {
        let name = &ours.name;
        if let Some(error) = &ours.error {
            return self.differs(never_written(error), || format!("table {name}, we: {error}"));
        }
        if let Some(error) = &theirs.error {
            self.differs(Class::Unexplained, || format!("table {name}: {error}"));
        }
        self.tables += 1;
        let columns = self.columns(ours, theirs);
        let mut own_rows = ours.rows.iter();
        for (number, row) in theirs.rows.iter().enumerate() {
            if row.deleted {
                self.differs(Class::DeletedRow, || format!("table {name}, row {number}"));
                continue;
            }
            match own_rows.next() {
                Some(own) => self.row(name, number, &columns, own, row),
                None => self.differs(Class::Unexplained, || format!("table {name}: we lack row {number}")),
            }
        }
        let more = own_rows.count();
        if more > 0 && theirs.error.is_none() {
            self.differs(Class::Unexplained, || format!("table {name}: only we have its last {more} rows"));
        }
    }

    /// Which of their columns is which of ours.
    fn columns<'a>(&mut self, ours: &'a Table, theirs: &Table) -> Vec<Pair<'a>> {
        let mut pairs = Vec::new();
        for (at, column) in theirs.columns.iter().enumerate() {
            let place = || format!("table {}, column {}", ours.name, column.name);
            match ours.columns.iter().position(|own| own.name == column.name && own.number == column.number) {
                _ if column.deleted => self.differs(Class::DeletedInCatalog, place),
                Some(own) => pairs.push(Pair { own, at, column: &ours.columns[own] }),
                None => self.differs(Class::Unexplained, place),
            }
        }
        if pairs.len() < ours.columns.len() {
            self.differs(Class::Unexplained, || format!("table {}: only we have a column", ours.name));
        }
        pairs
    }

    fn row(&mut self, table: &str, number: usize, columns: &[Pair<'_>], ours: &Row, theirs: &Row) {
        self.rows += 1;
        for Pair { own, at, column } in columns {
            let (own, other) = (ours.cells.get(*own), theirs.cells.get(*at));
            let place = || format!("table {table}, row {number}, column {}", column.name);
            let null = |cell| cell == Some(&Value::Null);
            if let Some(Value::Object(unread)) = other {
                let why = unread.get("unread").and_then(Value::as_str).unwrap_or("");
                self.differs(Class::NotRead, || format!("{}: {why}", place()));
            } else if own == other {
                self.cells += 1;
            } else if null(own) && column.number < FIRST_VARIABLE {
                self.differs(Class::NullOfFixedColumn, place);
            } else if null(other) && column.number >= FIRST_TAGGED && own == column.default.as_ref() {
                self.differs(Class::DefaultOfTaggedColumn, place);
            } else {
                self.differs(Class::Unexplained, || format!("{}: {} and {}", place(), show(own), show(other)));
            }
        }
    }

    fn differs(&mut self, class: Class, example: impl FnOnce() -> String) {
        *self.differences.entry(class).or_default() += 1;
        self.examples.entry(class).or_insert_with(example);
    }

    pub(crate) fn count(&self, class: Class) -> usize {
        self.differences.get(&class).copied().unwrap_or(0)
    }

    pub(crate) fn add(&mut self, other: Comparison) {
        self.tables += other.tables;
        self.rows += other.rows;
        self.cells += other.cells;
        for (class, count) in other.differences {
            *self.differences.entry(class).or_default() += count;
        }
        for (class, example) in other.examples {
            self.examples.entry(class).or_insert(example);
        }
    }

    pub(crate) fn print(&self, reader: &str) {
        println!("  {reader}: {} tables, {} rows, {} cells equal", self.tables, self.rows, self.cells);
        for (class, count) in &self.differences {
            let example = self.examples.get(class).map_or("", String::as_str);
            println!("    {class:?}: {count} ({example})");
        }
    }
}

fn refused(reason: &str) -> Class {
    // The first page is the first that it reads, and cannot be damaged: we have read it.
    let known =
        ["mismatch in file header checksum", "invalid number of page tags", "unable to read page tree value: 1."];
    if known.iter().any(|known| reason.contains(known)) { Class::Refused } else { Class::Unexplained }
}

fn never_written(error: &str) -> Class {
    if error.contains("the page was never written") { Class::NeedsLogs } else { Class::Unexplained }
}

/// The start of a cell.
fn show(cell: Option<&Value>) -> String {
    let text = cell.map_or_else(|| "nothing".to_owned(), Value::to_string);
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
