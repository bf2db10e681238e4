//! ESE (JET Blue) databases, transaction logs and backup sets, composed from nothing.
//!
//! An [`Engine`] is a database with its logs in memory. Everything that is done to it changes its pages and is written to its logs as
//! the engine of Windows does it; the same calls make the same bytes.
#![expect(
    clippy::cast_possible_truncation,
    reason = "sizes of what a test composes; pages and log files bound them all"
)]

mod backup;
mod catalog;
mod clock;
mod compression;
mod diff;
mod disk;
mod engine;
mod format;
mod key;
mod log;
mod long_value;
mod merge;
mod record;
mod row;
mod schema;
mod set;
mod space;
mod split;
mod table;
mod transaction;
mod tree;

pub use backup::HotBackup;
pub use engine::Engine;
pub use format::Format;
pub use row::Row;
pub use schema::{Column, ColumnKind, Index, Storage, Table};
pub use set::{BackupSet, Part, Truth};
pub use table::{RowKey, TableId};
pub use transaction::Session;
