use crate::ndr;

/// Why bytes are not a PDU, or a PDU cannot be written.
///
/// When it comes from decoding, the peer is at fault, and the connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not version 5.0 of the protocol, \[MS-RPCE\] 3.3.1.5.1.
    #[error("protocol version {major}.{minor} instead of 5.0")]
    Version {
        /// `rpc_vers`.
        major: u8,
        /// `rpc_vers_minor`.
        minor: u8,
    },
    /// Integers are not little-endian, characters not ASCII, or floats not IEEE.
    #[error("data representation {0:02x?} instead of little-endian, ASCII, IEEE")]
    DataRepresentation([u8; 4]),
    /// A PDU type that connections do not carry.
    #[error("unknown PDU type {0}")]
    Kind(u8),
    /// `frag_length` is not the length of the PDU, or too small for its header.
    #[error("frag_length is {claimed}, which does not fit {actual} bytes")]
    Length {
        /// `frag_length`.
        claimed: usize,
        /// Bytes that are there.
        actual: usize,
    },
    /// The security trailer, its token or its padding do not fit into the PDU.
    #[error("auth_length {auth_length} and auth_pad_length {pad_length} do not fit the body")]
    SecurityTrailer {
        /// `auth_length`.
        auth_length: usize,
        /// `auth_pad_length`.
        pad_length: usize,
    },
    /// `auth_level` is none that exists.
    #[error("unknown authentication level {0}")]
    Level(u8),
    /// A fixed field holds a value that it cannot have.
    #[error("invalid {field}: {found}")]
    Value {
        /// Its name in C706.
        field: &'static str,
        /// What it holds.
        found: u32,
    },
    /// More elements or bytes than a PDU can carry, or than `limits` allows.
    #[error("{what}: {claimed} exceeds the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there is.
        claimed: usize,
        /// How much there may be.
        limit: usize,
    },
    /// The body ends early.
    #[error("malformed body")]
    Body(#[from] ndr::Error),
}
