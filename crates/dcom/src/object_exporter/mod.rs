//! IObjectExporter, \[MS-DCOM\] 3.1.2.5.1: bindings of exporters, pings, and whether a server is there.
//!
//! Plain RPC on the port of the endpoint mapper: no ORPCTHIS, no object UUID. Every reply ends with an [`ErrorStatus`].

mod ping;
mod resolve;
mod server_alive;

use dcerpc::Opnum;

pub use ping::{ComplexPing, ComplexPingReply, SimplePing};
pub use resolve::{ResolveOxid, ResolveOxidReply, Resolved};
pub use server_alive::ServerAlive2Reply;

use crate::ErrorStatus;

/// ResolveOxid: [`ResolveOxid`], [`ResolveOxidReply::encode`].
pub const RESOLVE_OXID: Opnum = Opnum(0);
/// SimplePing: [`SimplePing`]; the reply is a [`Status`](encode_status) alone.
pub const SIMPLE_PING: Opnum = Opnum(1);
/// ComplexPing: [`ComplexPing`], [`ComplexPingReply`].
pub const COMPLEX_PING: Opnum = Opnum(2);
/// ServerAlive: the request is empty, the reply a [`Status`](encode_status) alone.
pub const SERVER_ALIVE: Opnum = Opnum(3);
/// ResolveOxid2: [`ResolveOxid`], [`ResolveOxidReply::encode2`].
pub const RESOLVE_OXID2: Opnum = Opnum(4);
/// ServerAlive2: the request is empty, the reply [`ServerAlive2Reply`].
pub const SERVER_ALIVE2: Opnum = Opnum(5);

/// Writes a reply that is a status and nothing else: SimplePing, ServerAlive.
pub fn encode_status(status: ErrorStatus, stub: &mut dcerpc::ndr::Encoder) {
    stub.u32(status.0);
}

/// Reads a reply that is a status and nothing else: SimplePing, ServerAlive.
///
/// # Errors
/// [`Error::Ndr`](crate::Error::Ndr) at the end of the stub.
pub fn decode_status(stub: &mut dcerpc::ndr::Decoder<'_>) -> Result<ErrorStatus, crate::Error> {
    Ok(ErrorStatus(stub.u32()?))
}
