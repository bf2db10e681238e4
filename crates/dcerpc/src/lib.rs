//! DCE/RPC connection-oriented protocol, C706 and \[MS-RPCE\]: bytes in, values out.
//!
//! This is the layer that DCOM, the endpoint mapper and every interface above them stand on. It reads no clock, opens no
//! socket and draws no random number: the layer above moves the bytes, and brings the security providers.
//!
//! - [`ndr`] encodes and decodes stubs.
//! - [`pdu`] is the wire format: one type for each PDU.
//! - [`client::Association`] and [`server::Association`] are the two ends of a connection: presentation contexts,
//!   security contexts, fragments, faults. Both take whole PDUs, which [`Framer`] cuts out of the stream, and append what
//!   has to be sent to a buffer of the caller. A large reply costs one copy on either side, and no allocation per
//!   fragment; [`server`] and [`client`] draw the flow of buffers.
//! - [`security::SecurityContext`] is what NTLM, SPNEGO or Kerberos implement.
//! - [`epm`] finds ports, and [`verification`] is the trailer that some clients put behind a request.
//! - [`limits`] holds every limit, with its reason.
//!
//! Decoders trust nothing: no length is believed before the bytes are there, nothing panics, and errors say whose fault
//! it is. Little-endian peers and NDR only; where this differs from the specification is in `docs/divergences.md`.
//!
//! # Example
//!
//! A client and a server that meet in memory: bind without authentication, call operation 5, get the stub back.
//!
//! ```
//! use dcerpc::security::SecurityContext;
//! use dcerpc::{AuthenticationType, Framer, Opnum, SyntaxId, client, epm, server};
//!
//! struct EndpointMapper;
//!
//! impl server::Acceptor for EndpointMapper {
//!     fn serves(&self, interface: &SyntaxId) -> bool {
//!         *interface == epm::INTERFACE
//!     }
//!     fn security_context(&mut self, _: AuthenticationType) -> Option<Box<dyn SecurityContext>> {
//!         None
//!     }
//! }
//!
//! let mut client = client::Association::new(client::Options::default());
//! let mut server = server::Association::new(server::Options::default(), EndpointMapper);
//!
//! // What one side appends here, the other side receives.
//! let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
//! let mut reply = Vec::new();
//!
//! client.bind(epm::INTERFACE, client::Security::None, &mut to_server)?;
//! server.receive(&mut to_server, &mut to_client)?;
//! let event = client.receive(&mut to_client, &mut reply, &mut Vec::new())?;
//! let client::Event::Bound(binding) = event else { unreachable!("no handshake, no more legs") };
//!
//! to_server.clear();
//! to_client.clear();
//! client.call(binding, Opnum(5), None, b"stub", &mut to_server)?;
//!
//! // A socket delivers what it likes; the framer makes whole PDUs of it.
//! let mut framer = Framer::new();
//! framer.space()[..to_server.len()].copy_from_slice(&to_server);
//! framer.filled(to_server.len());
//! while let Some(pdu) = framer.pdu() {
//!     if let Some(call) = server.receive(pdu, &mut to_client)? {
//!         let answer = call.stub.to_vec();
//!         server.reply(&answer, &mut to_client)?;
//!     }
//! }
//!
//! let event = client.receive(&mut to_client, &mut reply, &mut Vec::new())?;
//! assert_eq!(event, client::Event::Reply);
//! assert_eq!(reply, b"stub");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
