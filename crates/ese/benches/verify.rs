//! Checksums of pages, scan of logs and redo, on one core.
//!
//! `cargo bench -p ese --bench verify`. Pages and logs are composed; with real logs below `CABAK_SAMPLES` redo is measured
//! over those too. Each line is the median of the rounds, with the lowest and the highest.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ese::checksum::{self, Verdict};
use ese::header::DatabaseHeader;
use ese::log::{LogHeader, LogScan, SEGMENT_HEADER_SIZE, SEGMENT_SIZE};
use ese::redo::Redo;
use ese::{LogPosition, LogTime, PageNumber, PageSource, Signature};

const ROUNDS: usize = 7;
/// What each round goes over.
const BYTES: usize = 256 << 20;
/// More than a cache of the second level, less than the memory of a small machine.
const BUFFER: usize = 16 << 20;

fn main() {
    for page_size in [4096, 8192, 0x4000, 0x8000] {
        pages(page_size, true);
    }
    pages(4096, false);
    headers();
    let log = log();
    scan(&log);
    redo(&log);
    real();
}

fn pages(page_size: usize, new_format: bool) {
    let mut bytes = noise(BUFFER);
    for (number, page) in (1..).zip(bytes.chunks_exact_mut(page_size)) {
        if new_format {
            checksum::seal_page(page, PageNumber(number));
        } else {
            page[36..40].fill(0);
            page[4..8].copy_from_slice(&number.to_le_bytes());
            checksum::seal_header(page);
        }
    }
    let rates = rounds(|| {
        for _ in 0..BYTES / BUFFER {
            for (number, page) in (1..).zip(black_box(&bytes).chunks_exact(page_size)) {
                assert_eq!(checksum::verify_page(page, PageNumber(number)), Verdict::Sound);
            }
        }
        BYTES as f64
    });
    let format = if new_format { "XOR and ECC" } else { "old format" };
    row(&format!("verify pages of {} KiB, {format}", page_size / 1024), "GB/s", &rates, 1e9);
}

fn headers() {
    let mut bytes = noise(BUFFER);
    bytes.chunks_exact_mut(4096).for_each(checksum::seal_header);
    let rates = rounds(|| {
        for _ in 0..BYTES / BUFFER {
            assert!(black_box(&bytes).chunks_exact(4096).all(checksum::header_is_sound));
        }
        BYTES as f64
    });
    row("verify headers of 4 KiB", "GB/s", &rates, 1e9);
}

/// A log of 16 MiB that writes rows into one database: transactions of ten inserts each.
fn log() -> Vec<u8> {
    let sectors = 4096_u16;
    let header = LogHeader {
        generation: 1,
        sector_size: 4096,
        header_sectors: 1,
        sectors,
        page_size: 4096,
        created: LogTime([30, 15, 9, 1, 3, 126, 1, 0]),
        previous_created: LogTime::NONE,
        version: [8, 4000, 90, 200],
        signature: Signature([7; 28]),
        paths: [String::new(), String::new()],
        flags: 0,
        checkpoint: LogPosition::default(),
        previous_segments: 0,
        engine_version: 9360,
        file_type: 3,
        attachments: Vec::new(),
    };
    let mut log = header.to_bytes();
    let mut records = Records::default();
    for index in 1..u32::from(sectors) - 1 {
        let mut segment = vec![0; SEGMENT_SIZE];
        segment[8..16].copy_from_slice(
            &LogPosition { generation: 1, segment: u16::try_from(index).unwrap(), byte: 0 }.to_bytes(),
        );
        segment[36..40].copy_from_slice(&0x2000_u32.to_le_bytes());
        let mut at = SEGMENT_HEADER_SIZE;
        while let Some(place) = segment.get_mut(at..at + Records::MOST) {
            let record = records.next();
            place[..record.len()].copy_from_slice(&record);
            at += record.len();
        }
        checksum::seal_segment(&mut segment, index);
        log.extend(segment);
    }
    log.resize(usize::from(sectors) * SEGMENT_SIZE, 0);
    log
}

/// Records of a session: a root page is made, 25 rows are put on it, the next one is made.
#[derive(Default)]
struct Records {
    page: u32,
    rows: u32,
    dbtime: u64,
    step: u32,
}

impl Records {
    const MOST: usize = 50 + 8 + 120;

    fn next(&mut self) -> Vec<u8> {
        self.step += 1;
        match self.step % 12 {
            1 => return [&[8, 1, 0, 0x10][..], &self.step.to_le_bytes()].concat(),
            0 => return [&[9, 1, 0, 0][..], &self.step.to_le_bytes()].concat(),
            _ => {}
        }
        self.dbtime += 1;
        let before = self.dbtime - 1;
        if self.rows.is_multiple_of(25) {
            self.rows = 1;
            self.page += 1;
            let fields: Vec<u8> = [self.page + 1, 1, 1, 0x800].into_iter().flat_map(u32::to_le_bytes).collect();
            return [self.shared(25, before, 0, 4), fields].concat();
        }
        let line = self.rows - 1;
        self.rows += 1;
        let fields: Vec<u8> = [self.step, self.page, self.page + 1].into_iter().flat_map(u32::to_le_bytes).collect();
        let lengths: Vec<u8> = [8_u16, 0, 120].into_iter().flat_map(u16::to_le_bytes).collect();
        let key = u64::from(self.step).to_be_bytes();
        let shared = self.shared(29, before, u16::try_from(line).unwrap(), 5);
        [shared, fields, lengths, key.to_vec(), vec![b'x'; 120]].concat()
    }

    fn shared(&self, kind: u8, before: u64, line: u16, flags: u8) -> Vec<u8> {
        let mut bytes = vec![kind, 1, 0, 1];
        bytes.extend(self.page.to_le_bytes());
        bytes.extend(self.dbtime.to_le_bytes());
        bytes.extend(before.to_le_bytes());
        bytes.extend([7, 0, 0, 0, 1]);
        bytes.extend(line.to_le_bytes());
        bytes.push(flags);
        bytes
    }
}

fn scan(log: &[u8]) {
    let mut records = 0;
    let rates = rounds(|| {
        let mut scan = LogScan::new();
        for piece in black_box(log).chunks(64 << 10) {
            scan.push(piece, &mut |_, record| {
                black_box(record);
            });
        }
        let summary = scan.finish();
        assert_eq!(summary.faults, []);
        records = summary.records;
        log.len() as f64
    });
    row(&format!("scan a log of {} MiB, {records} records", log.len() >> 20), "GB/s", &rates, 1e9);
}

fn redo(log: &[u8]) {
    let mut last = (0, 0);
    let rates = rounds(|| {
        let mut redo = Redo::new(Nothing, &header()).unwrap();
        last = replay(&mut redo, log);
        log.len() as f64
    });
    let (records, pages) = last;
    row(&format!("redo of that log, {pages} pages"), "MB/s", &rates, 1e6);
    let per_byte = records as f64 / log.len() as f64;
    row("the same", "records/s", &rates.iter().map(|rate| rate * per_byte).collect::<Vec<_>>(), 1.0);
}

/// The logs that rebuild a database which Windows wrote, when they are at hand.
fn real() {
    let root = std::env::var_os("CABAK_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples"), PathBuf::from)
        .join("ese");
    let names = ["a/SRU00001.log", "b/SRUtmp.log", "b/SRU00003.log", "b/SRU00004.log", "b/SRU.log"];
    let logs: Result<Vec<_>, _> =
        names.iter().map(|name| std::fs::read(root.join(format!("server2022-{name}")))).collect();
    let Ok(logs) = logs else {
        println!("skipped: no samples in {}; set CABAK_SAMPLES", root.display());
        return;
    };
    let (mut records, mut pages) = (0, 0);
    let rates = rounds(|| {
        let mut redo = Redo::from_nothing(Nothing, 0xB4).unwrap();
        for log in &logs {
            redo.begin_log(&LogHeader::parse(log).unwrap());
            (records, pages) = replay(&mut redo, log);
        }
        records as f64
    });
    row(&format!("redo of Server 2022 from its {} logs, {pages} pages", logs.len()), "records/s", &rates, 1.0);
}

fn replay(redo: &mut Redo<Nothing>, log: &[u8]) -> (u64, usize) {
    let mut scan = LogScan::new();
    let mut stop = None;
    scan.push(black_box(log), &mut |position, record| {
        if stop.is_none() {
            stop = redo.apply(position, record).err();
        }
    });
    assert!(stop.is_none(), "{stop:?}");
    (redo.progress().records, redo.changed_pages())
}

struct Nothing;

impl PageSource for Nothing {
    fn page_size(&self) -> usize {
        4096
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(0)
    }

    fn read_page(&self, _: PageNumber, _: &mut [u8]) -> std::io::Result<()> {
        Err(std::io::ErrorKind::UnexpectedEof.into())
    }
}

fn header() -> DatabaseHeader {
    let mut page = vec![0; 4096];
    page[4..8].copy_from_slice(&0x89AB_CDEF_u32.to_le_bytes());
    page[104] = 1;
    DatabaseHeader::parse(&page).unwrap()
}

/// What each round did, a second.
fn rounds(mut round: impl FnMut() -> f64) -> Vec<f64> {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            let done = round();
            done / start.elapsed().as_secs_f64()
        })
        .collect()
}

fn row(what: &str, unit: &str, rates: &[f64], scale: f64) {
    let mut sorted: Vec<f64> = rates.iter().map(|rate| rate / scale).collect();
    sorted.sort_by(f64::total_cmp);
    let (low, median, high) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let digits = if high < 1000.0 { 2 } else { 0 };
    println!("{median:>10.digits$} {unit:<9}  ({low:.digits$} to {high:.digits$}, {ROUNDS} rounds)  {what}");
}

/// Bytes without a pattern, always the same.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes
}
