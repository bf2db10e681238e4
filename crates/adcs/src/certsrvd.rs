//! The database of certsrvd: SQLite, with the columns of [MS-CSRA] by name.

use std::cell::OnceCell;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use crate::{CaDatabase, Column, Error, FileTime, Kind, Row, Rows, Scan, Table, Value, schema};

/// Rows that are read at once.
const BATCH_ROWS: usize = 256;
/// Bytes of values behind which no further row is read at once.
const BATCH_BYTES: usize = 4 << 20;
/// How much of a long value is read at once.
const PIECE: usize = 256 << 10;

/// A database file of certsrvd that nobody writes: one that `certdb::set::recover` made, or that of a stopped server.
///
/// The file is opened as one that never changes, so that nothing is written beside it either; a write-ahead log is not read.
pub struct Database {
    path: PathBuf,
    connection: Connection,
    tables: Vec<Shape>,
}

/// A table as the file has it.
struct Shape {
    table: Table,
    name: String,
    columns: Arc<[Column]>,
    /// The number of a row is SQLite's own number of it.
    numbered: bool,
    count: OnceCell<Option<u64>>,
}

impl Database {
    /// Opens a file.
    ///
    /// # Errors
    /// [`Error::Open`], [`Error::NotACa`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: rusqlite::Error| Error::Open { database: path.to_owned(), source: error.into() };
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(unchanging(path), flags).map_err(failed)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true).map_err(failed)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false).map_err(failed)?;
        connection.execute_batch("PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY").map_err(failed)?;
        let tables = shapes(&connection).map_err(failed)?;
        for table in [Table::Requests, Table::Certificates] {
            if !tables.iter().any(|shape| shape.table == table) {
                return Err(Error::NotACa { database: path.to_owned(), table });
            }
        }
        Ok(Self { path: path.to_owned(), connection, tables })
    }

    fn shape(&self, table: Table) -> Option<&Shape> {
        self.tables.iter().find(|shape| shape.table == table)
    }

    fn damaged(&self, table: Table, after: i64, source: impl Into<crate::Source>) -> Error {
        Error::Damaged { database: self.path.clone(), table, after, source: source.into() }
    }
}

impl CaDatabase for Database {
    fn columns(&self, table: Table) -> Arc<[Column]> {
        self.shape(table).map_or_else(|| Arc::new([]) as Arc<[Column]>, |shape| shape.columns.clone())
    }

    fn row_count(&self, table: Table) -> Option<u64> {
        let shape = self.shape(table)?;
        let count = || {
            let statement = format!("SELECT count(*) FROM {}", quoted(&shape.name));
            self.connection.query_row(&statement, [], |row| row.get::<_, i64>(0)).ok()
        };
        *shape.count.get_or_init(|| count().and_then(|count| u64::try_from(count).ok()))
    }

    fn scan(&self, scan: &Scan) -> Result<Box<dyn Rows + '_>, Error> {
        let Some(shape) = self.shape(scan.table) else { return Ok(Box::new(NoRows { table: scan.table })) };
        let columns: Arc<[Column]> = shape.columns.iter().filter(|column| scan.wants(column)).cloned().collect();
        let statement = shape.statement(&columns, scan);
        let last = scan.id.map_or((i64::MIN, i64::MIN), |id| (id, i64::MIN));
        Ok(Box::new(Batches {
            database: self,
            shape,
            columns,
            statement,
            last,
            current: None,
            batch: VecDeque::new(),
            ended: false,
        }))
    }
}

impl Shape {
    /// Reads the next rows behind a number. Of each row come its own number, that of its request, and of each column its length and,
    /// unless it is too long, its value.
    fn statement(&self, columns: &[Column], scan: &Scan) -> String {
        let id = self.id_column();
        let mut text = format!("SELECT rowid, {id}");
        for column in columns {
            let (name, limit) = (quoted(&column.physical), scan.inline_limit.min(i64::MAX.unsigned_abs()));
            // Infallible: the target is a string.
            let _ = write!(text, ", octet_length({name}), iif(octet_length({name}) > {limit}, NULL, {name})");
        }
        let only = scan.id.map_or(String::new(), |only| format!(" AND {id} = {only}"));
        // The first condition alone lets SQLite use the index on the number; the second goes on among equals.
        let behind = if self.numbered {
            // A scan of one request starts before it, so that equality finds it.
            if scan.id.is_some() {
                format!("{id} >= ?1 AND ?2 = {}", i64::MIN)
            } else {
                format!("{id} > ?1 AND ?2 = ?2")
            }
        } else {
            format!("{id} >= ?1 AND ({id} > ?1 OR rowid > ?2)")
        };
        let _ =
            write!(text, " FROM {} WHERE {behind}{only} ORDER BY {id}, rowid LIMIT {BATCH_ROWS}", quoted(&self.name));
        text
    }

    fn id_column(&self) -> String {
        let name = self.table.id_column();
        quoted(self.columns.iter().find(|column| column.name == name).map_or(name, |column| &column.physical))
    }
}

/// Reads rows in batches, each by a statement of its own that starts behind the last row of the one before.
struct Batches<'a> {
    database: &'a Database,
    shape: &'a Shape,
    columns: Arc<[Column]>,
    statement: String,
    /// Numbers of the last row that was read, that of its request first.
    last: (i64, i64),
    /// SQLite's number of the row that was returned last.
    current: Option<i64>,
    batch: VecDeque<(i64, Row)>,
    ended: bool,
}

impl Batches<'_> {
    fn fill(&mut self) -> rusqlite::Result<()> {
        let mut statement = self.database.connection.prepare_cached(&self.statement)?;
        let mut rows = statement.query([self.last.0, self.last.1])?;
        let mut bytes = 0;
        while let Some(row) = rows.next()? {
            let (number, id): (i64, i64) = (row.get(0)?, row.get(1)?);
            let mut values = Vec::with_capacity(self.columns.len());
            for (at, column) in self.columns.iter().enumerate() {
                let length: Option<i64> = row.get(2 + 2 * at)?;
                let length = length.and_then(|length| u64::try_from(length).ok());
                let value = value(column.kind, length, row.get_ref(3 + 2 * at)?);
                if !matches!(value, Value::Unread(_)) {
                    bytes += length.and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
                }
                values.push(value);
            }
            self.batch.push_back((number, Row::new(self.shape.table, self.columns.clone(), values)));
            self.last = (id, number);
            if bytes >= BATCH_BYTES {
                return Ok(());
            }
        }
        self.ended = self.batch.len() < BATCH_ROWS;
        Ok(())
    }
}

impl Rows for Batches<'_> {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        if self.batch.is_empty() && !self.ended {
            let after = if self.last.0 == i64::MIN { 0 } else { self.last.0 };
            if let Err(error) = self.fill() {
                self.ended = true;
                // What was read before the damage is good.
                if self.batch.is_empty() {
                    return Err(self.database.damaged(self.shape.table, after, error));
                }
                self.ended = false;
            }
        }
        let next = self.batch.pop_front();
        self.current = next.as_ref().map(|(number, _)| *number);
        Ok(next.map(|(_, row)| row))
    }

    fn copy_value(&mut self, column: &str, out: &mut dyn Write) -> Result<u64, Error> {
        let table = self.shape.table;
        let no_value = || Error::NoValue { table, column: column.to_owned() };
        let number = self.current.ok_or_else(no_value)?;
        let found =
            self.shape.columns.iter().find(|known| known.name.eq_ignore_ascii_case(column)).ok_or_else(no_value)?;
        let damaged = |source: crate::Source| self.database.damaged(table, number, source);
        let connection = &self.database.connection;
        let name = quoted(&found.physical);
        let statement = format!("SELECT octet_length({name}) FROM {} WHERE rowid = ?1", quoted(&self.shape.name));
        let length: Option<i64> = connection
            .prepare_cached(&statement)
            .and_then(|mut statement| statement.query_row([number], |row| row.get(0)))
            .map_err(|error| damaged(error.into()))?;
        if length.is_none() {
            return Ok(0);
        }
        let blob = connection.blob_open(MAIN_DB, self.shape.name.as_str(), found.physical.as_str(), number, true);
        let blob = blob.map_err(|error| damaged(error.into()))?;
        let mut buffer = vec![0; PIECE.min(blob.len())];
        let mut done = 0;
        while done < blob.len() {
            let read = blob.read_at(&mut buffer, done).map_err(|error| damaged(error.into()))?;
            if read == 0 {
                return Err(damaged(io::Error::from(io::ErrorKind::UnexpectedEof).into()));
            }
            out.write_all(&buffer[..read]).map_err(|source| Error::Write { column: found.name.clone(), source })?;
            done += read;
        }
        Ok(done as u64)
    }
}

/// The rows of a table that the database does not have.
struct NoRows {
    table: Table,
}

impl Rows for NoRows {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        Ok(None)
    }

    fn copy_value(&mut self, column: &str, _out: &mut dyn Write) -> Result<u64, Error> {
        Err(Error::NoValue { table: self.table, column: column.to_owned() })
    }
}

fn value(kind: Kind, length: Option<u64>, found: ValueRef<'_>) -> Value {
    match (found, length) {
        (ValueRef::Null, Some(length)) => Value::Unread(length),
        (ValueRef::Null, None) => Value::Null,
        (ValueRef::Integer(number), _) if kind == Kind::Date => Value::Date(FileTime(number)),
        (ValueRef::Integer(number), _) => Value::Long(number),
        (ValueRef::Real(number), _) => Value::Text(number.to_string()),
        (ValueRef::Text(text), _) => Value::Text(String::from_utf8_lossy(text).into_owned()),
        (ValueRef::Blob(bytes), _) => Value::Binary(bytes.to_vec()),
    }
}

/// The tables that are there. Views and virtual tables do not count: reading them would run what the file says.
fn shapes(connection: &Connection) -> rusqlite::Result<Vec<Shape>> {
    let mut statement =
        connection.prepare("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND wr = 0")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let mut shapes: Vec<Shape> = Vec::new();
    for name in names {
        let Some(table) = Table::of_name(&name) else { continue };
        let mut statement = connection.prepare("SELECT name, type, pk FROM pragma_table_info(?1)")?;
        let declared = statement
            .query_map([&name], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?)))?
            .collect::<Result<Vec<_>, _>>()?;
        let columns = schema::columns(table, declared.iter().map(|(name, kind, _)| (name.as_str(), kind_of(kind))));
        let id = columns.iter().position(|column| column.name == table.id_column());
        // Without a number nothing ties its rows to the others.
        let Some((_, kind, primary)) = id.and_then(|at| declared.get(at)) else { continue };
        let numbered = *primary == 1
            && kind.eq_ignore_ascii_case("INTEGER")
            && declared.iter().filter(|(_, _, primary)| *primary > 0).count() == 1;
        shapes.push(Shape { table, name, columns, numbered, count: OnceCell::new() });
    }
    Ok(shapes)
}

fn kind_of(declared: &str) -> Kind {
    match declared.to_ascii_uppercase().as_str() {
        "INTEGER" | "INT" => Kind::Long,
        "BLOB" => Kind::Binary,
        _ => Kind::Text,
    }
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The address of a file that does not change while it is open.
fn unchanging(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b':' => {
                address.push(char::from(byte))
            }
            b'\\' if cfg!(windows) => address.push('/'),
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address.push_str("?immutable=1");
    address
}
