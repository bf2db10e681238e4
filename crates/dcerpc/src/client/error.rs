use crate::pdu::{self, RejectReason, Rejection};
use crate::security::SecurityError;
use crate::{Status, SyntaxId};

/// Why a bind or a call failed.
///
/// After [`Refused`](Error::Refused), [`InterfaceRefused`](Error::InterfaceRefused),
/// [`NoMultiplexing`](Error::NoMultiplexing) and [`Misuse`](Error::Misuse) the association is as it was; after the others
/// the connection is over.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server rejected the bind.
    #[error("the server rejects the bind: {0}")]
    Rejected(RejectReason),
    /// The server answered an additional bind with a fault: it refused the credentials, or is out of contexts.
    #[error("the server refuses the context: {0}")]
    Refused(Status),
    /// The server does not serve the interface.
    #[error("the server refuses interface {interface}: {reason}")]
    InterfaceRefused {
        /// The interface.
        interface: SyntaxId,
        /// Why.
        reason: Rejection,
    },
    /// The server takes one security context per connection; open another connection.
    #[error("the server takes only one security context on a connection")]
    NoMultiplexing,
    /// The security context failed: the server did not prove who it is, or a fragment is not what the server sent.
    #[error("the security context failed")]
    Security(#[from] SecurityError),
    /// The reply is larger than allowed.
    #[error("the reply is larger than {limit} bytes")]
    ReplyTooLarge {
        /// [`Options::max_reply`](super::Options::max_reply).
        limit: usize,
    },
    /// The server asked to close the connection.
    #[error("the server shuts the connection down")]
    Shutdown,
    /// The server sent bytes that are not a PDU.
    #[error("the server sent a malformed PDU")]
    Pdu(#[from] pdu::Error),
    /// The server sent a PDU that may not come here.
    #[error("protocol error of the server: {0}")]
    Protocol(&'static str),
    /// This side called in the wrong order, or with what cannot be.
    #[error("misuse of the association: {0}")]
    Misuse(&'static str),
}

impl Error {
    /// Whether the connection is over.
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Error::Refused(_) | Error::InterfaceRefused { .. } | Error::NoMultiplexing | Error::Misuse(_))
    }
}
