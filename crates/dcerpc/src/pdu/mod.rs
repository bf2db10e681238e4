//! The connection-oriented PDUs, C706 12.6 and \[MS-RPCE\] 2.2.2.
//!
//! [`Pdu`] is one whole PDU as a value, for everything that is small: binds, their answers, faults. [`Layout`] only finds
//! the segments of a PDU, so that requests and responses can be unsealed where they lie before their body is read.

mod bind;
mod bind_ack;
mod bind_nak;
mod error;
mod fault;
mod features;
mod header;
mod layout;
mod presentation;
mod request;
mod response;
mod security_trailer;

pub use bind::Bind;
pub use bind_ack::BindAck;
pub use bind_nak::{BindNak, RejectReason};
pub use error::Error;
pub use fault::Fault;
pub use features::Features;
pub use header::{Flags, Header, Kind};
pub use layout::Layout;
pub use presentation::{ContextResult, PresentationContext, Rejection};
pub use request::Request;
pub use response::Response;
pub use security_trailer::SecurityTrailer;

use crate::ndr::{Decoder, Encoder};
use crate::{AuthenticationLevel, AuthenticationType, CallId, SecurityContextId, limits};

/// One whole PDU. Stubs and tokens are borrowed from the bytes they were decoded from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// Flags. Encoding sets [`Flags::OBJECT_UUID`] as the body needs it.
    pub flags: Flags,
    /// The call that it belongs to.
    pub call_id: CallId,
    /// What it says.
    pub body: Body<'a>,
    /// Authentication information.
    pub authentication: Option<Authentication<'a>>,
}

/// What a PDU says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as in C706, described by the types that they hold")]
pub enum Body<'a> {
    Request(Request<'a>),
    Response(Response<'a>),
    Fault(Fault),
    Bind(Bind),
    BindAck(BindAck),
    BindNak(BindNak),
    AlterContext(Bind),
    AlterContextResponse(BindAck),
    /// \[MS-RPCE\] 2.2.2.10: four octets without meaning; the authentication information is all it is for.
    Auth3,
    /// The server wants the connection closed.
    Shutdown,
    /// Cancel a call.
    CoCancel,
    /// The client is no longer interested in a call.
    Orphaned,
}

/// Security trailer and token of a PDU, without the padding, which follows from the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authentication<'a> {
    /// Security provider.
    pub authentication_type: AuthenticationType,
    /// Authentication level.
    pub level: AuthenticationLevel,
    /// The security context.
    pub context_id: SecurityContextId,
    /// Token or signature; not empty, because `auth_length` 0 means that there is no authentication information.
    pub token: &'a [u8],
}

impl<'a> Pdu<'a> {
    /// Reads one whole PDU. Bodies must not be sealed any more.
    ///
    /// # Errors
    /// [`Error`], for anything that is not exactly one PDU; bytes behind the fields of a body are ignored.
    pub fn decode(pdu: &'a [u8]) -> Result<Pdu<'a>, Error> {
        let layout = Layout::decode(pdu)?;
        let Header { kind, flags, call_id, .. } = layout.header;
        let body = &mut Decoder::at(&pdu[..layout.body.end], layout.body.start);
        let body = match kind {
            Kind::Request => Body::Request(Request::decode(flags, body)?),
            Kind::Response => Body::Response(Response::decode(body)?),
            Kind::Fault => Body::Fault(Fault::decode(body)?),
            Kind::Bind => Body::Bind(Bind::decode(body)?),
            Kind::BindAck => Body::BindAck(BindAck::decode(body)?),
            Kind::BindNak => Body::BindNak(BindNak::decode(body)?),
            Kind::AlterContext => Body::AlterContext(Bind::decode(body)?),
            Kind::AlterContextResponse => Body::AlterContextResponse(BindAck::decode(body)?),
            Kind::Auth3 => Body::Auth3,
            Kind::Shutdown => Body::Shutdown,
            Kind::CoCancel => Body::CoCancel,
            Kind::Orphaned => Body::Orphaned,
        };
        let authentication = layout.trailer.map(|trailer| Authentication {
            authentication_type: trailer.authentication_type,
            level: trailer.level,
            context_id: trailer.context_id,
            token: &pdu[layout.token],
        });
        Ok(Pdu { flags, call_id, body, authentication })
    }

    /// Appends the PDU to `out`, unprotected.
    ///
    /// # Errors
    /// [`Error::Limit`] when it is larger than a PDU can be; `out` is then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let start = out.len();
        let result = self.append(out, start);
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    fn append(&self, out: &mut Vec<u8>, start: usize) -> Result<(), Error> {
        let mut flags = self.flags;
        if let Body::Request(request) = &self.body {
            flags.set(Flags::OBJECT_UUID, request.object.is_some());
        }
        let mut body = Encoder::append_to(std::mem::take(out), start);
        body.bytes(&[0; Header::SIZE]);
        let encoded = self.encode_body(&mut body);
        *out = body.into_bytes();
        encoded?;

        let mut auth_length = 0;
        if let Some(authentication) = self.authentication.filter(|authentication| !authentication.token.is_empty()) {
            let alignment = match self.body {
                Body::Request(_) | Body::Response(_) => STUB_ALIGNMENT,
                _ => 4,
            };
            let length = out.len() - start;
            // Stubs start at a multiple of 8, and it is their length that the padding completes.
            let unpadded = match &self.body {
                Body::Request(request) => request.stub.len(),
                Body::Response(response) => response.stub.len(),
                _ => length,
            };
            let pad_length = unpadded.next_multiple_of(alignment) - unpadded;
            out.resize(out.len() + pad_length, 0);
            let trailer = SecurityTrailer {
                authentication_type: authentication.authentication_type,
                level: authentication.level,
                pad_length: u8::try_from(pad_length).unwrap_or_default(),
                context_id: authentication.context_id,
            };
            out.extend_from_slice(&trailer.encode());
            out.extend_from_slice(authentication.token);
            auth_length = authentication.token.len();
        }
        let length = out.len() - start;
        let too_long = || Error::Limit { what: "PDU", claimed: length, limit: limits::PDU };
        let header = Header {
            kind: self.body.kind(),
            flags,
            frag_length: u16::try_from(length).map_err(|_| too_long())?,
            auth_length: u16::try_from(auth_length).map_err(|_| too_long())?,
            call_id: self.call_id,
        };
        out[start..start + Header::SIZE].copy_from_slice(&header.encode());
        Ok(())
    }

    fn encode_body(&self, out: &mut Encoder) -> Result<(), Error> {
        match &self.body {
            Body::Request(request) => request.encode(out),
            Body::Response(response) => response.encode(out),
            Body::Fault(fault) => fault.encode(out),
            Body::Bind(bind) | Body::AlterContext(bind) => bind.encode(out)?,
            Body::BindAck(ack) | Body::AlterContextResponse(ack) => ack.encode(out)?,
            Body::BindNak(nak) => nak.encode(out)?,
            Body::Auth3 => out.bytes(&[0; 4]),
            Body::Shutdown | Body::CoCancel | Body::Orphaned => {}
        }
        Ok(())
    }
}

impl Body<'_> {
    /// Its type.
    pub fn kind(&self) -> Kind {
        match self {
            Body::Request(_) => Kind::Request,
            Body::Response(_) => Kind::Response,
            Body::Fault(_) => Kind::Fault,
            Body::Bind(_) => Kind::Bind,
            Body::BindAck(_) => Kind::BindAck,
            Body::BindNak(_) => Kind::BindNak,
            Body::AlterContext(_) => Kind::AlterContext,
            Body::AlterContextResponse(_) => Kind::AlterContextResponse,
            Body::Auth3 => Kind::Auth3,
            Body::Shutdown => Kind::Shutdown,
            Body::CoCancel => Kind::CoCancel,
            Body::Orphaned => Kind::Orphaned,
        }
    }
}

/// What the stub of a protected fragment is padded to. C706 asks for 4; Windows pads to 16, which block ciphers need.
pub(crate) const STUB_ALIGNMENT: usize = 16;
