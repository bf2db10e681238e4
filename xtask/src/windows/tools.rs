//! MinGW's C compiler and Wine, from Debian.

use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::run::step;

/// The C compiler for the target.
pub(super) const COMPILER: &str = "x86_64-w64-mingw32-gcc";
/// Debian's Wine for 64-bit programs; the package has no program in the search path.
pub(super) const WINE: &str = "/usr/lib/wine/wine64";
/// Its server process.
pub(super) const WINESERVER: &str = "/usr/lib/wine/wineserver64";

/// A tool that is not there and cannot be had; the text is one line.
#[derive(Debug)]
pub(super) struct Missing(pub(super) String);

impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Missing {}

/// Installs what is missing, as root on Debian; everybody else is told what to install.
pub(super) fn install() -> Result<(), Missing> {
    let missing = missing_packages();
    if missing.is_empty() {
        return Ok(());
    }
    let names = missing.join(" ");
    if !is_root() {
        return Err(Missing(format!("missing: apt install --no-install-recommends {names}")));
    }
    let install = |name: &str| {
        let mut command = apt_get();
        command.args(["install", "-qq", "-y", "--no-install-recommends"]).args(&missing);
        step(name, command.stdout(Stdio::null()))
    };
    let name = format!("windows: apt-get install {names}");
    let installed = install(&name).or_else(|_| {
        // The lists may be old, or not there at all.
        step("windows: apt-get update", apt_get().args(["update", "-qq"])).and_then(|()| install(&name))
    });
    match installed {
        Ok(()) if missing_packages().is_empty() => Ok(()),
        Ok(()) => Err(Missing(format!("{names}: installed, and the programs are not where they should be"))),
        Err(error) => Err(Missing(format!("cannot install {names}: {error:#}"))),
    }
}

/// `apt-get`, which asks nothing.
pub(super) fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether packages may be installed.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

fn missing_packages() -> Vec<&'static str> {
    let compiler = Command::new(COMPILER).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let mut missing = Vec::new();
    if !compiler.is_ok_and(|status| status.success()) {
        missing.push("gcc-mingw-w64-x86-64-win32");
    }
    if !(Path::new(WINE).exists() && Path::new(WINESERVER).exists()) {
        missing.push("wine64");
    }
    missing
}
