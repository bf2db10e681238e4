//! Folders without a manifest, and single files.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Form, LogFile, Source, chain, format_of, unknown};
use crate::exit::{Exit, Failure};
use crate::manifest::{DatabaseFormat, Directory};
use crate::medium::directory_of;
use crate::verify::RESTORE_MAP;

/// A folder of certutil: what it holds is in `DataBase/`, or the folder is that directory itself.
pub(super) fn find(path: &Path) -> anyhow::Result<Source> {
    let mut files = Files::of(path)?;
    if let (true, Some(inner)) = (files.is_empty(), &files.database_directory) {
        files = Files::of(inner)?;
    }
    if files.is_empty() {
        files = only_below(path)?;
    }
    let database = match files.databases.as_slice() {
        [] => None,
        [(database, _)] => Some(database.clone()),
        several => {
            let names: Vec<String> = several.iter().map(|(path, _)| path.display().to_string()).collect();
            let text = format!("{} holds {} databases: {}", path.display(), several.len(), names.join(", "));
            return Err(Failure::new(Exit::Usage, text).hint("name one of them").into());
        }
    };
    let format = files.databases.first().map_or(DatabaseFormat::Unknown, |(_, format)| *format);
    let format = if database.is_none() { format_of_logs(&files.logs)? } else { format };
    let name = path.display().to_string();
    Ok(Source { name, form: Form::Folder, format, database, logs: files.logs, map: files.map })
}

/// A database file, and what lies beside it.
pub(super) fn beside(path: &Path) -> anyhow::Result<Source> {
    let format = format_of(path)?;
    if format == DatabaseFormat::Unknown {
        return Err(unknown(path));
    }
    let files = Files::of(directory_of(path))?;
    let name = path.display().to_string();
    let database = Some(path.to_owned());
    Ok(Source { name, form: Form::File, format, database, logs: files.logs, map: files.map })
}

/// What a directory holds that belongs to a set.
struct Files {
    databases: Vec<(PathBuf, DatabaseFormat)>,
    logs: Vec<LogFile>,
    map: Option<PathBuf>,
    database_directory: Option<PathBuf>,
}

impl Files {
    fn of(directory: &Path) -> anyhow::Result<Self> {
        let place = || format!("cannot list {}", directory.display());
        let mut files = Files { databases: Vec::new(), logs: Vec::new(), map: None, database_directory: None };
        let mut named = Vec::new();
        for entry in std::fs::read_dir(directory).with_context(place)? {
            let entry = entry.with_context(place)?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            let kind = entry.file_type().with_context(place)?;
            if kind.is_dir() {
                if name.eq_ignore_ascii_case(Directory::DataBase.name()) {
                    files.database_directory = Some(path);
                }
            } else if kind.is_symlink() && looks_like_a_member(&name) {
                return Err(Failure::new(Exit::Usage, format!("{} is a link, and no file of a set", path.display()))
                    .hint("put the file itself there, or name the directory where it is")
                    .into());
            } else if !kind.is_file() {
                // A device, or a link to something else.
            } else if let Some(generation) = generation_of(&name, &path) {
                files.logs.push(LogFile { generation, path });
            } else if name.eq_ignore_ascii_case(RESTORE_MAP) {
                files.map = Some(path);
            } else if !is_side_file(&name) {
                let format = format_of(&path)?;
                if format != DatabaseFormat::Unknown {
                    files.databases.push((path, format));
                } else if let Some(format) = format_by_name(&name) {
                    named.push((path, format));
                }
            }
        }
        // A file that is called like a database and is none is a damaged one, where there is no other.
        if files.databases.is_empty() {
            files.databases = named;
        }
        files.databases.sort_by(|a, b| a.0.cmp(&b.0));
        files.logs.sort_by_key(|log| log.generation);
        if let Some(twice) = files.logs.windows(2).find(|pair| pair[0].generation == pair[1].generation) {
            let text = format!("{} and {} are the same generation", twice[0].path.display(), twice[1].path.display());
            return Err(Failure::new(Exit::VerifyFailed, text).hint("keep the one that belongs to the set").into());
        }
        Ok(files)
    }

    fn is_empty(&self) -> bool {
        self.databases.is_empty() && self.logs.is_empty() && self.map.is_none()
    }
}

/// What a directory holds whose tree `DataBase` has another name. `certutil -restoreDB` would not find it, which is one of the
/// things to be told.
fn only_below(path: &Path) -> anyhow::Result<Files> {
    let mut found = below(path)?;
    if let [(_, files)] = found.as_slice()
        && !files.databases.is_empty()
    {
        return Ok(found.remove(0).1);
    }
    if found.is_empty() {
        return Err(Failure::new(Exit::NotFound, format!("{} holds no backup set", path.display()))
            .hint("a set has a directory DataBase with a database and logs; `cabak snapshots DIR` lists the sets of a directory")
            .into());
    }
    let names: Vec<String> = found.iter().map(|(path, _)| path.display().to_string()).collect();
    Err(Failure::new(Exit::NotFound, format!("{} holds no backup set itself", path.display()))
        .hint(format!("name one of these: {}", names.join(", ")))
        .into())
}

/// The directories in a directory that hold something of a set.
fn below(path: &Path) -> anyhow::Result<Vec<(PathBuf, Files)>> {
    let place = || format!("cannot list {}", path.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).with_context(place)? {
        let entry = entry.with_context(place)?;
        if !entry.file_type().with_context(place)?.is_dir() {
            continue;
        }
        // One that may not be read is not what was meant.
        let Ok(files) = Files::of(&entry.path()) else { continue };
        if !files.is_empty() || files.database_directory.is_some() {
            found.push((entry.path(), files));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// What a database is whose content does not say so.
fn format_by_name(name: &str) -> Option<DatabaseFormat> {
    let name = name.to_ascii_lowercase();
    match name.rsplit_once('.')?.1 {
        "edb" => Some(DatabaseFormat::Ese),
        "db" => Some(DatabaseFormat::Certdb),
        _ => None,
    }
}

fn looks_like_a_member(name: &str) -> bool {
    format_by_name(name).is_some() || chain::generation(name).is_some() || name.eq_ignore_ascii_case(RESTORE_MAP)
}

/// The generation of a log: of certdb by its name, of ESE also under another base name, and of the current log of a server by
/// its header.
fn generation_of(name: &str, path: &Path) -> Option<u32> {
    if let Some(generation) = chain::generation(name) {
        return Some(generation);
    }
    let parsed = ese::log::FileName::parse(name)?;
    parsed.generation.or_else(|| {
        use std::io::Read;
        let mut head = Vec::new();
        let file = crate::medium::Set::open_file(path).ok()?;
        file.take(ese::log::SEGMENT_SIZE as u64).read_to_end(&mut head).ok()?;
        ese::log::LogHeader::parse(&head).map(|header| header.generation)
    })
}

/// What the engines keep beside a database.
fn is_side_file(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [".log", ".chk", ".jrs", ".jfm", "-wal", "-shm", ".lock"].iter().any(|end| name.ends_with(end)) || name == "tmp.edb"
}

/// Logs of ESE have no magic; those of certdb do.
fn format_of_logs(logs: &[LogFile]) -> anyhow::Result<DatabaseFormat> {
    use std::io::Read;

    let Some(log) = logs.first() else { return Ok(DatabaseFormat::Unknown) };
    let mut head = Vec::new();
    crate::medium::Set::open_file(&log.path)
        .and_then(|file| file.take(8).read_to_end(&mut head))
        .with_context(|| format!("cannot read {}", log.path.display()))?;
    Ok(if head == b"CERTLOG\0" { DatabaseFormat::Certdb } else { DatabaseFormat::Ese })
}
