use uuid::Uuid;

use super::negotiation::Negotiation;
use super::{Binding, Error, Event, Options};
use crate::fragment::{Failure, Fragments, Secured, Template};
use crate::ndr::Decoder;
use crate::pdu::{Body, Features, Flags, Header, Kind, Layout, Pdu, Response};
use crate::{CallId, ContextId, Opnum, SyntaxId, limits};

/// The client's end of one connection, without I/O.
///
/// [`bind`](Self::bind) an interface, then [`call`](Self::call) it; after each, send `out` and feed whole PDUs to
/// [`receive`](Self::receive) until it says something else than [`Event::More`]. One thing at a time: there is no
/// concurrent multiplexing of calls.
pub struct Association {
    pub(super) options: Options,
    pub(super) phase: Phase,
    /// Whether a bind has succeeded, so that the next one is an alter_context.
    pub(super) bound: bool,
    /// Largest fragment to send, in bytes.
    pub(super) max_transmit: u16,
    pub(super) association_group: u32,
    pub(super) features: Features,
    /// Whether both sides sign headers; decided by the first answer that authenticates.
    pub(super) header_signing: Option<bool>,
    pub(super) presentation: Vec<(ContextId, SyntaxId)>,
    pub(super) security: Vec<Secured>,
    /// Number of the next presentation context; numbers of refused ones are not used again.
    pub(super) next_context: u16,
    pub(super) next_security: u32,
    pub(super) next_call: u32,
}

pub(super) enum Phase {
    Idle,
    Negotiating(Box<Negotiation>),
    Calling(Pending),
    Over,
}

/// A call that waits for its reply.
#[derive(Clone, Copy)]
pub(super) struct Pending {
    call_id: CallId,
    binding: Binding,
    /// Whether the first fragment has come.
    begun: bool,
    /// Bytes of stub so far.
    received: usize,
}

impl Association {
    /// The end of a connection that has just been opened.
    pub fn new(options: Options) -> Association {
        Association {
            max_transmit: limits::SMALLEST_FRAGMENT,
            options,
            phase: Phase::Idle,
            bound: false,
            association_group: 0,
            features: Features::empty(),
            header_signing: None,
            presentation: Vec::new(),
            security: Vec::new(),
            next_context: 0,
            next_security: 1,
            next_call: 1,
        }
    }

    /// Calls an operation: appends the request to `out` as protected fragments.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the association is not idle or the binding is of another one, [`Error::Security`] when the
    /// security context cannot protect the request.
    pub fn call(
        &mut self,
        binding: Binding,
        opnum: Opnum,
        object: Option<Uuid>,
        stub: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<CallId, Error> {
        self.idle()?;
        if !self.presentation.iter().any(|(id, _)| *id == binding.context_id) {
            return Err(Error::Misuse("a binding of another association"));
        }
        let secured = match binding.security {
            None => None,
            Some(id) => {
                let secured = self.security.iter_mut().find(|secured| secured.id == id);
                Some(secured.ok_or(Error::Misuse("a binding of another association"))?)
            }
        };
        let call_id = CallId(self.next_call);
        let template = Template {
            kind: Kind::Request,
            call_id,
            context_id: binding.context_id,
            word: opnum.0,
            object,
            max_fragment: self.max_transmit,
        };
        if let Err(error) = Fragments::new(template, secured, stub).write(out, usize::MAX) {
            self.phase = Phase::Over;
            return Err(error.into());
        }
        self.next_call = self.next_call.wrapping_add(1);
        self.phase = Phase::Calling(Pending { call_id, binding, begun: false, received: 0 });
        Ok(call_id)
    }

    /// Takes one whole PDU, unseals it in place, appends the stub of a response to `reply`, and what has to be sent to
    /// `out`.
    ///
    /// # Errors
    /// [`Error`] says which of them end the connection. What `reply` holds then is of no use.
    pub fn receive(&mut self, pdu: &mut [u8], reply: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Event, Error> {
        let result = self.process(pdu, reply, out);
        if let Err(error) = &result
            && error.is_fatal()
        {
            self.phase = Phase::Over;
        }
        result
    }

    /// Features that both sides support, known after the first bind.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Largest fragment that is sent, in bytes; known after the first bind.
    pub fn max_fragment(&self) -> u16 {
        self.max_transmit
    }

    pub(super) fn idle(&self) -> Result<(), Error> {
        match self.phase {
            Phase::Idle => Ok(()),
            Phase::Negotiating(_) => Err(Error::Misuse("the last bind has not been answered")),
            Phase::Calling(_) => Err(Error::Misuse("the last call has not been answered")),
            Phase::Over => Err(Error::Misuse("the connection is over")),
        }
    }

    fn process(&mut self, pdu: &mut [u8], reply: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Event, Error> {
        let layout = Layout::decode(pdu)?;
        if layout.header.kind == Kind::Shutdown {
            return Err(Error::Shutdown);
        }
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => Err(Error::Protocol("a PDU that nothing asked for")),
            Phase::Over => {
                self.phase = Phase::Over;
                Err(Error::Misuse("the connection is over"))
            }
            Phase::Negotiating(negotiation) => self.negotiate(*negotiation, pdu, out),
            Phase::Calling(pending) => self.response(pending, pdu, &layout, reply),
        }
    }

    /// A fragment of the response, or a fault.
    fn response(
        &mut self,
        mut pending: Pending,
        pdu: &mut [u8],
        layout: &Layout,
        reply: &mut Vec<u8>,
    ) -> Result<Event, Error> {
        let Header { kind, flags, call_id, .. } = layout.header;
        if !matches!(kind, Kind::Response | Kind::Fault) {
            return Err(Error::Protocol("neither a response nor a fault"));
        }
        if call_id != pending.call_id {
            return Err(Error::Protocol("a response to another call"));
        }
        let secured = match pending.binding.security {
            None => None,
            Some(id) => self.security.iter_mut().find(|secured| secured.id == id),
        };
        match (secured, &layout.trailer) {
            (Some(secured), Some(trailer)) => {
                if !secured.matches(trailer) {
                    return Err(Error::Protocol("a response with another security context"));
                }
                secured.unprotect(pdu, layout, Response::STUB_START)?;
            }
            (Some(_), None) if kind == Kind::Response => {
                return Err(Error::Protocol("a response without protection"));
            }
            // Windows does not protect faults; forging one gains no more than cutting the connection.
            (_, None) => {}
            (None, Some(_)) => return Err(Error::Protocol("protection that was not asked for")),
        }
        if kind == Kind::Fault {
            let Pdu { body: Body::Fault(fault), .. } = Pdu::decode(pdu)? else {
                return Err(Error::Protocol("not a fault"));
            };
            if fault.status.is_forbidden() {
                // [MS-RPCE] 3.3.2.5.1.
                return Err(Error::Protocol("a fault with a status that servers must not send"));
            }
            return Ok(Event::Fault(fault.status));
        }
        let response = Response::decode(&mut Decoder::at(&pdu[..layout.body.end], layout.body.start))?;
        if response.context_id != pending.binding.context_id {
            return Err(Error::Protocol("a response of another presentation context"));
        }
        if flags.contains(Flags::FIRST) == pending.begun {
            return Err(Error::Protocol("first fragment missing or repeated"));
        }
        let last = flags.contains(Flags::LAST);
        if response.stub.is_empty() && !last {
            return Err(Error::Protocol("an empty fragment that is not the last one"));
        }
        pending.begun = true;
        pending.received += response.stub.len();
        if pending.received > self.options.max_reply {
            return Err(Error::ReplyTooLarge { limit: self.options.max_reply });
        }
        reply.extend_from_slice(response.stub);
        if last {
            return Ok(Event::Reply);
        }
        self.phase = Phase::Calling(pending);
        Ok(Event::More)
    }
}

impl std::fmt::Debug for Association {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Association")
            .field("options", &self.options)
            .field("bound", &self.bound)
            .field("presentation", &self.presentation)
            .field("security", &self.security.len())
            .finish_non_exhaustive()
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Pdu(error) => Error::Pdu(error),
            Failure::Security(error) => Error::Security(error),
        }
    }
}
