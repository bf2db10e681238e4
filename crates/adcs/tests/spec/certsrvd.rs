use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use adcs::certsrvd::Database;
use adcs::{CaDatabase, Error, FileTime, Row, Scan, Table, Value};
use tempfile::TempDir;

/// A database file with the sample rows, and what a test adds. The name needs care in an address.
pub(crate) fn sample(more: &str) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a b%3F?#ü.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch(include_str!("sample.sql")).unwrap();
    connection.execute_batch(more).unwrap();
    (directory, path)
}

pub(crate) fn all(database: &dyn CaDatabase, scan: &Scan) -> Vec<Row> {
    let mut rows = database.scan(scan).unwrap();
    std::iter::from_fn(|| rows.next().unwrap()).collect()
}

fn ids(rows: &[Row]) -> Vec<i64> {
    rows.iter().map(Row::id).collect()
}

#[test]
fn rows_come_in_the_order_of_their_numbers_under_the_names_of_the_protocol() {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let requests = all(&database, &Scan::of(Table::Requests));
    assert_eq!(ids(&requests), [2, 3, 7]);
    assert_eq!(requests[0].get("RequesterName"), &Value::Text("CORP\\alice".to_owned()));
    assert_eq!(requests[0].get("submittedwhen"), &Value::Date(FileTime(133_485_408_000_000_000)));
    assert_eq!(requests[0].get("RawRequest"), &Value::Binary(vec![0x30, 0]));
    assert_eq!(requests[0].get("Extra"), &Value::Text("kept".to_owned()), "unknown columns are kept");
    assert_eq!(requests[1].get("StatusCode").code(), Some(0x8009_4014));
    assert_eq!(requests[1].get("NoSuchColumn"), &Value::Null);
    assert_eq!(ids(&all(&database, &Scan::of(Table::RequestAttributes))), [2, 2, 7, 7]);
    assert_eq!(database.row_count(Table::RequestAttributes), Some(4));
}

#[test]
fn a_scan_reads_what_it_was_asked_for() {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let rows = all(&database, &Scan::of(Table::Requests).columns(["disposition", "Absent"]));
    let names: Vec<&str> = rows[0].columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["RequestID", "Disposition"]);
    assert_eq!(ids(&all(&database, &Scan::of(Table::Requests).id(3))), [3]);
    assert_eq!(ids(&all(&database, &Scan::of(Table::Requests).id(4))), [0; 0]);
    let attributes = all(&database, &Scan::of(Table::RequestAttributes).id(7));
    let names: Vec<String> = attributes.iter().map(|row| row.get("AttributeName").to_string()).collect();
    assert_eq!(names, ["b", "a"]);
}

#[test]
fn long_values_are_left_out_and_copied_on_demand() {
    let (_directory, path) = sample("UPDATE CRLs SET CRLRawCRL = randomblob(3000000) WHERE CRLRowId = 1");
    let database = Database::open(&path).unwrap();
    let mut rows = database.scan(&Scan::of(Table::Crls)).unwrap();
    let mut bytes = Vec::new();
    assert!(matches!(rows.copy_value("CRLRawCRL", &mut bytes), Err(Error::NoValue { .. })), "no row yet");
    let first = rows.next().unwrap().unwrap();
    assert_eq!(first.get("CRLRawCRL"), &Value::Unread(3_000_000));
    assert_eq!(rows.copy_value("crlrawcrl", &mut bytes).unwrap(), 3_000_000);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let wanted: Vec<u8> =
        connection.query_row("SELECT CRLRawCRL FROM CRLs WHERE CRLRowId = 1", [], |r| r.get(0)).unwrap();
    assert!(bytes == wanted);
    assert!(matches!(rows.copy_value("Nothing", &mut bytes), Err(Error::NoValue { .. })));
    bytes.clear();
    let second = rows.next().unwrap().unwrap();
    assert_eq!(second.get("CRLRawCRL"), &Value::Binary(vec![0x30, 0]));
    assert_eq!((rows.copy_value("CRLRawCRL", &mut bytes).unwrap(), bytes), (2, vec![0x30, 0]));
}

#[test]
fn a_scan_goes_on_over_any_number_of_rows_and_of_rows_of_one_request() {
    let many = "
        WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 2009)
        INSERT INTO Requests (RequestID, Disposition) SELECT i * 3, 20 FROM n;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
        INSERT INTO RequestAttributes SELECT 5 + (i % 2), 'name' || i, 'x' FROM n;";
    let (_directory, path) = sample(many);
    let database = Database::open(&path).unwrap();
    let requests = ids(&all(&database, &Scan::of(Table::Requests).columns(["Disposition"])));
    assert_eq!(requests.len(), 2003);
    assert!(requests.is_sorted_by(|a, b| a < b));
    let attributes = all(&database, &Scan::of(Table::RequestAttributes));
    assert_eq!(attributes.len(), 1004);
    assert!(ids(&attributes).is_sorted());
    let of_five = all(&database, &Scan::of(Table::RequestAttributes).id(5));
    assert_eq!(of_five.len(), 500, "more than are read at once");
    let mut visited = 0;
    let stop = &mut |_: &Row| {
        visited += 1;
        if visited == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    database.visit(&Scan::of(Table::Requests), stop).unwrap();
    assert_eq!(visited, 3);
}

#[test]
fn the_numbers_of_a_database_may_be_anything() {
    let extremes = "INSERT INTO Requests (RequestID, Disposition) VALUES (-9223372036854775807, 1), (9223372036854775807, 1), (0, 1)";
    let (_directory, path) = sample(extremes);
    let database = Database::open(&path).unwrap();
    assert_eq!(ids(&all(&database, &Scan::of(Table::Requests))), [i64::MIN + 1, 0, 2, 3, 7, i64::MAX]);
    assert_eq!(ids(&all(&database, &Scan::of(Table::Requests).id(i64::MAX))), [i64::MAX]);
}

#[test]
fn reading_writes_nothing_beside_the_file() {
    let (directory, path) = sample("PRAGMA journal_mode = WAL; UPDATE Requests SET Extra = 'later'");
    let before = std::fs::read(&path).unwrap();
    let database = Database::open(&path).unwrap();
    assert_eq!(all(&database, &Scan::of(Table::Requests))[0].get("Extra"), &Value::Text("later".to_owned()));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    drop(database);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    assert!(std::fs::read(&path).unwrap() == before);
}

#[test]
fn what_is_no_ca_database_is_refused() {
    let (_directory, path) = sample("DROP TABLE Certificates; CREATE VIEW Certificates AS SELECT 1 AS RequestID");
    let error = Database::open(&path).err().unwrap();
    assert!(matches!(error, Error::NotACa { table: Table::Certificates, .. }), "a view is no table: {error}");
    std::fs::write(&path, "nothing of the kind, and long enough to be looked at".repeat(100)).unwrap();
    assert!(matches!(Database::open(&path).err().unwrap(), Error::Open { .. }));
    assert!(matches!(Database::open(Path::new("/nonexistent/ca.db")).err().unwrap(), Error::Open { .. }));
}

#[test]
fn a_table_that_is_not_there_has_no_rows() {
    let (_directory, path) = sample("DROP TABLE CRLs");
    let database = Database::open(&path).unwrap();
    assert!(database.columns(Table::Crls).is_empty());
    assert_eq!(database.row_count(Table::Crls), None);
    assert_eq!(all(&database, &Scan::of(Table::Crls)), []);
}

#[test]
fn damage_is_told_behind_the_rows_that_are_good() {
    let many = "WITH RECURSIVE n(i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
                INSERT INTO Requests (RequestID, Disposition, Extra) SELECT i, 20, hex(zeroblob(100)) FROM n;";
    let (_directory, path) = sample(many);
    let mut bytes = std::fs::read(&path).unwrap();
    // A page of rows: they were written last.
    let page = bytes.len() / 4096 * 7 / 8;
    bytes[page * 4096..(page + 1) * 4096].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    let database = Database::open(&path).unwrap();
    let mut rows = database.scan(&Scan::of(Table::Requests)).unwrap();
    let mut good = 0;
    let error = loop {
        match rows.next() {
            Ok(Some(_)) => good += 1,
            Ok(None) => panic!("the damage was not seen"),
            Err(error) => break error,
        }
    };
    assert!(good > 100, "{good}");
    assert!(matches!(error, Error::Damaged { table: Table::Requests, after, .. } if after > 10), "{error}");
}
