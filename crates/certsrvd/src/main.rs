//! The program `certsrvd`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    certsrvd::cli::main()
}
