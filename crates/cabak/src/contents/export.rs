//! `cabak export`: a set as PEM files, as an SQLite database, or as CSV files.
//!
//! What is exported is written beside its place under another name, and gets its own with one rename, so that nobody ever sees a
//! part of it. Nothing that exists is replaced.

mod csv;
mod pem;
mod sqlite;

use std::fs::File;
use std::path::{Path, PathBuf};

use adcs::{CaDatabase, Catalog, Table};
use anyhow::Context;
use serde_json::json;

use crate::exit::Exit;
use crate::output::Reporter;
use crate::platform;
use crate::source::{Opening, Source};
use crate::target::{self, cannot_write};
use crate::verify::stop_if;

/// What `cabak export` was asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The set.
    pub set: PathBuf,
    /// Where it may be recovered.
    pub scratch: Option<PathBuf>,
    /// As what, and where to.
    pub target: Target,
    /// Of the certificates only those for which this holds; for PEM.
    pub filter: Option<String>,
}

/// As what, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A directory with one file per certificate, and one per revocation list.
    Pem(PathBuf),
    /// A database with the five tables.
    Sqlite(PathBuf),
    /// A directory with one file per table.
    Csv(PathBuf),
}

impl Target {
    fn path(&self) -> &Path {
        match self {
            Self::Pem(path) | Self::Sqlite(path) | Self::Csv(path) => path,
        }
    }
}

/// Exports.
///
/// # Errors
/// Exit code 2: the target exists, or the expression is wrong. Exit code 10: the directory that it would be in does not. Exit code
/// 1: it cannot be written. Those of [`Source::find`] and [`Source::open`].
pub fn run(request: &Request, reporter: &mut Reporter, cancel: &certadm::Cancel) -> anyhow::Result<Exit> {
    let target = request.target.path();
    let source = Source::find(&request.set)?;
    super::check_filter(request.filter.as_deref())?;
    target::check(target, &source)?;
    let opened = source.open(&Opening { scratch: request.scratch.as_deref(), cancel }, reporter)?;
    let database = opened.database();
    let filter = super::filter(request.filter.as_deref(), &Catalog::of(database))?;
    let mut work = Work { database, reporter, cancel };
    let written = match &request.target {
        Target::Pem(_) => {
            let directory = target::begin_directory(target)?;
            let written = pem::write(&mut work, directory.path(), filter.as_ref())?;
            target::publish_directory(directory, target)?;
            written
        }
        Target::Csv(_) => {
            let directory = target::begin_directory(target)?;
            let written = csv::write(&mut work, directory.path())?;
            target::publish_directory(directory, target)?;
            written
        }
        Target::Sqlite(_) => {
            let file = target::begin_file(target)?;
            let written = sqlite::write(&mut work, file.path())?;
            target::publish_file(file, target)?;
            written
        }
    };
    reporter.end_progress();
    let text = written.iter().map(|(what, count)| format!("{count} {what}")).collect::<Vec<_>>().join(", ");
    let counts: serde_json::Map<_, _> =
        written.iter().map(|(what, count)| ((*what).to_owned(), json!(count))).collect();
    reporter.result(
        &format!("{}: {text}", target.display()),
        &json!({ "event": "result", "set": source.name, "path": target.display().to_string(), "written": counts }),
    );
    Ok(opened.exit())
}

/// What was written, and how many.
type Written = Vec<(&'static str, u64)>;

/// What the forms have in common.
struct Work<'a> {
    database: &'a dyn CaDatabase,
    reporter: &'a mut Reporter,
    cancel: &'a certadm::Cancel,
}

impl Work<'_> {
    fn begin(&mut self, what: &str, tables: &[Table]) {
        let rows = tables.iter().filter_map(|table| self.database.row_count(*table)).sum();
        self.reporter.begin_counting(what, rows);
    }

    /// One more row is done.
    fn step(&mut self) -> anyhow::Result<()> {
        self.reporter.advance(1);
        stop_if(self.cancel)
    }
}

/// A new file of an export, for its owner alone.
fn create(path: &Path) -> anyhow::Result<File> {
    platform::private_file().create_new(true).open(path).with_context(|| cannot_write(path))
}

/// A new file for a row. A number that comes twice, which only a damaged database has, gets another name.
fn create_for_row(directory: &Path, stem: &str, extension: &str) -> anyhow::Result<(File, PathBuf)> {
    let mut path = directory.join(format!("{stem}.{extension}"));
    let mut again = 1;
    while path.symlink_metadata().is_ok() {
        again += 1;
        path = directory.join(format!("{stem}-{again}.{extension}"));
    }
    Ok((create(&path)?, path))
}
