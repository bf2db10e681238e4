//! The developer commands of this project: `cargo xtask ci` is what continuous integration runs.

mod ci;
mod layers;
mod run;

use clap::{Parser, Subcommand};

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
}

#[derive(Subcommand)]
enum Check {
    /// Fail when a crate names one that it may not
    Layers,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().command {
        Command::Ci => ci::run(),
        Command::Check { what: Check::Layers } => layers::check(),
    }
}
