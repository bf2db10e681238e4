//! The `cabak` program; everything is in the library of the same name.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("CABAK_LOG"))
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match cabak::cli::Cli::try_parse() {
        Ok(cli) => cabak::run(cli).into(),
        Err(error) if error.use_stderr() && std::env::args_os().any(|argument| argument == "--json") => {
            cabak::usage_error(&error).into()
        }
        Err(error) => {
            // Help and version go to standard output and are no errors; clap knows which is which.
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { cabak::Exit::Usage.code() } else { 0 })
        }
    }
}
