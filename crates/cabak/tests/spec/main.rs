//! What cabak promises, one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod chain;
mod command_line;
mod contents;
mod credentials;
mod cycle;
mod manifest;
mod medium;
mod output;
mod recover;
mod restore;
mod sample;
mod snapshots;
mod source;
mod table;
mod verify;
mod windows;
