//! ESE (JET Blue) databases and their transaction logs: verify them, read them, roll them forward.
//!
//! The crate opens no file and never writes into what it is given. Bytes come in through [`PageSource`] and
//! [`std::io::Read`]; whatever they hold, nothing here panics, loops or allocates by what they claim.

mod bytes;
mod error;
mod jet;
pub mod page;
mod source;
pub mod tree;

pub use error::Error;
pub use jet::JetError;
pub use source::{ObjectId, PageNumber, PageSource};
