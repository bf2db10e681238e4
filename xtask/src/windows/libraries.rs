//! Tests of the libraries, run by Wine: those that look at files and sockets, in which the systems differ.

use anyhow::{Context, Result, bail, ensure};

use super::{Bed, Check};

/// The checks, in their order.
pub(super) const CHECKS: &[Check] = &[("tests of orpc, certadm and certdb", tests)];

/// The libraries.
const PACKAGES: &[&str] = &["orpc", "certadm", "certdb"];

/// The live database, which is for certsrvd: it is not built for Windows, where certdb reads sets.
const LEFT_OUT: &[&str] = &[
    "adopt::",
    "backup_session::",
    "circular::",
    "commit::",
    "fifty_thousand::",
    "generations::",
    "large::",
    "offline_edit::",
    "salvage::",
    "stop::",
];

/// All in one build: each selection of packages has its own features of the dependencies.
fn tests(bed: &Bed) -> Result<String> {
    let Some(mut command) = bed.toolchain.test(PACKAGES) else {
        return Ok("not run, this toolchain has no test harness for Windows".to_owned());
    };
    bed.wine.run_tests(&mut command);
    command.arg("--");
    for name in LEFT_OUT {
        command.args(["--skip", name]);
    }
    let output = command.output().context("cannot run cargo")?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    let results = text.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    let counts: Vec<usize> = results.filter_map(|count| count.parse().ok()).collect();
    let with_tests = counts.iter().filter(|count| **count > 0).count();
    ensure!(with_tests >= PACKAGES.len(), "a library has no tests: {text}");
    Ok(format!("{} passed", counts.iter().sum::<usize>()))
}
