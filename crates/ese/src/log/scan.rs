//! A log file, read once from front to back while its bytes pass.

use std::fmt;

use super::legacy;
use super::record::{RecordFault, RecordType, size_of_record};
use super::{LogHeader, SEGMENT_HEADER_SIZE, SEGMENT_SIZE};
use crate::bytes::Bytes;
use crate::checksum::{self, Verdict};
use crate::jet::JetError;
use crate::moment::LogTime;
use crate::position::LogPosition;

/// Looks at a log file while its bytes pass: header, every segment, every record.
///
/// Holds one segment, and one record when it spans several. The records that come before the first damage are handed on;
/// behind it nothing is, because nobody can say where the next one starts.
///
/// A segment is one of these:
///
/// | sum fits | place in its header | it is |
/// |---|---|---|
/// | its index | its own | valid |
/// | its index | earlier | empty: what a recycled file held before |
/// | its index | later | damage |
/// | the index before | | empty: the shadow of the segment before it |
/// | (all zero) | | empty |
/// | neither | | damage; torn, when the next segment is its shadow |
///
/// Nothing valid may follow an empty segment. The last segment of a file holds no records.
#[derive(Debug, Default)]
pub struct LogScan {
    pending: Vec<u8>,
    size: u64,
    index: u32,
    suspect: Option<Suspect>,
    empty_seen: bool,
    stopped: bool,
    partial: Partial,
    ended: Option<RecordType>,
    summary: LogSummary,
}

/// What a log file turned out to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogSummary {
    /// The header; `None` when it is damaged or when this is no log.
    pub header: Option<LogHeader>,
    /// Bytes of the file.
    pub size: u64,
    /// Segments that are valid; sums of a legacy log.
    pub valid: u64,
    /// Segments that are empty.
    pub empty: u64,
    /// Records in them; 0 for a legacy log, whose records are not read.
    pub records: u64,
    /// Exclusive or of the sums of the valid segments.
    pub segments_sum: u64,
    /// When the last valid segment was begun.
    pub last_write: LogTime,
    /// The place behind the last record.
    pub end: LogPosition,
    /// Whether the last record says that the server stopped in order.
    pub closed_in_order: bool,
    /// What is wrong, in the order of the file.
    pub faults: Vec<LogFault>,
}

/// Something that is wrong with a log file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFault {
    /// Where, in bytes from the start of the file.
    pub offset: u64,
    /// Of which kind.
    pub kind: LogFaultKind,
    /// What is wrong: lowercase, no final period.
    pub problem: String,
}

/// What kind of damage a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFaultKind {
    /// The header does not fit its sum, or is none.
    Header,
    /// The file has another size than its header says.
    Size,
    /// A segment does not fit its sum, or is not where it belongs.
    Segment,
    /// The last write was cut; its shadow is there. Recovery of a running server repairs this, a restore does not.
    Torn,
    /// Bits of a segment are wrong and known.
    Correctable,
    /// The bytes of a sound segment are no record.
    Record,
    /// A record of a type that is not known.
    UnknownRecord,
}

impl LogFault {
    /// The code with which ESE reports it for a log outside a backup set.
    #[must_use]
    pub fn code(&self) -> JetError {
        match self.kind {
            LogFaultKind::Size => JetError::LOG_FILE_SIZE_MISMATCH,
            LogFaultKind::UnknownRecord => JetError::BAD_LOG_VERSION,
            LogFaultKind::Correctable => JetError::LOG_READ_VERIFY_FAILURE,
            _ => JetError::LOG_FILE_CORRUPT,
        }
    }

    /// The code with which a restore reports it for a log of a backup set.
    #[must_use]
    pub fn restore_code(&self) -> JetError {
        match self.kind {
            LogFaultKind::Segment | LogFaultKind::Record => JetError::LOG_CORRUPT_DURING_HARD_RESTORE,
            LogFaultKind::Torn => JetError::LOG_TORN_WRITE_DURING_HARD_RESTORE,
            _ => self.code(),
        }
    }

    /// Whether ESE goes on in spite of it.
    #[must_use]
    pub fn is_correctable(&self) -> bool {
        self.kind == LogFaultKind::Correctable
    }
}

impl fmt::Display for LogFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.problem, self.offset)
    }
}

/// Takes the place and the bytes of each record.
pub type Records<'a> = dyn FnMut(LogPosition, &[u8]) + 'a;

/// A segment that does not fit its sum; the next one decides what it is.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    index: u32,
    stored: u64,
    computed: u64,
}

/// A record of which only the first pieces have been seen.
#[derive(Debug, Default)]
struct Partial {
    bytes: Vec<u8>,
    total: usize,
    position: LogPosition,
}

impl LogScan {
    /// Starts at the first byte of a file.
    #[must_use]
    pub fn new() -> Self {
        LogScan::default()
    }

    /// Takes the next bytes, any number of them.
    pub fn push(&mut self, mut bytes: &[u8], records: &mut Records<'_>) {
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let legacy = self.summary.header.as_ref().filter(|header| header.is_legacy());
            // A legacy log is looked at as a whole, when all of it is there; what its header does not announce is let go.
            let room = match legacy {
                Some(header) => usize::try_from(header.file_size().min(legacy::LIMIT)).unwrap_or_default(),
                None => SEGMENT_SIZE,
            };
            let (now, later) = bytes.split_at(bytes.len().min(room.saturating_sub(self.pending.len())));
            if now.is_empty() {
                return;
            }
            self.pending.extend_from_slice(now);
            bytes = later;
            if self.pending.len() == room && legacy.is_none() {
                let mut segment = std::mem::take(&mut self.pending);
                self.segment(&mut segment, records);
                if self.summary.header.as_ref().is_none_or(|header| !header.is_legacy()) {
                    segment.clear();
                }
                self.pending = segment;
            }
        }
    }

    /// Ends at the last byte of the file.
    #[must_use]
    pub fn finish(mut self) -> LogSummary {
        self.summary.size = self.size;
        if self.index == 0 {
            self.fault(0, LogFaultKind::Header, format!("the file has {} bytes, no room for a header", self.size));
        }
        if let Some(header) = self.summary.header.take() {
            if header.file_size() != self.size {
                let problem = format!("the file has {} bytes, its header says {}", self.size, header.file_size());
                self.fault(self.size.min(header.file_size()), LogFaultKind::Size, problem);
            }
            if header.is_legacy() && header.file_size() <= legacy::LIMIT {
                legacy::verify(&self.pending, &header, &mut self.summary);
            } else if header.is_legacy() {
                let problem = format!(
                    "a log of version 7 with {} bytes, more than the {} of any",
                    header.file_size(),
                    legacy::LIMIT
                );
                self.fault(legacy::LIMIT, LogFaultKind::Size, problem);
            }
            self.summary.header = Some(header);
        }
        self.settle_suspect(false);
        self.summary.closed_in_order = matches!(
            self.ended,
            Some(
                RecordType::TERM
                    | RecordType::TERM2
                    | RecordType::RECOVERY_QUIT
                    | RecordType::RECOVERY_QUIT2
                    | RecordType::RECOVERY_QUIT_KEEP_ATTACHMENTS
            )
        );
        self.summary
    }

    /// What has been seen so far.
    #[must_use]
    pub fn summary(&self) -> &LogSummary {
        &self.summary
    }

    fn segment(&mut self, segment: &mut [u8], records: &mut Records<'_>) {
        let index = self.index;
        self.index += 1;
        if index == 0 {
            self.summary.header = LogHeader::parse(segment);
            match &self.summary.header {
                Some(header) => self.summary.end = LogPosition { generation: header.generation, segment: 1, byte: 0 },
                None => self.bad_header(segment),
            }
            return;
        }
        let Some(header) = &self.summary.header else { return };
        let (generation, sectors) = (header.generation, u32::from(header.sectors));
        let shadows_suspect = match self.suspect {
            Some(suspect) => {
                checksum::verify_segment(segment, suspect.index) == Verdict::Sound
                    && LogPosition::at(segment, 8).is_some_and(|at| u32::from(at.segment) == suspect.index)
            }
            None => false,
        };
        self.settle_suspect(shadows_suspect);
        // The last segment is there for shadows only, and behind it nothing belongs to the log.
        if self.stopped || index + 1 >= sectors {
            return;
        }
        let offset = u64::from(index) * SEGMENT_SIZE as u64;
        match checksum::verify_segment(segment, index) {
            Verdict::Blank => return self.empty(),
            Verdict::Sound => {}
            Verdict::Correctable { bits } => {
                checksum::correct(segment, &bits);
                let problem = format!("segment {index}: bit {} of byte {} is wrong", bits[0] % 8, bits[0] / 8);
                self.fault(offset + u64::from(bits[0] / 8), LogFaultKind::Correctable, problem);
            }
            Verdict::Damaged { stored, computed } => {
                let shadow = index > 1
                    && matches!(
                        checksum::verify_segment(segment, index - 1),
                        Verdict::Sound | Verdict::Correctable { .. }
                    );
                if shadow {
                    return self.empty();
                }
                self.suspect = Some(Suspect { index, stored, computed });
                self.stopped = true;
                return;
            }
        }
        let position = LogPosition::at(segment, 8).unwrap_or_default();
        let own = LogPosition { generation, segment: u16::try_from(index).unwrap_or(u16::MAX), byte: 0 };
        if position < own {
            return self.empty();
        }
        if position > own {
            self.stopped = true;
            return self.fault(offset, LogFaultKind::Segment, format!("segment {index} says that it is {position}"));
        }
        if self.empty_seen {
            self.stopped = true;
            let problem = format!("segment {index} is written, and one before it is empty");
            return self.fault(offset, LogFaultKind::Segment, problem);
        }
        self.summary.valid += 1;
        self.summary.segments_sum ^= segment.u64_at(0).unwrap_or_default();
        self.summary.last_write =
            LogTime::at(segment, 16).filter(|time| !time.is_none()).unwrap_or(self.summary.last_write);
        self.summary.end = LogPosition { segment: own.segment.saturating_add(1), ..own };
        if let Err((byte, problem)) = self.records(segment, own, records) {
            self.stopped = true;
            let kind = match problem {
                RecordFault::UnknownType(_) => LogFaultKind::UnknownRecord,
                _ => LogFaultKind::Record,
            };
            self.fault(offset + byte as u64, kind, problem.to_string());
        }
    }

    /// Hands on the records of a valid segment.
    fn records(
        &mut self,
        segment: &[u8],
        own: LogPosition,
        records: &mut Records<'_>,
    ) -> Result<(), (usize, RecordFault)> {
        let mut at = SEGMENT_HEADER_SIZE;
        while let Some(bytes) = segment.get(at..).filter(|bytes| !bytes.is_empty()) {
            let kind = RecordType(bytes[0]);
            if kind == RecordType::NOP {
                at += 1;
                continue;
            }
            let size = size_of_record(bytes).map_err(|fault| (at, fault))?;
            let record = &bytes[..size];
            let position = LogPosition { byte: u16::try_from(at).unwrap_or(u16::MAX), ..own };
            let wrong = (at, RecordFault::Fragments);
            match kind {
                RecordType::FRAGMENT_BEGIN => {
                    let again = at == SEGMENT_HEADER_SIZE && record.u8_at(7) == Some(RecordType::UNDO_INFO.0);
                    if self.partial.total != 0 && !again {
                        return Err(wrong);
                    }
                    let total = record.u32_at(1).unwrap_or_default() as usize;
                    let piece = record.get(7..).unwrap_or_default();
                    if piece.len() >= total {
                        return Err(wrong);
                    }
                    self.partial = Partial { bytes: piece.to_vec(), total, position };
                }
                RecordType::FRAGMENT => {
                    let piece = record.get(3..).unwrap_or_default();
                    if self.partial.total == 0 || piece.len() > self.partial.total - self.partial.bytes.len() {
                        return Err(wrong);
                    }
                    self.partial.bytes.extend_from_slice(piece);
                    if self.partial.bytes.len() == self.partial.total {
                        let whole = std::mem::take(&mut self.partial);
                        if size_of_record(&whole.bytes).map_err(|fault| (at, fault))? != whole.total {
                            return Err(wrong);
                        }
                        self.record(whole.position, &whole.bytes, records);
                    }
                }
                _ => {
                    if self.partial.total != 0 {
                        // A write was cut in the middle of a record; what follows is the recovery from that.
                        let recovery = matches!(
                            kind,
                            RecordType::RECOVERY_UNDO | RecordType::RECOVERY_UNDO2 | RecordType::UNDO_INFO
                        );
                        if at != SEGMENT_HEADER_SIZE || !recovery {
                            return Err(wrong);
                        }
                        self.partial = Partial::default();
                    }
                    self.record(position, record, records);
                }
            }
            at += size;
        }
        Ok(())
    }

    fn record(&mut self, position: LogPosition, record: &[u8], records: &mut Records<'_>) {
        self.summary.records += 1;
        let kind = RecordType(record[0]);
        if kind != RecordType::NOP2 {
            self.ended = Some(kind);
        }
        records(position, record);
    }

    fn empty(&mut self) {
        self.summary.empty += 1;
        self.empty_seen = true;
    }

    fn bad_header(&mut self, header: &[u8]) {
        let stored = header.u32_at(0).unwrap_or_default();
        let computed = checksum::xor(header);
        let problem = if stored == computed {
            "this is no log file".to_owned()
        } else {
            format!("the header has the checksum {stored:#010x}, its content gives {computed:#010x}")
        };
        self.fault(0, LogFaultKind::Header, problem);
    }

    fn settle_suspect(&mut self, shadowed: bool) {
        let Some(Suspect { index, stored, computed }) = self.suspect.take() else { return };
        let offset = u64::from(index) * SEGMENT_SIZE as u64;
        let sums = format!("has the checksum {stored:#018x}, its content gives {computed:#018x}");
        if shadowed && !self.empty_seen {
            self.fault(
                offset,
                LogFaultKind::Torn,
                format!("segment {index} {sums}; the segment behind it is its shadow"),
            );
        } else {
            self.fault(offset, LogFaultKind::Segment, format!("segment {index} {sums}"));
        }
    }

    fn fault(&mut self, offset: u64, kind: LogFaultKind, problem: String) {
        self.summary.faults.push(LogFault { offset, kind, problem });
    }
}
