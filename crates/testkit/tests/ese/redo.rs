//! The pages of the engine, and those that crate `ese` makes of its logs.

use std::collections::BTreeMap;

use ese::page::{NodeFlags, Page, PageFlags, PageImage};
use ese::redo::{PageStore, Redo, RedoError};
use ese::{Database, PageNumber, PageSource};
use testkit::ese::{BackupSet, CaDatabase, Format, Request};

use crate::scene::{Memory, at_work, formats};

#[test]
fn logs_from_the_first_on_rebuild_the_database() {
    for format in formats() {
        let (mut engine, backup) = at_work(format, 5);
        let set = engine.finish_backup(backup);
        let nothing = Memory { bytes: Vec::new(), page_size: format.page_size, last_page: 0 };
        let mut redo = Redo::from_nothing(nothing, format.update_major).unwrap();
        let logs: Vec<Vec<u8>> = (1..engine.generation()).map(|generation| engine.log_file(generation)).collect();
        apply(&mut redo, &logs);
        assert_eq!(differences(&redo, &set.truth.pages), Vec::<u32>::new(), "{format:?}");
    }
}

#[test]
fn a_fuzzy_copy_and_its_logs_arrive_at_the_state_of_the_server() {
    for format in formats() {
        for seed in 1..4 {
            let (mut engine, backup) = at_work(format, seed);
            let set = engine.finish_backup(backup);
            let mut redo = over(&set);
            apply(&mut redo, &set.logs.values().cloned().collect::<Vec<_>>());
            assert_eq!(differences(&redo, &set.truth.pages), Vec::<u32>::new(), "{format:?}");
            assert!(redo.progress().applied > 100 && redo.progress().skipped > 100, "{:?}", redo.progress());
            assert_eq!(redo.open_transactions(), 1);
            redo.roll_back().unwrap();
            assert!(rows(&redo, &set) == of_truth(&set), "{format:?}");
        }
    }
}

/// Pages outside memory, and how many of them may be written before the disk is full.
#[derive(Debug)]
struct Store {
    pages: BTreeMap<PageNumber, Vec<u8>>,
    left: usize,
}

impl PageStore for Store {
    fn write_page(&mut self, page: PageNumber, bytes: &[u8]) -> std::io::Result<()> {
        self.left = self.left.checked_sub(1).ok_or(std::io::ErrorKind::StorageFull)?;
        self.pages.insert(page, bytes.to_vec());
        Ok(())
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> std::io::Result<()> {
        buffer.copy_from_slice(self.pages.get(&page).ok_or(std::io::ErrorKind::NotFound)?);
        Ok(())
    }
}

#[test]
fn pages_that_memory_has_no_room_for_go_to_a_store_and_come_back() {
    for format in formats() {
        let (mut engine, backup) = at_work(format, 2);
        let set = engine.finish_backup(backup);
        let logs: Vec<_> = set.logs.values().cloned().collect();
        let mut expected = over(&set);
        apply(&mut expected, &logs);
        expected.roll_back().unwrap();
        expected.settle();
        for room in [1, 7] {
            let mut redo = over(&set);
            redo.spill_to(Box::new(Store { pages: BTreeMap::new(), left: usize::MAX }), room);
            apply(&mut redo, &logs);
            assert_eq!(differences(&redo, &set.truth.pages), Vec::<u32>::new(), "{format:?}, room for {room}");
            redo.roll_back().unwrap();
            redo.settle();
            let images =
                |redo: &Redo<Memory>| redo.changed().map(|image| image.unwrap().into_owned()).collect::<Vec<_>>();
            assert!(images(&redo) == images(&expected), "{format:?}, room for {room}");
            assert_eq!(redo.changed_pages(), expected.changed_pages());
            assert_eq!(redo.progress(), expected.progress());
        }
    }
}

#[test]
fn a_store_that_is_full_is_no_damage() {
    let (mut engine, backup) = at_work(Format::SERVER_2022, 2);
    let set = engine.finish_backup(backup);
    let mut redo = over(&set);
    redo.spill_to(Box::new(Store { pages: BTreeMap::new(), left: 20 }), 4);
    let mut failure = None;
    for log in set.logs.values() {
        redo.begin_log(&ese::log::LogHeader::parse(log).unwrap());
        let mut scan = ese::log::LogScan::new();
        scan.push(log, &mut |position, record| {
            if failure.is_none() {
                failure = redo.apply(position, record).err();
            }
        });
    }
    let Some(RedoError::Store(source)) = failure else { panic!("{failure:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
}

pub(crate) fn over(set: &BackupSet) -> Redo<Memory> {
    let (header, _) = ese::header::read_header(&set.database).unwrap();
    let page_size = set.format.page_size;
    let last_page = (set.database.len() / page_size) as u32 - 3;
    Redo::new(Memory { bytes: set.database.clone(), page_size, last_page }, &header).unwrap()
}

pub(crate) fn apply(redo: &mut Redo<Memory>, logs: &[Vec<u8>]) {
    for log in logs {
        redo.begin_log(&ese::log::LogHeader::parse(log).unwrap());
        let mut scan = ese::log::LogScan::new();
        scan.push(log, &mut |position, record| redo.apply(position, record).unwrap());
        assert_eq!(scan.finish().faults, []);
    }
}

/// Pages that are not the same, but for marks that mean nothing on disk.
fn differences(redo: &Redo<Memory>, truth: &BTreeMap<u32, PageImage>) -> Vec<u32> {
    let mut buffer = vec![0; redo.page_size()];
    let mut differs = |number: u32, truth: &PageImage| {
        redo.read_page(PageNumber(number), &mut buffer).unwrap();
        let page = Page::new(PageNumber(number), &buffer).unwrap();
        plain(PageImage::of(&page).unwrap()) != plain(truth.clone())
    };
    truth.iter().filter(|(number, truth)| differs(**number, truth)).map(|(number, _)| *number).collect()
}

fn plain(mut image: PageImage) -> PageImage {
    image.uncommitted_free = 0;
    image.flags -= PageFlags::NEW_CHECKSUM_FORMAT;
    for node in &mut image.nodes {
        node.flags -= NodeFlags::VERSION | NodeFlags::COMPRESSED;
    }
    image
}

/// Number, note and two long values of a row.
type Cells = (i64, Option<String>, Option<Vec<u8>>, Option<Vec<u8>>);

/// The rows of the table as a reader sees them.
fn rows(redo: &Redo<Memory>, set: &BackupSet) -> Vec<Cells> {
    let format = ese::Format { version: 0x620, update: set.format.update_major };
    let database = Database::open(redo, format).unwrap();
    let table = database.table("things").unwrap();
    let mut rows = table.rows().unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let bytes = |name: &str| {
            let column = table.column(name).unwrap();
            row.bytes(column, u32::MAX).unwrap().map(std::borrow::Cow::into_owned)
        };
        let note = row.text(table.column("Note").unwrap(), u32::MAX).unwrap();
        found.push((row.get("Id").unwrap().as_i64().unwrap(), note, bytes("Raw"), bytes("Packed")));
    }
    found
}

fn of_truth(set: &BackupSet) -> Vec<Cells> {
    let cells = |row: &testkit::ese::Row| {
        let bytes = |name: &str| row.get(name).map(|values| values[0].clone());
        let number = i32::from_le_bytes(row["Id"][0].as_slice().try_into().unwrap());
        let note = bytes("Note").map(|note| {
            let units: Vec<u16> = note.chunks(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
            String::from_utf16(&units).unwrap()
        });
        (number.into(), note, bytes("Raw"), bytes("Packed"))
    };
    set.truth.tables["things"].iter().map(cells).collect()
}

#[test]
fn a_change_is_taken_back_among_equal_keys_of_many_pages() {
    let format = Format::SERVER_2022;
    let mut ca = CaDatabase::create(format, "Lab CA", 9);
    let request = Request { raw: vec![0x30; 16], requester: "LAB\\everybody".into(), ..Request::default() };
    for _ in 0..14_000 {
        ca.submit(&request);
    }
    ca.submit_and_hang(&request);
    let backup = ca.engine.begin_backup();
    let set = ca.engine.finish_backup(backup);
    let mut redo = over(&set);
    apply(&mut redo, &set.logs.values().cloned().collect::<Vec<_>>());
    let rolled_back = redo.roll_back().unwrap();
    assert_eq!(rolled_back.transactions, 1);
    redo.settle();
    let format = ese::Format { version: 0x620, update: format.update_major };
    let report = Database::open(&redo, format).unwrap().check().unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}
