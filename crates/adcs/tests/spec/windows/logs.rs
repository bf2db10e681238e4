//! Rows that a copy of the database does not have yet, and its logs do.

use std::path::PathBuf;
use std::rc::Rc;

use adcs::windows::Database;
use adcs::{CaDatabase, Row, Scan, Table, Value};
use ese::Format;
use ese::header::read_header;
use ese::log::{LogHeader, LogScan};
use ese::redo::Redo;
use testkit::ese::{BackupSet, Engine, Session, TableId};

use super::ca::{Pages, insert, long, noise, sample, text};
use crate::certsrvd::all;

fn table(engine: &Engine, name: &str) -> TableId {
    engine.tables().find(|(_, table)| table.name == name).unwrap().0
}

fn ids(database: &dyn CaDatabase, table: Table) -> Vec<i64> {
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

#[test]
fn rows_that_only_the_logs_have_are_read_over_them() {
    let set = taken_at_work();
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

    let alone = Database::open(copy.clone(), format, PathBuf::from("CA.edb")).unwrap();
    assert_eq!(ids(&alone, Table::Requests), (1..10).collect::<Vec<i64>>());

    let mut redo = Redo::new(copy, &header).unwrap();
    for log in set.logs.values() {
        redo.begin_log(&LogHeader::parse(log).unwrap());
        LogScan::new().push(log, &mut |position, record| redo.apply(position, record).unwrap());
    }
    let rolled_back = redo.roll_back().unwrap();
    let database = Database::open(redo, format, PathBuf::from("CA.edb")).unwrap();
    assert_eq!(ids(&database, Table::Requests), (1..200).collect::<Vec<i64>>(), "{rolled_back:?}");
    assert_eq!(ids(&database, Table::Crls), [1, 2, 3, 4]);
    let late = all(&database, &Scan::of(Table::Requests).id(150));
    assert_eq!(late[0].get("RequesterName"), &Value::Text("CORP\\late".to_owned()));
    assert_eq!(late[0].get("RawRequest"), &Value::Binary(noise(1500)));
    assert_eq!(all(&database, &Scan::of(Table::Crls).id(4))[0].get("CRLRawCRL"), &Value::Binary(noise(50_000)));
}
