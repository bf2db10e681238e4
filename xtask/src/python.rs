//! Python with pinned packages, in a virtual environment below the target directory.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::run::{root, step};

/// A Python with the packages of `requirements`, which is relative to the workspace. Without one `purpose` is skipped,
/// except in continuous integration.
pub(crate) fn with(venv: &str, requirements: &str, purpose: &str) -> Result<Option<PathBuf>> {
    let venv = target().join(venv);
    let python = venv.join("bin/python");
    let requirements = root().join(requirements);
    let installed = venv.join("installed.txt");
    if fs::read(&installed).ok() == Some(fs::read(&requirements)?) {
        return Ok(Some(python));
    }
    let made = step("python venv", Command::new("python3").args(["-m", "venv"]).arg(&venv)).and_then(|()| {
        let name = format!("packages of {}", requirements.display());
        step(&name, Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(&requirements))
    });
    match made {
        Ok(()) => {
            fs::copy(&requirements, &installed)?;
            Ok(Some(python))
        }
        Err(error) if std::env::var_os("CI").is_none() => {
            eprintln!("== {purpose}: skipped, {error:#} (apt install python3-venv, and a package index)");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
