//! Tables that Windows wrote, when they are at hand. They are not of a CA: two tables of a database of the system resource usage
//! monitor, whose rows are numbered, get the names of those of a CA.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use adcs::{CaDatabase, Kind, Row, Scan, Table};
use ese::header::read_header;
use ese::page::{Layout, Page, PageFlags, PageImage};
use ese::{Database, Format, ObjectId, PageNumber};

use super::ca::{Pages, opened};
use crate::certsrvd::all;

const NUMBER: &str = "AutoIncId";

#[test]
fn numbered_tables_of_windows_are_read_in_order_and_by_number() {
    let mut databases = 0;
    let samples = samples();
    let any = !samples.is_empty();
    for (path, pages, format) in samples {
        let names: Vec<String> = {
            let database = Database::open(pages.clone(), format).unwrap();
            let numbered = database.tables().filter(|table| {
                table.column(NUMBER).is_ok() && table.rows().unwrap().next().is_ok_and(|row| row.is_some())
            });
            numbered.map(|table| table.name().to_owned()).collect()
        };
        let [first, second, ..] = names.as_slice() else { continue };
        databases += 1;
        let count = |name: &str| {
            let database = Database::open(pages.clone(), format).unwrap();
            let mut rows = database.table(name).unwrap().rows().unwrap();
            std::iter::from_fn(|| rows.next().unwrap().map(|_| ())).count()
        };
        let names =
            [(first.as_str(), "Requests"), (second, "Certificates"), (NUMBER, "RequestID"), ("TimeStamp", "NotBefore")];
        let renamed = renamed(&pages, &names);
        let reads = renamed.reads.clone();
        let database = opened(renamed).unwrap();
        for (table, name) in [(Table::Requests, first), (Table::Certificates, second)] {
            let rows = all(database.as_ref(), &Scan::of(table));
            assert_eq!(rows.len(), count(name), "{}: {name}", path.display());
            assert!(rows.is_sorted_by(|a, b| a.id() < b.id()), "{}: {name}", path.display());
            check_seeks(database.as_ref(), table, &rows, &reads);
        }
        check_dates(database.as_ref());
        eprintln!("{}: {first}, {second}", path.display());
    }
    assert_eq!(databases > 0, any, "none of the samples has two such tables");
}

fn check_seeks(database: &dyn CaDatabase, table: Table, rows: &[Row], reads: &Cell<u64>) {
    let last = rows.last().unwrap().id();
    for id in 0..=last + 1 {
        let before = reads.get();
        let wanted: Vec<Row> = rows.iter().filter(|row| row.id() == id).cloned().collect();
        assert_eq!(all(database, &Scan::of(table).id(id)), wanted, "{table} {id}");
        // Each level of the tree, and of that of the long values twice a value.
        assert!(reads.get() - before < 40, "{table} {id}: {} pages", reads.get() - before);
    }
}

/// Windows has days there, not a FILETIME.
fn check_dates(database: &dyn CaDatabase) {
    let column = database.columns(Table::Certificates).iter().find(|column| column.name == "NotBefore").cloned();
    assert_eq!(column.unwrap().kind, Kind::Date);
    for row in all(database, &Scan::of(Table::Certificates)) {
        let year = row.get("NotBefore").date().unwrap().date_time().unwrap().year();
        assert!((2015..2030).contains(&year), "{}", row.get("NotBefore"));
    }
}

fn samples() -> Vec<(PathBuf, Pages, Format)> {
    let root = std::env::var_os("CABAK_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples"), PathBuf::from)
        .join("ese");
    let mut found = Vec::new();
    for directory in fs::read_dir(&root).into_iter().flatten() {
        let path = directory.unwrap().path().join("SRUDB.dat");
        let Ok(bytes) = fs::read(&path) else { continue };
        let (header, _) = read_header(&bytes).unwrap();
        let page_size = usize::try_from(header.page_size).unwrap();
        let pages = bytes.chunks_exact(page_size).skip(2).map(<[u8]>::to_vec);
        let pages =
            Pages { page_size, pages: (1..).zip(pages).collect(), reads: Rc::default(), unreadable: Vec::new() };
        found.push((path, pages, Format { version: header.version, update: header.update_major }));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    if found.is_empty() {
        eprintln!("skipped: no samples in {}; set CABAK_SAMPLES", root.display());
    }
    found
}

/// The same database with other names in its catalog.
fn renamed(pages: &Pages, names: &[(&str, &str)]) -> Pages {
    const CATALOG: ObjectId = ObjectId(2);
    let layout = Layout::of(pages.page_size).unwrap();
    let mut changed: BTreeMap<u32, Vec<u8>> = BTreeMap::new();
    for (number, bytes) in &pages.pages {
        let Ok(page) = Page::new(PageNumber(*number), bytes) else { continue };
        let of_catalog = page.header().objid == CATALOG
            && page.is_leaf()
            && !page.flags().intersects(PageFlags::SPACE_TREE | PageFlags::INDEX);
        if !of_catalog {
            continue;
        }
        let mut image = PageImage::of(&page).unwrap();
        assert_eq!(image.layout, layout);
        for node in &mut image.nodes {
            for (from, to) in names {
                rename(&mut node.data, from, to);
            }
        }
        changed.insert(*number, image.to_bytes().unwrap());
    }
    let mut renamed = Pages { reads: Rc::default(), ..pages.clone() };
    renamed.pages.extend(changed);
    renamed
}

/// Replaces the name, the first variable column of a record of the catalog.
fn rename(record: &mut Vec<u8>, from: &str, to: &str) {
    let short = |record: &[u8], at: usize| usize::from(u16::from_le_bytes(record[at..at + 2].try_into().unwrap()));
    let (variables, ends) = (usize::from(record[1]) - 127, short(record, 2));
    let data = ends + variables * 2;
    let end = data + (short(record, ends) & 0x7FFF);
    if record[data..end] != *from.as_bytes() {
        return;
    }
    record.splice(data..end, to.bytes());
    for at in (ends..data).step_by(2) {
        let moved = short(record, at) + to.len() - from.len();
        record[at..at + 2].copy_from_slice(&u16::try_from(moved).unwrap().to_le_bytes());
    }
}
