//! Why bytes from a peer are not what they should be.

use dcerpc::ndr;

use crate::names::ListError;

/// Why a request or a reply cannot be decoded. Always the sender's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not the NDR of what was expected.
    #[error(transparent)]
    Ndr(#[from] ndr::Error),
    /// A list of file names is malformed.
    #[error("list of file names: {0}")]
    Names(#[from] ListError),
    /// A field that allows only some values has another.
    #[error("{field} is {found:#x}")]
    Value {
        /// The field, by its name in the specification.
        field: &'static str,
        /// What it holds.
        found: u64,
    },
    /// A pointer is null that must not be.
    #[error("{0} is null")]
    Null(&'static str),
}
