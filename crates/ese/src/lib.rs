//! ESE (JET Blue) databases and their transaction logs: verify them, read them, roll them forward.
//!
//! The crate opens no file and never writes into what it is given. Bytes come in through [`PageSource`] and
//! [`std::io::Read`]; whatever they hold, nothing here panics, loops or allocates by what they claim.

mod bytes;
pub mod catalog;
pub mod check;
pub mod compression;
mod database;
mod error;
mod index_key;
mod jet;
mod long_value;
pub mod page;
pub mod record;
mod source;
mod table;
mod text;
pub mod tree;
mod value;

pub use database::{Database, Format};
pub use error::Error;
pub use index_key::index_key;
pub use jet::JetError;
pub use long_value::{LongValueHeader, LongValueId, LongValues};
pub use source::{ObjectId, PageNumber, PageSource};
pub use table::{IndexRows, Row, Rows, Table};
pub use text::{Text, decode as decode_text};
pub use value::{LongValue, Value};
