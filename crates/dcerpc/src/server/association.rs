use std::ops::Range;

use super::{Acceptor, Call, Error, Options};
use crate::fragment::{Failure, Fragments, Secured, Template};
use crate::ndr::Decoder;
use crate::pdu::{Body, Fault, Flags, Header, Kind, Layout, Pdu, Request};
use crate::{AuthenticationLevel, CallId, ContextId, Opnum, SecurityContextId, Status, SyntaxId};

/// The server's end of one connection, without I/O.
///
/// Feed it whole PDUs with [`receive`](Self::receive), send what it appends to `out`, and answer every [`Call`] before the
/// next PDU. After an error the connection is over.
pub struct Association {
    pub(super) options: Options,
    pub(super) acceptor: Box<dyn Acceptor>,
    pub(super) phase: Phase,
    /// Largest fragment to send, in bytes.
    pub(super) max_transmit: u16,
    /// Whether both sides sign headers; decided by the first PDU that authenticates.
    pub(super) header_signing: Option<bool>,
    pub(super) presentation: Vec<(ContextId, SyntaxId)>,
    pub(super) security: Vec<Slot>,
    /// The call whose first fragment was seen last.
    last_call: Option<CallId>,
    /// Gathers the stub of a fragmented request; keeps its allocation.
    stub: Vec<u8>,
}

pub(super) enum Phase {
    /// No bind yet.
    Unbound,
    /// Between calls.
    Ready,
    /// Fragments of a request are coming in.
    Receiving(Incoming),
    /// The layer above owes a reply.
    Dispatched(Incoming),
    /// An error ended the connection.
    Over,
}

/// A security context and how far it is.
pub(super) enum Slot {
    Negotiating(Secured),
    Ready(Secured),
    /// Kept so that requests can be told, and that failures count.
    Failed(SecurityContextId),
}

impl Slot {
    pub(super) fn id(&self) -> SecurityContextId {
        match self {
            Slot::Negotiating(secured) | Slot::Ready(secured) => secured.id,
            Slot::Failed(id) => *id,
        }
    }
}

/// What the fragments of a request have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Incoming {
    call_id: CallId,
    context_id: ContextId,
    interface: SyntaxId,
    opnum: Opnum,
    object: Option<uuid::Uuid>,
    level: AuthenticationLevel,
    /// Index into `security`.
    slot: Option<usize>,
}

/// A request that is complete, and where its stub is.
enum Stub {
    /// In the PDU.
    Whole(Range<usize>),
    /// In `Association::stub`.
    Gathered,
}

impl Association {
    /// The end of a connection that a client has just opened.
    pub fn new(options: Options, acceptor: impl Acceptor + 'static) -> Association {
        Association {
            max_transmit: crate::limits::SMALLEST_FRAGMENT,
            options,
            acceptor: Box::new(acceptor),
            phase: Phase::Unbound,
            header_signing: None,
            presentation: Vec::new(),
            security: Vec::new(),
            last_call: None,
            stub: Vec::new(),
        }
    }

    /// Takes one whole PDU, unseals it in place, and appends what has to be sent to `out`.
    ///
    /// Returns the call that the PDU completes, if it does.
    ///
    /// # Errors
    /// The connection is over: send `out`, then close.
    pub fn receive<'a>(&'a mut self, pdu: &'a mut [u8], out: &mut Vec<u8>) -> Result<Option<Call<'a>>, Error> {
        let stub = match self.process(pdu, out) {
            Ok(Some(stub)) => stub,
            Ok(None) => return Ok(None),
            Err(error) => {
                if !matches!(error, Error::Misuse(_)) {
                    self.phase = Phase::Over;
                }
                return Err(error);
            }
        };
        let Phase::Dispatched(incoming) = self.phase else { return Ok(None) };
        Ok(Some(Call {
            call_id: incoming.call_id,
            context_id: incoming.context_id,
            interface: incoming.interface,
            opnum: incoming.opnum,
            object: incoming.object,
            level: incoming.level,
            identity: incoming.slot.and_then(|slot| match self.security.get(slot) {
                Some(Slot::Ready(secured)) => secured.context.identity(),
                _ => None,
            }),
            stub: match stub {
                Stub::Whole(range) => &pdu[range],
                Stub::Gathered => &self.stub,
            },
            header_signing: self.header_signing == Some(true),
        }))
    }

    /// Answers the current call with a reply stub, appended to `out` as protected fragments.
    ///
    /// # Errors
    /// [`Error::Misuse`] without a call, [`Error::Security`] when the context cannot protect it; close the connection.
    pub fn reply(&mut self, stub: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        self.reply_in_parts(stub)?.write(out, usize::MAX).map(drop)
    }

    /// Answers the current call with a reply stub, part by part.
    ///
    /// All parts have to be written before anything else happens on the connection.
    ///
    /// # Errors
    /// [`Error::Misuse`] without a call.
    pub fn reply_in_parts<'a>(&'a mut self, stub: &'a [u8]) -> Result<Reply<'a>, Error> {
        let incoming = self.finish_call()?;
        let template = Template {
            kind: Kind::Response,
            call_id: incoming.call_id,
            context_id: incoming.context_id,
            word: 0,
            object: None,
            max_fragment: self.max_transmit,
        };
        let secured = incoming.slot.and_then(|slot| match self.security.get_mut(slot) {
            Some(Slot::Ready(secured)) => Some(secured),
            _ => None,
        });
        Ok(Reply { fragments: Fragments::new(template, secured, stub) })
    }

    /// Answers the current call with a fault.
    ///
    /// # Errors
    /// [`Error::Misuse`] without a call, or for a status that must not be sent, \[MS-RPCE\] 3.3.3.5.1.
    pub fn fault(&mut self, status: Status, out: &mut Vec<u8>) -> Result<(), Error> {
        if status.is_forbidden() {
            return Err(Error::Misuse("a status that faults must not carry"));
        }
        let incoming = self.finish_call()?;
        let not_executed = [Status::OPERATION_RANGE, Status::UNKNOWN_INTERFACE, Status::SERVER_TOO_BUSY];
        let flags = if not_executed.contains(&status) { Flags::DID_NOT_EXECUTE } else { Flags::empty() };
        write_fault(incoming.call_id, incoming.context_id, status, flags, out);
        Ok(())
    }

    fn finish_call(&mut self) -> Result<Incoming, Error> {
        let Phase::Dispatched(incoming) = self.phase else {
            return Err(Error::Misuse("there is no call to answer"));
        };
        self.phase = Phase::Ready;
        Ok(incoming)
    }

    fn process(&mut self, pdu: &mut [u8], out: &mut Vec<u8>) -> Result<Option<Stub>, Error> {
        match self.phase {
            Phase::Dispatched(_) => return Err(Error::Misuse("the last call has not been answered")),
            Phase::Over => return Err(Error::Misuse("the connection is over")),
            Phase::Unbound | Phase::Ready | Phase::Receiving(_) => {}
        }
        let layout = Layout::decode(pdu).inspect_err(|error| self.refuse_malformed(pdu, error, out))?;
        match layout.header.kind {
            Kind::Request => self.request(pdu, &layout, out),
            Kind::Bind => self.bind(pdu, out).map(|()| None),
            Kind::AlterContext => self.alter_context(pdu, out).map(|()| None),
            Kind::Auth3 => self.auth3(pdu).map(|()| None),
            // Calls are not cancelled once they run, which the protocol allows.
            Kind::CoCancel => Ok(None),
            Kind::Orphaned => {
                if matches!(&self.phase, Phase::Receiving(incoming) if incoming.call_id == layout.header.call_id) {
                    self.phase = Phase::Ready;
                }
                Ok(None)
            }
            Kind::Response
            | Kind::Fault
            | Kind::BindAck
            | Kind::BindNak
            | Kind::AlterContextResponse
            | Kind::Shutdown => Err(Error::Protocol("a PDU that only servers send")),
        }
    }

    fn request(&mut self, pdu: &mut [u8], layout: &Layout, out: &mut Vec<u8>) -> Result<Option<Stub>, Error> {
        let Header { flags, call_id, .. } = layout.header;
        let first = flags.contains(Flags::FIRST);
        let protocol_error = |what, out: &mut Vec<u8>| {
            write_fault(call_id, ContextId(0), Status::PROTOCOL_ERROR, Flags::DID_NOT_EXECUTE, out);
            Err(Error::Protocol(what))
        };
        if matches!(self.phase, Phase::Unbound) {
            return protocol_error("a request before the bind", out);
        }

        // Authenticate first, whatever the request then turns out to be: the cipher streams must stay in step.
        let (slot, level) = match &layout.trailer {
            None => self.unprotected(),
            Some(trailer) => {
                let slot = self.security.iter().position(|slot| slot.id() == trailer.context_id);
                let secured = match slot.and_then(|slot| self.security.get_mut(slot)) {
                    Some(Slot::Ready(secured)) => secured,
                    Some(Slot::Failed(_)) => {
                        // [MS-RPCE] 3.3.1.5.2.1: a third leg that failed is reported here.
                        if first {
                            self.last_call = Some(call_id);
                            write_fault(call_id, ContextId(0), Status::ACCESS_DENIED, Flags::DID_NOT_EXECUTE, out);
                        }
                        return Ok(None);
                    }
                    Some(Slot::Negotiating(_)) | None => {
                        write_fault(call_id, ContextId(0), Status::ACCESS_DENIED, Flags::DID_NOT_EXECUTE, out);
                        return Err(Error::Protocol("a request with a security context that is not ready"));
                    }
                };
                if !secured.matches(trailer) {
                    write_fault(call_id, ContextId(0), Status::ACCESS_DENIED, Flags::DID_NOT_EXECUTE, out);
                    return Err(Error::Protocol("a request with another authentication level than negotiated"));
                }
                if let Err(failure) = secured.unprotect(pdu, layout, Request::stub_start(flags)) {
                    write_fault(call_id, ContextId(0), Status::ACCESS_DENIED, Flags::DID_NOT_EXECUTE, out);
                    return Err(failure.into());
                }
                (slot, secured.level)
            }
        };

        let body = &mut Decoder::at(&pdu[..layout.body.end], layout.body.start);
        let request = match Request::decode(flags, body) {
            Ok(request) => request,
            Err(error) => {
                write_fault(call_id, ContextId(0), Status::PROTOCOL_ERROR, Flags::DID_NOT_EXECUTE, out);
                return Err(error.into());
            }
        };
        let Request { context_id, opnum, object, stub, .. } = request;
        if stub.is_empty() && !flags.contains(Flags::LAST) {
            return protocol_error("an empty fragment that is not the last one", out);
        }

        let incoming = match (&self.phase, first) {
            (Phase::Receiving(_), true) => return protocol_error("a request inside another one", out),
            (Phase::Receiving(incoming), false) => *incoming,
            (_, true) => {
                self.last_call = Some(call_id);
                let Some(&(_, interface)) = self.presentation.iter().find(|(id, _)| *id == context_id) else {
                    write_fault(call_id, context_id, Status::UNKNOWN_INTERFACE, Flags::DID_NOT_EXECUTE, out);
                    return Ok(None);
                };
                Incoming { call_id, context_id, interface, opnum, object, level, slot }
            }
            (_, false) => {
                // The rest of a request that was answered with a fault, [MS-RPCE] 3.3.3.5.6 and 3.3.3.5.8.
                let behind = self.last_call.map(|last| last.0.wrapping_sub(call_id.0));
                return match behind {
                    Some(0..150) => Ok(None),
                    _ => protocol_error("a later fragment of no call", out),
                };
            }
        };
        if incoming != (Incoming { call_id, context_id, opnum, level, slot, ..incoming }) {
            return protocol_error("fragments of one request that differ", out);
        }
        if first && flags.contains(Flags::LAST) && stub.len() <= self.options.max_request {
            self.phase = Phase::Dispatched(incoming);
            return Ok(Some(Stub::Whole(layout.body.end - stub.len()..layout.body.end)));
        }
        if first {
            self.stub.clear();
        }
        if self.stub.len() + stub.len() > self.options.max_request {
            // [MS-RPCE] 3.3.3.5.4.
            write_fault(call_id, context_id, Status::ACCESS_DENIED, Flags::DID_NOT_EXECUTE, out);
            return Err(Error::Limit { what: "bytes of a request", limit: self.options.max_request });
        }
        self.stub.extend_from_slice(stub);
        if flags.contains(Flags::LAST) {
            self.phase = Phase::Dispatched(incoming);
            Ok(Some(Stub::Gathered))
        } else {
            self.phase = Phase::Receiving(incoming);
            Ok(None)
        }
    }

    /// The security context of a request without a security trailer: the only one at level connect, or none,
    /// \[MS-RPCE\] 3.3.1.5.4.
    fn unprotected(&self) -> (Option<usize>, AuthenticationLevel) {
        match self.security.as_slice() {
            [Slot::Ready(secured)] if secured.level == AuthenticationLevel::Connect => {
                (Some(0), AuthenticationLevel::Connect)
            }
            _ => (None, AuthenticationLevel::None),
        }
    }
}

impl std::fmt::Debug for Association {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Association")
            .field("options", &self.options)
            .field("presentation", &self.presentation)
            .field("security", &self.security.len())
            .finish_non_exhaustive()
    }
}

/// A reply that is being written part by part.
pub struct Reply<'a> {
    fragments: Fragments<'a>,
}

impl Reply<'_> {
    /// Appends whole fragments to `out` until it holds at least `at_most` bytes or the reply is finished; `false` when
    /// there was nothing left to append.
    ///
    /// # Errors
    /// [`Error::Security`] when the context cannot protect it; close the connection.
    pub fn write(&mut self, out: &mut Vec<u8>, at_most: usize) -> Result<bool, Error> {
        Ok(self.fragments.write(out, at_most)?)
    }
}

impl std::fmt::Debug for Reply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

pub(super) fn write_fault(call_id: CallId, context_id: ContextId, status: Status, flags: Flags, out: &mut Vec<u8>) {
    let fault = Fault { context_id, cancel_count: 0, status };
    write(&Pdu { flags: Flags::WHOLE | flags, call_id, body: Body::Fault(fault), authentication: None }, out);
}

/// Writes a PDU of fixed size, which always fits.
pub(super) fn write(pdu: &Pdu<'_>, out: &mut Vec<u8>) {
    let written = pdu.encode(out);
    debug_assert!(written.is_ok(), "{written:?}");
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Pdu(error) => Error::Pdu(error),
            Failure::Security(error) => Error::Security(error),
        }
    }
}
