//! One CSV file per table: dates in RFC 3339, bytes in base64. Revocation lists are files of their own.

use std::io::{BufWriter, Write};
use std::path::Path;

use adcs::{Column, Rows, Scan, Table, Value};
use anyhow::Context;
use base64ct::{Base64, Encoding};

use super::{Work, Written, create, create_for_row};
use crate::output::plain;
use crate::target::cannot_write;

/// The column that has the list itself.
const RAW_CRL: &str = "CRLRawCRL";

pub(super) fn write(work: &mut Work<'_>, directory: &Path) -> anyhow::Result<Written> {
    work.begin("rows", &Table::ALL);
    let mut written = Vec::new();
    for table in Table::ALL {
        let columns = work.database.columns(table);
        if !columns.is_empty() {
            written.push((table.name(), rows(work, directory, table, &columns)?));
        }
    }
    Ok(written)
}

fn rows(work: &mut Work<'_>, directory: &Path, table: Table, columns: &[Column]) -> anyhow::Result<u64> {
    let path = directory.join(format!("{table}.csv"));
    let place = || cannot_write(&path);
    let mut csv = csv::Writer::from_writer(create(&path)?);
    csv.write_record(columns.iter().map(|column| plain(&column.name).into_owned())).with_context(place)?;
    let names = columns.iter().map(|column| column.name.clone());
    let mut rows = work.database.scan(&Scan::of(table).columns(names.filter(|name| name != RAW_CRL)))?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        work.step()?;
        for column in columns {
            let cell = match row.get(&column.name) {
                Value::Null if column.name == RAW_CRL => {
                    aside(rows.as_mut(), directory, table, row.id(), &column.name)?
                }
                Value::Unread(_) => aside(rows.as_mut(), directory, table, row.id(), &column.name)?,
                Value::Binary(bytes) => Base64::encode_string(bytes),
                value => plain(&value.to_string()).into_owned(),
            };
            csv.write_field(cell).with_context(place)?;
        }
        csv.write_record(None::<&[u8]>).with_context(place)?;
        count += 1;
    }
    csv.flush().with_context(place)?;
    Ok(count)
}

/// Writes a value that may be larger than memory to a file of its own, and returns the file's name, which stands in its place.
fn aside(rows: &mut dyn Rows, directory: &Path, table: Table, id: i64, column: &str) -> anyhow::Result<String> {
    let safe = column.replace(|character: char| !character.is_ascii_alphanumeric(), "_");
    let (stem, extension) =
        if column == RAW_CRL { (format!("crl-{id:08}"), "crl") } else { (format!("{table}-{id:08}-{safe}"), "bin") };
    let (file, path) = create_for_row(directory, &stem, extension)?;
    let mut file = BufWriter::new(file);
    let size = rows.copy_value(column, &mut file)?;
    file.flush().with_context(|| cannot_write(&path))?;
    if size == 0 {
        std::fs::remove_file(&path).with_context(|| cannot_write(&path))?;
        return Ok(String::new());
    }
    Ok(path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
}
