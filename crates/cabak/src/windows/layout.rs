//! What `certutil -restoreDB` expects of a folder, beyond what is in the files.

use std::path::Path;

use ese::log::FileName;

use super::proof::Finding;
use crate::manifest::Directory;
use crate::source::{Form, LogFile, Source};
use crate::verify::RESTORE_MAP;

/// What it would refuse. A set that restores may have such findings: moving or renaming files mends them.
#[must_use]
pub fn findings(given: &Path, source: &Source) -> Vec<Finding> {
    if source.form != Form::Folder {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut wrong = |file: &Path, problem: String, action: &str| {
        let name = file.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        findings.push(Finding::of_layout(name, problem, action));
    };
    let anything = source.database.as_deref().or(source.logs.first().map(|log| log.path.as_path()));
    let directory = anything.and_then(Path::parent);
    let is_tree = |directory: &Path| {
        directory.file_name().is_some_and(|name| name.eq_ignore_ascii_case(Directory::DataBase.name()))
    };
    match directory {
        Some(directory) if !is_tree(directory) => wrong(
            directory,
            "the files are not in a directory DataBase".to_owned(),
            "make a directory DataBase, move the files there, and name the directory above it",
        ),
        Some(directory) if same(directory, given) => wrong(
            directory,
            "this is the directory DataBase itself".to_owned(),
            "name the directory above it: `certutil -restoreDB DIR`, not DIR\\DataBase",
        ),
        _ => {}
    }
    if let Some(database) = &source.database
        && !database.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("edb"))
    {
        wrong(
            database,
            "the name of the database does not end in .edb".to_owned(),
            "give it the name of the CA and .edb",
        );
    }
    let misnamed: Vec<(&Path, FileName)> = source.logs.iter().filter_map(misnamed).collect();
    if let [(log, right), rest @ ..] = misnamed.as_slice() {
        let problem = match rest.len() {
            0 => "the log has not the name of a log of a set".to_owned(),
            more => format!("the log, and {more} more, have not the names of logs of a set"),
        };
        wrong(log, problem, &format!("call it {right}, by its generation, and the others alike"));
    }
    if let Some(map) = &source.map
        && let Err(error) = crate::contents::locations::decode(map)
    {
        let action = "take it from another backup of this CA: it only says where database and logs were";
        findings.push(Finding::of_layout(RESTORE_MAP.to_owned(), format!("{error:#}"), action));
    }
    if source.map.is_none() {
        let action = "take it from another backup of this CA: it only says where database and logs were";
        findings.push(Finding::of_layout(RESTORE_MAP.to_owned(), "the file is missing".to_owned(), action));
    }
    findings
}

/// A log whose name is another than that of a log of a set, and that name.
fn misnamed(log: &LogFile) -> Option<(&Path, FileName)> {
    let right = FileName { base: "edb".to_owned(), generation: Some(log.generation) };
    let name = log.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    (!name.eq_ignore_ascii_case(&right.to_string())).then_some((&log.path, right))
}

fn same(one: &Path, other: &Path) -> bool {
    match (one.canonicalize(), other.canonicalize()) {
        (Ok(one), Ok(other)) => one == other,
        _ => one == other,
    }
}
