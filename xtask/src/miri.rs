//! `cargo xtask miri`: the tests of certadm-ffi that need no server, run by Miri, which sees undefined behaviour.

use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use crate::run::{UNOPTIMISED, root, step};

/// The toolchain that has Miri.
const TOOLCHAIN: &str = "+nightly";

/// Runs them. Where there is no Miri, and none can be had, that is an error, or with `optional` one line.
pub(crate) fn run(optional: bool) -> Result<()> {
    if !is_installed() && !install() {
        const MISSING: &str =
            "Miri is not installed (rustup toolchain install nightly && rustup +nightly component add miri rust-src)";
        if optional {
            eprintln!("== miri: skipped, {MISSING}");
            return Ok(());
        }
        bail!("{MISSING}");
    }
    let mut command = cargo();
    // The tests read files and the name of the machine.
    command.arg("miri").arg("test").args(UNOPTIMISED);
    command.args(["--quiet", "--locked", "-p", "certadm-ffi", "--lib", "--test", "misuse"]);
    step("miri", command.env("MIRIFLAGS", "-Zmiri-disable-isolation"))
}

fn is_installed() -> bool {
    succeeds(cargo().args(["miri", "--version"]))
}

fn install() -> bool {
    succeeds(Command::new("rustup").args([TOOLCHAIN, "component", "add", "miri", "rust-src"])) && is_installed()
}

/// Not the cargo that runs this program: that of the other toolchain.
fn cargo() -> Command {
    let mut command = Command::new("cargo");
    command.arg(TOOLCHAIN).current_dir(root());
    // What this program's own cargo set would win over the toolchain.
    for name in ["RUSTUP_TOOLCHAIN", "CARGO", "RUSTC"] {
        command.env_remove(name);
    }
    command
}

fn succeeds(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}
