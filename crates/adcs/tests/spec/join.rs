use adcs::certsrvd::Database;
use adcs::{CaDatabase, Catalog, Column, Error, Join, Row, Rows, Scan, Table, Value, schema};
use std::io::Write;
use std::sync::Arc;

use crate::certsrvd::sample;

#[test]
fn what_belongs_to_one_request_comes_together() {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let tables = [Table::Requests, Table::Certificates, Table::RequestAttributes, Table::CertificateExtensions];
    let mut join = Join::new(&database, &tables.map(Scan::of)).unwrap();
    let mut found = Vec::new();
    while let Some(entry) = join.next().unwrap() {
        let count = |table| entry.of(table).count();
        found.push((entry.id(), tables.map(count), entry.has_certificate()));
    }
    assert_eq!(
        found,
        [
            (2, [1, 1, 2, 1], true),
            (3, [1, 0, 0, 0], false),
            (7, [1, 1, 2, 0], true),
            // A certificate whose request is lost.
            (9, [0, 1, 0, 1], true),
        ]
    );
}

#[test]
fn a_certificate_that_does_not_decode_is_said_so_and_stops_nothing() {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let catalog = Catalog::of(&database);
    let (san, serial) = (catalog.field("san").unwrap(), catalog.field("serial").unwrap());
    let mut scans = [Scan::of(Table::Requests), Scan::of(Table::Certificates).columns(["SerialNumber"])];
    san.need(&mut scans);
    let mut join = Join::new(&database, &scans).unwrap();
    let mut texts = Vec::new();
    while let Some(entry) = join.next().unwrap() {
        texts.push((serial.text(&entry), san.text(&entry)));
    }
    assert_eq!(texts[0].0, "004f2a");
    assert!(texts[0].1.starts_with("(does not decode as certificate: "), "{}", texts[0].1);
    assert_eq!(texts[1], (String::new(), String::new()));
    assert_eq!(texts[2], ("61ab".to_owned(), String::new()), "there are no bytes");
}

#[test]
fn a_column_of_both_tables_is_that_of_the_certificate_first() {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let catalog = Catalog::of(&database);
    let names = ["CommonName", "Request.CommonName", "requester", "$RequesterName", "Extra", "disposition", "status"];
    let fields = names.map(|name| catalog.field(name).unwrap());
    let mut join = Join::new(&database, &[Scan::of(Table::Requests), Scan::of(Table::Certificates)]).unwrap();
    let texts = |entry: adcs::Entry| fields.each_ref().map(|field| field.text(&entry));
    assert_eq!(
        texts(join.next().unwrap().unwrap()),
        ["www", "asked", "CORP\\alice", "CORP\\alice", "kept", "issued", "0x0 (success)"]
    );
    assert_eq!(
        texts(join.next().unwrap().unwrap()),
        ["refused", "refused", "CORP\\bob", "CORP\\bob", "", "denied", "0x80094014 (CERTSRV_E_ADMIN_DENIED_REQUEST)"]
    );
    let error = catalog.field("nonsense").unwrap_err().to_string();
    assert!(error.starts_with("'nonsense' is no field; there are id, request, serial, "), "{error}");
}

/// A database whose order is damaged.
struct Disorder;

impl CaDatabase for Disorder {
    fn columns(&self, table: Table) -> Arc<[Column]> {
        schema::standard(table)
    }

    fn row_count(&self, _table: Table) -> Option<u64> {
        None
    }

    fn scan(&self, scan: &Scan) -> Result<Box<dyn Rows + '_>, Error> {
        Ok(Box::new(Backwards { table: scan.table, next: 3 }))
    }
}

struct Backwards {
    table: Table,
    next: i64,
}

impl Rows for Backwards {
    fn next(&mut self) -> Result<Option<Row>, Error> {
        self.next -= 1;
        Ok(Some(Row::new(self.table, schema::standard(self.table), vec![Value::Long(self.next)])))
    }

    fn copy_value(&mut self, _column: &str, _out: &mut dyn Write) -> Result<u64, Error> {
        Ok(0)
    }
}

#[test]
fn rows_in_the_wrong_order_are_an_error_and_no_loop() {
    let mut join = Join::new(&Disorder, &[Scan::of(Table::Requests)]).unwrap();
    let error = join.next().unwrap_err();
    assert_eq!(error.to_string(), "table Requests: row 1 comes after row 2; the order of the table is damaged");
}
