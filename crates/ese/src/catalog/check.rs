//! Whether the catalog agrees with itself.

use std::collections::{HashMap, HashSet};

use crate::catalog::{Catalog, Column, Storage, Table, TreeRoot, folded};
use crate::check::Finding;
use crate::jet::JetError;
use crate::source::PageNumber;

impl Catalog {
    /// Checks that every object has its table, names and numbers are unique, root pages are inside of the database and
    /// no two trees have the same, columns do not overlap, and keys of indexes name columns.
    #[must_use]
    pub fn check(&self, last_page: PageNumber) -> Vec<Finding> {
        let mut findings: Vec<Finding> = self
            .orphans
            .iter()
            .map(|(objid, name)| finding(None, format!("{name} belongs to object {objid}, which is no table")))
            .collect();
        let mut names = HashSet::new();
        let mut roots = HashMap::new();
        for table in &self.tables {
            let mut report = |problem: String| findings.push(finding(Some(table.name()), problem));
            if !names.insert(folded(table.name())) {
                report("there is another table of this name".to_owned());
            }
            check_columns(table, &mut report);
            check_indexes(table, &mut report);
            for tree in trees(table) {
                if tree.page.0 == 0 || tree.page > last_page {
                    report(format!("the root page {} of object {} does not exist", tree.page, tree.objid));
                }
                if roots.insert(tree.page, tree.objid).is_some() {
                    report(format!("object {} and another one have the root page {}", tree.objid, tree.page));
                }
            }
        }
        findings
    }
}

/// The trees of a table, each once.
pub(crate) fn trees(table: &Table) -> impl Iterator<Item = TreeRoot> {
    let indexes = table.indexes.iter().filter(|index| !index.is_primary()).map(|index| index.tree);
    std::iter::once(table.tree).chain(indexes).chain(table.long_values)
}

fn check_columns(table: &Table, report: &mut impl FnMut(String)) {
    let (mut names, mut ids) = (HashSet::new(), HashSet::new());
    let mut places = Vec::new();
    for column in table.columns() {
        if !names.insert(folded(column.name())) {
            report(format!("there are two columns {}", column.name()));
        }
        if !ids.insert(column.id()) {
            report(format!("there are two columns {:#x}", column.id().0));
        }
        if let Storage::Fixed { offset, size } = column.storage() {
            places.push((offset, u32::from(offset) + u32::from(size), column.name()));
        }
        if has_no_default(column) {
            report(format!("column {} lacks its default value", column.name()));
        }
    }
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(_, end, name), (offset, _, next)] = pair
            && *end > u32::from(*offset)
        {
            report(format!("columns {name} and {next} overlap"));
        }
    }
}

fn has_no_default(column: &Column) -> bool {
    use crate::catalog::ColumnFlags;
    column.flags().contains(ColumnFlags::DEFAULT)
        && !column.flags().contains(ColumnFlags::USER_DEFINED_DEFAULT)
        && column.default_value().is_none()
}

fn check_indexes(table: &Table, report: &mut impl FnMut(String)) {
    let mut names = HashSet::new();
    for index in table.indexes() {
        if !names.insert(folded(index.name())) {
            report(format!("there are two indexes {}", index.name()));
        }
        if index.is_primary() && index.tree() != table.tree() {
            report(format!("the primary index {} is not where the rows are", index.name()));
        }
        for segment in index.segments() {
            if table.column_by_id(segment.column).is_none() {
                report(format!("index {} is over a column {:#x} that does not exist", index.name(), segment.column.0));
            }
        }
    }
    if table.indexes().iter().filter(|index| index.is_primary()).count() > 1 {
        report("there are two primary indexes".to_owned());
    }
}

fn finding(table: Option<&str>, problem: String) -> Finding {
    Finding { page: None, table: table.map(str::to_owned), problem, code: JetError::CATALOG_CORRUPTED }
}
