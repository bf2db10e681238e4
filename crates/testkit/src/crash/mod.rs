//! Storage that crashes, forgets and fails.
//!
//! A workload runs with `shim/storage.c` preloaded ([`Shim`]): every write, truncation, fsync, rename, creation and removal
//! below one directory is journaled with its data, in order, between the marks that the workload itself writes ("row 17 is
//! acknowledged"). From the [`Journal`] a [`Disk`] rebuilds what a directory may hold after power was lost behind any
//! operation ([`Disk::image`]): what was not fsynced may be lost, kept, torn, reordered or garbage ([`Loss`]), and a name is
//! only there for certain once its directory was fsynced. The same shim can ignore chosen fsyncs, to prove that the images
//! notice, and let chosen calls fail.
//!
//! What the model grants: bytes outside of a written range are never touched (SQLite's powersafe overwrite), and names of
//! one file system become durable in order. What it does not grant: that fsync of a file makes its name durable, that
//! renames wait for data, that sectors of one write reach the disk together or in order, or that an fsync repeated after a
//! failed one writes anything.

mod disk;
mod journal;
mod shim;

pub use disk::{Disk, Image, Loss};
pub use journal::{Journal, JournalError, Operation};
pub use shim::{Failing, Failure, FailureMode, Shim};
