//! The five tables in an SQLite database: INTEGER, TEXT, BLOB; dates as TEXT in RFC 3339, which sorts.

use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use adcs::{Column, Kind, Row, Scan, Table, Value};
use anyhow::Context;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, MAIN_DB, ToSql, params_from_iter};

use super::{Work, Written};
use crate::target::cannot_write;

pub(super) fn write(work: &mut Work<'_>, path: &Path) -> anyhow::Result<Written> {
    let place = || cannot_write(path);
    let mut connection = Connection::open(path).with_context(place)?;
    // The file has no name yet: after a crash nobody looks for it.
    connection.execute_batch("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF").with_context(place)?;
    work.begin("rows", &Table::ALL);
    let transaction = connection.transaction().with_context(place)?;
    let mut written = Vec::new();
    for table in Table::ALL {
        let columns = work.database.columns(table);
        if columns.is_empty() {
            continue;
        }
        transaction.execute_batch(&create(table, &columns)).with_context(place)?;
        written.push((table.name(), rows(work, &transaction, table, &columns).with_context(place)?));
        for column in INDEXED.iter().filter(|(indexed, _)| *indexed == table).map(|(_, column)| column) {
            if columns.iter().any(|known| known.name == *column) {
                let statement = format!("CREATE INDEX \"{table}{column}\" ON \"{table}\" (\"{column}\")");
                transaction.execute_batch(&statement).with_context(place)?;
            }
        }
    }
    transaction.commit().with_context(place)?;
    connection.close().map_err(|(_, error)| error).with_context(place)?;
    Ok(written)
}

const INDEXED: &[(Table, &str)] = &[
    (Table::Requests, "RequestID"),
    (Table::Certificates, "RequestID"),
    (Table::Certificates, "SerialNumber"),
    (Table::RequestAttributes, "AttributeRequestId"),
    (Table::CertificateExtensions, "ExtensionRequestId"),
    (Table::Crls, "CRLRowId"),
];

fn create(table: Table, columns: &[Column]) -> String {
    let declared: Vec<String> =
        columns.iter().map(|column| format!("{} {}", quoted(&column.name), declared(column.kind))).collect();
    format!("CREATE TABLE \"{table}\" ({})", declared.join(", "))
}

fn declared(kind: Kind) -> &'static str {
    match kind {
        Kind::Long => "INTEGER",
        Kind::Date | Kind::Text => "TEXT",
        Kind::Binary => "BLOB",
    }
}

fn rows(work: &mut Work<'_>, connection: &Connection, table: Table, columns: &[Column]) -> anyhow::Result<u64> {
    let places = vec!["?"; columns.len()].join(", ");
    let mut insert = connection.prepare(&format!("INSERT INTO \"{table}\" VALUES ({places})"))?;
    let mut rows = work.database.scan(&Scan::of(table))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        work.step()?;
        insert.execute(params_from_iter(row.iter().map(|(_, value)| Cell(value))))?;
        let number = connection.last_insert_rowid();
        for column in unread(&row) {
            let mut blob = connection.blob_open(MAIN_DB, table.name(), column.as_str(), number, false)?;
            blob.seek(SeekFrom::Start(0))?;
            rows.copy_value(&column, &mut Exactly(&mut blob))?;
        }
        count += 1;
    }
    Ok(count)
}

/// The columns whose values are too long to come with the row.
fn unread(row: &Row) -> Vec<String> {
    row.iter().filter(|(_, value)| matches!(value, Value::Unread(_))).map(|(column, _)| column.name.clone()).collect()
}

/// A value as SQLite gets it. For one that was not read there is room, which is filled afterwards.
struct Cell<'a>(&'a Value);

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0 {
            Value::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Value::Long(number) => ToSqlOutput::from(*number),
            Value::Date(time) => ToSqlOutput::from(time.to_string()),
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Binary(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
            Value::Unread(size) => ToSqlOutput::ZeroBlob(*size),
            Value::Unreadable(_) => ToSqlOutput::from(self.0.to_string()),
        })
    }
}

/// A blob does not grow; what does not fit is an error rather than lost.
struct Exactly<'a, W>(&'a mut W);

impl<W: Write> Write for Exactly<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
