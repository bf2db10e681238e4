//! Tables of real databases.

use std::collections::BTreeMap;

use ese::{Database, Error, PageSource, Value, index_key};

use crate::samples;

/// Tables and rows of each sample as dissect.esedb and libesedb count them, without what is marked as deleted.
const COUNTS: [(&str, usize, usize); 17] = [
    ("dissect/SRUDB.dat", 12, 683),
    ("dissect/basic.edb", 5, 190),
    ("dissect/binary.edb", 5, 190),
    ("dissect/default.edb", 5, 201),
    ("dissect/multi.edb", 5, 211),
    ("dissect/text.edb", 5, 220),
    ("ese_parser/decompress_test.edb", 5, 178),
    ("ese_parser/test.edb", 5, 200),
    ("go-ese/SRUDB.dat", 14, 7807),
    ("server2012r2-sum/Current.mdb", 8, 954),
    ("server2012r2-sum/SystemIdentity.mdb", 7, 246),
    ("server2022-a/SRUDB.dat", 6, 191),
    ("server2022-b/SRUDB.dat", 12, 620),
    ("synthetic/rebuilt_from_logs.dat", 12, 620),
    ("win10-apt/SRUDB.dat", 14, 3592),
    ("win10-rathbun/SRUDB.dat", 11, 1019),
    ("win10-sans/SRUDB.dat", 11, 1019),
];

#[test]
fn every_value_of_the_samples_is_read() {
    let counts: BTreeMap<&str, (usize, usize)> =
        COUNTS.into_iter().map(|(name, tables, rows)| (name, (tables, rows))).collect();
    for sample in samples::databases() {
        if sample.is_incomplete() {
            continue;
        }
        let database = Database::open(&sample, sample.format()).unwrap();
        let mut row_count = 0;
        for table in database.tables() {
            let mut rows = table.rows().unwrap();
            while let Some(row) = rows.next().unwrap() {
                row_count += 1;
                for column in table.columns() {
                    for value in row.values(column).unwrap() {
                        if let Value::LongBinary(long) | Value::LongText(long, _) = value {
                            row.copy_long_value(column, &long, &mut std::io::sink()).unwrap();
                        }
                    }
                }
            }
        }
        assert_eq!((database.tables().count(), row_count), counts[sample.name.as_str()], "{}", sample.name);
    }
}

#[test]
fn pages_of_server_2025_are_read_like_those_before() {
    let Some(mut sample) = samples::database("server2022-b/SRUDB.dat") else { return };
    let page_size = sample.page_size();
    for page in sample.bytes.chunks_mut(page_size).skip(2).filter(|page| page[34] != 0) {
        // One reserved tag, now counted.
        page[35] |= 0x10;
    }
    let format = ese::Format { version: 0x620, update: 0x122 };
    let report = Database::open(&sample, format).unwrap().check().unwrap();
    assert_eq!((report.findings, report.rows), (vec![], 620));
}

#[test]
fn rows_are_found_by_their_primary_key() {
    for sample in samples::databases().iter().filter(|sample| !sample.is_incomplete()) {
        let database = Database::open(sample, sample.format()).unwrap();
        let mut found = 0;
        for table in database.tables() {
            let Some(index) = table.definition().primary_index() else { continue };
            let columns: Vec<_> =
                index.segments().iter().filter_map(|part| table.definition().column_by_id(part.column)).collect();
            let (mut rows, mut again) = (table.rows().unwrap(), table.rows().unwrap());
            while let Some(row) = rows.next().unwrap() {
                let values: Vec<_> = columns.iter().map(|column| row.value(column).unwrap()).collect();
                // Unicode text has the order of Windows.
                let Ok(key) = index_key(table.definition(), index, &values) else { continue };
                let same = again.find(&key).unwrap().expect("the row");
                assert_eq!(same.key(), row.key(), "{} {}", sample.name, table.name());
                found += 1;
            }
        }
        assert!(found > 100, "{}: {found}", sample.name);
    }
}

#[test]
fn indexes_lead_to_all_rows() {
    for sample in samples::databases().iter().filter(|sample| !sample.is_incomplete()) {
        let database = Database::open(sample, sample.format()).unwrap();
        for table in database.tables() {
            let count = |mut next: Box<dyn FnMut() -> bool + '_>| (0..).take_while(|_| next()).count();
            let mut rows = table.rows().unwrap();
            let all = count(Box::new(move || rows.next().unwrap().is_some()));
            for index in table.definition().indexes() {
                let mut by = table.rows_by(index.name()).unwrap();
                let indexed = count(Box::new(|| by.next().unwrap().is_some()));
                // One that leaves out nulls: only tables of the catalog have a RootFlag.
                if index.name() != "RootObjects" {
                    assert_eq!(indexed, all, "{} {} {}", sample.name, table.name(), index.name());
                }
            }
        }
    }
}

#[test]
fn a_table_of_the_catalog_is_found_by_its_name() {
    for sample in samples::databases().iter().filter(|sample| !sample.is_incomplete()) {
        let database = Database::open(sample, sample.format()).unwrap();
        let objects = database.table("msysobjects").unwrap();
        let mut roots = objects.rows_by("RootObjects").unwrap();
        for table in database.tables() {
            let name =
                Value::parse(ese::catalog::ColumnType::Text, ese::catalog::CodePage(1252), table.name().as_bytes());
            let key = index_key(objects.definition(), roots.index(), &[Value::Bit(true), name.unwrap()]).unwrap();
            roots.seek(&key).unwrap();
            let row = roots.next().unwrap().expect("the row of the table");
            let id = row.get("Id").unwrap().as_i64();
            assert_eq!(id, Some(table.definition().tree().objid.0.into()), "{} {}", sample.name, table.name());
        }
    }
}

#[test]
fn a_long_value_of_many_chunks_is_whole() {
    let Some(sample) = samples::database("ese_parser/test.edb") else { return };
    let database = Database::open(&sample, sample.format()).unwrap();
    let table = database.table("TestTable").unwrap();
    let column = table.column("LongBinary").unwrap();
    let mut rows = table.rows().unwrap();
    let row = rows.next().unwrap().unwrap();
    let mut sizes = Vec::new();
    for value in row.values(column).unwrap() {
        let Value::LongBinary(long) = value else { panic!("a long value") };
        let mut bytes = Vec::new();
        row.copy_long_value(column, &long, &mut bytes).unwrap();
        let counting = (0..=254_u8).cycle().take(bytes.len());
        assert!(bytes.iter().copied().eq(counting), "bytes that count up to 254 again and again");
        sizes.push(bytes.len());
    }
    assert_eq!(sizes, [128, 65_536]);
}

#[test]
fn what_does_not_exist_is_named() {
    let Some(sample) = samples::database("dissect/basic.edb") else { return };
    let database = Database::open(&sample, sample.format()).unwrap();
    let table = database.table("basic").unwrap();
    let message = |error: Error| error.to_string();
    assert_eq!(message(database.table("x").unwrap_err()), "there is no table x (-1305 JET_errObjectNotFound)");
    assert_eq!(message(table.column("x").unwrap_err()), "table basic has no column x (-1507 JET_errColumnNotFound)");
    assert_eq!(message(table.rows_by("x").unwrap_err()), "table basic has no index x (-1305 JET_errObjectNotFound)");
    let format = ese::Format { version: 0x623, update: 0 };
    let refused = Database::open(&sample, format).unwrap_err();
    assert_eq!(message(refused), "format 0x623,0x0 is not understood (-1209 JET_errInvalidDatabaseVersion)");
}
