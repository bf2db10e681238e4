//! Databases of Windows CAs, composed from nothing.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;

use adcs::windows::Database;
use adcs::{CaDatabase, Error};
use ese::page::PageImage;
use ese::{PageNumber, PageSource};
use testkit::ese::{Column, ColumnKind, Engine, Format, Row, Session, Table, TableId};

/// A session of the engine.
pub(super) const SESSION: Session = Session(0x40);

/// The pages of a database in memory, which counts how often one is read.
#[derive(Clone)]
pub(super) struct Pages {
    pub(super) page_size: usize,
    pub(super) pages: BTreeMap<u32, Vec<u8>>,
    pub(super) reads: Rc<Cell<u64>>,
    /// Pages that the disk does not deliver.
    pub(super) unreadable: Vec<u32>,
}

impl Pages {
    pub(super) fn of(engine: &Engine) -> Self {
        Self::changed(engine, |_| {})
    }

    /// With pages changed by the test.
    pub(super) fn changed(engine: &Engine, mut change: impl FnMut(&mut PageImage)) -> Self {
        let bytes = |(number, page): (&u32, &PageImage)| {
            let mut page = page.clone();
            change(&mut page);
            (*number, page.to_bytes().unwrap())
        };
        Self {
            page_size: engine.format().page_size,
            pages: engine.pages().iter().map(bytes).collect(),
            reads: Rc::default(),
            unreadable: Vec::new(),
        }
    }
}

impl PageSource for Pages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(self.pages.keys().last().copied().unwrap_or(0))
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        self.reads.set(self.reads.get() + 1);
        if self.unreadable.contains(&page.0) {
            return Err(io::Error::other("a bad sector"));
        }
        match self.pages.get(&page.0) {
            Some(bytes) => buffer.copy_from_slice(bytes),
            None if page <= self.last_page() => buffer.fill(0),
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
        Ok(())
    }
}

/// What a reader makes of a database.
pub(super) fn opened(pages: Pages) -> Result<Box<dyn CaDatabase>, Error> {
    const FORMAT: ese::Format = ese::Format { version: ese::Format::VERSION, update: 0xB4 };
    Ok(Box::new(Database::open(pages, FORMAT, PathBuf::from("CA.edb"))?))
}

pub(super) fn open(engine: &Engine) -> Box<dyn CaDatabase> {
    opened(Pages::of(engine)).unwrap()
}

pub(super) fn engine(format: Format) -> Engine {
    Engine::create(format, "C:\\Windows\\system32\\CertLog\\CA.edb", 1, 256)
}

/// Tables of AD CS with those of their columns that the tests need, in the forms that AD CS gives them.
pub(super) struct Tables {
    pub(super) requests: TableId,
    pub(super) certificates: TableId,
    pub(super) attributes: TableId,
    pub(super) extensions: TableId,
    pub(super) crls: TableId,
}

pub(super) fn requests() -> Table {
    Table::new("Requests")
        .column(Column::new("RequestID", ColumnKind::Long).auto_increment())
        .column(Column::new("RequestType", ColumnKind::Long))
        .column(Column::new("StatusCode", ColumnKind::Long))
        .column(Column::new("Disposition", ColumnKind::Long))
        .column(Column::new("SubmittedWhen", ColumnKind::DateTime))
        .column(Column::new("RevokedEffectiveWhen", ColumnKind::DateTime))
        .column(Column::new("$RequesterName", ColumnKind::LongText))
        .column(Column::new("$DispositionMessage", ColumnKind::LongText).compressed())
        .column(Column::new("$EMail", ColumnKind::Text))
        .column(Column::new("RawRequest", ColumnKind::LongBinary))
        .column(Column::new("$FutureText", ColumnKind::LongText))
        .column(Column::new("FutureGuid", ColumnKind::Guid))
        .primary("RequestIdIndex", &["RequestID"])
        .index("DispositionIndex", &["Disposition"], false)
}

pub(super) fn certificates() -> Table {
    Table::new("CERTIFICATES")
        .column(Column::new("RequestID", ColumnKind::Long))
        .column(Column::new("NotBefore", ColumnKind::DateTime))
        .column(Column::new("NotAfter", ColumnKind::DateTime))
        .column(Column::new("$SerialNumber", ColumnKind::Text))
        .column(Column::new("$CertificateHash", ColumnKind::Text).code_page(1252))
        .column(Column::new("PublicKey", ColumnKind::LongBinary))
        .column(Column::new("RawCertificate", ColumnKind::LongBinary))
        .primary("RequestIdIndex", &["RequestID"])
        .index("SerialNumberIndex", &["$SerialNumber"], false)
}

fn attributes() -> Table {
    Table::new("RequestAttributes")
        .column(Column::new("RequestID", ColumnKind::Long))
        .column(Column::new("AttributeName", ColumnKind::Text))
        .column(Column::new("AttributeValue", ColumnKind::LongText))
        .primary("RequestIdAttributeNameIndex", &["RequestID", "AttributeName"])
}

/// Without a primary index: rows are kept in the order of their insertion, an index has the numbers.
fn extensions() -> Table {
    Table::new("CertificateExtensions")
        .column(Column::new("RequestID", ColumnKind::Long))
        .column(Column::new("$ExtensionName", ColumnKind::Text))
        .column(Column::new("ExtensionFlags", ColumnKind::Long))
        .column(Column::new("ExtensionRawValue", ColumnKind::LongBinary))
        .index("NameIndex", &["$ExtensionName"], false)
        .index("RequestIdIndex", &["RequestID"], false)
}

/// Without an index on the numbers.
fn crls() -> Table {
    Table::new("CRLs")
        .column(Column::new("RowId", ColumnKind::Long))
        .column(Column::new("Number", ColumnKind::Long))
        .column(Column::new("ThisUpdate", ColumnKind::DateTime))
        .column(Column::new("PropgationComplete", ColumnKind::DateTime))
        .column(Column::new("RawCRL", ColumnKind::LongBinary))
        .primary("NumberIndex", &["Number"])
}

pub(super) fn create(engine: &mut Engine) -> Tables {
    Tables {
        requests: engine.create_table(requests()),
        certificates: engine.create_table(certificates()),
        attributes: engine.create_table(attributes()),
        extensions: engine.create_table(extensions()),
        crls: engine.create_table(crls()),
    }
}

/// Inserts a row in a transaction of its own.
pub(super) fn insert<const N: usize>(engine: &mut Engine, table: TableId, values: [(&str, Vec<u8>); N]) {
    let row: Row = values.into_iter().map(|(name, value)| (name.to_owned(), vec![value])).collect();
    engine.begin(SESSION);
    engine.insert_row(SESSION, table, row);
    engine.commit(SESSION);
}

pub(super) fn long(number: i32) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

pub(super) fn wide(number: i64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

pub(super) fn text(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Bytes that do not compress.
pub(super) fn noise(size: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..size).map(|_| next()).collect()
}

/// A CA with requests 1 to 9, of which 2, 4, 6 and 8 have certificates, two attributes and an extension each, and three lists.
pub(super) fn sample(format: Format) -> Engine {
    let mut engine = engine(format);
    let tables = create(&mut engine);
    for id in 1..10_i32 {
        insert(
            &mut engine,
            tables.requests,
            [
                ("StatusCode", long(if id == 3 { 0x8009_4014_u32.cast_signed() } else { 0 })),
                ("Disposition", long(if id % 2 == 0 { 20 } else { 31 })),
                ("SubmittedWhen", wide(133_485_408_000_000_000 + i64::from(id) * 600_000_000)),
                ("$RequesterName", text(&format!("CORP\\user{id}\0"))),
                ("$DispositionMessage", text("Issued after a long while, and with some words that compress well")),
                ("RawRequest", noise(200 * usize::try_from(id).unwrap())),
                ("$FutureText", text("kept")),
                ("FutureGuid", (0..16).collect()),
            ],
        );
    }
    for id in [8_i32, 2, 6, 4] {
        insert(
            &mut engine,
            tables.certificates,
            [
                ("RequestID", long(id)),
                ("NotBefore", wide(133_485_408_000_000_000)),
                ("NotAfter", 45_292.5_f64.to_le_bytes().to_vec()),
                ("$SerialNumber", text(&format!("61000000{id:02}"))),
                ("$CertificateHash", format!("4f 2a a3 {id:02}\0").into_bytes()),
                ("PublicKey", vec![4; 65]),
                ("RawCertificate", noise(3000)),
            ],
        );
        for name in ["ccm", "CertificateTemplate"] {
            let value = text(&format!("{name} of {id}"));
            insert(
                &mut engine,
                tables.attributes,
                [("RequestID", long(id)), ("AttributeName", text(name)), ("AttributeValue", value)],
            );
        }
        insert(
            &mut engine,
            tables.extensions,
            [
                ("RequestID", long(id)),
                ("$ExtensionName", text("2.5.29.15")),
                ("ExtensionFlags", long(0x2_0001)),
                ("ExtensionRawValue", vec![3, 2, 5, 0xA0]),
            ],
        );
    }
    for (row, number, size) in [(3, 10, 200_000), (1, 11, 100), (2, 12, 0)] {
        let mut values =
            vec![("RowId", long(row)), ("Number", long(number)), ("ThisUpdate", wide(133_485_408_000_000_000))];
        if size > 0 {
            values.push(("RawCRL", noise(size)));
        }
        let row: Row = values.into_iter().map(|(name, value)| (name.to_owned(), vec![value])).collect();
        engine.begin(SESSION);
        engine.insert_row(SESSION, tables.crls, row);
        engine.commit(SESSION);
    }
    engine
}
