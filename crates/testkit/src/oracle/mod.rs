//! Oracles: functions that must hold for *any* bytes, one per decoder of foreign bytes.
//!
//! An oracle decodes the bytes it is given and asserts what must be true of the result: no panic, no hang, no
//! allocation of what the bytes merely claim, and that whatever was accepted survives a round trip. The same function
//! is run three ways: by a libFuzzer target in `fuzz/`, over the seeds in `corpus/<name>/` by the ordinary test
//! `tests/corpus.rs`, and over every truncation and many one-byte mutations of those seeds by the same test. A crash
//! that fuzzing finds becomes one more file in the corpus.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::type_complexity,
    clippy::unwrap_used,
    reason = "an oracle says no by a panic"
)]

pub mod adcs;
pub mod certdb;
pub mod certsrvd;
pub mod csra;
pub mod dcerpc;
pub mod dcom;
pub mod ese;
pub mod ese_files;
pub mod orpc;

/// The name of a corpus directory and fuzz target, and the function that must hold.
pub type Oracle = (&'static str, fn(&[u8]));

/// Every oracle.
#[must_use]
pub fn all() -> Vec<Oracle> {
    [
        adcs::ORACLES,
        dcerpc::ORACLES,
        dcom::ORACLES,
        csra::ORACLES,
        orpc::ORACLES,
        certdb::ORACLES,
        certsrvd::ORACLES,
        ese::ORACLES,
        ese_files::ORACLES,
    ]
    .concat()
}

/// Runs one oracle; the fuzz targets are calls of this.
///
/// # Panics
/// When the oracle does not hold, or there is none of this name.
pub fn run(name: &str, data: &[u8]) {
    let oracle = all().into_iter().find(|(known, _)| *known == name);
    assert!(oracle.is_some(), "no oracle is called {name}");
    if let Some((_, oracle)) = oracle {
        oracle(data);
    }
}
