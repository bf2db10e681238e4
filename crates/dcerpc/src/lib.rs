//! DCE/RPC connection-oriented protocol: PDUs, NDR, fragments, associations; bytes in, values out.

pub mod limits;
pub mod ndr;
pub mod security;
mod types;

pub use types::{
    AuthenticationLevel, AuthenticationType, CallId, ContextId, Opnum, Status, SyntaxId,
};
