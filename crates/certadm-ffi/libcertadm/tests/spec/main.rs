//! What C and Python programs get of libcertadm, with the compilers and tools that they use.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod ca;
mod examples;
mod header;
mod install;
mod refusals;
mod tools;
mod valgrind;
