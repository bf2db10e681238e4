//! DCE/RPC connection-oriented protocol: PDUs, NDR, fragments, associations; bytes in, values out.

pub mod client;
pub mod epm;
mod fragment;
mod framer;
pub mod limits;
pub mod ndr;
pub mod pdu;
pub mod security;
pub mod server;
mod types;
pub mod verification;

pub use framer::Framer;
pub use types::{
    AuthenticationLevel, AuthenticationType, CallId, ContextId, Opnum, SecurityContextId, Status, SyntaxId,
};
