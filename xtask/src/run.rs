//! Running other programs: the step is announced, its time is printed, its failure is an error that names it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

/// The root of the workspace: the parent of this package.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}

/// A `cargo` command in the workspace, the same cargo that runs this program.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    command
}

/// Arguments of cargo for a build that is compiled more often than it is run: no optimisation, of the dependencies neither.
pub(crate) const UNOPTIMISED: [&str; 4] =
    ["--config", "profile.dev.opt-level=0", "--config", "profile.dev.package.'*'.opt-level=0"];

/// Runs `command` to its end and fails when it does.
pub(crate) fn step(name: &str, command: &mut Command) -> Result<()> {
    eprintln!("== {name}");
    let start = Instant::now();
    let status =
        command.status().with_context(|| format!("{name}: cannot start {}", command.get_program().display()))?;
    if !status.success() {
        bail!("{name}: {status}");
    }
    eprintln!("== {name}: ok, {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
