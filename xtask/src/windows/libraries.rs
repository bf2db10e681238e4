//! Tests of the libraries, run by Wine: those that look at files and sockets, in which the systems differ.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use super::{Bed, Check};

/// The checks, in their order.
pub(super) const CHECKS: &[Check] =
    &[("tests of orpc", orpc), ("tests of certadm", certadm), ("tests of certdb", certdb)];

fn orpc(bed: &Bed) -> Result<String> {
    test(bed, "orpc", &[])
}

fn certadm(bed: &Bed) -> Result<String> {
    test(bed, "certadm", &[])
}

/// What concerns reading a set. The live database is for certsrvd, which is not built for Windows.
fn certdb(bed: &Bed) -> Result<String> {
    test(bed, "certdb", &["platform", "damage", "recovery"])
}

fn test(bed: &Bed, package: &str, filters: &[&str]) -> Result<String> {
    let Some(mut command) = bed.toolchain.test(package) else {
        return Ok("not run, this toolchain has no test harness for Windows".to_owned());
    };
    bed.wine.run_tests(&mut command);
    command.arg("--").args(filters);
    let (passed, output) = run(&mut command)?;
    ensure!(passed > 0, "no test was run: {output}");
    Ok(format!("{passed} passed"))
}

/// How many tests passed; an error when one failed.
fn run(command: &mut Command) -> Result<(usize, String)> {
    let output = command.output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    Ok((results.filter_map(|count| count.parse::<usize>().ok()).sum(), text))
}
