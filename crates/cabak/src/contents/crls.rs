//! `cabak crls`: the revocation lists of a set.

use std::path::PathBuf;

use adcs::{Row, Scan, Table, Value, show_column};
use serde_json::{Value as Json, json};

use super::table::{self, Form, Heading};
use crate::exit::Exit;
use crate::moment;
use crate::output::Reporter;
use crate::source::{Opening, Source};
use crate::verify::stop_if;

/// What `cabak crls` was asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The set.
    pub set: PathBuf,
    /// Where it may be recovered.
    pub scratch: Option<PathBuf>,
    /// CSV instead of a table.
    pub csv: bool,
}

const HEADINGS: [(&str, usize); 11] = [
    ("row", 5),
    ("number", 7),
    ("kind", 7),
    ("key", 3),
    ("partition", 9),
    ("entries", 7),
    ("this_update", 20),
    ("next_update", 20),
    ("next_publish", 20),
    ("size", 10),
    ("published", 0),
];

/// Lists them. Everything comes from the columns: no list is decoded, however large.
///
/// # Errors
/// Those of [`Source::find`] and [`Source::open`].
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let source = Source::find(&request.set)?;
    let opened = source.open(&Opening { scratch: request.scratch.as_deref(), cancel }, reporter)?;
    let form = Form::choose(request.csv, reporter);
    let headings = HEADINGS.map(|(name, width)| Heading { name: name.to_owned(), width }).to_vec();
    let table = table::Table::begin(form, "crl", headings, reporter)?;
    // Of the list itself only its length is wanted.
    let mut rows = opened.database().scan(&Scan::of(Table::Crls).inline_limit(SHORT_TEXT))?;
    let mut count: u64 = 0;
    while let Some(row) = rows.next()? {
        stop_if(cancel)?;
        count += 1;
        table.row(cells(&row, form), reporter)?;
    }
    reporter.flush_rows()?;
    if form == Form::Json {
        reporter.result("", &json!({ "event": "result", "set": source.name, "crls": count }));
    }
    Ok(opened.exit())
}

/// CRLPublishError may have this many bytes; no list is shorter than 100 bytes, and a short one may as well be read.
const SHORT_TEXT: u64 = 8192;

fn cells(row: &Row, form: Form) -> Vec<(String, Json)> {
    let shown = |name: &str| {
        let found = row.iter().find(|(column, _)| column.name == name);
        found.map_or_else(String::new, |(column, value)| show_column(column, value))
    };
    let plain = |name: &str| {
        let text = shown(name);
        let value = super::json_of_text(row.get(name), &text);
        (text, value)
    };
    // A delta names the list that it adds to; [MS-CSRA] 3.1.1.4.1.
    let base = row.get("CRLMinBase").long().unwrap_or(0);
    let kind = if base == 0 { "base".to_owned() } else { format!("delta of {base}") };
    let size = match row.get("CRLRawCRL") {
        Value::Unread(size) => Some(*size),
        Value::Binary(bytes) => Some(bytes.len() as u64),
        _ => None,
    };
    let size_text = match (size, form) {
        (Some(size), Form::Text) => moment::bytes(size),
        (Some(size), _) => size.to_string(),
        (None, _) => String::new(),
    };
    let mut published = shown("CRLPublishFlags");
    if let Some(code) = row.get("CRLPublishStatusCode").code().filter(|code| *code != 0) {
        let word = adcs::words::status(code).map_or_else(String::new, |word| format!(" ({word})"));
        published.push_str(&format!(", status {code:#x}{word}"));
    }
    vec![
        plain("CRLRowId"),
        plain("CRLNumber"),
        (kind.clone(), json!(kind)),
        plain("CRLNameId"),
        plain("CRLPartitionIndex"),
        plain("CRLCount"),
        plain("CRLThisUpdate"),
        plain("CRLNextUpdate"),
        plain("CRLNextPublish"),
        (size_text, json!(size)),
        (published.clone(), json!(published)),
    ]
}
