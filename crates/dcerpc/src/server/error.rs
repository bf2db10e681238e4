use crate::pdu;
use crate::security::SecurityError;

/// Why a connection ends. What the peer is to be told is in `out`; send it, then close.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The client sent bytes that are not a PDU.
    #[error("the client sent a malformed PDU")]
    Pdu(#[from] pdu::Error),
    /// The client sent a PDU that may not come here.
    #[error("protocol error of the client: {0}")]
    Protocol(&'static str),
    /// The client failed to authenticate, or a fragment is not what it sent.
    #[error("the security context failed")]
    Security(#[from] SecurityError),
    /// The client exceeded a limit.
    #[error("{what} of the client exceed the limit of {limit}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: usize,
    },
    /// This side called in the wrong order: a PDU before the reply to the last call, a reply without a call, anything
    /// after an error.
    #[error("misuse of the association: {0}")]
    Misuse(&'static str),
}
