//! Bind, alter_context and auth3: presentation contexts, features, security contexts.

use super::association::Phase;
use super::{Association, Binding, Error, Event, Security};
use crate::fragment::{Secured, fragment_size};
use crate::pdu::{
    Authentication, Bind, BindAck, Body, ContextResult, Features, Flags, Pdu, PresentationContext, Rejection,
};
use crate::security::{SecurityError, Step};
use crate::{CallId, ContextId, SecurityContextId, SyntaxId, limits};

/// A bind or alter_context that waits for its answer, and the handshake that goes with it.
pub(super) struct Negotiation {
    call_id: CallId,
    interface: SyntaxId,
    context_id: ContextId,
    /// Whether the PDU on its way is a bind, and so proposes features.
    binding: bool,
    security: Handshake,
    /// Whether the server has accepted the interface, which only its first answer decides.
    accepted: bool,
}

enum Handshake {
    /// None is needed, or it is that of another binding.
    Settled(Option<SecurityContextId>),
    /// The server owes a token.
    Waiting(Secured),
    /// Nothing is missing but the server's answer to the last token.
    Complete(Secured),
}

impl Association {
    /// Binds an interface, with a bind PDU or, on a connection that has one, with alter_context: appends the PDU to `out`.
    /// [`Event::Bound`] gives the handle to call it by.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the association is not idle, for a level that does not protect, or when there are too many
    /// contexts; [`Error::NoMultiplexing`]; [`Error::Security`] when the context has no first token.
    pub fn bind(&mut self, interface: SyntaxId, security: Security, out: &mut Vec<u8>) -> Result<(), Error> {
        self.idle()?;
        let known = self.presentation.iter().find(|(_, known)| *known == interface);
        let context_id = match known {
            Some((id, _)) => *id,
            None if usize::from(self.next_context) >= limits::PRESENTATION_CONTEXTS => {
                return Err(Error::Misuse("too many interfaces on one connection"));
            }
            None => ContextId(self.next_context),
        };
        let mut token = Vec::new();
        let security = match security {
            Security::None => Handshake::Settled(None),
            Security::Same(binding) => {
                let id = binding.security;
                if id.is_some_and(|id| self.security.iter().all(|secured| secured.id != id)) {
                    return Err(Error::Misuse("a binding of another association"));
                }
                Handshake::Settled(id)
            }
            Security::New { context, level } => {
                if !level.protects() {
                    return Err(Error::Misuse("an authentication level that does not protect"));
                }
                if self.security.len() >= limits::SECURITY_CONTEXTS {
                    return Err(Error::Misuse("too many security contexts on one connection"));
                }
                let multiplexing = self.features.contains(Features::SECURITY_CONTEXT_MULTIPLEXING);
                if !self.security.is_empty() && !multiplexing {
                    return Err(Error::NoMultiplexing);
                }
                let id = SecurityContextId(self.next_security);
                let mut secured = Secured::new(id, level, context);
                match secured.step(&[])? {
                    Step::Continue(first) => {
                        token = first;
                        Handshake::Waiting(secured)
                    }
                    Step::Complete(first) => {
                        token = first.unwrap_or_default();
                        Handshake::Complete(secured)
                    }
                }
            }
        };
        if !matches!(security, Handshake::Settled(_)) {
            self.next_security = self.next_security.wrapping_add(1);
        }
        if known.is_none() {
            self.next_context += if context_id.0 + 1 == FEATURES_CONTEXT.0 { 2 } else { 1 };
        }
        let negotiation = Negotiation {
            call_id: CallId(self.next_call),
            interface,
            context_id,
            binding: !self.bound,
            security,
            accepted: false,
        };
        self.write_leg(&negotiation, &token, out)?;
        self.next_call = self.next_call.wrapping_add(1);
        self.phase = Phase::Negotiating(Box::new(negotiation));
        Ok(())
    }

    /// The server's answer to a leg. The phase is idle while this runs, and stays so unless there is another leg.
    pub(super) fn negotiate(
        &mut self,
        mut negotiation: Negotiation,
        pdu: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Event, Error> {
        let pdu = Pdu::decode(pdu)?;
        if pdu.call_id != negotiation.call_id {
            return Err(Error::Protocol("an answer to another bind"));
        }
        let ack = match &pdu.body {
            Body::BindAck(ack) if negotiation.binding => {
                self.bound = true;
                self.max_transmit = fragment_size(self.options.max_fragment, ack.max_receive);
                self.association_group = ack.association_group;
                ack
            }
            Body::AlterContextResponse(ack) if !negotiation.binding => ack,
            Body::BindNak(nak) => return Err(Error::Rejected(nak.reason)),
            Body::Fault(fault) if self.bound => return Err(Error::Refused(fault.status)),
            _ => return Err(Error::Protocol("not an answer to a bind")),
        };
        self.read_results(&mut negotiation, ack)?;

        let token = match &pdu.authentication {
            None => &[][..],
            Some(authentication) => {
                let expected = match &negotiation.security {
                    Handshake::Waiting(secured) | Handshake::Complete(secured) => secured,
                    Handshake::Settled(_) => return Err(Error::Protocol("a security token that nothing asked for")),
                };
                if authentication.context_id != expected.id
                    || authentication.authentication_type != expected.context.authentication_type()
                {
                    return Err(Error::Protocol("a token of another security context"));
                }
                authentication.token
            }
        };
        if !matches!(negotiation.security, Handshake::Settled(_)) {
            self.header_signing.get_or_insert(pdu.flags.contains(Flags::HEADER_SIGNING));
        }
        let mut secured = match negotiation.security {
            Handshake::Settled(security) => return Ok(self.bound_to(negotiation.context_id, security)),
            Handshake::Complete(secured) => return Ok(self.secured_by(negotiation.context_id, secured)),
            Handshake::Waiting(secured) => secured,
        };
        if token.is_empty() {
            return Err(SecurityError::Token { reason: "the server sent none" }.into());
        }
        let (token, complete) = match secured.step(token)? {
            Step::Complete(None) => return Ok(self.secured_by(negotiation.context_id, secured)),
            Step::Complete(Some(token)) => (token, true),
            Step::Continue(token) => (token, false),
        };
        if complete && secured.context.authentication_type().has_three_legs() {
            let authentication = authentication(&secured, &token);
            let body = Body::Auth3;
            Pdu { flags: Flags::WHOLE, call_id: negotiation.call_id, body, authentication }.encode(out)?;
            return Ok(self.secured_by(negotiation.context_id, secured));
        }
        negotiation.binding = false;
        negotiation.security = if complete { Handshake::Complete(secured) } else { Handshake::Waiting(secured) };
        self.write_leg(&negotiation, &token, out)?;
        self.phase = Phase::Negotiating(Box::new(negotiation));
        Ok(Event::More)
    }

    /// One result for the interface, and one for the features when they were proposed.
    fn read_results(&mut self, negotiation: &mut Negotiation, ack: &BindAck) -> Result<(), Error> {
        let (interface, features) = match (ack.results.as_slice(), negotiation.binding) {
            ([interface, features], true) => (interface, Some(features)),
            ([interface], false) => (interface, None),
            _ => return Err(Error::Protocol("not one result for each presentation context")),
        };
        if let Some(ContextResult::Features(features)) = features {
            self.features = *features & Features::SUPPORTED;
        }
        let refused = |reason| Error::InterfaceRefused { interface: negotiation.interface, reason };
        match *interface {
            ContextResult::Accepted(SyntaxId::NDR) => {}
            ContextResult::Accepted(_) => return Err(Error::Protocol("a transfer syntax that was not proposed")),
            ContextResult::UserRejected(reason) | ContextResult::ProviderRejected(reason) => {
                return Err(refused(reason));
            }
            ContextResult::Features(_) => return Err(refused(Rejection::NOT_SPECIFIED)),
        }
        if !negotiation.accepted {
            negotiation.accepted = true;
            let entry = (negotiation.context_id, negotiation.interface);
            if !self.presentation.contains(&entry) {
                self.presentation.push(entry);
            }
        }
        Ok(())
    }

    fn secured_by(&mut self, context_id: ContextId, mut secured: Secured) -> Event {
        secured.context.header_signing(self.header_signing == Some(true));
        let id = secured.id;
        self.security.push(secured);
        self.bound_to(context_id, Some(id))
    }

    fn bound_to(&mut self, context_id: ContextId, security: Option<SecurityContextId>) -> Event {
        Event::Bound(Binding { context_id, security })
    }

    /// A bind or alter_context with one leg of the handshake.
    fn write_leg(&self, negotiation: &Negotiation, token: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let context =
            |id, syntax| PresentationContext { id, interface: negotiation.interface, transfer_syntaxes: vec![syntax] };
        let mut contexts = vec![context(negotiation.context_id, SyntaxId::NDR)];
        if negotiation.binding {
            contexts.push(context(FEATURES_CONTEXT, Features::SUPPORTED.to_syntax()));
        }
        let bind = Bind {
            max_transmit: fragment_size(self.options.max_fragment, u16::MAX),
            max_receive: fragment_size(self.options.max_fragment, u16::MAX),
            association_group: self.association_group,
            contexts,
        };
        let mut flags = Flags::WHOLE;
        let authentication = match &negotiation.security {
            Handshake::Settled(_) => None,
            Handshake::Waiting(secured) | Handshake::Complete(secured) => {
                flags |= Flags::HEADER_SIGNING;
                authentication(secured, token)
            }
        };
        let body = if negotiation.binding { Body::Bind(bind) } else { Body::AlterContext(bind) };
        Pdu { flags, call_id: negotiation.call_id, body, authentication }.encode(out)?;
        Ok(())
    }
}

/// Number of the element that proposes features; the first interface has 0.
const FEATURES_CONTEXT: ContextId = ContextId(1);

fn authentication<'a>(secured: &Secured, token: &'a [u8]) -> Option<Authentication<'a>> {
    Some(Authentication {
        authentication_type: secured.context.authentication_type(),
        level: secured.level,
        context_id: secured.id,
        token,
    })
}
