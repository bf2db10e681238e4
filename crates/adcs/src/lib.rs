//! The database of a certification authority as rows, wherever it comes from.
//!
//! AD CS keeps its records in five tables, which [MS-CSRA] names in its appendix; certsrvd keeps the same tables in SQLite. This
//! crate has one model of them:
//!
//! - [`Table`], [`Column`], [`Value`], [`Row`]: columns by the names of the specification, whatever the file calls them
//!   ([`schema`]); what no specification names is kept under its own name.
//! - [`CaDatabase`]: what every reader of such a database offers, rows in the order of their number, one at a time.
//!   [`certsrvd::Database`] is the one for certsrvd, [`windows::Database`] that for Windows.
//! - [`Join`]: the rows of several tables that belong to one request, side by side, in one pass and bounded memory.
//! - [`words`]: dispositions, reasons, flags and codes for people; [`FileTime`] for dates; [`SerialNumber`].
//! - [`decode`]: certificates, requests and revocation lists from bytes that may be anything.
//! - [`Field`] and [`Filter`]: what a person names and asks for, `disposition=issued and notafter<now+30d`.
//!
//! ```no_run
//! use adcs::{CaDatabase, Join, Scan, Table};
//!
//! let database = adcs::certsrvd::Database::open("recovered.db".as_ref())?;
//! let mut entries = Join::new(&database, &[Scan::of(Table::Requests), Scan::of(Table::Certificates)])?;
//! while let Some(entry) = entries.next()? {
//!     if let Some(certificate) = entry.certificate() {
//!         println!("{}: {}", entry.id(), certificate.get("SerialNumber"));
//!     }
//! }
//! # Ok::<(), adcs::Error>(())
//! ```

pub mod certsrvd;
mod database;
pub mod decode;
mod error;
mod field;
mod filetime;
pub mod filter;
mod join;
mod row;
pub mod schema;
mod serial;
mod table;
pub mod windows;
pub mod words;

pub use database::{CaDatabase, INLINE_LIMIT, Rows, Scan};
pub use error::{Error, Source};
pub use field::{Catalog, Field, UnknownField, show_column};
pub use filetime::FileTime;
pub use filter::Filter;
pub use join::{Entry, Join};
pub use row::{Row, Value};
pub use serial::SerialNumber;
pub use table::{Column, Kind, Table};
