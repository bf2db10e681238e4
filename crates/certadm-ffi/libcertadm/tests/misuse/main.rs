//! The shared library in the hands of a program that makes every mistake: a documented code, no crash, nothing left behind.
#![allow(clippy::unwrap_used, clippy::panic, clippy::multiple_unsafe_ops_per_block, missing_docs, reason = "tests")]
#![cfg(unix)]

#[path = "../../../tests/misuse/api.rs"]
mod api;
#[path = "../../../tests/misuse/arguments.rs"]
mod arguments;
mod killed;
mod order;
mod reading;
#[path = "../../../tests/misuse/restore.rs"]
mod restore;
mod threads;

use std::sync::LazyLock;

use certadm_ffi::{Library, Table};
use testkit::process::cdylib;

/// The functions of the shared library, which stays loaded.
fn table() -> Table {
    static LIBRARY: LazyLock<Library> =
        LazyLock::new(|| Library::load(&cdylib("libcertadm", "certadm").unwrap()).unwrap());
    *LIBRARY.table()
}
