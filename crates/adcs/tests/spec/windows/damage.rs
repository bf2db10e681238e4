//! Databases that are not as they should be.

use std::io;

use adcs::{CaDatabase, Error, Row, Scan, Table, Value};
use ese::PageSource;
use ese::page::{PageFlags, PageImage};
use testkit::ese::{Engine, Format};

use super::ca::{Pages, create, engine, insert, long, noise, open, opened, sample, text};
use crate::certsrvd::all;

/// The rows before the damage, and what was said about it.
fn until_damage(database: &dyn CaDatabase, scan: &Scan) -> (Vec<Row>, Error) {
    let mut rows = database.scan(scan).unwrap();
    let mut good = Vec::new();
    loop {
        match rows.next() {
            Ok(Some(row)) => good.push(row),
            Ok(None) => panic!("the damage was not seen"),
            Err(error) => {
                assert_eq!(rows.next().unwrap(), None, "nothing is read behind the damage");
                return (good, error);
            }
        }
    }
}

fn many() -> Engine {
    let mut engine = engine(Format::SERVER_2022);
    let tables = create(&mut engine);
    for _ in 0..500 {
        insert(&mut engine, tables.requests, [("Disposition", long(20)), ("RawRequest", vec![7; 100])]);
    }
    engine
}

/// Whether it is a leaf with rows of a table that has a row with these bytes.
fn has(page: &PageImage, bytes: &[u8]) -> bool {
    page.flags.contains(PageFlags::LEAF)
        && !page.flags.intersects(PageFlags::SPACE_TREE | PageFlags::INDEX)
        && page.nodes.iter().any(|node| node.data.windows(bytes.len()).any(|part| part == bytes))
}

fn leaves(engine: &Engine, bytes: &[u8]) -> Vec<u32> {
    engine.pages().values().filter(|page| has(page, bytes)).map(|page| page.number.0).collect()
}

#[test]
fn damage_is_told_behind_the_rows_that_are_good() {
    let engine = many();
    let leaves = leaves(&engine, &[7; 100]);
    assert!(leaves.len() > 10);
    let mut pages = Pages::of(&engine);
    let bytes = pages.pages.get_mut(&leaves[5]).unwrap();
    bytes.fill(0xA5);
    let database = opened(pages).unwrap();
    let (good, error) = until_damage(database.as_ref(), &Scan::of(Table::Requests));
    assert!(good.len() > 50, "{}", good.len());
    let Error::Damaged { table: Table::Requests, after, source, .. } = error else { panic!("{error}") };
    assert_eq!(after, good.last().unwrap().id());
    assert!(source.is::<ese::Error>(), "{source}");
    assert!(source.to_string().contains(&format!("page {}", leaves[5])), "{source}");
}

#[test]
fn a_disk_that_fails_is_not_a_damaged_database() {
    let engine = many();
    let mut pages = Pages::of(&engine);
    pages.unreadable = leaves(&engine, &[7; 100])[5..6].to_vec();
    let database = opened(pages).unwrap();
    let (good, error) = until_damage(database.as_ref(), &Scan::of(Table::Requests));
    assert!(!good.is_empty());
    let Error::Open { source, .. } = error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(ese::Error::Read { .. })), "{source}");
}

#[test]
fn a_database_that_was_cut_off_is_damaged() {
    let engine = many();
    let mut pages = Pages::of(&engine);
    let last = *leaves(&engine, &[7; 100]).last().unwrap();
    pages.pages.retain(|number, _| *number < last);
    let database = opened(pages).unwrap();
    let (_, error) = until_damage(database.as_ref(), &Scan::of(Table::Requests));
    assert!(matches!(error, Error::Damaged { .. }), "{error}");
}

#[test]
fn an_index_that_names_rows_that_are_not_there_is_damage() {
    let engine = sample(Format::SERVER_2022);
    let oid = text("2.5.29.15");
    let pages = Pages::changed(&engine, |page| {
        if has(page, &oid) {
            page.nodes.remove(1);
        }
    });
    let database = opened(pages).unwrap();
    let (good, error) = until_damage(database.as_ref(), &Scan::of(Table::CertificateExtensions));
    assert!(good.len() < 4);
    assert!(matches!(error, Error::Damaged { table: Table::CertificateExtensions, .. }), "{error}");
}

#[test]
fn rows_that_are_not_where_their_numbers_say_are_out_of_order() {
    let engine = many();
    let leaf = leaves(&engine, &[7; 100])[3];
    let pages = Pages::changed(&engine, |page| {
        if page.number.0 == leaf {
            let (first, second) = (page.nodes[1].data.clone(), page.nodes[2].data.clone());
            (page.nodes[1].data, page.nodes[2].data) = (second, first);
        }
    });
    let database = opened(pages).unwrap();
    let (good, error) = until_damage(database.as_ref(), &Scan::of(Table::Requests));
    let last = good.last().unwrap().id();
    let Error::OutOfOrder { id, after, .. } = error else { panic!("{error}") };
    assert_eq!((id, after), (last - 1, last));
}

#[test]
fn an_encrypted_value_is_the_trouble_of_that_value_alone() {
    let engine = sample(Format::SERVER_2022);
    let pages = Pages::changed(&engine, |page| {
        // The root of a long value: how many refer to it, and its size. A ninth byte has its flags.
        for node in page.nodes.iter_mut().filter(|_| page.flags.contains(PageFlags::LONG_VALUE)) {
            if node.data.len() == 8 && node.data[4..] == 200_000_u32.to_le_bytes() {
                node.data.push(1);
            }
        }
    });
    let database = opened(pages).unwrap();
    let crls = all(database.as_ref(), &Scan::of(Table::Crls));
    assert_eq!(crls[0].get("CRLRawCRL"), &Value::Binary(noise(100)));
    let why = "an encrypted long value is not supported";
    assert_eq!(crls[2].get("CRLRawCRL"), &Value::Unreadable(why.to_owned()));
    assert_eq!(crls[2].get("CRLNumber"), &Value::Long(10));
    let mut rows = database.scan(&Scan::of(Table::Crls).id(3)).unwrap();
    rows.next().unwrap().unwrap();
    let error = rows.copy_value("CRLRawCRL", &mut io::sink()).unwrap_err();
    let Error::Damaged { source, .. } = error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(ese::Error::Unsupported { .. })), "{source}");
}

#[test]
fn a_compression_that_nobody_reads_is_the_trouble_of_that_value_alone() {
    let engine = sample(Format::SERVER_2022);
    let mut changed = 0;
    // Seven bits a character of UTF-16, of which the last byte of 65 characters has 7 bits.
    const SEVEN_BITS: u8 = 2 << 3 | 6;
    const XPRESS10: u8 = 6 << 3;
    let start = seven_bits("Issued af");
    let pages = Pages::changed(&engine, |page| {
        for node in &mut page.nodes {
            let found = node.data.windows(start.len()).position(|part| part == start);
            if let Some(at) = found.filter(|at| node.data[at - 1] == SEVEN_BITS) {
                node.data[at - 1] = XPRESS10;
                changed += 1;
            }
        }
    });
    assert_eq!(changed, 9);
    let database = opened(pages).unwrap();
    let requests = all(database.as_ref(), &Scan::of(Table::Requests));
    assert_eq!(requests.len(), 9);
    let why = "XPRESS10 compression (column $DispositionMessage of table Requests) is not supported";
    assert_eq!(requests[4].get("DispositionMessage"), &Value::Unreadable(why.to_owned()));
    assert_eq!(requests[4].get("DispositionMessage").to_string(), format!("({why})"));
    assert_eq!(requests[4].get("RequesterName").text(), Some("CORP\\user5"));
}

/// Characters of 7 bits, lowest bits first, without the last byte, which others share.
fn seven_bits(text: &str) -> Vec<u8> {
    let bits: u128 = text.bytes().rev().fold(0, |bits, byte| bits << 7 | u128::from(byte));
    bits.to_le_bytes()[..text.len() * 7 / 8].to_vec()
}

/// Reads all there is; what it says does not matter, only that it ends.
fn read_everything(database: &dyn CaDatabase) {
    for table in Table::ALL {
        for scan in [Scan::of(table), Scan::of(table).id(4), Scan::of(table).inline_limit(10)] {
            let Ok(mut rows) = database.scan(&scan) else { continue };
            while let Ok(Some(row)) = rows.next() {
                for (column, value) in row.iter() {
                    if matches!(value, Value::Unread(_)) {
                        let _ = rows.copy_value(&column.name, &mut io::sink());
                    }
                }
            }
        }
    }
}

#[test]
fn bytes_that_are_flipped_never_end_in_panic_or_without_an_end() {
    const ROUNDS: u32 = 600;
    let engine = sample(Format::SERVER_2022);
    let whole = Pages::of(&engine);
    let undamaged = whole.reads.clone();
    read_everything(open(&engine).as_ref());
    let used: Vec<u32> =
        engine.pages().values().filter(|page| !page.nodes.is_empty()).map(|page| page.number.0).collect();
    assert!(used.len() > 60, "{}", used.len());
    read_everything(opened(whole.clone()).unwrap().as_ref());
    let limit = undamaged.get() * 50;
    let mut state = 7_u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let mut pages = whole.clone();
        pages.reads = std::rc::Rc::default();
        for _ in 0..=random(3) {
            let bytes = pages.pages.get_mut(&used[random(used.len())]).unwrap();
            // Headers, tags and the first nodes are where the structure is.
            let at = match random(3) {
                0 => random(40),
                1 => bytes.len() - 1 - random(200),
                _ => random(bytes.len()),
            };
            bytes[at] ^= 1 << random(8);
        }
        let reads = pages.reads.clone();
        match opened(pages) {
            Ok(database) => read_everything(database.as_ref()),
            Err(_) => refused += 1,
        }
        assert!(reads.get() < limit, "{} pages of {}", reads.get(), whole.last_page());
    }
    assert!((1..ROUNDS).contains(&refused), "{refused}");
}
