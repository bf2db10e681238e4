//! Databases of a few pages that were made for these tests; they are seeds of the fuzz target `ese_database`.
//!
//! Pages have 2 KiB. Table `T` has a number, a name and a blob; the blob of row 2 is a long value of two chunks, the
//! first compressed. In the second database its rows are on two leaves.

use std::io;

use ese::check::Finding;
use ese::page::{Layout, Page, PageHeader, Space, SpaceHeader, Tag};
use ese::{Database, Format, PageNumber, PageSource, Value, index_key};
use proptest::prelude::*;

const ONE_LEAF: &[u8] = include_bytes!("../../../testkit/corpus/ese_database/long_value_and_index");
const TWO_LEAVES: &[u8] = include_bytes!("../../../testkit/corpus/ese_database/two_levels");
/// A template and a table that was derived from it, in the form of Server 2025: reserved tags are counted, and root
/// pages have the number of an auto-increment column. The long value has an id of 64 bits.
const TEMPLATE: &[u8] = include_bytes!("../../../testkit/corpus/ese_database/template");
const FORMAT: Format = Format { version: 0x620, update: 0x14 };
const PAGE_SIZE: usize = 2048;

#[derive(Debug)]
struct Pages {
    bytes: Vec<u8>,
    page_size: usize,
}

impl PageSource for Pages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(u32::try_from(self.bytes.len() / self.page_size).unwrap())
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        buffer.copy_from_slice(&self.bytes[(page.0 as usize - 1) * self.page_size..][..self.page_size]);
        Ok(())
    }
}

fn open(bytes: &[u8]) -> Database<Pages> {
    Database::open(Pages { bytes: bytes.to_vec(), page_size: PAGE_SIZE }, FORMAT).unwrap()
}

/// The same nodes on pages of another size: flags move from the tags into the nodes.
fn relaid(bytes: &[u8], page_size: usize) -> Vec<u8> {
    let layout = Layout::of(page_size).unwrap();
    let mut relaid = vec![0; bytes.len() / PAGE_SIZE * page_size];
    for (number, (old, new)) in (1..).zip(bytes.chunks(PAGE_SIZE).zip(relaid.chunks_mut(page_size))) {
        let Ok(page) = Page::new(PageNumber(number), old) else { continue };
        let mut header = *page.header();
        header.free += u16::try_from(layout.data_size() - page.layout().data_size()).unwrap();
        new[..PageHeader::SIZE].copy_from_slice(&header.to_bytes());
        for index in 0..usize::from(header.tag_count) {
            let (tag, (flags, line)) = (page.tag(index).unwrap(), page.line(index).unwrap());
            let data = &mut new[layout.header_size() + usize::from(tag.offset)..][..line.len()];
            data.copy_from_slice(line);
            if index > 0 {
                data[1] |= flags.bits() << 5;
            }
            let at = page_size - (index + 1) * Tag::SIZE;
            new[at..at + Tag::SIZE].copy_from_slice(&tag.to_bytes(layout));
        }
    }
    relaid
}

#[test]
fn pages_of_every_size_have_the_same_nodes() {
    for (page_size, chunk) in [(4096, 4014), (8192, 8110), (16_384, 4050), (32_768, 8150)] {
        let pages = Pages { bytes: relaid(TWO_LEAVES, page_size), page_size };
        let database = Database::open(pages, FORMAT).unwrap();
        let table = database.table("T").unwrap();
        assert_eq!(table.definition().long_value_chunk(), chunk);
        let mut names = Vec::new();
        let mut rows = table.rows().unwrap();
        while let Some(row) = rows.next().unwrap() {
            names.push(row.text(table.column("Name").unwrap(), 255).unwrap().unwrap());
        }
        assert_eq!(names, ["one", "two", "three"]);
        // The long value has chunks of another size, and tagged columns other flags; all else is as it was.
        let findings = database.check().unwrap().findings;
        let strange: Vec<_> = findings.iter().filter(|finding| !about_long_values(finding)).collect();
        assert!(strange.is_empty(), "{page_size}: {strange:?}");
    }
}

fn about_long_values(finding: &Finding) -> bool {
    finding.problem.starts_with("long value") || finding.problem.starts_with("column Blob")
}

/// Number, name and size of the blob of every row.
fn rows(database: &Database<Pages>) -> Vec<(i64, String, Option<usize>)> {
    let table = database.table("t").unwrap();
    let (name, blob) = (table.column("name").unwrap(), table.column("BLOB").unwrap());
    let mut rows = table.rows().unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let blob = row.bytes(blob, 4096).unwrap().map(|bytes| bytes.len());
        found.push((row.get("Id").unwrap().as_i64().unwrap(), row.text(name, 255).unwrap().unwrap(), blob));
    }
    found
}

#[test]
fn rows_of_one_leaf_and_of_two() {
    let expected = [(1, "one", Some(5)), (2, "two", Some(1971)), (3, "three", None)];
    for bytes in [ONE_LEAF, TWO_LEAVES] {
        let found = rows(&open(bytes));
        assert_eq!(found, expected.map(|(id, name, size)| (id, name.to_owned(), size)));
    }
}

#[test]
fn a_long_value_is_written_chunk_by_chunk() {
    let database = open(TWO_LEAVES);
    let table = database.table("T").unwrap();
    let mut rows = table.rows().unwrap();
    rows.seek(&index_key(table.definition(), table.definition().primary_index().unwrap(), &[Value::Long(2)]).unwrap())
        .unwrap();
    let row = rows.next().unwrap().unwrap();
    let blob = table.column("Blob").unwrap();
    let Value::LongBinary(long) = row.value(blob).unwrap() else { panic!("a long value") };
    let mut bytes = Vec::new();
    assert_eq!(row.copy_long_value(blob, &long, &mut bytes).unwrap(), 1971);
    assert_eq!(bytes, [&[b'a'; 1966][..], b"final"].concat());
    let refused = row.bytes(blob, 1970).unwrap_err();
    assert_eq!(refused.to_string(), "a value of 1971 bytes in memory is not supported");
}

#[test]
fn rows_in_the_order_of_an_index() {
    let database = open(TWO_LEAVES);
    let mut by_name = database.table("T").unwrap().rows_by("Name").unwrap();
    let mut names = Vec::new();
    while let Some(row) = by_name.next().unwrap() {
        let Value::Text(text) = row.get("Name").unwrap() else { panic!("text") };
        names.push(text.to_string());
    }
    assert_eq!(names, ["one", "three", "two"]);
    let definition = database.catalog().table("T").unwrap();
    let from = Value::parse(ese::catalog::ColumnType::Text, ese::catalog::CodePage::ENGLISH, b"p").unwrap();
    by_name.seek(&index_key(definition, by_name.index(), &[from]).unwrap()).unwrap();
    assert_eq!(by_name.next().unwrap().unwrap().get("Id").unwrap(), Value::Long(3));
}

#[test]
fn a_derived_table_has_the_columns_of_its_template() {
    let database = open(TEMPLATE);
    let table = database.table("Derived").unwrap();
    assert_eq!(table.definition().template(), Some("Base"));
    let columns: Vec<_> = table.columns().map(|column| (column.name(), column.id().0)).collect();
    assert_eq!(columns, [("Id", 0x8000_0001), ("Note", 0x8000_0100), ("Size", 2), ("Blob", 256)]);
    let mut rows = table.rows().unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let number = |name| row.get(name).unwrap().as_i64().unwrap();
        let note = row.text(table.column("Note").unwrap(), 100).unwrap().unwrap();
        let blob = row.bytes(table.column("Blob").unwrap(), 100).unwrap();
        found.push((number("Id"), number("Size"), note, blob.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap())));
    }
    // The note of the template has a default value; the blob of row 2 is compressed in the record.
    let expected = [(1, 10, "hi", Some("wide")), (2, 20, "note", Some("abcdefgh")), (3, 30, "note", None)];
    let expected = expected.map(|(id, size, note, blob)| (id, size, note.to_owned(), blob.map(str::to_owned)));
    assert_eq!(found, expected);
    let report = database.check().unwrap();
    assert_eq!((report.findings, report.rows, report.long_values), (vec![], 24, 1));
}

#[test]
fn root_pages_of_newer_formats_have_a_number() {
    let page = Page::new(PageNumber(5), &TEMPLATE[4 * PAGE_SIZE..][..PAGE_SIZE]).unwrap();
    let header = page.external_header().unwrap();
    let space = SpaceHeader {
        extent: 1,
        parent: Some(PageNumber(1)),
        non_unique: false,
        space: Space::Single { available: 0 },
    };
    assert_eq!((header.space, header.auto_increment), (Some(space), Some(77)));
    assert_eq!((page.header().reserved_tags, page.node_count()), (1, 1));
}

proptest! {
    #[test]
    fn flipped_bytes_never_panic_or_loop(flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..20)) {
        for bytes in [ONE_LEAF, TWO_LEAVES, TEMPLATE] {
            let mut bytes = bytes.to_vec();
            for (place, flip) in &flips {
                let at = place.index(bytes.len());
                bytes[at] ^= flip;
            }
            let Ok(database) = Database::open(Pages { bytes, page_size: PAGE_SIZE }, FORMAT) else { continue };
            let report = database.check().unwrap();
            prop_assert!(report.pages <= 9);
            for table in database.tables() {
                let Ok(mut rows) = table.rows() else { continue };
                while let Ok(Some(row)) = rows.next() {
                    for column in table.columns() {
                        let _ = row.bytes(column, 10_000);
                    }
                }
            }
        }
    }
}

/// What the check finds after the byte at `offset` of `page` was changed, and how reading the rows ends.
fn check(page: usize, offset: usize, byte: u8) -> Vec<String> {
    let mut bytes = TWO_LEAVES.to_vec();
    let at = (page - 1) * PAGE_SIZE + offset;
    assert_ne!(bytes[at], byte, "a change");
    bytes[at] = byte;
    let report = open(&bytes).check().unwrap();
    report.findings.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_composed_is_sound() {
    for (bytes, pages) in [(ONE_LEAF, 5), (TWO_LEAVES, 7)] {
        let report = open(bytes).check().unwrap();
        assert_eq!((report.findings, report.trees, report.pages), (vec![], 5, pages));
        assert_eq!((report.rows, report.long_values), (23, 1));
    }
}

#[test]
fn links_between_leaves_are_checked_on_both_sides() {
    assert_eq!(check(8, 20, 3), ["page 8: table T: links to page 3, not to page 9 (-327 JET_errBadPageLink)"]);
    assert_eq!(check(9, 16, 3), ["page 9: table T: links back to page 3, not to page 8 (-327 JET_errBadPageLink)"]);
    assert_eq!(check(9, 20, 3), ["page 9: table T: the last leaf links to page 3 (-327 JET_errBadPageLink)"]);
}

#[test]
fn a_cursor_does_not_pass_a_wrong_link() {
    let mut bytes = TWO_LEAVES.to_vec();
    bytes[7 * PAGE_SIZE + 20] = 3;
    let database = open(&bytes);
    let mut rows = database.table("T").unwrap().rows().unwrap();
    assert!(rows.next().unwrap().is_some());
    let error = rows.next().unwrap_err().to_string();
    assert_eq!(error, "page 8: links to page 3, its parent to page 9 (-327 JET_errBadPageLink)");
    assert!(rows.next().unwrap().is_none(), "nothing comes after an error");
}

#[test]
fn keys_are_within_what_the_parent_says() {
    // The separator of the inner page: 7f 80000002, its last byte. Data begins at 40 with the space header, 16 bytes.
    assert_eq!(
        check(5, 40 + 16 + 2 + 4, 3),
        ["page 9: table T: the key of node 0 is not between those of its parent (-338 JET_errBadParentPageLink)"]
    );
    assert_eq!(
        check(5, 40 + 16 + 2 + 4, 1),
        ["page 8: table T: the key of node 0 is not between those of its parent (-338 JET_errBadParentPageLink)"]
    );
}

#[test]
fn a_child_that_is_its_own_parent_is_found() {
    let findings = check(5, 40 + 16 + 2 + 5, 5);
    assert_eq!(findings[0], "page 5: table T: the page is used twice (-327 JET_errBadPageLink)");
    let mut bytes = TWO_LEAVES.to_vec();
    bytes[4 * PAGE_SIZE + 63] = 5;
    let error = open(&bytes).table("T").unwrap().rows().unwrap().next().unwrap_err().to_string();
    assert_eq!(error, "page 5: not a page that may stand below page 5 (-338 JET_errBadParentPageLink)");
}

#[test]
fn long_values_are_counted_and_whole() {
    // The root of the long value: its data behind the space header, 2 bytes of length and 4 of key.
    let root = 40 + 16 + 2 + 4;
    assert_eq!(
        check(6, root, 0),
        ["table T: long value 0x1: more rows refer to it than are counted (-1526 JET_errLVCorrupted)"]
    );
    assert_eq!(
        check(6, root + 4, 0xb2),
        ["table T: long value 0x1: a chunk of 5 bytes where 4 are left (-1526 JET_errLVCorrupted)"]
    );
}

#[test]
fn a_long_value_that_lacks_a_chunk_is_found() {
    // A page whose last tag, the second chunk, is no longer counted: three tags in front, its 15 bytes and itself free.
    let mut bytes = TWO_LEAVES.to_vec();
    let page = &mut bytes[5 * PAGE_SIZE..][..PAGE_SIZE];
    page[34] -= 1;
    let free = u16::from_le_bytes([page[28], page[29]]) + 15 + 4;
    page[28..30].copy_from_slice(&free.to_le_bytes());
    let findings = open(&bytes).check().unwrap().findings;
    let problem = "long value 0x1: it has 1966 bytes of 1971";
    assert_eq!(findings.iter().map(|finding| finding.problem.as_str()).collect::<Vec<_>>(), [problem]);
    let error = rows_error(&open(&bytes));
    assert_eq!(error, format!("{problem} (-1526 JET_errLVCorrupted)"));
}

/// Why the blob of row 2 cannot be read.
fn rows_error(database: &Database<Pages>) -> String {
    let table = database.table("T").unwrap();
    let mut rows = table.rows().unwrap();
    rows.next().unwrap();
    let row = rows.next().unwrap().unwrap();
    row.bytes(table.column("Blob").unwrap(), 4096).unwrap_err().to_string()
}

#[test]
fn a_row_whose_key_is_not_that_of_its_values_is_found() {
    // Page 8 has one row; its number is behind the prefix of 3 bytes, two lengths, 2 bytes of key and 4 of record.
    assert_eq!(
        check(8, 40 + 3 + 4 + 2 + 4, 9),
        ["page 8: table T: the key of a row is not that of its values (-1413 JET_errPrimaryIndexCorrupted)"]
    );
}
