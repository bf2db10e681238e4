//! Every table of a database as JSON, for the comparison with other readers (`cargo xtask oracles`).
//!
//! One line a table, `{"table": name, "columns": [{"name": ..., "number": ..., "default": cell}, ...]}`, then one line a
//! row, `{"row": [cell, ...]}`. A cell is null, the bytes of a value in hexadecimal, a list of those, or
//! `{"error": why}`.
//!
//! `cargo run -p ese --example dump -- FILE`
#![allow(clippy::print_stdout, clippy::print_stderr, missing_docs, reason = "a tool for developers")]

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::process::ExitCode;

use ese::catalog::Column;
use ese::{Database, Error, Format, PageNumber, PageSource, Row, Table, Value};

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: dump FILE");
        return ExitCode::FAILURE;
    };
    let mut output = BufWriter::new(io::stdout().lock());
    let dumped = DatabaseFile::open(path.as_ref()).map_err(Into::into).and_then(|file| dump(file, &mut output));
    match dumped.and_then(|()| output.flush().map_err(|source| Error::Write { source }.into())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

type Failure = Box<dyn std::error::Error>;

fn dump(file: DatabaseFile, output: &mut impl Write) -> Result<(), Failure> {
    let format = file.format;
    let database = Database::open(file, format)?;
    for table in database.tables() {
        let columns: Vec<&Column> = table.columns().collect();
        write!(output, "{{\"table\":{},\"columns\":[", quoted(table.name()))?;
        list(output, &columns, |output, column| {
            let (name, number) = (quoted(column.name()), column.id().fid());
            let default = column.default_value().map_or_else(|| "null".to_owned(), quoted_hex);
            write!(output, "{{\"name\":{name},\"number\":{number},\"default\":{default}}}")
        })?;
        writeln!(output, "]}}")?;
        if let Err(error) = rows(&table, &columns, output) {
            writeln!(output, "{{\"error\":{}}}", quoted(&error.to_string()))?;
        }
    }
    Ok(())
}

fn rows(table: &Table<'_, DatabaseFile>, columns: &[&Column], output: &mut impl Write) -> Result<(), Failure> {
    let mut rows = table.rows()?;
    while let Some(row) = rows.next()? {
        write!(output, "{{\"row\":[")?;
        list(output, columns, |output, column| cell(&row, column, output))?;
        writeln!(output, "]}}")?;
    }
    Ok(())
}

/// All values of a column: null, one, or a list of them.
fn cell<'d>(row: &Row<'_, 'd, DatabaseFile>, column: &'d Column, output: &mut impl Write) -> io::Result<()> {
    let values: Result<Vec<String>, Error> =
        row.values(column).and_then(|values| values.iter().map(|found| value(row, column, found)).collect());
    match values.as_deref() {
        Ok([]) => write!(output, "null"),
        Ok([one]) => write!(output, "{one}"),
        Ok(several) => write!(output, "[{}]", several.join(",")),
        Err(error) => write!(output, "{{\"error\":{}}}", quoted(&error.to_string())),
    }
}

fn value<'d>(row: &Row<'_, 'd, DatabaseFile>, column: &'d Column, value: &Value<'_>) -> Result<String, Error> {
    let long = |value| {
        let mut bytes = Vec::new();
        row.copy_long_value(column, value, &mut bytes).map(|_| bytes)
    };
    let bytes = match value {
        Value::Null => return Ok("null".to_owned()),
        Value::Bit(value) => vec![u8::from(*value)],
        Value::UnsignedByte(value) => vec![*value],
        Value::Short(value) => value.to_le_bytes().to_vec(),
        Value::UnsignedShort(value) => value.to_le_bytes().to_vec(),
        Value::Long(value) => value.to_le_bytes().to_vec(),
        Value::UnsignedLong(value) => value.to_le_bytes().to_vec(),
        Value::Currency(value) | Value::LongLong(value) => value.to_le_bytes().to_vec(),
        Value::UnsignedLongLong(value) => value.to_le_bytes().to_vec(),
        Value::Single(value) => value.to_le_bytes().to_vec(),
        Value::Double(value) => value.to_le_bytes().to_vec(),
        Value::DateTime(bytes) => bytes.to_vec(),
        Value::Guid(bytes) => bytes.to_vec(),
        Value::Binary(bytes) => bytes.to_vec(),
        Value::Text(text) => text.bytes.to_vec(),
        Value::LongBinary(value) | Value::LongText(value, _) => long(value)?,
    };
    Ok(quoted_hex(&bytes))
}

fn quoted_hex(bytes: &[u8]) -> String {
    format!("\"{}\"", hex::encode(bytes))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\0'..='\x1f' => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

fn list<W: Write, T>(
    output: &mut W,
    items: &[T],
    mut each: impl FnMut(&mut W, &T) -> io::Result<()>,
) -> io::Result<()> {
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            write!(output, ",")?;
        }
        each(output, item)?;
    }
    Ok(())
}

/// A file; page size and format are taken from its header without looking at the rest of it.
struct DatabaseFile {
    file: File,
    page_size: usize,
    last_page: PageNumber,
    format: Format,
}

impl DatabaseFile {
    fn open(path: &std::path::Path) -> io::Result<DatabaseFile> {
        let mut file = File::open(path)?;
        let mut header = [0; 240];
        file.read_exact(&mut header)?;
        let number =
            |at: usize| header.get(at..).and_then(|from| from.first_chunk()).map_or(0, |n| u32::from_le_bytes(*n));
        let page_size = match number(236) {
            0 => 4096,
            size => size,
        };
        let pages = file.metadata()?.len() / u64::from(page_size);
        let last_page = PageNumber(u32::try_from(pages.saturating_sub(2)).map_err(io::Error::other)?);
        let format = Format { version: number(8), update: number(232) };
        Ok(DatabaseFile { file, page_size: page_size as usize, last_page, format })
    }
}

impl PageSource for DatabaseFile {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        self.last_page
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(page.offset(self.page_size)))?;
        file.read_exact(buffer)
    }
}
