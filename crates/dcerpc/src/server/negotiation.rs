//! Bind, alter_context and auth3: presentation contexts, features, security contexts.

use super::association::{Phase, Slot, write, write_fault};
use super::{Association, Error};
use crate::fragment::{Secured, fragment_size};
use crate::pdu::{
    self, Authentication, Bind, BindAck, BindNak, Body, ContextResult, Features, Flags, Header, Kind, Pdu,
    RejectReason, Rejection,
};
use crate::security::{SecurityError, Step};
use crate::{AuthenticationLevel, CallId, ContextId, Status, SyntaxId, limits};

impl Association {
    /// A bind starts the connection over, also one that is bound already: impacket binds again before each of its calls to
    /// the endpoint mapper and the activator.
    pub(super) fn bind(&mut self, pdu: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let pdu = Pdu::decode(pdu).inspect_err(|error| self.refuse_malformed(pdu, error, out))?;
        let Pdu { flags, call_id, body: Body::Bind(bind), authentication } = &pdu else {
            return Err(Error::Protocol("not a bind"));
        };
        let reject = |reason, error, out: &mut Vec<u8>| {
            write_bind_nak(*call_id, reason, out);
            Err(error)
        };
        if !flags.contains(Flags::WHOLE) {
            return reject(RejectReason::PROTOCOL_VERSION, Error::Protocol("a fragmented bind"), out);
        }
        if matches!(self.phase, Phase::Receiving(_)) {
            return reject(RejectReason::PROTOCOL_VERSION, Error::Protocol("a bind inside a request"), out);
        }
        self.presentation.clear();
        self.security.clear();
        self.header_signing = None;
        self.max_transmit = fragment_size(self.options.max_fragment, bind.max_receive);

        let token = match authentication {
            None => None,
            Some(authentication) => match self.authenticate(authentication, *flags) {
                Ok(token) => token,
                Err((reason, error)) => return reject(reason, error, out),
            },
        };
        let results = self.present(bind);
        self.phase = Phase::Ready;
        let ack = self.acknowledge(bind, results, self.options.secondary_address.clone());
        self.write_answer(&pdu, Body::BindAck(ack), token.as_deref(), out)
    }

    pub(super) fn alter_context(&mut self, pdu: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
        let pdu = Pdu::decode(pdu).inspect_err(|error| self.refuse_malformed(pdu, error, out))?;
        let Pdu { flags, call_id, body: Body::AlterContext(alter), authentication } = &pdu else {
            return Err(Error::Protocol("not an alter_context"));
        };
        let fault = |status, out: &mut Vec<u8>| write_fault(*call_id, ContextId(0), status, Flags::empty(), out);
        let misplaced = match self.phase {
            Phase::Ready if flags.contains(Flags::WHOLE) => None,
            Phase::Ready => Some("a fragmented alter_context"),
            Phase::Receiving(_) => Some("an alter_context inside a request"),
            _ => Some("an alter_context before the bind"),
        };
        if let Some(misplaced) = misplaced {
            fault(Status::PROTOCOL_ERROR, out);
            return Err(Error::Protocol(misplaced));
        }
        let token = match authentication {
            None => None,
            Some(authentication) => match self.authenticate(authentication, *flags) {
                Ok(token) => token,
                // The connection, and its other security contexts, live on.
                Err((_, Error::Security(_))) => {
                    fault(Status::ACCESS_DENIED, out);
                    return Ok(());
                }
                Err((_, error)) => {
                    fault(Status::PROTOCOL_ERROR, out);
                    return Err(error);
                }
            },
        };
        let results = self.present(alter);
        let ack = self.acknowledge(alter, results, String::new());
        self.write_answer(&pdu, Body::AlterContextResponse(ack), token.as_deref(), out)
    }

    /// The third leg of a handshake. It is not answered; a failure shows in the first request.
    pub(super) fn auth3(&mut self, pdu: &[u8]) -> Result<(), Error> {
        let Pdu { authentication: Some(authentication), .. } = Pdu::decode(pdu)? else {
            return Err(Error::Protocol("an auth3 without a token"));
        };
        let Some(slot) = self.security.iter_mut().find(|slot| slot.id() == authentication.context_id) else {
            return Err(Error::Protocol("an auth3 for a security context that was never begun"));
        };
        if matches!(slot, Slot::Negotiating(secured) if !names(secured, &authentication)) {
            return Err(Error::Protocol("an auth3 for another provider or level"));
        }
        match std::mem::replace(slot, Slot::Failed(authentication.context_id)) {
            Slot::Negotiating(mut secured) => {
                if let Ok(Step::Complete(_)) = secured.step(authentication.token) {
                    secured.context.header_signing(self.header_signing == Some(true));
                    *slot = Slot::Ready(secured);
                }
                Ok(())
            }
            Slot::Failed(_) => Ok(()),
            Slot::Ready(_) => Err(Error::Protocol("an auth3 for a security context that is complete")),
        }
    }

    /// Tells the client that its PDU is malformed, as far as its type asks for an answer.
    pub(super) fn refuse_malformed(&self, pdu: &[u8], error: &pdu::Error, out: &mut Vec<u8>) {
        let Some(&[_, _, kind, _, _, _, _, _, _, _, _, _, c0, c1, c2, c3]) = pdu.first_chunk::<{ Header::SIZE }>()
        else {
            return;
        };
        let call_id = CallId(u32::from_le_bytes([c0, c1, c2, c3]));
        if kind == Kind::Bind as u8 {
            let reason = match error {
                pdu::Error::Limit { .. } => RejectReason::LOCAL_LIMIT,
                _ => RejectReason::PROTOCOL_VERSION,
            };
            write_bind_nak(call_id, reason, out);
        } else if kind == Kind::AlterContext as u8 || kind == Kind::Request as u8 {
            write_fault(call_id, ContextId(0), Status::PROTOCOL_ERROR, Flags::DID_NOT_EXECUTE, out);
        }
    }

    /// One leg of a handshake in a bind or alter_context: the token to answer with, or why the context cannot be built.
    fn authenticate(
        &mut self,
        authentication: &Authentication<'_>,
        flags: Flags,
    ) -> Result<Option<Vec<u8>>, (RejectReason, Error)> {
        let protocol = |what| (RejectReason::PROTOCOL_VERSION, Error::Protocol(what));
        if authentication.level == AuthenticationLevel::None {
            return Err(protocol("authentication without a level"));
        }
        let index = match self.security.iter().position(|slot| slot.id() == authentication.context_id) {
            Some(index) => index,
            None => {
                if self.security.len() >= limits::SECURITY_CONTEXTS {
                    let limit = limits::SECURITY_CONTEXTS;
                    return Err((RejectReason::LOCAL_LIMIT, Error::Limit { what: "security contexts", limit }));
                }
                let Some(context) = self.acceptor.security_context(authentication.authentication_type) else {
                    let error = SecurityError::Denied { reason: "authentication type not supported" };
                    return Err((RejectReason::AUTHENTICATION_TYPE, error.into()));
                };
                self.header_signing.get_or_insert(flags.contains(Flags::HEADER_SIGNING));
                let secured = Secured::new(authentication.context_id, authentication.level, context);
                self.security.push(Slot::Negotiating(secured));
                self.security.len() - 1
            }
        };
        let slot = &mut self.security[index];
        if !matches!(slot, Slot::Negotiating(secured) if names(secured, authentication)) {
            return Err(protocol("a leg for a security context that is complete, or is another one"));
        }
        let Slot::Negotiating(mut secured) = std::mem::replace(slot, Slot::Failed(authentication.context_id)) else {
            return Err(protocol("a leg for a security context that is complete"));
        };
        match secured.step(authentication.token) {
            Ok(Step::Continue(token)) => {
                *slot = Slot::Negotiating(secured);
                Ok(Some(token))
            }
            Ok(Step::Complete(token)) => {
                secured.context.header_signing(self.header_signing == Some(true));
                *slot = Slot::Ready(secured);
                Ok(token)
            }
            Err(error) => Err((RejectReason::INVALID_CHECKSUM, error.into())),
        }
    }

    /// Negotiates presentation contexts, one result for each.
    fn present(&mut self, bind: &Bind) -> Vec<ContextResult> {
        let present = |context: &pdu::PresentationContext| {
            if let [only] = context.transfer_syntaxes.as_slice()
                && let Some(features) = Features::from_syntax(only)
            {
                return ContextResult::Features(features & Features::SUPPORTED);
            }
            if !self.acceptor.serves(&context.interface) {
                return ContextResult::ProviderRejected(Rejection::ABSTRACT_SYNTAX);
            }
            if !context.transfer_syntaxes.contains(&SyntaxId::NDR) {
                return ContextResult::ProviderRejected(Rejection::TRANSFER_SYNTAXES);
            }
            match self.presentation.iter().find(|(id, _)| *id == context.id) {
                // The legs of a handshake repeat the presentation contexts.
                Some((_, interface)) if *interface == context.interface => {}
                Some(_) => return ContextResult::ProviderRejected(Rejection::NOT_SPECIFIED),
                None if self.presentation.len() >= limits::PRESENTATION_CONTEXTS => {
                    return ContextResult::ProviderRejected(Rejection::LOCAL_LIMIT);
                }
                None => self.presentation.push((context.id, context.interface)),
            }
            ContextResult::Accepted(SyntaxId::NDR)
        };
        bind.contexts.iter().map(present).collect()
    }

    fn acknowledge(&self, bind: &Bind, results: Vec<ContextResult>, secondary_address: String) -> BindAck {
        BindAck {
            max_transmit: self.max_transmit,
            max_receive: fragment_size(self.options.max_fragment, bind.max_transmit),
            association_group: match bind.association_group {
                0 => self.options.association_group,
                group => group,
            },
            secondary_address,
            results,
        }
    }

    fn write_answer(
        &self,
        question: &Pdu<'_>,
        body: Body<'_>,
        token: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        let mut flags = Flags::WHOLE;
        let agreed = self.header_signing == Some(true) && question.flags.contains(Flags::HEADER_SIGNING);
        flags.set(Flags::HEADER_SIGNING, agreed && question.authentication.is_some());
        let authentication =
            question.authentication.and_then(|authentication| Some(Authentication { token: token?, ..authentication }));
        Pdu { flags, call_id: question.call_id, body, authentication }.encode(out)?;
        Ok(())
    }
}

fn names(secured: &Secured, authentication: &Authentication<'_>) -> bool {
    secured.level == authentication.level && secured.context.authentication_type() == authentication.authentication_type
}

fn write_bind_nak(call_id: CallId, reason: RejectReason, out: &mut Vec<u8>) {
    let body = Body::BindNak(BindNak::new(reason));
    write(&Pdu { flags: Flags::WHOLE, call_id, body, authentication: None }, out);
}
