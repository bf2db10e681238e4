//! Durability: what is acknowledged survives killed processes, power losses and failing disks.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod simulator;
