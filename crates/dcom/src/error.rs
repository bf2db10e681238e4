//! Why bytes from a peer are not what they should be.

use dcerpc::ndr;
use uuid::Uuid;

/// Why a DCOM structure cannot be decoded. Always the sender's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are not the NDR of what was expected.
    #[error(transparent)]
    Ndr(#[from] ndr::Error),
    /// A structure that is not NDR, such as an OBJREF, ends early.
    #[error("{structure} ends early: {needed} bytes wanted, {remaining} left")]
    Truncated {
        /// The structure, by its name in the specification.
        structure: &'static str,
        /// Bytes that the next field needs.
        needed: usize,
        /// Bytes that are left.
        remaining: usize,
    },
    /// A field that allows only one value, or a few, has another.
    #[error("{field} is {found:#x}")]
    Value {
        /// Structure and field, by their names in the specification.
        field: &'static str,
        /// What it holds.
        found: u64,
    },
    /// A UUID that names the form of what follows is not the one expected.
    #[error("{field} is {found}")]
    Identifier {
        /// Structure and field, by their names in the specification.
        field: &'static str,
        /// What it holds.
        found: Uuid,
    },
    /// An activation blob lacks a property that it must have.
    #[error("activation properties without {0}")]
    MissingProperty(&'static str),
    /// A pointer is null that must not be.
    #[error("{0} is null")]
    Null(&'static str),
}
