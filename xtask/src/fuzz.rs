//! `cargo xtask fuzz`: the fuzz targets, one after the other, each for a while.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::run::{root, step};

/// Runs the targets whose names begin with one of `prefixes`, all if there are none, for `seconds` each. What one finds
/// does not keep the others from being run.
pub(crate) fn run(prefixes: &[String], seconds: u32) -> Result<()> {
    let available = Command::new("cargo").args(["+nightly", "fuzz", "--version"]).stderr(Stdio::null()).output();
    if !available.is_ok_and(|output| output.status.success()) {
        bail!("fuzzing needs `rustup toolchain install nightly` and `cargo install cargo-fuzz`");
    }
    let mut targets = targets(&root())?;
    targets.retain(|target| prefixes.is_empty() || prefixes.iter().any(|prefix| target.starts_with(prefix.as_str())));
    if targets.is_empty() {
        bail!("no fuzz target begins with {}", prefixes.join(" or "));
    }
    let mut failed = Vec::new();
    for target in &targets {
        let found = root().join("fuzz/corpus").join(target);
        fs::create_dir_all(&found)?;
        let mut command = Command::new("cargo");
        // What is found goes to the first directory; the seeds are only read.
        command
            .args(["+nightly", "fuzz", "run", target.as_str()])
            .arg(&found)
            .arg(root().join("crates/testkit/corpus").join(target))
            .arg("--")
            .args([&format!("-max_total_time={seconds}"), "-timeout=10", "-rss_limit_mb=1024", "-verbosity=0"])
            .current_dir(root());
        if let Err(error) = step(target, &mut command) {
            eprintln!("{error:#}");
            failed.push(target.as_str());
        }
    }
    if !failed.is_empty() {
        bail!("{} of {} targets found something: {}", failed.len(), targets.len(), failed.join(", "));
    }
    Ok(())
}

/// The names of all targets.
fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs")
            && let Some(name) = path.file_stem().and_then(|name| name.to_str())
        {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
