//! What `adcs` promises, one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod certsrvd;
mod decode;
mod filter;
mod join;
mod schema;
mod values;
mod windows;
mod words;
