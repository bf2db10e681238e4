//! The live database: one writer thread, many readers, the keeper of the logs, backup sessions.

mod adopt;
mod backup;
mod command;
mod create;
mod database;
mod inventory;
mod keeper;
mod meta;
mod open;
mod readers;
mod resume;
mod sqlite;
mod steps;
mod writer;

pub use backup::{BackupKind, BackupSession, Truncated};
pub use database::Database;
pub(crate) use meta::Meta;
pub(crate) use resume::{Mismatch, follow};
pub(crate) use sqlite::{
    APPLICATION, RESTORED, checkpoint, connect, lock_path, quick_check, remove_side_files, side_file,
};
