//! Rows that a copy of the database does not have yet, and its logs do.

use std::path::PathBuf;
use std::rc::Rc;

use adcs::windows::Database;
use adcs::{CaDatabase as _, Column, Error, FileTime, Kind, Row, Scan, Table, Value};
use ese::Format;
use ese::header::read_header;
use ese::log::{LogHeader, LogScan};
use ese::redo::Redo;
use testkit::ese::{BackupSet, CaDatabase, Certificate, Engine, Request, Session, TableId};

use super::ca::{Pages, insert, long, noise, sample, text};
use crate::certsrvd::all;

fn table(engine: &Engine, name: &str) -> TableId {
    engine.tables().find(|(_, table)| table.name == name).unwrap().0
}

fn ids(database: &dyn adcs::CaDatabase, table: Table) -> Vec<i64> {
    all(database, &Scan::of(table)).iter().map(Row::id).collect()
}

/// A backup that was taken while requests came in, of which the last was still under way at its end.
fn taken_at_work() -> BackupSet {
    let mut engine = sample(testkit::ese::Format::SERVER_2022);
    let (requests, crls) = (table(&engine, "Requests"), table(&engine, "CRLs"));
    engine.flush(1, 1);
    let backup = engine.begin_backup();
    for _ in 10..200 {
        insert(&mut engine, requests, [("$RequesterName", text("CORP\\late")), ("RawRequest", noise(1500))]);
    }
    insert(&mut engine, crls, [("RowId", long(4)), ("Number", long(13)), ("RawCRL", noise(50_000))]);
    let session = Session(0x41);
    engine.begin(session);
    engine.insert_row(session, requests, [("$RequesterName".to_owned(), vec![text("CORP\\unfinished")])].into());
    let set = engine.finish_backup(backup);
    engine.roll_back(session);
    set
}

/// The copy alone, which may not even have a catalog yet, and the copy with the logs over it.
fn databases(set: &BackupSet) -> (Result<Database<Pages>, Error>, Database<Redo<Pages>>) {
    let (header, _) = read_header(&set.database).unwrap();
    let format = Format { version: header.version, update: header.update_major };
    // Two headers in front, the trailer behind.
    let pages = set.database.chunks_exact(set.format.page_size).skip(2).map(<[u8]>::to_vec);
    let mut copy = Pages {
        page_size: set.format.page_size,
        pages: (1..).zip(pages).collect(),
        reads: Rc::default(),
        unreadable: Vec::new(),
    };
    copy.pages.pop_last();
    let mut redo = Redo::new(copy.clone(), &header).unwrap();
    for log in set.logs.values() {
        redo.begin_log(&LogHeader::parse(log).unwrap());
        LogScan::new().push(log, &mut |position, record| redo.apply(position, record).unwrap());
    }
    redo.roll_back().unwrap();
    let path = PathBuf::from("CA.edb");
    (Database::open(copy, format, path.clone()), Database::open(redo, format, path).unwrap())
}

#[test]
fn rows_that_only_the_logs_have_are_read_over_them() {
    let (alone, recovered) = databases(&taken_at_work());
    assert_eq!(ids(&alone.unwrap(), Table::Requests), (1..10).collect::<Vec<i64>>());
    assert_eq!(ids(&recovered, Table::Requests), (1..200).collect::<Vec<i64>>());
    assert_eq!(ids(&recovered, Table::Crls), [1, 2, 3, 4]);
    let late = all(&recovered, &Scan::of(Table::Requests).id(150));
    assert_eq!(late[0].get("RequesterName"), &Value::Text("CORP\\late".to_owned()));
    assert_eq!(late[0].get("RawRequest"), &Value::Binary(noise(1500)));
    assert_eq!(all(&recovered, &Scan::of(Table::Crls).id(4))[0].get("CRLRawCRL"), &Value::Binary(noise(50_000)));
}

/// Requests with certificates, with long values and short ones.
fn material() -> Vec<(Request, Certificate)> {
    let one = |number: usize| {
        let submitted = 133_485_408_000_000_000 + number as u64 * 36_000_000_000;
        let request = Request {
            raw: noise(600 + 37 * number),
            requester: format!("CONTOSO\\user{number}"),
            common_name: format!("Ünit {number}"),
            attributes: vec![
                ("CertificateTemplate".to_owned(), "WebServer".to_owned()),
                ("ccm".to_owned(), format!("pc{number}.contoso.example")),
            ],
            submitted,
        };
        let certificate = Certificate {
            raw: noise(900 + 41 * number),
            serial: format!("61{number:08x}"),
            hash: format!("4f 2a {number:02x}"),
            template: "WebServer".to_owned(),
            common_name: request.common_name.clone(),
            not_before: submitted,
            not_after: submitted + 315_360_000_000_000,
            extensions: vec![
                ("2.5.29.15".to_owned(), 0x2_0001, vec![3, 2, 5, 0xA0]),
                ("2.5.29.17".to_owned(), 0x1_0000, noise(1200)),
            ],
        };
        (request, certificate)
    };
    (0..45).map(one).collect()
}

/// What the model makes of the bytes that were written.
fn expected(kind: Kind, bytes: &[u8]) -> Value {
    match kind {
        Kind::Long => Value::Long(i32::from_le_bytes(bytes.try_into().unwrap()).into()),
        Kind::Date => Value::Date(FileTime(i64::from_le_bytes(bytes.try_into().unwrap()))),
        Kind::Binary => Value::Binary(bytes.to_vec()),
        Kind::Text => {
            let units: Vec<u16> = bytes.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
            Value::Text(String::from_utf16(&units).unwrap().trim_end_matches('\0').to_owned())
        }
    }
}

#[test]
fn every_value_of_every_table_is_the_one_that_was_written() {
    use testkit::ese::Format;
    for format in [Format::SERVER_2019, Format::SERVER_2022, Format::SERVER_2025] {
        let set = CaDatabase::sample(format, "CONTOSO-CA", 3, &material(), &noise(300_000));
        let (_, database) = databases(&set);
        for table in Table::ALL {
            let truth = &set.truth.tables[table.name()];
            let columns = database.columns(table);
            let unknown: Vec<&str> =
                columns.iter().filter(|column| !column.known).map(|column| column.name.as_str()).collect();
            assert_eq!(unknown, [""; 0], "{table}");
            let id = columns.iter().find(|column| column.name == table.id_column()).unwrap();
            let mut wanted: Vec<Vec<Value>> = Vec::new();
            for row in truth {
                let value = |column: &Column| {
                    let value = row.get(&column.physical).and_then(|values| values.first());
                    value.map_or(Value::Null, |value| expected(column.kind, value))
                };
                wanted.push(columns.iter().map(value).collect());
            }
            let at = columns.iter().position(|column| column == id).unwrap();
            wanted.sort_by_key(|row| row[at].long());
            let found = all(&database, &Scan::of(table));
            assert!(found.is_sorted_by_key(Row::id), "{table}");
            let mut found: Vec<Vec<Value>> =
                found.iter().map(|row| row.iter().map(|(_, value)| value.clone()).collect()).collect();
            // Rows of one request come in the order of the database.
            for rows in [&mut wanted, &mut found] {
                rows.sort_by_key(|row| (row[at].long(), format!("{row:?}")));
            }
            assert!(found.len() > 3, "{table}: {}", found.len());
            assert_eq!(found, wanted, "{table}");
        }
    }
}
