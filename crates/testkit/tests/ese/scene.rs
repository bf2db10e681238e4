//! A database at work, and what tests ask of it.

use std::collections::BTreeMap;
use std::io;

use ese::{PageNumber, PageSource};
use testkit::ese::{Column, ColumnKind, Engine, Format, HotBackup, Row, RowKey, Session, Table, TableId};
use testkit::random::Random;

pub(crate) const FORMATS: [Format; 3] = [Format::SERVER_2019, Format::SERVER_2022, Format::SERVER_2025];
pub(crate) const PAGE_SIZES: [usize; 4] = [4096, 8192, 16_384, 32_768];

/// All formats with pages of every size.
pub(crate) fn formats() -> impl Iterator<Item = Format> {
    FORMATS.into_iter().flat_map(|format| PAGE_SIZES.map(|size| format.with_page_size(size)))
}

pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Columns of every storage, a primary index and two others.
pub(crate) fn table() -> Table {
    Table::new("things")
        .column(Column::new("Id", ColumnKind::Long).auto_increment())
        .column(Column::new("Short", ColumnKind::Short))
        .column(Column::new("When", ColumnKind::DateTime))
        .column(Column::new("Flag", ColumnKind::Bit))
        .column(Column::new("Name", ColumnKind::Text))
        .column(Column::new("Plain", ColumnKind::Text).code_page(1252))
        .column(Column::new("Bytes", ColumnKind::Binary))
        .column(Column::new("Note", ColumnKind::LongText).compressed())
        .column(Column::new("Raw", ColumnKind::LongBinary))
        .column(Column::new("Packed", ColumnKind::LongBinary).compressed())
        .column(Column::new("Numbers", ColumnKind::Long).multi_valued())
        .column(Column::new("Texts", ColumnKind::LongText).multi_valued())
        .column(Column::new("Default", ColumnKind::Long).default_value(&7u32.to_le_bytes()).tagged())
        .primary("Primary", &["Id"])
        .index("ByName", &["Name"], false)
        .index("ByShort", &["-Short", "Id"], true)
}

/// A row with some of the columns, in sizes from nothing to several pieces of a long value.
pub(crate) fn row(random: &mut Random) -> Row {
    let mut row = Row::new();
    let mut put = |name: &str, values: Vec<Vec<u8>>| row.insert(name.to_owned(), values);
    let number = random.below(1000) as u32;
    put("Short", vec![(number as i16 - 500).to_le_bytes().to_vec()]);
    put("Name", vec![utf16(&format!("CONTOSO\\user{}", number % 17))]);
    put("Note", vec![utf16(&"A note of some length. ".repeat(random.below(40) + 1))]);
    if random.coin() {
        put("When", vec![(132_000_000_000_000_000 + u64::from(number)).to_le_bytes().to_vec()]);
        put("Plain", vec![format!("plain {number}").into_bytes()]);
        put("Flag", vec![vec![0xFF]]);
    }
    if random.coin() {
        put("Raw", vec![noise(random, 5000)]);
    }
    match random.below(6) {
        0 => drop(put("Numbers", (0..random.below(4) as u32 + 1).map(|each| each.to_le_bytes().to_vec()).collect())),
        1 => drop(put("Texts", vec![utf16("one"), utf16("two"), utf16("three")])),
        2 => drop(put("Bytes", vec![noise(random, 200)])),
        3 => drop(put("Default", vec![number.to_le_bytes().to_vec()])),
        4 => drop(put("Packed", vec![b"the same and ".repeat(random.below(400) + 1)])),
        _ => {}
    }
    row
}

fn noise(random: &mut Random, most: usize) -> Vec<u8> {
    let mut bytes = vec![0; random.below(most) + 1];
    random.fill(&mut bytes);
    bytes
}

/// A database that nobody uses any more: rows inserted, changed, deleted, taken back, and a second time in their
/// places.
pub(crate) fn at_rest(format: Format) -> (Engine, TableId) {
    let mut random = Random::new(3);
    let mut engine = Engine::create(format, r"C:\Windows\system32\CertLog\Lab CA.edb", 3, 64);
    let table = engine.create_table(table());
    let session = Session(7);
    let mut keys = Vec::new();
    for _ in 0..300 {
        engine.begin(session);
        keys.push(engine.insert_row(session, table, row(&mut random)));
        engine.commit(session);
    }
    for (index, key) in keys.iter().enumerate().step_by(9) {
        engine.begin(session);
        engine.update_row(session, table, key, row(&mut random));
        if index % 2 == 0 { engine.commit(session) } else { engine.roll_back(session) }
    }
    engine.begin(session);
    keys[40..140].iter().for_each(|key| engine.delete_row(session, table, key));
    engine.commit(session);
    engine.clean_up();
    for id in 41..61u32 {
        engine.begin(session);
        let mut row = row(&mut random);
        row.insert("Id".to_owned(), vec![id.to_le_bytes().to_vec()]);
        engine.insert_row(session, table, row);
        engine.commit(session);
    }
    engine.clean_up();
    engine.stop();
    (engine, table)
}

/// A database at work, and a backup that is under way: two sessions, roll-backs, clean-ups, merges, pages on disk of
/// every age.
pub(crate) fn at_work(format: Format, seed: u64) -> (Engine, HotBackup) {
    let mut random = Random::new(seed);
    let mut engine = Engine::create(format, r"C:\Windows\system32\CertLog\Lab CA.edb", seed, 64);
    let table = engine.create_table(table());
    let mut work = Work { table, keys: Vec::new(), theirs: Vec::new() };
    let mut backup = None;
    for step in 0..700 {
        if step == 500 {
            backup = Some(engine.begin_backup());
        }
        if let Some(backup) = &mut backup {
            engine.read_pages(backup, 1);
        }
        work.step(&mut engine, &mut random);
        if step == 350 && work.theirs.is_empty() {
            engine.restart();
        }
    }
    // One transaction is open at the end.
    work.finish_other(&mut engine, &mut random);
    work.begin_other(&mut engine, &mut random);
    (engine, backup.unwrap())
}

struct Work {
    table: TableId,
    keys: Vec<RowKey>,
    /// Rows that the open transaction of the other session has changed.
    theirs: Vec<RowKey>,
}

const MINE: Session = Session(7);
const OTHER: Session = Session(8);

impl Work {
    fn step(&mut self, engine: &mut Engine, random: &mut Random) {
        match random.below(14) {
            0 => {
                engine.begin(MINE);
                for key in self.some(engine, random) {
                    let mut changes = row(random);
                    changes.remove("Default");
                    engine.update_row(MINE, self.table, &key, changes);
                }
                finish(engine, random, MINE);
            }
            1 | 2 => {
                engine.begin(MINE);
                for key in self.some(engine, random) {
                    engine.delete_row(MINE, self.table, &key);
                }
                finish(engine, random, MINE);
            }
            3 => drop(engine.clean_up()),
            4 => {
                engine.begin(MINE);
                engine.merge_leaves(MINE, self.table, 3);
                engine.commit(MINE);
            }
            5 => engine.flush(1, 3),
            6 if self.theirs.is_empty() => self.begin_other(engine, random),
            6 => self.finish_other(engine, random),
            _ => {
                engine.begin(MINE);
                for _ in 0..=random.below(3) {
                    self.keys.push(engine.insert_row(MINE, self.table, row(random)));
                }
                finish(engine, random, MINE);
            }
        }
    }

    fn begin_other(&mut self, engine: &mut Engine, random: &mut Random) {
        engine.begin(OTHER);
        self.theirs.push(engine.insert_row(OTHER, self.table, row(random)));
        for key in self.some(engine, random) {
            engine.update_row(OTHER, self.table, &key, row(random));
            self.theirs.push(key);
        }
    }

    fn finish_other(&mut self, engine: &mut Engine, random: &mut Random) {
        if !self.theirs.is_empty() {
            finish(engine, random, OTHER);
            self.theirs.clear();
        }
    }

    /// Rows that are there and that nobody else has changed.
    fn some(&self, engine: &Engine, random: &mut Random) -> Vec<RowKey> {
        let from = random.below(self.keys.len());
        let free = |key: &&RowKey| engine.row(self.table, key).is_some() && !self.theirs.contains(key);
        self.keys.iter().skip(from).filter(free).take(random.below(6)).cloned().collect()
    }
}

fn finish(engine: &mut Engine, random: &mut Random, session: Session) {
    if random.below(4) == 0 { engine.roll_back(session) } else { engine.commit(session) }
}

/// The pages of a file in memory.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) bytes: Vec<u8>,
    pub(crate) page_size: usize,
    pub(crate) last_page: u32,
}

impl PageSource for Memory {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(self.last_page)
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let at = page.offset(self.page_size) as usize;
        let bytes = self.bytes.get(at..at + self.page_size).filter(|_| page <= self.last_page());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// Every record of logs, after each log has been found without fault.
pub(crate) fn records<'a>(logs: impl IntoIterator<Item = &'a [u8]>) -> BTreeMap<&'static str, usize> {
    let mut kinds = BTreeMap::new();
    for log in logs {
        let mut scan = ese::log::LogScan::new();
        scan.push(log, &mut |_, record| *kinds.entry(ese::log::RecordType(record[0]).name()).or_default() += 1);
        assert_eq!(scan.finish().faults, []);
    }
    kinds
}
