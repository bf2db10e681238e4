//! `cargo xtask oracles`: crate `ese` beside readers that nobody here wrote, over real databases.
//!
//! The databases are those of the samples, and those that `cabak recover` makes of backup sets: composed ones of every version and
//! page size, and the samples' own. Each reader prints every table, row and value of a database in one form; the output is compared cell by cell. What
//! may differ, and why, is a [`Class`]; whatever fits none fails the command.

mod compare;
mod dump;
mod recovered;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::oracles::compare::{Class, Comparison};
use crate::oracles::dump::Dump;
use crate::run::{cargo, root, step};

/// Compares every database below `samples`.
pub(crate) fn run(samples: Option<PathBuf>) -> Result<()> {
    let samples = samples.unwrap_or_else(self::samples);
    let mut databases = databases(&samples)?;
    if databases.is_empty() {
        eprintln!("== oracles: skipped, no database in {} (CABAK_SAMPLES says where)", samples.display());
        return Ok(());
    }
    let readers = readers()?;
    if readers.is_empty() {
        return Ok(());
    }
    step("the reader", &mut cargo(&["build", "--quiet", "--locked", "-p", "ese", "--example", "dump"]))?;
    step("cabak", &mut cargo(&["build", "--quiet", "--locked", "-p", "cabak"]))?;
    let program = crate::python::target().join("debug/examples/dump");
    let scratch = tempfile::tempdir()?;
    databases.extend(recovered::databases(&samples, scratch.path())?);
    let mut totals: BTreeMap<&str, Comparison> = BTreeMap::new();
    for path in &databases {
        let ours = Dump::of(Command::new(&program).arg(path))?;
        let name = path.strip_prefix(&samples).or_else(|_| path.strip_prefix(&scratch)).unwrap_or(path).display();
        println!("{name}: {} tables, {} rows", ours.tables.len(), ours.rows());
        for reader in &readers {
            let theirs = Dump::of(Command::new(&reader.python).arg(&reader.script).arg(path))?;
            let comparison = Comparison::of(&ours, &theirs);
            comparison.print(reader.name);
            totals.entry(reader.name).or_default().add(comparison);
        }
    }
    println!("\n{} databases", databases.len());
    for (reader, total) in &totals {
        total.print(reader);
    }
    let unexplained: usize = totals.values().map(|total| total.count(Class::Unexplained)).sum();
    if unexplained > 0 {
        bail!("{unexplained} differences that no rule explains");
    }
    Ok(())
}

/// Where databases are looked for, if nobody says.
pub(crate) fn samples() -> PathBuf {
    std::env::var_os("CABAK_SAMPLES").map_or_else(|| root().join("../shared/samples"), PathBuf::from)
}

struct Reader {
    name: &'static str,
    python: PathBuf,
    script: PathBuf,
}

/// Those that are to be had.
fn readers() -> Result<Vec<Reader>> {
    let mut readers = Vec::new();
    if let Some(python) = crate::python::with("oracles-venv", "interop/esedb-requirements.txt", "dissect.esedb")? {
        readers.push(Reader { name: "dissect.esedb", python, script: root().join("interop/esedb_dissect.py") });
    }
    let python = PathBuf::from("/usr/bin/python3");
    let imported = Command::new(&python).args(["-c", "import pyesedb"]).output();
    if imported.is_ok_and(|output| output.status.success()) {
        readers.push(Reader { name: "libesedb", python, script: root().join("interop/esedb_libesedb.py") });
    } else if std::env::var_os("CI").is_none() {
        eprintln!("== libesedb: skipped, pyesedb is not installed (apt install libesedb-utils python3-libesedb)");
    } else {
        bail!("pyesedb is not installed (apt install libesedb-utils python3-libesedb)");
    }
    Ok(readers)
}

/// Files that begin like a database, in the order of their names.
pub(crate) fn databases(root: &Path) -> Result<Vec<PathBuf>> {
    const MAGIC: [u8; 4] = 0x89AB_CDEF_u32.to_le_bytes();
    /// File type in the header: 1 = a database, 0 in old formats.
    const FILE_TYPE: usize = 667;
    let (mut found, mut directories) = (Vec::new(), vec![root.to_owned()]);
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(&directory) else { continue };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
                continue;
            }
            let bytes = fs::read(&path).with_context(|| path.display().to_string())?;
            if bytes.get(4..8) == Some(&MAGIC) && bytes.get(FILE_TYPE).is_some_and(|kind| *kind < 2) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
