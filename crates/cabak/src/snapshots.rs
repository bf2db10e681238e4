//! `cabak snapshots`: the sets of a folder.

use serde::Serialize;
use serde_json::json;

use crate::chain;
use crate::exit::{Exit, Failure};
use crate::manifest::{Kind, Level, Manifest};
use crate::medium::{Folder, Listing, Set, Unusable};
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
    /// Why what it builds on cannot be used.
    broken: Option<String>,
}

impl<'a> Snapshot<'a> {
    /// What a set looks like from outside.
    #[must_use]
    pub fn of(set: &'a Set, listing: &Listing) -> Self {
        let manifest: &Manifest = set.manifest();
        let broken = match (manifest.kind, listing.damaged_below(manifest)) {
            (Kind::Full, _) => None,
            (Kind::Incremental, Some(damaged)) => Some(format!("{} is damaged", damaged.name)),
            (Kind::Incremental, None) => chain::below(manifest, listing).err().map(|error| error.to_string()),
        };
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
            broken,
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
        if let Some(broken) = &self.broken {
            state.push_str(&format!(", chain broken: {broken}"));
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
/// The folder cannot be read. Exit code 21: the list is printed, and a set in it is damaged.
pub fn run(folder: &Folder, reporter: &mut Reporter) -> anyhow::Result<()> {
    const HEAD: [&str; 7] = ["SET", "KIND", "CA", "SIZE", "LOGS", "BASED ON", "STATE"];
    let listing = folder.list()?;
    let snapshots: Vec<Snapshot<'_>> = listing.sets.iter().map(|set| Snapshot::of(set, &listing)).collect();
    if reporter.is_json() {
        for snapshot in &snapshots {
            reporter.result("", snapshot);
        }
        for Unusable { name, reason } in &listing.unusable {
            let path = folder.root().join(name).display().to_string();
            let fields = json!({ "event": "set", "set": name, "path": path, "state": "damaged", "reason": reason });
            reporter.result("", &fields);
        }
    } else if !(snapshots.is_empty() && listing.unusable.is_empty()) {
        let mut rows = vec![HEAD.map(str::to_owned)];
        rows.extend(snapshots.iter().map(Snapshot::row));
        rows.extend(listing.unusable.iter().map(|unusable| {
            let state = format!("damaged: {}", unusable.reason);
            [unusable.name.as_str(), "-", "-", "-", "-", "-", &state].map(str::to_owned)
        }));
        reporter.result(&table(&rows), &json!({}));
    }
    if snapshots.is_empty() && listing.unusable.is_empty() {
        let text = format!("no sets in {}", folder.root().display());
        reporter.info(&text, json!({ "event": "empty", "path": folder.root().display().to_string() }));
    }
    if !listing.leftovers.is_empty() {
        reporter.warn(&format!(
            "{} unfinished, not listed; the next backup removes what an interrupted one left: {}",
            listing.leftovers.len(),
            listing.leftovers.join(", ")
        ));
    }
    match listing.unusable.as_slice() {
        [] => Ok(()),
        [one] => Err(one.failure().into()),
        several => Err(Failure::new(Exit::VerifyFailed, format!("{} sets are damaged", several.len()))
            .hint("do not rely on them; take a new full backup")
            .into()),
    }
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
