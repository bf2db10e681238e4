//! `cabak snapshots`: the sets of a folder.

use serde::Serialize;
use serde_json::json;

use crate::manifest::{Kind, Level, Manifest};
use crate::medium::{Folder, Set};
use crate::moment;
use crate::output::Reporter;

/// One set, for programs.
#[derive(Debug, Serialize)]
pub struct Snapshot<'a> {
    event: &'static str,
    set: &'a str,
    path: String,
    authority: &'a str,
    host: &'a str,
    kind: Kind,
    based_on: Option<&'a str>,
    started: &'a str,
    finished: &'a str,
    size: u64,
    files: usize,
    first_log: Option<u32>,
    last_log: Option<u32>,
    verified: Level,
    truncated: bool,
}

impl<'a> Snapshot<'a> {
    /// What a set looks like from outside.
    #[must_use]
    pub fn of(set: &'a Set) -> Self {
        let manifest: &Manifest = set.manifest();
        Snapshot {
            event: "set",
            set: set.name(),
            path: set.path().display().to_string(),
            authority: &manifest.authority.name,
            host: &manifest.authority.host,
            kind: manifest.kind,
            based_on: manifest.based_on.as_deref(),
            started: &manifest.started,
            finished: &manifest.finished,
            size: manifest.size(),
            files: manifest.files.len(),
            first_log: manifest.logs.map(|range| range.first),
            last_log: manifest.logs.map(|range| range.last),
            verified: manifest.verification.level,
            truncated: manifest.truncated.is_some(),
        }
    }

    fn row(&self) -> [String; 7] {
        let logs = match (self.first_log, self.last_log) {
            (Some(first), Some(last)) => format!("{first:x}-{last:x}"),
            _ => "-".to_owned(),
        };
        let mut state = self.verified.name().to_owned();
        if self.truncated {
            state.push_str(", truncated");
        }
        [
            self.set.to_owned(),
            self.kind.name().to_owned(),
            self.authority.to_owned(),
            moment::bytes(self.size),
            logs,
            self.based_on.unwrap_or("-").to_owned(),
            state,
        ]
    }
}

/// Prints the list.
///
/// # Errors
/// The folder cannot be read.
pub fn run(folder: &Folder, reporter: &mut Reporter) -> anyhow::Result<()> {
    const HEAD: [&str; 7] = ["SET", "KIND", "CA", "SIZE", "LOGS", "BASED ON", "STATE"];
    let listing = folder.list()?;
    let snapshots: Vec<Snapshot<'_>> = listing.sets.iter().map(Snapshot::of).collect();
    if reporter.is_json() {
        for snapshot in &snapshots {
            reporter.result("", snapshot);
        }
    } else if !snapshots.is_empty() {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(snapshots.iter().map(Snapshot::row));
        reporter.result(&table(&rows), &json!({}));
    }
    if snapshots.is_empty() {
        let text = format!("no sets in {}", folder.root().display());
        reporter.info(&text, json!({ "event": "empty", "path": folder.root().display().to_string() }));
    }
    for unusable in &listing.unusable {
        reporter.warn(&format!("{} cannot be used: {}", unusable.name, unusable.reason));
    }
    if !listing.leftovers.is_empty() {
        reporter.warn(&format!(
            "{} unfinished, not listed; the next backup removes what an interrupted one left: {}",
            listing.leftovers.len(),
            listing.leftovers.join(", ")
        ));
    }
    Ok(())
}

/// Columns as wide as their widest cell, two spaces apart.
#[must_use]
pub fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |row: &[String; N]| {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        line.trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}
