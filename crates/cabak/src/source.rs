//! What a SET on the command line is, wherever it comes from.
//!
//! | given | is |
//! |---|---|
//! | a directory with `cabak.json`, `DIR/latest` | a set of cabak; for an incremental one, together with the sets it builds on |
//! | a directory with `DataBase/`, or that directory itself | what `certutil -backupDB` and `Backup-CARoleService` write |
//! | a file | a database, with the logs that lie beside it |
//!
//! The format is told by content, never by name. Nothing is ever written into a set.

mod certdb;
mod ese;
mod folder;
mod set;

use std::path::{Path, PathBuf};

use adcs::CaDatabase;
use anyhow::Context;

use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, Directory};
use crate::medium::{LATEST, directory_of};
use crate::output::Reporter;
use crate::verify::Recovered;
use crate::{chain, manifest, moment};

/// A set that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name for people: that of the set, or the path.
    pub name: String,
    /// What it is.
    pub form: Form,
    /// What its database or its logs are made of, by content.
    pub format: DatabaseFormat,
    /// The copy of the database; `None` when there are only logs.
    pub database: Option<PathBuf>,
    /// The log generations, ascending. Those of all sets of a chain.
    pub logs: Vec<LogFile>,
    /// The restore map, `certbkxp.dat`.
    pub map: Option<PathBuf>,
}

/// What a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Of cabak, with a manifest; the names of its chain, full backup first.
    Set {
        /// The full set and the incremental ones, the last is the one that was given.
        chain: Vec<String>,
    },
    /// A folder without a manifest.
    Folder,
    /// One file, and the logs beside it.
    File,
}

/// A log generation of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// Its number, by its name.
    pub generation: u32,
    /// Where it is.
    pub path: PathBuf,
}

impl Source {
    /// Finds out what a path is. Reads no more than the manifest and the first bytes of files.
    ///
    /// # Errors
    /// Exit code 10: there is nothing, or nothing that is a set. Exit code 21: a damaged manifest. Exit code 22: an incremental
    /// set without its full backup.
    pub fn find(path: &Path) -> anyhow::Result<Self> {
        if has_manifest(path) {
            return set::find(path);
        }
        let metadata = match std::fs::metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::new(Exit::NotFound, format!("there is no set {}", path.display()))
                    .hint("a set is a directory of `cabak backup` or `certutil -backupDB`, or a database file")
                    .into());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
        };
        if metadata.is_dir() { folder::find(path) } else { folder::beside(path) }
    }

    /// The name of the CA, which is that of its database.
    #[must_use]
    pub fn authority(&self) -> Option<String> {
        self.database.as_ref()?.file_stem().map(|stem| stem.to_string_lossy().into_owned())
    }

    /// The directories that are part of the set: what is put there becomes part of it too.
    #[must_use]
    pub fn directories(&self) -> Vec<PathBuf> {
        let logs = self.logs.iter().map(|log| &log.path);
        let files: Vec<&PathBuf> = match self.form {
            // A file alone is in a directory of whatever.
            Form::File if self.logs.is_empty() => Vec::new(),
            _ => self.database.iter().chain(logs).chain(&self.map).collect(),
        };
        let mut directories: Vec<PathBuf> = Vec::new();
        for file in files {
            let directory = directory_of(file);
            let tree = directory.file_name().is_some_and(|name| name.eq_ignore_ascii_case(Directory::DataBase.name()));
            let whole = if tree { directory_of(directory) } else { directory };
            if !directories.iter().any(|known| known == whole) {
                directories.push(whole.to_owned());
            }
        }
        directories
    }

    /// Makes its rows readable. A set of certdb is recovered in a scratch directory, which goes with the result.
    ///
    /// # Errors
    /// Exit code 21: it does not recover, or is no CA's. Exit code 22: logs are missing, or there is no database. Exit code 1: it
    /// cannot be read, or this version does not read its format.
    pub fn open(&self, request: &Opening<'_>, reporter: &mut Reporter) -> anyhow::Result<Opened> {
        let Some(database) = &self.database else {
            return Err(Failure::new(Exit::FullNeeded, format!("{} has logs and no database", self.name))
                .hint("the rows are in a full backup; give the full set, or a cabak set that continues one")
                .into());
        };
        match self.format {
            DatabaseFormat::Certdb => certdb::open(self, database, request, reporter),
            DatabaseFormat::Ese => ese::open(self, database, request, reporter),
            DatabaseFormat::Unknown => Err(unknown(database)),
        }
    }

    /// What the header of one of its logs says.
    ///
    /// # Errors
    /// Exit code 1: it cannot be read, or this version does not read its format.
    pub fn log_header(&self, log: &LogFile) -> anyhow::Result<LogHeader> {
        match self.format {
            DatabaseFormat::Certdb => certdb::log_header(log),
            DatabaseFormat::Ese => ese::log_header(log),
            DatabaseFormat::Unknown => Err(unknown(&log.path)),
        }
    }
}

/// Whether a set of cabak is meant: a directory with a manifest, or `DIR/latest`.
pub(crate) fn has_manifest(path: &Path) -> bool {
    let latest = path.file_name().is_some_and(|name| name == LATEST) && !path.exists();
    latest || path.join(manifest::FILE_NAME).exists()
}

/// How to open a set.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Where a database may be recovered; needs room for it.
    pub scratch: Option<&'a Path>,
    /// Whether somebody wants to stop.
    pub cancel: &'a certadm::Cancel,
}

/// A set whose rows can be read.
pub struct Opened {
    // INVARIANT: closed before the scratch directory that it may be in is removed; fields are dropped in this order.
    database: Box<dyn CaDatabase>,
    _scratch: Option<crate::verify::Trial>,
    is_whole: bool,
    /// What the recovery came to; `None` when none was needed.
    pub recovered: Option<Recovered>,
}

impl Opened {
    /// The rows.
    #[must_use]
    pub fn database(&self) -> &dyn CaDatabase {
        self.database.as_ref()
    }

    /// How a command ends that has shown what there is: successfully, unless logs were missing or could not be replayed.
    #[must_use]
    pub fn exit(&self) -> Exit {
        if self.is_whole { Exit::Success } else { Exit::Incomplete }
    }
}

/// What the header of a log says. What a format does not have is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHeader {
    /// Its number.
    pub generation: u32,
    /// When it was begun.
    pub created: Option<String>,
    /// When the one before was begun.
    pub previous_created: Option<String>,
    /// Identity of the database, or of its run of logs.
    pub signature: String,
    /// Bytes of the file.
    pub size: u64,
}

/// The error for a file that is no database and no log.
fn unknown(path: &Path) -> anyhow::Error {
    Failure::new(
        Exit::NotFound,
        format!("{} is neither a database of certsrvd nor one of Windows (ESE)", path.display()),
    )
    .hint("give the directory that `cabak backup` or `certutil -backupDB` wrote")
    .into()
}

/// The format of a file by its first bytes.
fn format_of(path: &Path) -> anyhow::Result<DatabaseFormat> {
    use std::io::Read;

    let mut head = Vec::new();
    crate::medium::Set::open_file(path)
        .and_then(|file| file.take(DatabaseFormat::PROBE as u64).read_to_end(&mut head))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(DatabaseFormat::detect(&head))
}
