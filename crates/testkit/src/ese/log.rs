//! The transaction logs: records go into segments, segments into files, one generation after the other.

use std::collections::BTreeMap;

use ese::log::{Attachment, LogHeader, RecordType, SEGMENT_HEADER_SIZE, SEGMENT_SIZE};
use ese::{LogPosition, LogTime, Signature, checksum};

use super::clock::Clock;
use super::format::Format;

/// All generations, the one that is being written last.
#[derive(Clone, Debug)]
pub(super) struct Logs {
    format: Format,
    sectors: u16,
    pub(super) signature: Signature,
    path: String,
    files: BTreeMap<u32, Vec<u8>>,
    created: BTreeMap<u32, LogTime>,
    pub(super) attachments: Vec<Attachment>,
    pub(super) checkpoint: LogPosition,
    generation: u32,
    segment: usize,
    at: usize,
    begun: LogTime,
}

const FRAGMENT_BEGIN: usize = 7;
const FRAGMENT: usize = 3;
const FLAGS: usize = 36;
const NEW_CHECKSUM_FORMAT: u32 = 0x2000;

impl Logs {
    /// The first generation, with no record in it. A file has this many segments, its header included.
    pub(super) fn new(
        format: Format,
        signature: Signature,
        path: &str,
        first: u32,
        sectors: u16,
        clock: &mut Clock,
    ) -> Self {
        let mut logs = Logs {
            format,
            sectors,
            signature,
            path: path.to_owned(),
            files: BTreeMap::new(),
            created: BTreeMap::new(),
            attachments: Vec::new(),
            checkpoint: LogPosition { generation: first, segment: 1, byte: SEGMENT_HEADER_SIZE as u16 },
            generation: first,
            segment: 1,
            at: SEGMENT_HEADER_SIZE,
            begun: LogTime::NONE,
        };
        logs.open_generation(LogTime::NONE, 0, clock);
        logs
    }

    /// The generation that is being written.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// When a generation was created.
    pub(super) fn created(&self, generation: u32) -> LogTime {
        self.created[&generation]
    }

    /// Where the next record goes, if it fits.
    pub(super) fn position(&self) -> LogPosition {
        LogPosition { generation: self.generation, segment: self.segment as u16, byte: self.at as u16 }
    }

    /// The file of a generation: complete when it is not the one that is being written.
    pub(super) fn file(&self, generation: u32) -> &[u8] {
        &self.files[&generation]
    }

    /// What the header of a log repeats from the settings of the engine (`DBMS_PARAM`).
    pub(super) fn parameters(&self) -> Vec<u8> {
        self.files[&self.generation][72..639].to_vec()
    }

    /// Appends a record; it goes into the next generation when there is no room for it in this one.
    pub(super) fn append(&mut self, record: &[u8], clock: &mut Clock) -> LogPosition {
        if self.room() < record.len() {
            self.roll_over(clock);
        }
        // No piece of less than a byte, and no fragment where none is needed.
        if self.left() < record.len() && self.left() <= FRAGMENT_BEGIN {
            self.next_segment(clock);
        }
        let position = self.position();
        if record.len() <= self.left() {
            self.write(record);
            return position;
        }
        let (piece, mut rest) = record.split_at(self.left() - FRAGMENT_BEGIN);
        self.write(&[RecordType::FRAGMENT_BEGIN.0]);
        self.write(&(record.len() as u32).to_le_bytes());
        self.write(&(piece.len() as u16).to_le_bytes());
        self.write(piece);
        while !rest.is_empty() {
            self.next_segment(clock);
            let (piece, later) = rest.split_at(rest.len().min(self.left() - FRAGMENT));
            self.write(&[RecordType::FRAGMENT.0]);
            self.write(&(piece.len() as u16).to_le_bytes());
            self.write(piece);
            rest = later;
        }
        position
    }

    /// Fills the rest of the segment, as a server does that forces its log to disk and goes on behind it.
    pub(super) fn pad(&mut self, clock: &mut Clock) {
        const HEAD: usize = 5;
        if self.at == SEGMENT_HEADER_SIZE {
            return;
        }
        if self.left() >= HEAD {
            let filler = self.left() - HEAD;
            self.write(&[RecordType::NOP2.0]);
            self.write(&(filler as u32).to_le_bytes());
            self.at += filler;
        }
        if self.segment + 2 < usize::from(self.sectors) {
            self.next_segment(clock);
        } else {
            self.roll_over(clock);
        }
    }

    /// Closes the generation and opens the next.
    pub(super) fn roll_over(&mut self, clock: &mut Clock) {
        self.seal();
        let file = &self.files[&self.generation];
        let sum = (1..=self.segment).fold(0, |sum, segment| {
            let at = segment * SEGMENT_SIZE;
            sum ^ file[at..at + 8].try_into().map_or(0, u64::from_le_bytes)
        });
        let previous = self.created(self.generation);
        self.generation += 1;
        self.open_generation(previous, sum, clock);
    }

    /// The current file with its last segment sealed, as it would be on disk.
    pub(super) fn flush(&mut self) {
        self.seal();
    }

    fn open_generation(&mut self, previous: LogTime, previous_segments: u64, clock: &mut Clock) {
        let created = clock.now();
        let header = LogHeader {
            generation: self.generation,
            sector_size: SEGMENT_SIZE as u16,
            header_sectors: 1,
            sectors: self.sectors,
            page_size: self.format.page_size,
            created,
            previous_created: previous,
            version: self.format.log_version,
            signature: self.signature,
            paths: [self.path.clone(), self.path.clone()],
            flags: 0,
            checkpoint: self.checkpoint,
            previous_segments: if self.format.log_version[3] >= LogHeader::PREVIOUS_SEGMENTS {
                previous_segments
            } else {
                0
            },
            engine_version: self.format.engine_version,
            file_type: 3,
            attachments: self.attachments.clone(),
        };
        let mut file = header.to_bytes();
        file.resize(usize::from(self.sectors) * SEGMENT_SIZE, 0);
        self.files.insert(self.generation, file);
        self.created.insert(self.generation, created);
        self.segment = 1;
        self.at = SEGMENT_HEADER_SIZE;
        self.begun = clock.now();
    }

    fn next_segment(&mut self, clock: &mut Clock) {
        self.seal();
        self.segment += 1;
        self.at = SEGMENT_HEADER_SIZE;
        self.begun = clock.now();
    }

    fn seal(&mut self) {
        let position = LogPosition { byte: 0, ..self.position() };
        let (begun, index) = (self.begun, self.segment);
        let segment = self.bytes();
        segment[8..16].copy_from_slice(&position.to_bytes());
        segment[16..24].copy_from_slice(&begun.0);
        segment[FLAGS..FLAGS + 4].copy_from_slice(&NEW_CHECKSUM_FORMAT.to_le_bytes());
        checksum::seal_segment(segment, index as u32);
    }

    fn bytes(&mut self) -> &mut [u8] {
        let start = self.segment * SEGMENT_SIZE;
        let file = self.files.entry(self.generation).or_default();
        &mut file[start..start + SEGMENT_SIZE]
    }

    fn write(&mut self, bytes: &[u8]) {
        let at = self.at;
        self.bytes()[at..at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    /// Bytes left in the segment.
    fn left(&self) -> usize {
        SEGMENT_SIZE - self.at
    }

    /// Bytes that a record may have at most, so that it still fits this file. The last segment holds none.
    fn room(&self) -> usize {
        let whole = usize::from(self.sectors) - 2 - self.segment;
        self.left().saturating_sub(FRAGMENT_BEGIN) + whole * (SEGMENT_SIZE - SEGMENT_HEADER_SIZE - FRAGMENT)
    }
}
