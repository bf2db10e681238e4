//! What a reader prints: lines of JSON.

use std::process::Command;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::Value;

/// A database as one reader sees it.
pub(crate) struct Dump {
    pub(crate) tables: Vec<Table>,
    /// Why it stopped before the end.
    pub(crate) refused: Option<String>,
}

pub(crate) struct Table {
    pub(crate) name: String,
    /// Whether its row in the catalog is marked as deleted.
    pub(crate) deleted: bool,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
    /// Why it stopped before the last row.
    pub(crate) error: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) number: u32,
    /// Its default value, as the cell of a row.
    #[serde(default)]
    pub(crate) default: Option<Value>,
    /// Whether its row in the catalog is marked as deleted.
    #[serde(default)]
    pub(crate) deleted: bool,
}

#[derive(Deserialize)]
pub(crate) struct Row {
    #[serde(rename = "row")]
    pub(crate) cells: Vec<Value>,
    #[serde(default)]
    pub(crate) deleted: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Table {
        table: String,
        columns: Vec<Column>,
        #[serde(default)]
        deleted: bool,
    },
    Row(Row),
    Error {
        error: String,
    },
}

impl Dump {
    pub(crate) fn of(command: &mut Command) -> Result<Dump> {
        let output = command.output().with_context(|| command.get_program().display().to_string())?;
        let mut dump = Dump { tables: Vec::new(), refused: None };
        for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(line).context("a line of a reader")?;
            match (line, dump.tables.last_mut()) {
                (Line::Table { table: name, columns, deleted }, _) => {
                    dump.tables.push(Table { name, deleted, columns, rows: Vec::new(), error: None });
                }
                (Line::Row(row), Some(table)) => table.rows.push(row),
                (Line::Error { error }, Some(table)) => table.error = Some(error),
                (Line::Row(_) | Line::Error { .. }, None) => anyhow::bail!("a row before the first table"),
            }
        }
        if !output.status.success() {
            let message = String::from_utf8_lossy(&output.stderr);
            dump.refused = Some(message.trim().lines().last().unwrap_or("no message").to_owned());
        }
        Ok(dump)
    }

    pub(crate) fn rows(&self) -> usize {
        self.tables.iter().map(|table| table.rows.len()).sum()
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }
}
