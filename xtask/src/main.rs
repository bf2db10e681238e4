//! The developer commands of this project: `cargo xtask ci` is what continuous integration runs.

mod bench;
mod ci;
mod demo;
mod fuzz;
mod header;
mod install;
mod interop;
mod layers;
mod memory;
mod miri;
mod oracles;
mod python;
mod request;
mod run;
mod scene;
mod set;
mod windows;
mod windows_set;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::windows::Unavailable;

#[derive(Parser)]
#[command(name = "cargo xtask", about, after_help = "Example: cargo xtask ci")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Format, lints, documentation, layers, dependencies, tests, interoperability: all that continuous integration checks
    Ci,
    /// One of the static checks
    Check {
        #[command(subcommand)]
        what: Check,
    },
    /// Write the C header of certadm-ffi
    Header,
    /// Build libcertadm and install it: the library, certadm.h, certadm.pc and certadm(3); with --programs also cabak and certsrvd
    #[command(after_help = "Example: cargo xtask install --prefix /usr --destdir debian/tmp")]
    Install(install::Options),
    /// Miri runs the tests of certadm-ffi that need no server
    Miri,
    /// The whole scenario with real processes: issue, back up, verify, destroy, restore, roll forward, compare
    Demo,
    /// The fuzz targets, one after the other; needs a nightly toolchain and cargo-fuzz
    #[command(after_help = "Example: cargo xtask fuzz --seconds 60 ese_")]
    Fuzz {
        /// Beginnings of the names of targets; all, if not said
        targets: Vec<String>,
        /// How long each is run
        #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..))]
        seconds: u32,
    },
    /// impacket runs the scenario against certsrvd, and everything that must be refused
    Interop,
    /// dissect.esedb and libesedb read the same databases as crate ese, compared cell by cell
    #[command(after_help = "Example: cargo xtask oracles ../shared/samples")]
    Oracles {
        /// Where databases are looked for; CABAK_SAMPLES or ../shared/samples, if not said
        samples: Option<PathBuf>,
    },
    /// The programs for Windows, built with MinGW and run under Wine against certsrvd
    #[command(after_help = "Example: cargo xtask windows --toolchain debian")]
    Windows {
        /// Whose Rust builds them; the first of them that is to be had, if not said
        #[arg(long, value_enum)]
        toolchain: Option<windows::Kind>,
    },
    /// Compose a backup set like that of a Windows CA, to try cabak on
    #[command(after_help = "Example: cargo xtask windows-set /tmp/contoso --requests 1000")]
    WindowsSet(windows_set::Options),
    /// Throughput and memory of a backup over loopback beside named peers
    #[command(after_help = "Examples: cargo xtask bench --size 1024 --runs 5; cargo xtask bench ese --runs 5")]
    Bench {
        /// Something else than a backup
        #[command(subcommand)]
        what: Option<Bench>,
        /// Size of the database in MiB
        #[arg(long, default_value_t = 1024)]
        size: u64,
        /// How often each is measured
        #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
    },
}

#[derive(Subcommand)]
enum Bench {
    /// Crate ese reads a whole database beside dissect.esedb and esedbexport
    Ese {
        /// The database; the largest of the samples, if not said
        file: Option<PathBuf>,
        /// How often each program reads it
        #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
        runs: u32,
    },
}

#[derive(Subcommand)]
enum Check {
    /// Fail when a crate names one that it may not
    Layers,
    /// Fail when the C header is not what the source says
    Header,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ci => ci::run(),
        Command::Check { what: Check::Layers } => layers::check(),
        Command::Check { what: Check::Header } => header::run(true),
        Command::Header => header::run(false),
        Command::Miri => miri::run(false),
        Command::Install(options) => install::run(&options),
        Command::Demo => demo::run(),
        Command::Fuzz { targets, seconds } => fuzz::run(&targets, seconds),
        Command::Interop => interop::run(),
        Command::Oracles { samples } => oracles::run(samples),
        Command::Windows { toolchain } => {
            let ci = std::env::var_os("CI").is_some();
            windows::run(toolchain, if ci { Unavailable::Skip } else { Unavailable::Fail })
        }
        Command::WindowsSet(options) => windows_set::run(&options),
        Command::Bench { what: Some(Bench::Ese { file, runs }), .. } => bench::ese::run(file, runs),
        Command::Bench { what: None, size, runs } => bench::run(size, runs),
    }
}
