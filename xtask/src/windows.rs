//! `cargo xtask windows`: the Windows programs are built with MinGW and run under Wine against a `certsrvd` on Linux.
//!
//! What is checked is in modules of its own, one per program: [`cabak`], [`certadm`]. Each check is a function that takes the [`Bed`] and says
//! what it saw; [`CHECKS`] has them in their order.

mod cabak;
mod certadm;
mod toolchain;
mod tools;
mod wine;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Result, bail};

use self::toolchain::Toolchain;
use self::wine::Wine;
use crate::scene::{Profile, Scene, Server};

pub(crate) use self::toolchain::Kind;

/// The Rust target.
const TARGET: &str = "x86_64-pc-windows-gnu";

/// What is built for it.
const PACKAGES: &[&str] = &["cabak", "libcertadm"];

/// A check and its name.
type Check = (&'static str, fn(&Bed) -> Result<String>);

/// All checks; a later one may count on what an earlier one left.
const CHECKS: &[&[Check]] = &[cabak::CHECKS, certadm::CHECKS];

/// What a check may use.
struct Bed {
    /// The CA and its directories, on Linux.
    scene: Scene,
    /// The running CA.
    server: Server,
    /// Runs Windows programs.
    wine: Wine,
    /// Directory of the Windows programs and libraries.
    programs: PathBuf,
}

/// What to do where the tools are not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unavailable {
    /// Fail: they were asked for.
    Fail,
    /// Say so and go on. Once the tools are there, every failure is one.
    Skip,
}

/// Builds, runs every check, and fails when one does.
pub(crate) fn run(kind: Option<Kind>, unavailable: Unavailable) -> Result<()> {
    let toolchain = match tools::install().and_then(|()| Toolchain::find(kind)) {
        Ok(toolchain) => toolchain,
        Err(missing) if unavailable == Unavailable::Skip => {
            eprintln!("== windows: skipped, {missing}");
            return Ok(());
        }
        Err(missing) => return Err(missing.into()),
    };
    let programs = toolchain.build(PACKAGES)?;
    toolchain.lint(PACKAGES)?;
    let wine = Wine::start()?;
    let scene = Scene::new(Profile::Dev)?;
    let server = scene.serve()?;
    let bed = Bed { scene, server, wine, programs };
    let start = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for (name, check) in CHECKS.iter().copied().flatten() {
        match check(&bed) {
            Ok(seen) => {
                eprintln!("== windows: {name}: {seen}");
                passed += 1;
            }
            Err(error) => {
                eprintln!("== windows: {name}: FAILED, {error:#}");
                failed += 1;
            }
        }
    }
    if failed > 0 {
        bail!("windows: {failed} of {} checks failed", passed + failed);
    }
    eprintln!("== windows: ok, {passed} checks passed under Wine in {:.1} s", start.elapsed().as_secs_f64());
    Ok(())
}
