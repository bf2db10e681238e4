//! When a backup set restores: the rules of ESE, in its order.
//!
//! A *set* is the copy of a database and the logs that were taken with it, or after it. A restore of Windows looks at it in
//! this order (`ErrLGIRSTCheckSignaturesLogSequence`, `ErrLGCheckDBFiles`, `ErrLGRedoFill`), and stops at the first fault; all
//! of them are reported here.
//!
//! | rule | code |
//! |---|---|
//! | every log has a header | -501 |
//! | every generation between the first log and the last is there | -557 |
//! | all logs have the same signature | -555 |
//! | each log names the creation time of the one before it | -556 |
//! | the header of the database is readable, in one of its copies | -1206 |
//! | the database is a backup copy | -615 |
//! | its trailer is there and whole | -535 |
//! | header and trailer are of one backup, of one database, and of these logs | -552 |
//! | the first log is not later than the first that the copy needs | -554 |
//! | the last log is not earlier than the last that the copy needs | -553 |
//! | no log of the set is damaged, or ends in a cut write | -573, -570 |
//! | each log names the sum over the segments of the one before it | -590 |
//! | every page fits its checksum | -1018 |

use std::fmt;

use crate::header::DatabaseSummary;
use crate::jet::JetError;
use crate::log::{LogFault, LogHeader, LogSummary, SEGMENT_SIZE};

/// One log of a set.
#[derive(Clone, Debug)]
pub struct SetLog {
    /// The generation that its name says; `None` for the current log of a server.
    pub named: Option<u32>,
    /// What it holds.
    pub summary: LogSummary,
}

impl SetLog {
    /// The generation: of the header, and when that is damaged, of the name.
    #[must_use]
    pub fn generation(&self) -> Option<u32> {
        self.summary.header.as_ref().map(|header| header.generation).or(self.named)
    }
}

/// Which part of a set a fault is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The set as a whole: something is missing.
    Set,
    /// The database.
    Database,
    /// A log: its place in the list that was given.
    Log(usize),
}

/// Something that is wrong with a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetFault {
    /// Where.
    pub part: Part,
    /// The byte of the file.
    pub offset: Option<u64>,
    /// The code with which a restore reports it.
    pub code: JetError,
    /// Whether a restore goes on in spite of it.
    pub correctable: bool,
    /// What is wrong: lowercase, no final period.
    pub problem: String,
}

impl fmt::Display for SetFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.problem, self.code)
    }
}

/// What the rules say about a set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SetReport {
    /// What is wrong, in the order in which a restore would find it.
    pub faults: Vec<SetFault>,
    /// First and last generation that the copy needs; `None` when it does not say, or is no backup copy.
    pub needed: Option<(u32, u32)>,
    /// First and last generation that is there.
    pub present: Option<(u32, u32)>,
    /// The last generation up to which the logs are whole, beginning with the first that is needed.
    pub whole_until: Option<u32>,
}

impl SetReport {
    /// Whether a restore finds nothing that stops it.
    #[must_use]
    pub fn is_restorable(&self) -> bool {
        self.faults.iter().all(|fault| fault.correctable)
    }
}

/// Applies the rules. The logs are in the order of their generations; a set that was taken incrementally has the logs of all
/// its parts. Without a database only the logs are looked at.
#[must_use]
pub fn check(database: Option<&DatabaseSummary>, logs: &[SetLog]) -> SetReport {
    let mut report = SetReport::default();
    let generations: Vec<u32> = logs.iter().filter_map(SetLog::generation).collect();
    report.present = generations.first().copied().zip(generations.last().copied());
    report.sequence(logs);
    if let Some(database) = database {
        report.database(database, logs);
    }
    let first = report.needed.map(|(low, _)| low).or(report.present.map(|(low, _)| low));
    report.content(logs, first);
    if let Some(database) = database {
        report.pages(database);
    }
    report
}

impl SetReport {
    fn fault(&mut self, part: Part, offset: Option<u64>, code: JetError, problem: impl Into<String>) {
        self.faults.push(SetFault { part, offset, code, correctable: false, problem: problem.into() });
    }

    /// The headers of the logs, and their neighbourhood.
    fn sequence(&mut self, logs: &[SetLog]) {
        let mut previous: Option<&LogHeader> = None;
        for (index, log) in logs.iter().enumerate() {
            let part = Part::Log(index);
            let Some(header) = &log.summary.header else {
                let problem = log.summary.faults.first().map_or("no header".to_owned(), ToString::to_string);
                self.fault(part, Some(0), JetError::LOG_FILE_CORRUPT, problem);
                previous = None;
                continue;
            };
            if log.named.is_some_and(|named| named != header.generation) {
                let problem = format!("the header says generation {:#x}", header.generation);
                self.fault(part, Some(4), JetError::LOG_GENERATION_MISMATCH, problem);
            }
            if let Some(previous) = previous {
                self.neighbours(part, previous, header);
            }
            previous = Some(header);
        }
    }

    fn neighbours(&mut self, part: Part, previous: &LogHeader, header: &LogHeader) {
        let (before, now) = (previous.generation, header.generation);
        if now <= before {
            let problem = format!("generation {now:#x} comes after generation {before:#x}");
            self.fault(part, Some(4), JetError::GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS, problem);
            return;
        }
        if now - before > 1 {
            let problem = match now - before {
                2 => format!("the log of generation {:#x} is missing", before + 1),
                _ => format!("the logs of generations {:#x} to {:#x} are missing", before + 1, now - 1),
            };
            self.fault(Part::Set, None, JetError::MISSING_RESTORE_LOG_FILES, problem);
            return;
        }
        if header.signature != previous.signature {
            let problem =
                format!("the log has the signature {}, the one before it {}", header.signature, previous.signature);
            self.fault(part, Some(44), JetError::GIVEN_LOG_FILE_HAS_BAD_SIGNATURE, problem);
        } else if header.previous_created != previous.created {
            let problem = format!(
                "the log follows one of {}, the one before it is of {}",
                header.previous_created, previous.created
            );
            self.fault(part, Some(24), JetError::GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS, problem);
        }
    }

    /// Header, trailer, and the logs that they demand.
    fn database(&mut self, database: &DatabaseSummary, logs: &[SetLog]) {
        let Some(header) = &database.header else {
            let (offset, code, problem) = database.faults.first().map_or_else(
                || (0, JetError::DATABASE_CORRUPTED, "no header".to_owned()),
                |fault| (fault.offset, fault.code, fault.problem.clone()),
            );
            return self.fault(Part::Database, Some(offset), code, problem);
        };
        if header.attribute != 0 {
            let problem = format!("the header says that the file is of kind {}", header.attribute);
            self.fault(Part::Database, Some(12), JetError::DATABASE_CORRUPTED, problem);
        }
        let log_signature = logs.iter().find_map(|log| log.summary.header.as_ref()).map(|log| log.signature);
        let foreign = |signature| log_signature.is_some_and(|logs| logs != signature);
        if header.this_backup.low == 0 {
            if foreign(header.log_signature) {
                let problem = format!("the database goes with the logs {}", header.log_signature);
                self.fault(Part::Database, Some(108), JetError::DATABASE_PATCH_FILE_MISMATCH, problem);
            }
            let problem = format!("the database is no backup copy; it was left in the state {}", header.state);
            return self.fault(Part::Database, Some(184), JetError::RESTORE_OF_NON_BACKUP_DATABASE, problem);
        }
        let low = header.this_backup.low;
        let high = match (header.this_backup.high, &database.trailer) {
            (0, Some(trailer)) => {
                let page = database.size.saturating_sub(header.page_size as u64);
                let mut differ = |at: u64, what: String| {
                    self.fault(Part::Database, Some(page + at), JetError::DATABASE_PATCH_FILE_MISMATCH, what);
                };
                if trailer.signature != header.signature {
                    differ(64, format!("the trailer belongs to the database {}", trailer.signature));
                }
                if trailer.log_signature != header.log_signature || foreign(trailer.log_signature) {
                    differ(92, format!("the trailer goes with the logs {}", trailer.log_signature));
                }
                if trailer.backup.mark != header.this_backup.mark {
                    differ(40, format!("the trailer belongs to the backup that began at {}", trailer.backup.mark));
                }
                if trailer.backup.high == 0 {
                    differ(60, "the trailer does not say which log the copy needs last".to_owned());
                }
                trailer.backup.high
            }
            (0, None) => {
                let fault = database.faults.iter().find(|fault| fault.code == JetError::BAD_PATCH_PAGE);
                let problem = fault.map_or("the trailer page is missing".to_owned(), |fault| fault.problem.clone());
                let offset = fault.map(|fault| fault.offset);
                self.fault(Part::Database, offset, JetError::BAD_PATCH_PAGE, problem);
                0
            }
            (high, _) => high,
        };
        if foreign(header.log_signature) {
            let problem = format!("the database goes with the logs {}, these are others", header.log_signature);
            self.fault(Part::Database, Some(108), JetError::DATABASE_PATCH_FILE_MISMATCH, problem);
        }
        if high == 0 {
            return;
        }
        self.needed = Some((low, high));
        match self.present {
            None => {
                let problem = format!("there are no logs; the copy needs the generations {low:#x} to {high:#x}");
                self.fault(Part::Set, None, JetError::MISSING_RESTORE_LOG_FILES, problem);
            }
            Some((first, last)) => {
                if first > low {
                    let problem =
                        format!("the copy needs the logs from generation {low:#x} on, the first is {first:#x}");
                    self.fault(Part::Set, None, JetError::STARTING_RESTORE_LOG_TOO_HIGH, problem);
                }
                if last < high {
                    let problem = format!("the copy needs the logs up to generation {high:#x}, the last is {last:#x}");
                    self.fault(Part::Set, None, JetError::ENDING_RESTORE_LOG_TOO_LOW, problem);
                }
            }
        }
    }

    /// The segments of the logs, and the sums over them.
    fn content(&mut self, logs: &[SetLog], first: Option<u32>) {
        let mut sound: Vec<bool> = Vec::with_capacity(logs.len());
        for (index, log) in logs.iter().enumerate() {
            sound.push(log.summary.header.is_some() && log.summary.faults.iter().all(LogFault::is_correctable));
            if log.summary.header.is_none() {
                continue;
            }
            for fault in &log.summary.faults {
                self.faults.push(SetFault {
                    part: Part::Log(index),
                    offset: Some(fault.offset),
                    code: fault.restore_code(),
                    correctable: fault.is_correctable(),
                    problem: fault.problem.clone(),
                });
            }
            // A server writes at least one segment before it begins the next log; a backup has closed logs only.
            if self.needed.is_some() && log.summary.valid == 0 && log.summary.faults.is_empty() {
                sound[index] = false;
                let problem = "the log was closed and has no valid segment: what it held is lost";
                self.fault(
                    Part::Log(index),
                    Some(SEGMENT_SIZE as u64),
                    JetError::LOG_CORRUPT_DURING_HARD_RESTORE,
                    problem,
                );
            }
            let Some(before) = index.checked_sub(1) else { continue };
            if let Some((told, has)) = told_another_sum(&logs[before], log) {
                sound[before] = false;
                let problem = format!(
                    "the next log was told that the sum over this one is {told:#018x}, it is {has:#018x}: something in it is \
                     missing or was changed"
                );
                self.fault(Part::Log(before), None, JetError::LOG_SEQUENCE_CHECKSUM_MISMATCH, problem);
            }
        }
        let mut previous = None;
        for (log, sound) in logs.iter().zip(sound) {
            let Some(header) = log.summary.header.as_ref().filter(|_| sound) else { break };
            if previous.is_some_and(|previous| !follows(previous, header)) {
                break;
            }
            previous = Some(header);
            if first.is_none_or(|first| header.generation >= first) {
                self.whole_until = Some(header.generation);
            }
        }
    }

    /// What the pages showed, beyond what the rules about header and trailer said already.
    fn pages(&mut self, database: &DatabaseSummary) {
        if database.header.is_none() {
            return;
        }
        for fault in database.faults.iter().filter(|fault| fault.code != JetError::BAD_PATCH_PAGE) {
            self.faults.push(SetFault {
                part: Part::Database,
                offset: Some(fault.offset),
                code: fault.code,
                correctable: fault.correctable,
                problem: fault.problem.clone(),
            });
        }
    }
}

/// Whether a log continues the one before it.
fn follows(before: &LogHeader, header: &LogHeader) -> bool {
    before.generation.checked_add(1) == Some(header.generation)
        && header.signature == before.signature
        && header.previous_created == before.created
}

/// What a log was told about the sum over the one before it, and what that sum is, when the two differ. A log whose damage
/// is known has another sum, of course.
fn told_another_sum(before: &SetLog, log: &SetLog) -> Option<(u64, u64)> {
    let (previous, header) = (before.summary.header.as_ref()?, log.summary.header.as_ref()?);
    let summed = !header.is_legacy() && header.version[3] >= LogHeader::PREVIOUS_SEGMENTS;
    let (told, has) = (header.previous_segments, before.summary.segments_sum);
    let clean = before.summary.faults.is_empty();
    (summed && clean && follows(previous, header) && told != has).then_some((told, has))
}
