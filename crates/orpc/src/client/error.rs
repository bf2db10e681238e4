//! Why a remote operation did not come to a result.

use std::io;

use dcerpc::Status;
use dcom::Hresult;

/// Failure of activation or of a call, by what the caller can do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Nobody answers there: name not found, port closed, no route.
    #[error("cannot reach {host} port {port}")]
    Unreachable {
        /// Host that was tried.
        host: String,
        /// Port that was tried.
        port: u16,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The server does not accept the user name and the password.
    #[error("{host} refuses the user name or the password")]
    AuthenticationFailed {
        /// Host that refused.
        host: String,
    },
    /// The user is known but may not do this.
    #[error("access denied by {host}")]
    AccessDenied {
        /// Host that refused.
        host: String,
    },
    /// The host has no such class (REGDB_E_CLASSNOTREG): no certification authority there, or it is stopped.
    #[error("the class is not registered on {host}")]
    ClassNotRegistered {
        /// Host that was asked.
        host: String,
    },
    /// The object does not have the interface (E_NOINTERFACE).
    #[error("the object on {host} does not have the interface")]
    NoInterface {
        /// Host of the object.
        host: String,
    },
    /// Activation failed with another code.
    #[error("activation on {host} failed: {hresult}")]
    Activation {
        /// Host that was asked.
        host: String,
        /// Its answer.
        hresult: Hresult,
    },
    /// The server answered a call with a fault PDU. The object can still be used.
    #[error("the server rejects the call: {0}")]
    Fault(Status),
    /// The connection broke; the object on the server is lost.
    #[error("the connection to {host} is lost")]
    ConnectionLost {
        /// Host of the object.
        host: String,
        /// What the system said; `None` when the server closed the connection.
        #[source]
        source: Option<io::Error>,
    },
    /// The server did not answer in time. The connection is closed.
    #[error("{host} does not answer")]
    Timeout {
        /// Host that was asked.
        host: String,
    },
    /// A [`Canceller`](super::Canceller) ended the operation.
    #[error("cancelled")]
    Cancelled,
    /// The server sent something that the protocol does not allow, or with a wrong signature. The connection is closed.
    #[error("protocol error of {host}: {reason}")]
    Protocol {
        /// Host that sent it.
        host: String,
        /// What is wrong.
        reason: String,
    },
}
