//! The functions in the hands of a program that makes every mistake: a documented code, no crash, nothing left behind.
//!
//! Here is what needs no server, so that Miri can run it. The package libcertadm runs the same over the shared library, and
//! the rest against a CA.
#![allow(clippy::unwrap_used, clippy::panic, clippy::multiple_unsafe_ops_per_block, missing_docs, reason = "tests")]
#![cfg(unix)]

mod api;
mod arguments;
mod restore;

/// The functions of this crate.
fn table() -> certadm_ffi::Table {
    certadm_ffi::Table::built_in()
}
