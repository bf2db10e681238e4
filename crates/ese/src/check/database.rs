//! All checks of a database.

use crate::catalog::TreeRoot;
use crate::check::long_values::Tally;
use crate::check::page_set::PageSet;
use crate::check::space::{Extent, code};
use crate::check::walk::Walk;
use crate::check::{Finding, Report};
use crate::database::Database;
use crate::error::Error;
use crate::index_key::index_key;
use crate::jet::JetError;
use crate::long_value::LongValueId;
use crate::page::Space;
use crate::record::{Record, Stored};
use crate::source::{ObjectId, PageNumber, PageSource};
use crate::table::{Row, Table};
use crate::tree::{Entry, Tree};

/// The root of the space of the whole database.
const DATABASE_ROOT: TreeRoot = TreeRoot { objid: ObjectId(1), page: PageNumber(1) };

impl<S: PageSource> Database<S> {
    /// Checks the catalog, every page of every tree, every row, every long value and the account of the free pages.
    ///
    /// Memory: one bit a page, and 16 bytes a long value of one table. A database that was not closed in order has
    /// findings until its logs are replayed.
    ///
    /// # Errors
    /// [`Error::Read`]. What is wrong in the content is a finding.
    pub fn check(&self) -> Result<Report, Error> {
        let last_page = self.source().last_page();
        let mut checking = Checking {
            source: self.source(),
            seen: PageSet::new(last_page),
            free: Vec::new(),
            report: Report::default(),
        };
        for finding in self.catalog().check(last_page) {
            checking.report.add(finding);
        }
        checking.tree(None, DATABASE_ROOT, |_, _| Ok(()))?;
        for table in self.tables() {
            checking.table(table)?;
        }
        checking.free_pages();
        Ok(checking.report)
    }
}

struct Checking<'d, S> {
    source: &'d S,
    seen: PageSet,
    /// Free extents that the space trees name.
    free: Vec<Extent>,
    report: Report,
}

impl<'d, S: PageSource> Checking<'d, S> {
    fn table(&mut self, table: Table<'d, S>) -> Result<(), Error> {
        let definition = table.definition();
        let name = Some(table.name());
        let mut tally = Tally::new(table.name(), definition.long_value_chunk());
        if let Some(long_values) = definition.long_values() {
            self.tree(name, long_values, |report, entry| tally.add_node(report, entry))?;
            tally.close(&mut self.report);
        }
        self.tree(name, definition.tree(), |report, entry| row(report, table, entry, &mut tally))?;
        for index in definition.indexes().iter().filter(|index| !index.is_primary()) {
            self.tree(name, index.tree(), |_, _| Ok(()))?;
        }
        Ok(())
    }

    /// A tree and its two trees of extents.
    fn tree(
        &mut self,
        table: Option<&str>,
        root: TreeRoot,
        visit: impl FnMut(&mut Report, &Entry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let tree = match Tree::open(self.source, root.page, root.objid) {
            Ok(tree) => tree,
            Err(error) => return self.report.take(table, error),
        };
        self.walk(table, root.objid, root.page, visit)?;
        if let Space::Multiple { owned, available } = tree.space().space {
            for (page, is_owned) in [(owned, true), (available, false)] {
                let mut extents = Vec::new();
                self.walk(table, root.objid, page, |report, entry| {
                    match Extent::parse(&entry.node) {
                        Some(extent) => extents.push(extent),
                        None => report.add(damaged_extent(table, entry, is_owned)),
                    }
                    Ok(())
                })?;
                if !is_owned {
                    self.free.extend(extents);
                }
            }
        }
        Ok(())
    }

    fn walk(
        &mut self,
        table: Option<&str>,
        objid: ObjectId,
        root: PageNumber,
        visit: impl FnMut(&mut Report, &Entry<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (source, seen, report) = (self.source, &mut self.seen, &mut self.report);
        Walk { source, objid, table, seen, report }.run(root, visit)
    }

    /// No page may be free and in use.
    fn free_pages(&mut self) {
        let end = self.source.last_page();
        self.free.sort_unstable_by_key(|extent| extent.first());
        let mut checked = PageNumber(0);
        for extent in &self.free {
            // Extents that overlap are looked at once.
            let Some(first) = extent.first().map(|first| first.max(PageNumber(checked.0.saturating_add(1)))) else {
                continue;
            };
            let last = extent.last.min(end);
            checked = checked.max(last);
            if let Some(page) = (first.0..=last.0).map(PageNumber).find(|page| self.seen.contains(*page)) {
                let problem = "the page is in use, and in an extent of free pages".to_owned();
                let code = JetError::SP_AVAIL_EXT_CORRUPTED;
                self.report.add(Finding { page: Some(page), table: None, problem, code });
            }
        }
    }
}

fn row<S: PageSource>(
    report: &mut Report,
    table: Table<'_, S>,
    entry: &Entry<'_>,
    tally: &mut Tally<'_>,
) -> Result<(), Error> {
    report.rows += 1;
    let row = match Row::new(table, entry) {
        Ok(row) => row,
        Err(error) => return report.take(Some(table.name()), error),
    };
    for column in table.columns() {
        match row.values(column) {
            // What is not read here is not wrong.
            Ok(_) | Err(Error::Unsupported { .. }) => {}
            Err(error) => report.take(Some(table.name()), error)?,
        }
    }
    if let Some(expected) = key_of(table, &row)
        && row.key().cmp_bytes(&expected).is_ne()
    {
        report.add(Finding {
            page: Some(entry.page.number()),
            table: Some(table.name().to_owned()),
            problem: "the key of a row is not that of its values".to_owned(),
            code: JetError::PRIMARY_INDEX_CORRUPTED,
        });
    }
    for id in separated(row.record()) {
        tally.refer(report, id);
    }
    Ok(())
}

/// The key that the row should have, where that can be said.
fn key_of<'d, S: PageSource>(table: Table<'d, S>, row: &Row<'_, 'd, S>) -> Option<Vec<u8>> {
    let index = table.definition().primary_index()?;
    let columns = index.segments().iter().map(|segment| table.definition().column_by_id(segment.column));
    let values: Option<Vec<_>> = columns.map(|column| row.value(column?).ok()).collect();
    index_key(table.definition(), index, &values?).ok().filter(|key| key.len() < usize::from(index.key_most()))
}

/// The long values that a record refers to, by whatever column.
fn separated<'a>(record: &Record<'a>) -> impl Iterator<Item = LongValueId> + use<'a> {
    let columns = record.tagged_columns().flatten().filter_map(|(.., stored)| match stored {
        Stored::Value(tagged) => Some(tagged),
        Stored::Absent | Stored::Null => None,
    });
    let values = columns.flat_map(|tagged| tagged.values().flatten());
    values.filter(|value| value.separated).filter_map(|value| LongValueId::parse(value.bytes))
}

fn damaged_extent(table: Option<&str>, entry: &Entry<'_>, owned: bool) -> Finding {
    Finding {
        page: Some(entry.page.number()),
        table: table.map(str::to_owned),
        problem: "a node that is no extent".to_owned(),
        code: code(owned),
    }
}
