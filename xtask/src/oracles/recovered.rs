//! Databases that `cabak recover` makes of backup sets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::windows_set::{PAGE_SIZES, Version, compose};

/// Copies of real databases that somebody has set back in time, and where their logs are.
const SET_BACK: [(&str, &str); 2] =
    [("ese/synthetic/fuzzy_apt.edb", "ese/win10-apt"), ("ese/synthetic/fuzzy_win10.edb", "ese/win10-sans")];

/// The databases of composed sets, and of those in `samples`, recovered into `scratch`.
pub(super) fn databases(samples: &Path, scratch: &Path) -> Result<Vec<PathBuf>> {
    let mut recovered = Vec::new();
    for version in Version::value_variants() {
        for page_size in PAGE_SIZES {
            let set = scratch.join("set");
            compose(&set, *version, page_size, 100)?;
            let name = format!("recovered {version:?} {page_size}.edb");
            recovered.push(recover(&set, scratch.join(name))?);
            fs::remove_dir_all(&set)?;
        }
    }
    for (database, logs) in SET_BACK {
        let (database, logs) = (samples.join(database), samples.join(logs));
        if !database.exists() {
            continue;
        }
        let set = scratch.join("set");
        fs::create_dir(&set)?;
        let name = database.file_name().context("the database's name")?;
        fs::copy(&database, set.join(name))?;
        for entry in fs::read_dir(&logs)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                fs::copy(&path, set.join(path.file_name().context("the log's name")?))?;
            }
        }
        let mut to = std::ffi::OsString::from("recovered ");
        to.push(name);
        recovered.push(recover(&set, scratch.join(to))?);
        fs::remove_dir_all(&set)?;
    }
    Ok(recovered)
}

fn recover(set: &Path, to: PathBuf) -> Result<PathBuf> {
    let program = crate::python::target().join("debug/cabak");
    let output = Command::new(program).arg("recover").arg(set).arg("--to").arg(&to).output().context("cabak")?;
    ensure!(output.status.success(), "cabak recover: {}", String::from_utf8_lossy(&output.stderr));
    Ok(to)
}
