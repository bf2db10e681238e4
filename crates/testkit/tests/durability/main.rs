//! Durability: what is acknowledged survives killed processes, power losses and failing disks.
//!
//! `DURABILITY_KEEP=1` keeps the image of each failure, `DURABILITY_IMAGES=20000` and `DURABILITY_SEED` make a long run of power losses.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "tests")]

mod failing_writes;
mod kill;
mod power_loss;
mod sabotage;
mod scene;
mod simulator;
