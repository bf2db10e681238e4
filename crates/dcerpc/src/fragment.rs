//! What client and server share: a security context in use, and the writer that cuts a stub into fragments.

use uuid::Uuid;

use crate::pdu::{Flags, Header, Kind, Layout, Request, STUB_ALIGNMENT, SecurityTrailer};
use crate::security::{SecurityContext, SecurityError, Step};
use crate::{AuthenticationLevel, CallId, ContextId, SecurityContextId, limits};

/// A security context with the name and the level that were negotiated for it.
pub(crate) struct Secured {
    pub(crate) id: SecurityContextId,
    pub(crate) level: AuthenticationLevel,
    pub(crate) context: Box<dyn SecurityContext>,
    legs: usize,
}

impl Secured {
    pub(crate) fn new(id: SecurityContextId, level: AuthenticationLevel, context: Box<dyn SecurityContext>) -> Secured {
        Secured { id, level, context, legs: 0 }
    }

    pub(crate) fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError> {
        self.legs += 1;
        if self.legs > limits::LEGS {
            return Err(SecurityError::Token { reason: "the handshake does not end" });
        }
        self.context.step(token)
    }

    /// Whether a security trailer speaks of this context, as it was negotiated.
    pub(crate) fn matches(&self, trailer: &SecurityTrailer) -> bool {
        trailer.context_id == self.id
            && trailer.level == self.level
            && trailer.authentication_type == self.context.authentication_type()
    }

    /// Verifies and unseals a fragment in place. The lengths have been checked by [`Layout`].
    pub(crate) fn unprotect(&mut self, pdu: &mut [u8], layout: &Layout, stub_start: usize) -> Result<(), Failure> {
        let body = layout.sealed(stub_start)?;
        if self.level.protects() {
            self.context.unprotect(self.level, pdu, body)?;
        }
        Ok(())
    }
}

/// Why a fragment cannot be unprotected, or made.
pub(crate) enum Failure {
    Pdu(crate::pdu::Error),
    Security(SecurityError),
}

impl From<crate::pdu::Error> for Failure {
    fn from(error: crate::pdu::Error) -> Failure {
        Failure::Pdu(error)
    }
}

impl From<SecurityError> for Failure {
    fn from(error: SecurityError) -> Failure {
        Failure::Security(error)
    }
}

/// What all fragments of a request or a response have in common.
#[derive(Clone, Copy)]
pub(crate) struct Template {
    /// [`Kind::Request`] or [`Kind::Response`].
    pub(crate) kind: Kind,
    pub(crate) call_id: CallId,
    pub(crate) context_id: ContextId,
    /// The opnum of a request; cancel count and a reserved octet, both 0, of a response.
    pub(crate) word: u16,
    pub(crate) object: Option<Uuid>,
    /// Largest fragment, in bytes.
    pub(crate) max_fragment: u16,
}

/// Writes a stub as fragments, each protected with its own padding, trailer and signature.
pub(crate) struct Fragments<'a> {
    template: Template,
    secured: Option<&'a mut Secured>,
    signature: usize,
    /// Bytes of stub in every fragment but the last.
    room: usize,
    /// What has not been written.
    stub: &'a [u8],
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Later,
    Done,
}

impl<'a> Fragments<'a> {
    pub(crate) fn new(template: Template, secured: Option<&'a mut Secured>, stub: &'a [u8]) -> Fragments<'a> {
        let secured = secured.filter(|secured| secured.level.protects());
        let signature = secured.as_ref().map_or(0, |secured| secured.context.signature_size(secured.level));
        let overhead = template.stub_start() + if secured.is_some() { SecurityTrailer::SIZE + signature } else { 0 };
        // A signature that fills the fragment does not exist; if one did, the peer would refuse the fragment.
        let room = usize::from(template.max_fragment).saturating_sub(overhead).max(STUB_ALIGNMENT);
        let room = room - room % STUB_ALIGNMENT;
        Fragments { template, secured, signature, room, stub, state: State::First }
    }

    /// Appends fragments to `out` until the stub is finished, or `out` has grown past `at_most` bytes; `true` when
    /// anything was appended.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, at_most: usize) -> Result<bool, SecurityError> {
        if self.state == State::Done {
            return Ok(false);
        }
        // Once for all of them.
        let count = self.stub.len() / self.room + 1;
        let total = self.stub.len() + count * (self.template.stub_start() + 2 * STUB_ALIGNMENT + self.signature);
        out.reserve(total.min(at_most.saturating_add(limits::PDU)));
        while self.state != State::Done && out.len() < at_most {
            self.write_one(out)?;
        }
        Ok(true)
    }

    fn write_one(&mut self, out: &mut Vec<u8>) -> Result<(), SecurityError> {
        let start = out.len();
        let template = self.template;
        let remaining = self.stub.len();
        let (stub, rest) = self.stub.split_at(self.room.min(remaining));
        let mut flags = if rest.is_empty() { Flags::LAST } else { Flags::empty() };
        flags.set(Flags::FIRST, self.state == State::First);
        flags.set(Flags::OBJECT_UUID, template.object.is_some());
        let pad_length =
            if self.secured.is_some() { stub.len().next_multiple_of(STUB_ALIGNMENT) - stub.len() } else { 0 };
        let security = if self.secured.is_some() { SecurityTrailer::SIZE + self.signature } else { 0 };
        let length = template.stub_start() + stub.len() + pad_length + security;
        let header = Header {
            kind: template.kind,
            flags,
            frag_length: u16::try_from(length).unwrap_or(u16::MAX),
            auth_length: u16::try_from(self.signature).unwrap_or(u16::MAX),
            call_id: template.call_id,
        };
        out.extend_from_slice(&header.encode());
        // The bytes of stub from here to the end, [MS-RPCE] 2.2.2.6.
        out.extend_from_slice(&u32::try_from(remaining).unwrap_or(0).to_le_bytes());
        out.extend_from_slice(&template.context_id.0.to_le_bytes());
        out.extend_from_slice(&template.word.to_le_bytes());
        if let Some(object) = template.object {
            out.extend_from_slice(&object.to_bytes_le());
        }
        out.extend_from_slice(stub);
        if let Some(secured) = &mut self.secured {
            let body = template.stub_start()..template.stub_start() + stub.len() + pad_length;
            out.resize(start + body.end, 0);
            let trailer = SecurityTrailer {
                authentication_type: secured.context.authentication_type(),
                level: secured.level,
                pad_length: u8::try_from(pad_length).unwrap_or(0),
                context_id: secured.id,
            };
            out.extend_from_slice(&trailer.encode());
            out.resize(start + length, 0);
            secured.context.protect(secured.level, &mut out[start..], body)?;
        }
        self.stub = rest;
        self.state = if rest.is_empty() { State::Done } else { State::Later };
        Ok(())
    }
}

impl Template {
    fn stub_start(&self) -> usize {
        let flags = if self.object.is_some() { Flags::OBJECT_UUID } else { Flags::empty() };
        Request::stub_start(flags)
    }
}

/// The fragment size for sending to a peer that takes `peer` bytes, when we want at most `own`.
pub(crate) fn fragment_size(own: u16, peer: u16) -> u16 {
    own.min(peer).clamp(limits::SMALLEST_FRAGMENT, limits::LARGEST_FRAGMENT)
}
