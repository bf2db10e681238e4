//! Oracles of `ese`, the part that verifies and replays: headers, logs, checkpoint, records, pages that change, redo.

use std::collections::BTreeMap;
use std::io;

use ese::catalog::{CATALOG_OBJID, CATALOG_ROOT, Catalog};
use ese::checksum::{self, Verdict};
use ese::header::{DatabaseHeader, PAGE_SIZES, Trailer, read_header};
use ese::log::{LogHeader, LogScan, LogSummary, RecordFault, RecordType, SEGMENT_SIZE, size_of_record};
use ese::page::{Layout, NodeFlags, Page, PageFlags, PageImage, StoredNode};
use ese::redo::Redo;
use ese::tree::Tree;
use ese::{Checkpoint, LogPosition, ObjectId, PageNumber, PageSource};

use super::Oracle;

/// Corpus name and oracle of every fuzz target of this part of `ese`.
pub const ORACLES: &[Oracle] = &[
    ("ese_checkpoint", ese_checkpoint),
    ("ese_header", ese_header),
    ("ese_image", ese_image),
    ("ese_log", ese_log),
    ("ese_log_record", ese_log_record),
    ("ese_redo", ese_redo),
];

/// The start of a database, or its trailer page, as it is and with sums that fit: what is read is written as the same.
fn ese_header(data: &[u8]) {
    check_header(data);
    let mut sealed = data.to_vec();
    let size = number(data, 236).filter(|size| PAGE_SIZES.contains(size)).unwrap_or(4096);
    sealed.chunks_mut(size).take(2).for_each(checksum::seal_header);
    check_header(&sealed);
}

fn check_header(data: &[u8]) {
    if let Ok((header, _)) = read_header(data) {
        assert!(PAGE_SIZES.contains(&header.page_size) && header.page_size <= data.len());
        let mut page = vec![0; header.page_size];
        header.write_to(&mut page);
        assert!(checksum::header_is_sound(&page));
        assert_eq!(DatabaseHeader::parse(&page), Some(header));
    }
    if let Some(trailer) = Trailer::parse(data) {
        assert_eq!(Trailer::parse(&trailer.to_page(data.len())), Some(trailer));
    }
}

/// A checkpoint file, as it is and with sums that fit: of two sound copies the first counts, and either is enough.
fn ese_checkpoint(data: &[u8]) {
    let _ = Checkpoint::parse(data);
    let mut sealed = data.to_vec();
    sealed.chunks_mut(SEGMENT_SIZE).take(2).for_each(checksum::seal_header);
    let whole = Checkpoint::parse(&sealed);
    let mut copies = sealed.chunks_exact(SEGMENT_SIZE).take(2).map(Checkpoint::parse);
    let (first, second) = (copies.next().flatten(), copies.next().flatten());
    assert_eq!(whole, first.or(second));
}

/// One record: its length is in the bytes, and depends on nothing behind it.
fn ese_log_record(data: &[u8]) {
    match size_of_record(data) {
        Ok(size) => {
            assert!(size > 0 && size <= data.len());
            assert_eq!(size_of_record(&data[..size]), Ok(size));
            assert!(matches!(size_of_record(&data[..size - 1]), Err(RecordFault::TooLong { .. })));
            assert!(!RecordType(data[0]).name().is_empty());
        }
        Err(RecordFault::TooLong { size, room }) => assert!(size > room && room == data.len()),
        Err(RecordFault::UnknownType(kind)) => assert!(kind.name().is_empty()),
        Err(RecordFault::Fragments) => panic!("one record has no pieces"),
    }
}

/// A log, as it is and with sums that fit. The first byte says in which pieces it arrives; nothing may depend on that.
fn ese_log(data: &[u8]) {
    let Some((piece, file)) = data.split_first() else { return };
    let piece = 1 + usize::from(*piece) * 37;
    check_log(file, piece);
    let mut sealed = file.to_vec();
    for (index, segment) in (0..).zip(sealed.chunks_mut(SEGMENT_SIZE)) {
        match index {
            0 => checksum::seal_header(segment),
            // A segment of zeros stays one that was never written.
            _ if segment.iter().all(|byte| *byte == 0) => {}
            _ => checksum::seal_segment(segment, index),
        }
    }
    check_log(&sealed, piece);
}

fn check_log(file: &[u8], piece: usize) {
    let (whole, records) = scan(file, usize::MAX);
    assert_eq!(scan(file, piece), (whole.clone(), records.clone()));
    let segments = (file.len() / SEGMENT_SIZE) as u64;
    let legacy = whole.header.as_ref().is_some_and(LogHeader::is_legacy);
    assert!(legacy || whole.valid + whole.empty <= segments.saturating_sub(1));
    assert_eq!((whole.size, whole.records), (file.len() as u64, records.len() as u64));
    let mut last = LogPosition::default();
    for (position, record) in &records {
        assert!(*position > last && position.offset(SEGMENT_SIZE) < file.len() as u64);
        assert_eq!(size_of_record(record), Ok(record.len()));
        last = *position;
    }
    assert!(whole.faults.iter().all(|fault| fault.offset <= file.len() as u64 && !fault.problem.is_empty()));
    if let Some(header) = whole.header {
        assert_eq!(LogHeader::parse(&header.to_bytes()).map(|again| again.generation), Some(header.generation));
    }
}

fn scan(file: &[u8], piece: usize) -> (LogSummary, Vec<(LogPosition, Vec<u8>)>) {
    let (mut scan, mut records) = (LogScan::new(), Vec::new());
    for piece in file.chunks(piece) {
        scan.push(piece, &mut |position, record| records.push((position, record.to_vec())));
    }
    (scan.finish(), records)
}

/// A page that is taken apart and put together again.
///
/// The first byte says how large the page is, the next two how many of the others are at its start; the rest is at its
/// end, and zeros are between them.
fn ese_image(data: &[u8]) {
    let Some(([size, low, high], content)) = data.split_first_chunk() else { return };
    let size = PAGE_SIZES[usize::from(*size) % PAGE_SIZES.len()];
    let content = &content[..content.len().min(size)];
    let (start, end) = content.split_at(content.len().min(u16::from_le_bytes([*low, *high]).into()));
    let mut bytes = vec![0; size];
    bytes[..start.len()].copy_from_slice(start);
    bytes[size - end.len()..].copy_from_slice(end);
    let Ok(page) = Page::new(PageNumber(7), &bytes) else { return };
    let Ok(image) = PageImage::of(&page) else {
        assert!(page.check().is_err(), "a page that is sound by itself is taken apart");
        return;
    };
    let stored = image.nodes.iter().map(StoredNode::size).chain(image.reserved.iter().map(Vec::len)).sum::<usize>();
    assert!(stored <= size, "a page holds no more than its size");
    match image.to_bytes() {
        Ok(_) => check_image(&image),
        Err(_) => assert!(page.check().is_err(), "a page that is sound by itself is put together again"),
    }
}

/// What is written of an image is the image.
fn check_image(image: &PageImage) {
    let bytes = image.to_bytes().expect("there is room for it");
    assert_eq!(checksum::verify_page(&bytes, image.number), Verdict::Sound);
    let page = Page::new(image.number, &bytes).expect("what was written is a page");
    let mut again = PageImage::of(&page).expect("what was written can be read");
    let mut image = image.clone();
    image.flags |= PageFlags::NEW_CHECKSUM_FORMAT;
    again.uncommitted_free = image.uncommitted_free;
    assert_eq!(again, image);
}

/// A small database and a sequence of records, then the end of the logs, then everything is read.
///
/// The first byte chooses the database. Then records, each: a byte, a 16-bit length, the bytes. Bit 0 of the byte: the
/// counters of changes and the page numbers in the record are made to fit, so that a search gets behind them; bit 1: the
/// counter goes up before.
fn ese_redo(data: &[u8]) {
    let Some((choice, mut script)) = data.split_first() else { return };
    let layout = Layout::of(PAGE_SIZES[usize::from(choice & 7) % PAGE_SIZES.len()]).expect("a page size");
    let reserved_tags = choice >> 3 & 1;
    let pages = Pages::new(layout, reserved_tags);
    let update = if reserved_tags == 1 { DatabaseHeader::RESERVED_TAGS } else { 0x14 };
    let mut header = vec![0; layout.page_size()];
    header[4..8].copy_from_slice(&0x89AB_CDEF_u32.to_le_bytes());
    header[104] = DBID;
    header[232..236].copy_from_slice(&update.to_le_bytes());
    header[236..240].copy_from_slice(&(layout.page_size() as u32).to_le_bytes());
    let header = DatabaseHeader::parse(&header).expect("a header");
    let mut redo = Redo::new(&pages, &header).expect("a page size that exists");
    let (mut clock, mut count) = (DBTIME, 0_u32);
    while let Some(([how, low, high], rest)) = script.split_first_chunk() {
        let length = rest.len().min(u16::from_le_bytes([*low, *high]).into());
        let (record, rest) = rest.split_at(length);
        script = rest;
        count += 1;
        if count > 64 {
            break;
        }
        let mut record = record.to_vec();
        clock += u64::from(how >> 1 & 1);
        if how & 1 != 0 {
            steer(&redo, &mut record, clock);
        }
        let before = changed(&redo);
        let position = LogPosition { generation: 1, segment: 1, byte: count as u16 };
        if redo.apply(position, &record).is_err() {
            assert_eq!(changed(&redo), before, "a record that cannot be applied changes nothing");
        }
    }
    let _ = redo.roll_back();
    redo.settle();
    changed(&redo).values().for_each(check_image);
    let _ = Catalog::load(&redo);
    for (root, objid) in [(CATALOG_ROOT, CATALOG_OBJID), (PageNumber(7), ObjectId(3)), (PageNumber(8), ObjectId(4))] {
        let Ok(tree) = Tree::open(&redo, root, objid) else { continue };
        let mut cursor = tree.cursor();
        let mut nodes = 0_u32;
        while let Ok(Some(_)) = cursor.next() {
            nodes += 1;
        }
        assert!(u64::from(nodes) <= (u64::from(redo.last_page().0) + 1) * 4096);
    }
}

fn changed(redo: &Redo<&Pages>) -> BTreeMap<u32, PageImage> {
    let images = redo.changed().map(|image| image.expect("pages in memory").into_owned());
    images.inspect(check_image).map(|image| (image.number.0, image)).collect()
}

const DBID: u8 = 1;
const DBTIME: u64 = 10;

/// Makes a record fit: it is about this database and about a page near those that there are, and leads from the counter
/// that the page has to `clock`.
fn steer(redo: &Redo<&Pages>, record: &mut [u8], clock: u64) {
    let Some(kind) = record.first().copied().map(RecordType) else { return };
    let put = |record: &mut [u8], at: usize, value: u64| {
        if let Some(place) = record.get_mut(at..at + 8) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    };
    if matches!(kind, RecordType::MACRO_BEGIN | RecordType::MACRO_COMMIT | RecordType::MACRO_ABORT) {
        return put(record, 3, clock);
    }
    // A page number, and where the counter before the change of that page is.
    let page = |record: &mut [u8], at: usize, before: Option<usize>| {
        let Some(number) = number(record, at).filter(|number| *number != 0) else { return };
        let number = (number - 1) % 12 + 1;
        if let Some(place) = record.get_mut(at..at + 4) {
            place.copy_from_slice(&(number as u32).to_le_bytes());
        }
        let mut bytes = vec![0; redo.page_size()];
        if let Some(before) = before
            && redo.read_page(PageNumber(number as u32), &mut bytes).is_ok()
        {
            let mut dbtime = [0; 8];
            dbtime.copy_from_slice(&bytes[8..16]);
            put(record, before, u64::from_le_bytes(dbtime));
        }
    };
    if record.len() > 3 && record[0] >= RecordType::CREATE_MULTIPLE_EXTENT_FDP.0 {
        record[3] = DBID;
    }
    match kind {
        RecordType::NEW_PAGE => {
            page(record, 4, None);
            return put(record, 12, clock);
        }
        RecordType::SPLIT2 => {
            page(record, 32, None);
            page(record, 36, Some(40));
        }
        RecordType::MERGE2 => {
            page(record, 32, Some(36));
            page(record, 44, Some(48));
        }
        RecordType::EMPTY_TREE => (46..record.len()).step_by(16).for_each(|at| page(record, at + 8, Some(at))),
        _ => {}
    }
    page(record, 4, Some(16));
    put(record, 8, clock);
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes: &[u8; 4] = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

/// Eight pages of every kind: never written, damaged, allocated; a tree of three pages, a tree with equal keys, and one
/// whose only page is full.
struct Pages {
    page_size: usize,
    pages: Vec<Vec<u8>>,
}

impl Pages {
    fn new(layout: Layout, reserved_tags: u8) -> Pages {
        let page_size = layout.page_size();
        let new = |number: u32, objid: u32, flags: PageFlags, header: &[u8], nodes: &[(&[u8], &[u8], u16)]| {
            let flags = flags | PageFlags::NEW_RECORD_FORMAT;
            let mut image = PageImage::new(PageNumber(number), layout, ObjectId(objid), flags, DBTIME);
            image.reserved_tags = reserved_tags;
            image.reserved = vec![header.to_vec()];
            image.nodes = nodes
                .iter()
                .map(|(suffix, data, prefix)| StoredNode {
                    flags: if *data == b"deleted" { NodeFlags::DELETED } else { NodeFlags::empty() },
                    prefix: *prefix,
                    suffix: suffix.to_vec(),
                    data: data.to_vec(),
                })
                .collect();
            image
        };
        let space = [[8, 0, 0, 0], [0; 4], [0; 4], [0; 4]].concat();
        let allocated = PageImage { reserved: Vec::new(), ..new(3, 2, PageFlags::PRE_INIT, &[], &[]) };
        let children = [(&b"mm"[..], &[5, 0, 0, 0][..], 0), (b"", &[6, 0, 0, 0], 0)];
        let root = new(4, 2, PageFlags::ROOT | PageFlags::PARENT_OF_LEAF, &space, &children);
        let left = [(&b"a"[..], &b"one"[..], 3), (b"b", b"deleted", 3), (b"c", b"\x01\0\0\0\0\0\0\0\0", 0)];
        let mut left = new(5, 2, PageFlags::LEAF, b"abcd", &left);
        left.next = Some(PageNumber(6));
        let mut right = new(6, 2, PageFlags::LEAF, &[], &[(b"n", b"three", 0), (b"p", b"four", 0)]);
        right.previous = Some(PageNumber(5));
        let equal = [(&b"k"[..], &b"a"[..], 0), (b"k", b"b", 0), (b"l", b"a", 0)];
        let equal = new(7, 3, PageFlags::ROOT | PageFlags::LEAF | PageFlags::NON_UNIQUE_KEYS, &space, &equal);
        let filling = vec![b'.'; layout.data_size() / 2 - 60];
        let full = [(&b"f"[..], filling.as_slice(), 0), (b"g", filling.as_slice(), 0)];
        let full = new(8, 4, PageFlags::ROOT | PageFlags::LEAF, &space, &full);
        let mut pages = vec![vec![0; page_size], vec![0x5A; page_size]];
        let images = [allocated, root, left, right, equal, full];
        pages.extend(images.iter().map(|image| image.to_bytes().expect("there is room for it")));
        Pages { page_size, pages }
    }
}

impl PageSource for Pages {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(self.pages.len() as u32)
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let at = (page.0 as usize).checked_sub(1).ok_or(io::ErrorKind::InvalidInput)?;
        buffer.copy_from_slice(self.pages.get(at).ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}
