mod ca;
mod damage;
mod real;

use adcs::{Catalog, Error, FileTime, Filter, Join, Row, Scan, Table, Value};
use testkit::ese::{Column, ColumnKind, Format};

use self::ca::{Pages, engine, insert, long, noise, open, opened, sample, text};
use crate::certsrvd::all;

fn ids(rows: &[Row]) -> Vec<i64> {
    rows.iter().map(Row::id).collect()
}

#[test]
fn rows_come_in_the_order_of_their_numbers_under_the_names_of_the_protocol() {
    let large_pages = Format::SERVER_2022.with_page_size(32_768);
    for format in [Format::SERVER_2019, Format::SERVER_2022, Format::SERVER_2025, large_pages] {
        let database = open(&sample(format));
        let database = database.as_ref();
        let requests = all(database, &Scan::of(Table::Requests));
        assert_eq!(ids(&requests), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        let names: Vec<&str> = requests[0].columns().iter().map(|column| column.name.as_str()).collect();
        let before = ["RequestID", "RequestType", "StatusCode", "Disposition", "SubmittedWhen", "RevokedEffectiveWhen"];
        assert_eq!(names[..6], before);
        assert_eq!(requests[2].get("StatusCode").code(), Some(0x8009_4014));
        assert_eq!(requests[2].get("SubmittedWhen"), &Value::Date(FileTime(133_485_409_800_000_000)));
        assert_eq!(requests[2].get("RequesterName"), &Value::Text("CORP\\user3".to_owned()), "no terminator");
        let message = "Issued after a long while, and with some words that compress well";
        assert_eq!(requests[2].get("DispositionMessage"), &Value::Text(message.to_owned()));
        assert_eq!(requests[8].get("RawRequest"), &Value::Binary(noise(1800)));
        let certificates = all(database, &Scan::of(Table::Certificates));
        assert_eq!(ids(&certificates), [2, 4, 6, 8]);
        assert_eq!(certificates[1].get("SerialNumber"), &Value::Text("6100000004".to_owned()));
        assert_eq!(certificates[1].get("CertificateHash"), &Value::Text("4f 2a a3 04".to_owned()));
        assert_eq!(certificates[1].get("RawPublicKey"), &Value::Binary(vec![4; 65]));
        assert_eq!(certificates[1].get("RawCertificate"), &Value::Binary(noise(3000)));
        let attributes = all(database, &Scan::of(Table::RequestAttributes));
        assert_eq!(ids(&attributes), [2, 2, 4, 4, 6, 6, 8, 8]);
        assert_eq!(attributes[3].get("AttributeValue"), &Value::Text("CertificateTemplate of 4".to_owned()));
        assert_eq!(ids(&all(database, &Scan::of(Table::CertificateExtensions))), [2, 4, 6, 8], "by a secondary index");
        let crls = all(database, &Scan::of(Table::Crls));
        assert_eq!(ids(&crls), [1, 2, 3], "without an index");
        assert_eq!(crls[2].get("CRLNumber"), &Value::Long(10));
        assert_eq!(database.row_count(Table::Requests), None);
    }
}

#[test]
fn dates_are_file_times_or_numbers_of_days() {
    let database = open(&sample(Format::SERVER_2022));
    let certificates = all(database.as_ref(), &Scan::of(Table::Certificates).id(6));
    assert_eq!(certificates[0].get("NotBefore").to_string(), "2024-01-01T00:00:00Z");
    assert_eq!(certificates[0].get("NotAfter").to_string(), "2024-01-01T12:00:00Z");
    assert_eq!(certificates[0].get("NotAfter"), &Value::Date(FileTime(133_485_840_000_000_000)));
}

#[test]
fn what_is_not_there_is_null_and_what_nobody_knows_is_kept() {
    let database = open(&sample(Format::SERVER_2022));
    let requests = all(database.as_ref(), &Scan::of(Table::Requests).id(4));
    for absent in ["RequestType", "RevokedEffectiveWhen", "EMail", "NoSuchColumn"] {
        assert_eq!(requests[0].get(absent), &Value::Null, "{absent}");
    }
    assert_eq!(requests[0].get("$FutureText"), &Value::Text("kept".to_owned()));
    assert_eq!(requests[0].get("FutureGuid"), &Value::Binary((0..16).collect()));
    let unknown: Vec<&str> =
        requests[0].columns().iter().filter(|column| !column.known).map(|column| column.name.as_str()).collect();
    assert_eq!(unknown, ["FutureGuid", "$FutureText"]);
}

#[test]
fn a_scan_reads_what_it_was_asked_for() {
    let database = open(&sample(Format::SERVER_2022));
    let database = database.as_ref();
    let rows = all(database, &Scan::of(Table::Requests).columns(["disposition", "Absent"]));
    let names: Vec<&str> = rows[0].columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["RequestID", "Disposition"]);
    for table in Table::ALL {
        let everything = all(database, &Scan::of(table));
        for id in [i64::MIN, -1, 0, 1, 2, 3, 4, 9, 10, 1 << 40, i64::MAX] {
            let wanted: Vec<Row> = everything.iter().filter(|row| row.id() == id).cloned().collect();
            assert_eq!(all(database, &Scan::of(table).id(id)), wanted, "{table} {id}");
        }
    }
}

#[test]
fn one_request_is_found_without_reading_the_table() {
    let mut engine = engine(Format::SERVER_2022);
    let tables = ca::create(&mut engine);
    for id in 0..3000 {
        let values = [("$RequesterName", text("CORP\\somebody")), ("RawRequest", vec![7; 100])];
        insert(&mut engine, tables.requests, values);
        insert(&mut engine, tables.extensions, [("RequestID", long(id * 7 % 3000)), ("$ExtensionName", text("1.2.3"))]);
    }
    let pages = Pages::of(&engine);
    let reads = pages.reads.clone();
    let database = opened(pages).unwrap();
    let cost = |scan: &Scan| {
        let before = reads.get();
        (ids(&all(database.as_ref(), scan)), reads.get() - before)
    };
    let (everything, all_pages) = cost(&Scan::of(Table::Requests));
    assert_eq!(everything.len(), 3000);
    assert!(all_pages > 100, "{all_pages}");
    let (found, pages) = cost(&Scan::of(Table::Requests).id(1234));
    assert_eq!(found, [1234]);
    assert!(pages < 10, "{pages}");
    let (found, pages) = cost(&Scan::of(Table::CertificateExtensions).id(1234));
    assert_eq!(found, [1234]);
    assert!(pages < 20, "{pages}");
    assert_eq!(cost(&Scan::of(Table::Requests).id(1 << 31)).0, [0; 0]);
    let (everything, _) = cost(&Scan::of(Table::CertificateExtensions));
    assert!(everything.is_sorted_by(|a, b| a < b) && everything.len() == 3000);
}

#[test]
fn long_values_are_left_out_and_copied_on_demand() {
    let engine = sample(Format::SERVER_2022);
    let pages = Pages::of(&engine);
    let reads = pages.reads.clone();
    let database = opened(pages).unwrap();
    let mut rows = database.scan(&Scan::of(Table::Crls).inline_limit(100)).unwrap();
    let mut bytes = Vec::new();
    assert!(matches!(rows.copy_value("CRLRawCRL", &mut bytes), Err(Error::NoValue { .. })), "no row yet");
    assert_eq!(rows.next().unwrap().unwrap().get("CRLRawCRL"), &Value::Binary(noise(100)));
    assert_eq!((rows.copy_value("CRLRawCRL", &mut bytes).unwrap(), bytes), (100, noise(100)));
    let second = rows.next().unwrap().unwrap();
    assert_eq!(second.get("CRLRawCRL"), &Value::Null);
    let mut bytes = Vec::new();
    assert_eq!((rows.copy_value("CRLRawCRL", &mut bytes).unwrap(), bytes.len()), (0, 0));
    let before = reads.get();
    assert_eq!(rows.next().unwrap().unwrap().get("CRLRawCRL"), &Value::Unread(200_000));
    assert!(reads.get() - before < 10, "the value itself is not read: {}", reads.get() - before);
    assert_eq!(rows.copy_value("crlrawcrl", &mut bytes).unwrap(), 200_000);
    assert!(bytes == noise(200_000));
    assert!(matches!(rows.copy_value("Nothing", &mut bytes), Err(Error::NoValue { .. })));
    assert!(matches!(rows.copy_value("CRLNumber", &mut bytes), Err(Error::NoValue { .. })), "neither bytes nor text");
    assert_eq!(rows.next().unwrap(), None);
    assert!(matches!(rows.copy_value("CRLRawCRL", &mut bytes), Err(Error::NoValue { .. })), "behind the last row");
    let all_of_it = all(database.as_ref(), &Scan::of(Table::Crls));
    assert_eq!(all_of_it[2].get("CRLRawCRL"), &Value::Binary(noise(200_000)));
}

#[test]
fn a_writer_that_takes_no_more_is_not_the_fault_of_the_database() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let database = open(&sample(Format::SERVER_2022));
    let mut rows = database.scan(&Scan::of(Table::Crls).id(3)).unwrap();
    rows.next().unwrap().unwrap();
    let error = rows.copy_value("CRLRawCRL", &mut Full).unwrap_err();
    assert!(matches!(&error, Error::Write { column, .. } if column == "CRLRawCRL"), "{error:?}");
}

#[test]
fn text_that_is_copied_is_as_it_is_stored() {
    let database = open(&sample(Format::SERVER_2022));
    let mut rows = database.scan(&Scan::of(Table::Requests).id(3).columns(["RequestID"])).unwrap();
    rows.next().unwrap().unwrap();
    let mut bytes = Vec::new();
    rows.copy_value("RequesterName", &mut bytes).unwrap();
    assert_eq!(bytes, text("CORP\\user3\0"));
}

#[test]
fn more_rows_than_are_sorted_at_once_come_in_order() {
    let mut engine = engine(Format::SERVER_2022.with_page_size(32_768));
    engine.create_table(ca::requests());
    engine.create_table(ca::certificates());
    let heap = testkit::ese::Table::new("RequestAttributes").column(Column::new("RequestID", ColumnKind::Long));
    let heap = engine.create_table(heap);
    engine.begin(ca::SESSION);
    for number in 0..66_000_i32 {
        let id = number.wrapping_mul(40_503) & 0x7FFF;
        engine.insert_row(ca::SESSION, heap, [("RequestID".to_owned(), vec![long(id)])].into());
    }
    engine.commit(ca::SESSION);
    let database = open(&engine);
    let found = ids(&all(database.as_ref(), &Scan::of(Table::RequestAttributes)));
    let mut wanted: Vec<i64> = (0..66_000_i32).map(|number| (number.wrapping_mul(40_503) & 0x7FFF).into()).collect();
    wanted.sort_unstable();
    assert!(found == wanted, "{} rows", found.len());
}

#[test]
fn every_command_of_the_model_works_on_it() {
    let database = open(&sample(Format::SERVER_2022));
    let database = database.as_ref();
    let filter =
        Filter::parse("requester=corp\\user4 and notafter<2025-01-01", &Catalog::of(database), FileTime(0)).unwrap();
    let scans =
        [Table::Requests, Table::Certificates, Table::RequestAttributes, Table::CertificateExtensions].map(Scan::of);
    let mut entries = Join::new(database, &scans).unwrap();
    let mut found = Vec::new();
    while let Some(entry) = entries.next().unwrap() {
        if filter.matches(&entry) {
            found.push((entry.id(), entry.of(Table::RequestAttributes).count()));
        }
    }
    assert_eq!(found, [(4, 2)]);
}

#[test]
fn what_is_no_ca_database_is_refused() {
    let mut engine = engine(Format::SERVER_2022);
    let error = opened(Pages::of(&engine)).err().unwrap();
    assert!(matches!(error, Error::NotACa { table: Table::Requests, .. }), "{error}");
    engine.create_table(ca::requests());
    let numberless = testkit::ese::Table::new("Certificates").column(Column::new("RequestID", ColumnKind::LongText));
    engine.create_table(numberless);
    let error = opened(Pages::of(&engine)).err().unwrap();
    assert!(matches!(error, Error::NotACa { table: Table::Certificates, .. }), "no numbers: {error}");
    let mut nothing = Pages::of(&engine);
    nothing.pages.clear();
    assert!(matches!(opened(nothing).err().unwrap(), Error::Open { .. }));
}

#[test]
fn a_table_that_is_not_there_has_no_rows() {
    let mut engine = engine(Format::SERVER_2022);
    engine.create_table(ca::requests());
    engine.create_table(ca::certificates());
    let database = open(&engine);
    assert!(database.columns(Table::Crls).is_empty());
    assert_eq!(all(database.as_ref(), &Scan::of(Table::Crls)), []);
    assert_eq!(all(database.as_ref(), &Scan::of(Table::Requests)), []);
}
