//! Oracles of `ese`: what must hold for any bytes.

use std::io;

use ese::compression::decompress;
use ese::page::{Layout, Page, PageHeader};
use ese::record::{Record, Stored};
use ese::{Database, Error, Format, LongValue, PageNumber, PageSource, Table, Value};

/// Corpus name and oracle of every fuzz target of `ese`.
pub const ORACLES: &[(&str, fn(&[u8]))] = &[
    ("ese_page", ese_page),
    ("ese_record", ese_record),
    ("ese_compression", ese_compression),
    ("ese_database", ese_database),
];

/// One page, filled up with zeros: what passes its check can be searched, and its header is canonical.
///
/// # Panics
/// When that does not hold.
pub fn ese_page(data: &[u8]) {
    let Some(size) = [2048, 4096, 8192, 16_384, 32_768].into_iter().find(|size| *size >= data.len()) else { return };
    let mut bytes = data.to_vec();
    bytes.resize(size, 0);
    let Ok(page) = Page::new(PageNumber(1), &bytes) else { return };
    let header = PageHeader::parse(&page.header().to_bytes()).expect("a header");
    assert_eq!(&header, page.header());
    let sound = page.check().is_ok();
    let _ = (page.external_header(), page.prefix());
    for (index, node) in page.nodes().enumerate() {
        match node {
            Ok(node) if sound && page.is_leaf() => {
                let found = page.lower_bound(&node.key.to_vec()).expect("a sound page");
                assert!(found <= index, "the search goes before the first node with the key");
                assert_eq!(page.node(found).expect("a node").key, node.key);
            }
            Ok(node) => drop((node.child(), node.key.to_vec())),
            Err(_) => assert!(!sound, "every node of a sound page can be read"),
        }
    }
}

/// One record behind a byte of flags (1: newer form, 2: large pages): no value reaches outside of it.
///
/// # Panics
/// When that does not hold.
pub fn ese_record(data: &[u8]) {
    let Some((flags, bytes)) = data.split_first() else { return };
    let layout = Layout::of(if flags & 2 != 0 { 32_768 } else { 4096 }).expect("a page size");
    let Some(record) = Record::with_layout(bytes, layout, flags & 1 != 0) else { return };
    for id in 1..256 {
        if let Some(Stored::Value(value)) = record.fixed(id, 4, 8) {
            assert_eq!(value.len(), 8);
        }
        if let Some(Stored::Value(value)) = record.variable(id) {
            assert!(value.len() <= bytes.len());
        }
    }
    for (count, column) in record.tagged_columns().enumerate() {
        assert!(count <= bytes.len(), "columns take bytes");
        if let Some((.., Stored::Value(column))) = column {
            for (count, value) in column.values().enumerate() {
                assert!(count <= bytes.len(), "values take bytes");
                assert!(value.is_none_or(|value| value.bytes.len() <= bytes.len()));
            }
        }
    }
}

/// One compressed value: the result is no larger than its scheme allows.
///
/// # Panics
/// When that does not hold.
pub fn ese_compression(data: &[u8]) {
    if let Ok(value) = decompress(data) {
        assert!(value.len() <= usize::from(u16::MAX).max(data.len() * 3));
    }
}

/// A database of pages of 2 KiB, from page 1: reading ends, and one that passes its check is read without an error.
///
/// # Panics
/// When that does not hold.
pub fn ese_database(data: &[u8]) {
    const MOST_PAGES: usize = 64;
    let pages = Pages { bytes: data.get(..MOST_PAGES * PAGE_SIZE).unwrap_or(data) };
    let format = Format { version: Format::VERSION, update: 0x14 };
    let Ok(database) = Database::open(pages, format) else { return };
    let sound = database.check().expect("memory does not fail").is_sound();
    for table in database.tables() {
        if let Err(error) = read(&table) {
            assert!(!sound || matches!(error, Error::Unsupported { .. }), "a sound table is read: {error}");
        }
        for index in table.definition().indexes() {
            let Ok(mut rows) = table.rows_by(index.name()) else { continue };
            while let Ok(Some(_)) = rows.next() {}
        }
    }
}

fn read(table: &Table<'_, Pages<'_>>) -> Result<(), Error> {
    let mut rows = table.rows()?;
    while let Some(row) = rows.next()? {
        for column in table.columns() {
            for value in row.values(column)? {
                let (Value::LongBinary(long) | Value::LongText(long, _)) = value else { continue };
                let size = row.copy_long_value(column, &long, &mut io::sink())?;
                if let LongValue::Inline(bytes) = &long {
                    assert_eq!(size as usize, bytes.len());
                }
            }
        }
    }
    Ok(())
}

const PAGE_SIZE: usize = 2048;

struct Pages<'a> {
    bytes: &'a [u8],
}

impl PageSource for Pages<'_> {
    fn page_size(&self) -> usize {
        PAGE_SIZE
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(u32::try_from(self.bytes.len().div_ceil(PAGE_SIZE)).unwrap_or(u32::MAX))
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let start = (page.0 as usize - 1) * PAGE_SIZE;
        let bytes = self.bytes.get(start..).ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = bytes.len().min(PAGE_SIZE);
        buffer[..count].copy_from_slice(&bytes[..count]);
        buffer[count..].fill(0);
        Ok(())
    }
}
