//! Certificates, requests and revocation lists from bytes that may be anything.
//!
//! Nothing here verifies a signature. What does not decode is an error with a place, and never stops the reading of a database.

mod certificate;
mod crl;
mod name;
mod request;
mod tlv;

pub use certificate::{Certificate, Extension};
pub use crl::Crl;
pub use request::{Request, RequestForm};

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("does not decode as {what}: {reason}")]
pub struct DecodeError {
    /// What they should be.
    pub what: &'static str,
    /// What is wrong, and where.
    pub reason: String,
}

impl DecodeError {
    fn new(what: &'static str, reason: impl ToString) -> Self {
        Self { what, reason: reason.to_string() }
    }
}
