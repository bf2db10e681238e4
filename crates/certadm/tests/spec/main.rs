//! What certadm promises, one module per subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod backup;
mod cancel;
mod connect;
mod errors;
mod fake;
mod hostile;
mod read_hint;
mod refusals;
#[cfg(unix)]
mod restore;
#[cfg(windows)]
mod restore_on_windows;
mod target;
