//! Values that differ.

use std::collections::BTreeMap;

use adcs::{Row, Value, show_column};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

/// A column with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) column: String,
    before: (Value, String),
    after: (Value, String),
}

impl Change {
    /// For people.
    pub(super) fn text(&self) -> String {
        format!("{}: {} -> {}", self.column, short(&self.before), short(&self.after))
    }

    /// For programs.
    pub(super) fn json(&self) -> Json {
        json!({ "column": self.column, "before": json_of(&self.before), "after": json_of(&self.after) })
    }
}

/// The columns in which two rows differ. One that only one of the databases has counts as empty in the other.
pub(super) fn of_rows(prefix: &str, before: Option<&Row>, after: Option<&Row>) -> Vec<Change> {
    let mut columns: BTreeMap<String, (Cell, Cell)> = BTreeMap::new();
    for (name, cell) in cells(before) {
        columns.entry(name).or_insert_with(none_yet).0 = cell;
    }
    for (name, cell) in cells(after) {
        columns.entry(name).or_insert_with(none_yet).1 = cell;
    }
    let changed = columns.into_iter().filter(|(_, (before, after))| before.0 != after.0);
    changed.map(|(name, (before, after))| Change { column: format!("{prefix}{name}"), before, after }).collect()
}

/// Rows of a table that has several for a request, by what names them.
pub(super) fn of_lists<'a>(
    what: &str,
    name: &str,
    value: &str,
    before: impl Iterator<Item = &'a Row>,
    after: impl Iterator<Item = &'a Row>,
) -> Vec<Change> {
    let mut pairs: BTreeMap<String, (Option<&Row>, Option<&Row>)> = BTreeMap::new();
    for row in before {
        pairs.entry(row.get(name).to_string()).or_default().0 = Some(row);
    }
    for row in after {
        pairs.entry(row.get(name).to_string()).or_default().1 = Some(row);
    }
    let mut changes = Vec::new();
    for (key, (before, after)) in pairs {
        for change in of_rows("", before, after) {
            if change.column == value {
                changes.push(Change { column: format!("{what} {key}"), ..change });
            } else if before.is_some() && after.is_some() {
                changes.push(Change { column: format!("{what} {key} {}", change.column), ..change });
            }
        }
    }
    changes
}

type Cell = (Value, String);

fn none_yet() -> (Cell, Cell) {
    let none = (Value::Null, String::new());
    (none.clone(), none)
}

fn cells(row: Option<&Row>) -> impl Iterator<Item = (String, Cell)> {
    let columns = row.into_iter().flat_map(Row::iter);
    columns.map(|(column, value)| (column.name.clone(), (value.clone(), show_column(column, value))))
}

fn short((value, text): &Cell) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Binary(bytes) => format!("{} bytes, SHA-256 {}", bytes.len(), digest(bytes)),
        Value::Text(_) => format!("'{text}'"),
        _ => text.clone(),
    }
}

fn json_of((value, _): &Cell) -> Json {
    match value {
        Value::Binary(bytes) => json!({ "bytes": bytes.len(), "sha256": digest(bytes) }),
        value => crate::contents::json_of(value),
    }
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
