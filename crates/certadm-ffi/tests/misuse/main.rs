//! The functions in the hands of a program that makes every mistake: a documented code, no crash, nothing left behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::multiple_unsafe_ops_per_block, missing_docs, reason = "tests")]
#![cfg(unix)]

mod api;
mod arguments;
mod killed;
mod order;
mod reading;
mod restore;
mod threads;
