//! The seam to the security providers: [`SecurityContext`], which NTLM, SPNEGO or Kerberos implement elsewhere.
//!
//! A context is built in legs ([`SecurityContext::step`]) while bind and alter_context PDUs carry its tokens, and then
//! protects the fragments of requests and responses in place. The association calls it in the order in which the PDUs are
//! on the wire, which is what sequence numbers and stream ciphers need.

use std::fmt;
use std::ops::Range;

use crate::{AuthenticationLevel, AuthenticationType};

/// One security context of a connection, \[MS-RPCE\] 3.3.1.5.2.
pub trait SecurityContext: Send {
    /// The provider, as the `auth_type` of the security trailer.
    fn authentication_type(&self) -> AuthenticationType;

    /// One leg of the handshake. A client's first call has an empty token.
    ///
    /// # Errors
    /// [`SecurityError::Token`] and [`SecurityError::Denied`]; the context is not used again.
    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError>;

    /// Size of the signature at `level`, in bytes: the `auth_length` of protected PDUs. Constant once the handshake is
    /// complete.
    fn signature_size(&self, level: AuthenticationLevel) -> usize;

    /// Protects one fragment in place.
    ///
    /// `pdu` is the whole fragment: header, stub, padding, security trailer, then
    /// [`signature_size`](Self::signature_size) bytes to be filled in; `body` are the stub and its padding.
    /// [`AuthenticationLevel::Integrity`] signs, [`AuthenticationLevel::Privacy`] seals `body` as well; no lower level
    /// gets here.
    ///
    /// # Errors
    /// [`SecurityError`] when the context cannot protect any more; the connection ends.
    fn protect(&mut self, level: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError>;

    /// Verifies one fragment, and at [`AuthenticationLevel::Privacy`] unseals `body` in place.
    ///
    /// `pdu` is laid out as for [`protect`](Self::protect), except that the peer chose the length of the signature: it is
    /// what follows the eight bytes of security trailer behind `body`. Signatures are compared in constant time.
    ///
    /// # Errors
    /// [`SecurityError::Signature`] when the fragment is not what the peer sent; the connection ends.
    fn unprotect(
        &mut self,
        level: AuthenticationLevel,
        pdu: &mut [u8],
        body: Range<usize>,
    ) -> Result<(), SecurityError>;

    /// Who the peer is; on a server, once the handshake is complete.
    fn identity(&self) -> Option<&Identity>;

    /// Tells whether both sides agreed on header signing, \[MS-RPCE\] 3.3.1.5.2.2, before the first PDU is protected.
    ///
    /// NTLM with extended session security signs whole PDUs either way and has nothing to do; Kerberos covers the header
    /// and the security trailer only when `agreed`.
    fn header_signing(&mut self, agreed: bool) {
        let _ = agreed;
    }
}

/// What a leg of the handshake came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send this token and expect another one.
    Continue(Vec<u8>),
    /// The context is ready for use; a last token for the peer, if any.
    Complete(Option<Vec<u8>>),
}

/// Who a peer has proved to be.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// NetBIOS name of the domain, or of the server for its local accounts; may be empty.
    pub domain: String,
    /// Account name.
    pub user: String,
}

/// `DOMAIN\user`.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\\{}", self.domain, self.user)
    }
}

/// Why a security context gave up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecurityError {
    /// The peer sent a token that is malformed, or one that this leg does not expect.
    #[error("malformed security token: {reason}")]
    Token {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The credentials are wrong, or the account may not log on.
    #[error("access denied: {reason}")]
    Denied {
        /// What was refused, in words that may be logged: no secrets, no names.
        reason: &'static str,
    },
    /// A fragment was changed on its way, replayed, or protected with other keys.
    #[error("the signature of a fragment does not verify")]
    Signature,
    /// The security provider failed for reasons of its own.
    #[error("the security provider failed")]
    Provider(#[source] Box<dyn std::error::Error + Send + Sync>),
}
