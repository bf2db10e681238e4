//! `cargo xtask ci`: every check, in the order in which failing is cheapest.

use std::process::Command;

use anyhow::Result;

use crate::run::{cargo, root, step};
use crate::windows::Unavailable;

/// Runs all checks; the first that fails ends the run.
pub(crate) fn run() -> Result<()> {
    step("format", &mut cargo(&["fmt", "--all", "--check"]))?;
    crate::layers::check()?;
    crate::header::run(true)?;
    dependencies()?;
    step("lints", &mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))?;
    step("documentation", cargo(&["doc", "--workspace", "--no-deps", "--locked"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    step("tests", &mut cargo(&["test", "--workspace", "--locked"]))?;
    crate::miri::run(true)?;
    step("demo", &mut cargo(&["xtask", "demo"]))?;
    step("interoperability", &mut cargo(&["xtask", "interop"]))?;
    crate::windows::run(None, Unavailable::Skip)
}

/// `deny.toml` is checked by cargo-deny where it is installed; `.ci/run` installs it.
fn dependencies() -> Result<()> {
    let installed = Command::new("cargo-deny").arg("--version").output().is_ok();
    if !installed {
        eprintln!("== dependencies: skipped, cargo-deny is not installed (cargo install cargo-deny --locked)");
        return Ok(());
    }
    step(
        "dependencies",
        Command::new("cargo-deny").args(["--offline", "check", "bans", "licenses", "sources"]).current_dir(root()),
    )
}
