//! The server's end of a connection: [`Association`].
//!
//! # Flow of buffers
//!
//! ```text
//! socket → Framer (one buffer) → receive(&mut pdu)           unsealed where it lies
//!                                  ├ whole request            Call::stub is a part of that PDU: no copy
//!                                  └ several fragments        gathered in one Vec that the association keeps
//! reply stub (the caller's Vec) → reply(&stub, &mut out)     fragments laid out in `out`, each body sealed where it lies
//!                                  out → socket, one write
//! ```
//! A reply costs one copy and no allocation once the buffers have grown. [`Association::reply_in_parts`] does the same in
//! steps, so that the first part of a large reply is on its way, and being unsealed by the client, while the next one is
//! sealed.

mod association;
mod error;
mod negotiation;

pub use association::{Association, Reply};
pub use error::Error;

use uuid::Uuid;

use crate::security::{Identity, SecurityContext};
use crate::verification::{self, Trailer};
use crate::{AuthenticationLevel, AuthenticationType, CallId, ContextId, Opnum, Status, SyntaxId, limits};

/// What an association asks the layer above; one per connection.
pub trait Acceptor: Send {
    /// Whether this interface is served, here and in this version.
    fn serves(&self, interface: &SyntaxId) -> bool;

    /// A fresh security context, or `None` when the provider is not supported.
    fn security_context(&mut self, authentication_type: AuthenticationType) -> Option<Box<dyn SecurityContext>>;
}

/// Settings of a server's end.
#[derive(Debug, Clone)]
pub struct Options {
    /// Largest fragment to send and to accept, in bytes. A client that proposes less gets less.
    pub max_fragment: u16,
    /// Association group to report to clients that ask for a new one. Not 0.
    pub association_group: u32,
    /// Secondary address: the port of the listening socket in decimal.
    pub secondary_address: String,
    /// Largest request stub, in bytes.
    pub max_request: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            max_fragment: limits::LARGEST_FRAGMENT,
            association_group: 1,
            secondary_address: String::new(),
            max_request: limits::REQUEST_STUB,
        }
    }
}

/// A call that has come in completely, and waits for [`Association::reply`] or [`Association::fault`].
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// Number of the call.
    pub call_id: CallId,
    /// Presentation context that it came in.
    pub context_id: ContextId,
    /// The interface of that context.
    pub interface: SyntaxId,
    /// The operation.
    pub opnum: Opnum,
    /// The object; for DCOM the IPID.
    pub object: Option<Uuid>,
    /// How the request was protected. [`AuthenticationLevel::None`] for a client that did not authenticate: whether that
    /// is enough is for the layer above to say.
    pub level: AuthenticationLevel,
    /// Who the client has proved to be; `None` when nobody, or anonymous.
    pub identity: Option<&'a Identity>,
    /// The whole stub, a verification trailer included.
    pub stub: &'a [u8],
    /// Whether the client announced header signing in its bind.
    pub header_signing: bool,
}

impl Call<'_> {
    /// Checks the verification trailer behind the first `consumed` bytes of the stub, if there is one,
    /// \[MS-RPCE\] 2.2.2.13.
    ///
    /// # Errors
    /// [`Status::ACCESS_DENIED`] when it contradicts the request, or contains a command that must be understood and is
    /// not; the status of the fault to answer with.
    pub fn verify(&self, consumed: usize) -> Result<(), Status> {
        let Some(trailer) = Trailer::find(self.stub, consumed).map_err(|_| Status::ACCESS_DENIED)? else {
            return Ok(());
        };
        let expected = verification::Expected {
            interface: self.interface,
            transfer_syntax: SyntaxId::NDR,
            call_id: self.call_id,
            context_id: self.context_id,
            opnum: self.opnum,
            header_signing: self.header_signing,
        };
        if trailer.agrees(&expected) { Ok(()) } else { Err(Status::ACCESS_DENIED) }
    }
}
