//! Whether a set restores, and what else is to be known about it.

use std::fmt;
use std::path::Path;

use ese::header::DatabaseState;
use ese::set::{Part, SetFault};
use ese::{Database, Format, JetError};
use serde::Serialize;

use super::advice::CORRECTABLE;
use super::{Advice, Files, Inspection, Replay, advice, inspect};
use crate::moment;
use crate::output::Reporter;
use crate::verify::Tick;

/// What a restore of a set comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "verdict", content = "generation")]
pub enum Verdict {
    /// It restores.
    Restorable,
    /// It restores up to the end of this log; what is behind it is damaged or does not continue it.
    RestorableTo(u32),
    /// It does not restore.
    Damaged,
    /// It is no backup: logs without a database, or a database that was not copied by a backup.
    NotABackup,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Restorable => f.write_str("restorable"),
            Verdict::RestorableTo(generation) => write!(f, "restorable to log {generation:#x}"),
            Verdict::Damaged => f.write_str("damaged"),
            Verdict::NotABackup => f.write_str("not a backup"),
        }
    }
}

/// Something to be known about a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The file; empty for the set as a whole.
    pub file: String,
    /// The byte of the file.
    pub offset: Option<u64>,
    /// The code with which Windows reports it: of ESE, or an HRESULT.
    pub code: i64,
    /// Its name.
    pub name: String,
    /// What was found.
    pub problem: String,
    /// What Windows means by the code.
    pub meaning: String,
    /// What to do.
    pub action: String,
    /// Whether it stops a restore.
    pub stops: bool,
    /// The log that it is about.
    #[serde(skip)]
    pub generation: Option<u32>,
}

/// How far the replay came, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Replayed {
    /// First and last generation.
    pub generations: Option<(u32, u32)>,
    /// Records looked at.
    pub records: u64,
    /// Records that changed pages.
    pub applied: u64,
    /// Transactions that committed in the logs.
    pub committed: u64,
    /// Transactions that were open at the end and were taken back.
    pub rolled_back: usize,
    /// Pages that differ from the copy now.
    pub changed_pages: usize,
    /// The last record.
    pub position: String,
    /// Trees, pages and rows that were checked afterwards.
    pub trees: u64,
    /// Pages of these trees.
    pub pages: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// Long values.
    pub long_values: u64,
}

/// Everything that was found out about a set.
#[derive(Clone, Debug, Serialize)]
pub struct Proof {
    /// The verdict.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// First and last log that the copy needs.
    pub needed: Option<(u32, u32)>,
    /// First and last log that is there.
    pub present: Option<(u32, u32)>,
    /// Pages of the database that fit their checksum.
    pub sound_pages: u64,
    /// Pages that were never written.
    pub blank_pages: u64,
    /// Segments of logs that are valid.
    pub segments: u64,
    /// Records in the logs.
    pub log_records: u64,
    /// The replay; `None` when it was not wanted, or not possible.
    pub replayed: Option<Replayed>,
    /// What was found, in the order in which a restore would meet it.
    pub findings: Vec<Finding>,
    /// Whether nothing but the replay found a fault that stops a restore.
    #[serde(skip)]
    sound: bool,
}

/// Looks at a set, and with `replay` rolls its logs forward and checks what comes out.
///
/// # Errors
/// Exit code 1: a file cannot be read. What `tick` returns. Whatever is wrong with the set is in the proof.
pub fn proof(files: &Files<'_>, replay: bool, tick: &mut Tick<'_>) -> anyhow::Result<Proof> {
    let inspection = inspect(files, tick)?;
    let mut proof = Proof {
        verdict: Verdict::Damaged,
        needed: inspection.report.needed,
        present: inspection.report.present,
        sound_pages: inspection.database.as_ref().map_or(0, |database| database.sound),
        blank_pages: inspection.database.as_ref().map_or(0, |database| database.blank),
        segments: inspection.logs.iter().map(|log| log.summary.valid).sum(),
        log_records: inspection.logs.iter().map(|log| log.summary.records).sum(),
        replayed: None,
        findings: inspection.report.faults.iter().map(|fault| finding(fault, files)).collect(),
        sound: inspection.report.is_restorable(),
    };
    proof.state(&inspection, files);
    let readable = inspection.database.as_ref().is_some_and(|database| database.header.is_some());
    let mut until = None;
    if replay && readable {
        let replay = Replay::run(files, tick)?;
        until = proof.replay(&replay, files, tick)?;
    }
    proof.verdict = proof.judge(&inspection, until);
    Ok(proof)
}

/// The bytes that [`proof`] reports to its `tick`, for a progress bar.
///
/// # Errors
/// A file cannot be looked at.
pub fn work(files: &Files<'_>, replay: bool) -> std::io::Result<u64> {
    let size = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
    let database = files.database.map_or(Ok(0), |path| size(path))?;
    let logs = files.logs.iter().map(|log| size(&log.path)).sum::<Result<u64, _>>()?;
    Ok(if replay { database + 2 * logs } else { database + logs })
}

impl Proof {
    /// Whether every checksum fits and every rule of a restore is kept, whatever the replay came to.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.sound
    }

    /// What the state of a database that is no backup copy demands.
    fn state(&mut self, inspection: &Inspection, files: &Files<'_>) {
        let Some(header) = inspection.database.as_ref().and_then(|database| database.header.as_ref()) else {
            if files.database.is_none() && !files.logs.is_empty() {
                let problem = "there are logs and no database: an incremental backup, or a part of one".to_owned();
                let action =
                    "verify it together with the full backup that it continues: put all logs beside that database";
                self.findings.push(Finding::of(
                    JetError::FILE_NOT_FOUND,
                    problem,
                    "a file of the set is missing",
                    action,
                ));
            }
            return;
        };
        let dirty = !matches!(header.state, DatabaseState::Clean | DatabaseState::JustCreated);
        if header.this_backup.low != 0 || !dirty {
            return;
        }
        let (low, high) = (header.required_low, header.required_high);
        let covered = inspection.report.whole_until.is_some_and(|until| until >= high)
            && inspection.report.present.is_some_and(|(first, _)| first <= low);
        if low != 0 && !covered {
            let problem = format!("the database needs the logs {low:#x} to {high:#x}");
            let Advice { meaning, action } = advice(JetError::DATABASE_DIRTY_SHUTDOWN);
            self.findings.push(Finding::of(JetError::DATABASE_DIRTY_SHUTDOWN, problem, meaning, action));
        }
    }

    /// What the replay showed; the last log that was replayed whole.
    fn replay(&mut self, replay: &Replay, files: &Files<'_>, tick: &mut Tick<'_>) -> anyhow::Result<Option<u32>> {
        let progress = replay.redo().progress();
        let reach = &replay.reach;
        let mut replayed = Replayed {
            generations: reach.generations,
            records: progress.records,
            applied: progress.applied,
            committed: progress.committed,
            rolled_back: reach.rolled_back.transactions,
            changed_pages: replay.redo().changed_pages(),
            position: progress.position.to_string(),
            ..Replayed::default()
        };
        let mut until = reach.generations.map(|(_, last)| last);
        if let Some(stop) = &reach.stop {
            let Advice { meaning, action } = advice(stop.code);
            let log = files.logs.iter().find(|log| log.generation == stop.position.generation);
            let mut finding = Finding::of(stop.code, stop.to_string(), meaning, action);
            finding.file = log.map_or_else(String::new, |log| file_name(&log.path));
            finding.offset = Some(stop.position.offset(ese::log::SEGMENT_SIZE));
            finding.generation = Some(stop.position.generation);
            self.findings.push(finding);
            until = stop.position.generation.checked_sub(1);
        } else if let Some(left) = &reach.left
            && self.findings.iter().all(|finding| !finding.stops)
        {
            let code = JetError::MISSING_RESTORE_LOG_FILES;
            let Advice { meaning, action } = advice(code);
            self.findings.push(Finding::of(code, left.clone(), meaning, action));
        }
        // What was not rolled forward to where the copy ended contradicts itself.
        if reach.stop.is_none() && replay.is_consistent() {
            tick(0)?;
            let format = Format { version: replay.header.version, update: replay.header.update_major };
            match Database::open(replay.redo(), format).and_then(|database| database.check()) {
                Ok(report) => {
                    replayed.trees = report.trees;
                    replayed.pages = report.pages;
                    replayed.rows = report.rows;
                    replayed.long_values = report.long_values;
                    self.tree_findings(&report, replay.header.page_size, files);
                }
                Err(error) => {
                    let code = match &error {
                        ese::Error::Page { code, .. } | ese::Error::Damaged { code, .. } => *code,
                        _ => JetError::DATABASE_CORRUPTED,
                    };
                    let Advice { meaning, action } = advice(code);
                    self.findings.push(Finding::of(code, error.to_string(), meaning, action));
                }
            }
        }
        self.replayed = Some(replayed);
        Ok(until)
    }

    fn tree_findings(&mut self, report: &ese::check::Report, page_size: usize, files: &Files<'_>) {
        for found in &report.findings {
            let Advice { meaning, action } = advice(found.code);
            let mut finding = Finding::of(found.code, found.to_string(), meaning, action);
            finding.file = files.database.map_or_else(String::new, |path| file_name(path));
            finding.offset = found.page.map(|page| page.offset(page_size));
            self.findings.push(finding);
        }
    }

    fn judge(&self, inspection: &Inspection, replayed_until: Option<u32>) -> Verdict {
        let stops = |code: i32| move |finding: &&Finding| finding.stops && finding.code == i64::from(code);
        let header = inspection.database.as_ref().and_then(|database| database.header.as_ref());
        if inspection.database.is_none()
            || self.findings.iter().any(|f| stops(JetError::RESTORE_OF_NON_BACKUP_DATABASE.0)(&f))
        {
            // Damage counts more than what it is damage of.
            let damaged = self.findings.iter().any(|finding| {
                finding.stops
                    && finding.code != i64::from(JetError::RESTORE_OF_NON_BACKUP_DATABASE.0)
                    && finding.code != i64::from(JetError::FILE_NOT_FOUND.0)
                    && finding.code != i64::from(JetError::DATABASE_DIRTY_SHUTDOWN.0)
            });
            return if damaged { Verdict::Damaged } else { Verdict::NotABackup };
        }
        if header.is_none() {
            return Verdict::Damaged;
        }
        if self.findings.iter().all(|finding| !finding.stops) {
            return Verdict::Restorable;
        }
        // The copy and every log that it needs may be whole, and a later log not.
        let Some((_, high)) = self.needed else { return Verdict::Damaged };
        let whole = inspection.report.whole_until;
        let until = match (whole, replayed_until) {
            (Some(whole), Some(replayed)) => whole.min(replayed),
            (Some(whole), None) => whole,
            (None, _) => return Verdict::Damaged,
        };
        let later = |finding: &Finding| match finding.generation {
            _ if !finding.stops => true,
            Some(generation) => generation > until,
            None => finding.file.is_empty() && finding.code == i64::from(JetError::MISSING_RESTORE_LOG_FILES.0),
        };
        if until >= high && self.findings.iter().all(later) { Verdict::RestorableTo(until) } else { Verdict::Damaged }
    }

    /// Tells it to people and programs.
    pub fn report(&self, name: &str, reporter: &mut Reporter) {
        for finding in &self.findings {
            finding.report(reporter);
        }
        let mut text = format!("{name}: {}", self.verdict);
        let pages = moment::counted(self.sound_pages, "page");
        text.push_str(&format!("\n  {pages} and {} sound", moment::counted(self.segments, "log segment")));
        if let Some((low, high)) = self.needed {
            text.push_str(&format!("; logs needed: {low:#x} to {high:#x}"));
        }
        if let Some((first, last)) = self.present {
            text.push_str(&format!("; logs present: {first:#x} to {last:#x}"));
        }
        if let Some(replayed) = &self.replayed {
            text.push_str(&format!("\n  {replayed}"));
        }
        let stops = self.findings.iter().filter(|finding| finding.stops).count();
        if !self.findings.is_empty() {
            text.push_str(&format!(
                "\n  {}, {} of which a restore stops at",
                moment::counted(self.findings.len() as u64, "finding"),
                stops
            ));
        }
        #[derive(Serialize)]
        struct Result<'a> {
            event: &'static str,
            set: &'a str,
            #[serde(flatten)]
            proof: &'a Proof,
        }
        reporter.result(&text, &Result { event: "result", set: name, proof: self });
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generations {
            Some((first, last)) => write!(
                f,
                "replayed logs {first:#x} to {last:#x}: {}, {} of them changed {}, {} committed",
                moment::counted(self.records, "record"),
                self.applied,
                moment::counted(self.changed_pages as u64, "page"),
                moment::counted(self.committed, "transaction"),
            )?,
            None => f.write_str("no log to replay")?,
        }
        if self.rolled_back > 0 {
            write!(f, ", {} rolled back", moment::counted(self.rolled_back as u64, "open transaction"))?;
        }
        write!(
            f,
            "; checked {}, {} and {}",
            moment::counted(self.trees, "tree"),
            moment::counted(self.rows, "row"),
            moment::counted(self.long_values, "long value")
        )
    }
}

impl Finding {
    fn of(code: JetError, problem: String, meaning: &str, action: &str) -> Self {
        Finding {
            file: String::new(),
            offset: None,
            code: code.0.into(),
            name: code.name().to_owned(),
            problem,
            meaning: meaning.to_owned(),
            action: action.to_owned(),
            stops: true,
            generation: None,
        }
    }

    /// A fault of the folder that `certutil -restoreDB` refuses, with ERROR_DIRECTORY.
    #[must_use]
    pub fn of_layout(file: String, problem: String, action: &str) -> Self {
        const ERROR_DIRECTORY: i64 = 0x8007_010B;
        Finding {
            file,
            offset: None,
            code: ERROR_DIRECTORY,
            name: "ERROR_DIRECTORY".to_owned(),
            problem,
            meaning: "`certutil -restoreDB` does not take this folder as it is".to_owned(),
            action: action.to_owned(),
            stops: false,
            generation: None,
        }
    }

    /// Tells it to people and programs.
    pub fn report(&self, reporter: &mut Reporter) {
        let mut text = String::from(if self.stops { "fault: " } else { "note: " });
        if !self.file.is_empty() {
            text.push_str(&self.file);
            if let Some(offset) = self.offset {
                text.push_str(&format!(" at byte {offset}"));
            }
            text.push_str(": ");
        }
        let code = if self.code < 0 { self.code.to_string() } else { format!("{:#010x}", self.code) };
        text.push_str(&format!("{}\n  {code} {}: {}\n  next: {}", self.problem, self.name, self.meaning, self.action));
        #[derive(Serialize)]
        struct Event<'a> {
            event: &'static str,
            #[serde(flatten)]
            finding: &'a Finding,
        }
        reporter.result(&text, &Event { event: "finding", finding: self });
    }
}

fn finding(fault: &SetFault, files: &Files<'_>) -> Finding {
    let Advice { meaning, action } = if fault.correctable { CORRECTABLE } else { advice(fault.code) };
    let (path, generation) = match fault.part {
        Part::Set => (None, None),
        Part::Database => (files.database.map(std::path::PathBuf::as_path), None),
        Part::Log(index) => files.logs.get(index).map(|log| (log.path.as_path(), log.generation)).unzip(),
    };
    Finding {
        file: path.map_or_else(String::new, file_name),
        offset: fault.offset,
        stops: !fault.correctable,
        generation,
        ..Finding::of(fault.code, fault.problem.clone(), meaning, action)
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}
