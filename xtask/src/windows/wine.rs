//! Wine, in a prefix that lives as long as the run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::TARGET;
use super::tools::{COMPILER, WINE, WINESERVER};
use crate::run::{root, step};

/// Longest that a program may take; one that hangs is killed.
const SECONDS: &str = "300";

/// A Wine prefix; its server is stopped and its files are removed when it is dropped.
pub(super) struct Wine {
    prefix: TempDir,
}

impl Wine {
    /// Makes the prefix, and gives it what Wine lacks.
    pub(super) fn start() -> Result<Self> {
        let prefix = tempfile::Builder::new().prefix("cabak-wine-").tempdir().context("cannot make a directory")?;
        let wine = Self { prefix };
        let mut boot = wine.bare(SECONDS, WINE);
        step("windows: Wine prefix", boot.args(["wineboot", "-i"]).stdout(Stdio::null()).stderr(Stdio::null()))?;
        let library = wine.prefix.path().join("drive_c/windows/system32/bcryptprimitives.dll");
        if !library.exists() {
            compile(&["-shared"], &root().join("xtask/src/windows/bcryptprimitives.c"), &library, &["-ladvapi32"])?;
        }
        Ok(wine)
    }

    /// A command that runs a Windows program.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = self.bare(SECONDS, WINE);
        command.arg(program);
        command
    }

    /// Lets `cargo test` run its programs here.
    pub(super) fn run_tests(&self, cargo: &mut Command) {
        let runner = format!("CARGO_TARGET_{}_RUNNER", TARGET.to_uppercase().replace('-', "_"));
        cargo.env(runner, format!("timeout --kill-after=5 {SECONDS} {WINE}"));
        self.surround(cargo);
    }

    /// `timeout` ends only the process that it started; the rest of the prefix ends with its server.
    fn bare(&self, seconds: &str, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["--kill-after=5", seconds, program]);
        self.surround(&mut command);
        command
    }

    fn surround(&self, command: &mut Command) {
        command
            .env("WINEPREFIX", self.prefix.path())
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            .env("WINESERVER", WINESERVER)
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=;winemenubuilder.exe,winedbg.exe=d")
            .env_remove("DISPLAY");
    }
}

impl Drop for Wine {
    /// Ends the server of this prefix, and with it every program in it, so that the directory can be removed.
    fn drop(&mut self) {
        for argument in ["-k", "-w"] {
            let _ = self.bare("30", WINESERVER).arg(argument).stderr(Stdio::null()).status();
        }
    }
}

/// A path of this machine as Windows programs see it.
pub(super) fn path(path: &Path) -> PathBuf {
    PathBuf::from(format!("Z:{}", path.to_string_lossy().replace('/', "\\")))
}

/// Compiles one C source for Windows; a warning is an error.
pub(super) fn compile(flags: &[&str], source: &Path, into: &Path, libraries: &[&str]) -> Result<()> {
    let mut compiler = Command::new(COMPILER);
    compiler
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-s"])
        .args(flags)
        .arg(source)
        .arg("-o")
        .arg(into)
        .args(libraries);
    let output = compiler.output().with_context(|| format!("cannot run {COMPILER}"))?;
    if !output.status.success() {
        bail!("{COMPILER} {}: {}", source.display(), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}
