//! The client's end of a connection: [`Association`].
//!
//! # Flow of buffers
//!
//! ```text
//! request stub → call(&stub, &mut out)                 fragments laid out in `out`, each body sealed where it lies
//! socket → Framer (one buffer) → receive(&mut pdu,     unsealed where it lies,
//!                                        &mut reply)   then appended to the caller's Vec: one copy
//! ```
//! Nothing is allocated per fragment. The caller keeps `out` and `reply` and clears them between calls.

mod association;
mod error;
mod negotiation;

pub use association::Association;
pub use error::Error;

use crate::security::SecurityContext;
use crate::{AuthenticationLevel, ContextId, SecurityContextId, Status, limits};

/// Settings of a client's end.
#[derive(Debug, Clone)]
pub struct Options {
    /// Largest fragment to propose, in bytes. Servers that take less say so, Windows says 5840.
    pub max_fragment: u16,
    /// Largest reply stub, in bytes.
    pub max_reply: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options { max_fragment: limits::LARGEST_FRAGMENT, max_reply: limits::REPLY_STUB }
    }
}

/// The security of the calls on a new binding.
pub enum Security {
    /// Calls are not authenticated.
    None,
    /// Builds a security context.
    New {
        /// The context, before its first leg.
        context: Box<dyn SecurityContext>,
        /// [`AuthenticationLevel::Integrity`] or [`AuthenticationLevel::Privacy`].
        level: AuthenticationLevel,
    },
    /// Shares the security context of another binding on the connection.
    Same(Binding),
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Security::None => f.write_str("None"),
            Security::New { context, level } => f
                .debug_struct("New")
                .field("authentication_type", &context.authentication_type())
                .field("level", level)
                .finish_non_exhaustive(),
            Security::Same(binding) => f.debug_tuple("Same").field(binding).finish(),
        }
    }
}

/// An interface that can be called on this connection: a presentation context, and a security context if any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Binding {
    context_id: ContextId,
    security: Option<SecurityContextId>,
}

/// What a PDU of the server led to. Whatever it is, `out` may have to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Nothing yet: receive the next PDU.
    More,
    /// The bind succeeded.
    Bound(Binding),
    /// The reply is complete.
    Reply,
    /// The call failed with a fault; the connection lives on.
    Fault(Status),
}
