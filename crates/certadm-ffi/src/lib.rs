//! The C ABI of certadm: the 18 functions of Certadm.dll, as `libcertadm.so` and `certadm.dll` export them, and a loader for
//! any library that has them, Windows' own included.
//!
//! | from the outside in | |
//! |---|---|
//! | [`abi`] | types and constants of `certbcli.h` |
//! | [`export`] | the functions |
//! | [`table`] | their addresses: of this library, or of one that is loaded |
//! | [`library`] | a safe face of such a table, for Rust |
//! | `privilege` | SeBackupPrivilege and SeRestorePrivilege (Windows only) |
//!
//! Inside: `entry` (codes instead of panics), `argument` (pointers become values), `handle` (numbers that stand for sessions),
//! `list` (memory that callers free), `settings` (who we are to a server), `backup` and `restore` (what a handle stands for).
//!
//! This is the only crate of the project with `unsafe`. What C programs need to know is in `README.md` and certadm(3).
//!
//! ```no_run
//! use certadm::{BackupKind, ReadHint};
//! use certadm_ffi::Library;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let library = Library::load(std::path::Path::new("/usr/lib/x86_64-linux-gnu/libcertadm.so.0"))?;
//! let mut backup = library.backup_prepare("ca01.corp.example", BackupKind::Full)?;
//! for name in backup.database_names()? {
//!     let mut file = backup.open(&name, ReadHint::default())?;
//!     let mut start = vec![0; 512 << 10];
//!     let count = file.read(&mut start)?;
//!     println!("{}: {} bytes, {count} of them read", name.path(), file.size());
//! }
//! backup.end()?;
//! # Ok(())
//! # }
//! ```

pub mod abi;
pub mod export;
pub mod library;
#[cfg(windows)]
pub mod privilege;
pub mod table;

mod argument;
mod backup;
mod diagnostics;
mod entry;
mod failure;
mod handle;
mod list;
mod restore;
mod server;
mod settings;

pub use library::{Backup, Library, OpenFile, Restore};
pub use table::{LoadError, Table};
