use super::{Error, Features};
use crate::ndr::{Decoder, Encoder};
use crate::{ContextId, SyntaxId, limits};

/// A presentation context that a client proposes, C706 12.6.3.1 (p_cont_elem_t).
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 2 | p_cont_id |
/// | 2 | 1 | n_transfer_syn |
/// | 3 | 1 | reserved |
/// | 4 | 20 | abstract_syntax: UUID, major and minor version |
/// | 24 | 20 each | transfer_syntaxes |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentationContext {
    /// Number that requests name it by.
    pub id: ContextId,
    /// The interface (abstract syntax).
    pub interface: SyntaxId,
    /// Transfer syntaxes to choose from; at most 255.
    pub transfer_syntaxes: Vec<SyntaxId>,
}

/// What a server says to a presentation context, C706 12.6.3.1 (p_result_t) and \[MS-RPCE\] 2.2.2.4.
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 2 | result: 0 accepted, 1 and 2 rejected, 3 negotiate_ack |
/// | 2 | 2 | reason, or the features of a negotiate_ack |
/// | 4 | 20 | transfer_syntax, zero unless accepted |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextResult {
    /// The interface is served with this transfer syntax.
    Accepted(SyntaxId),
    /// Rejected by the user of the protocol.
    UserRejected(Rejection),
    /// Rejected by the provider of the protocol.
    ProviderRejected(Rejection),
    /// Answer to bind-time feature negotiation: what both sides support.
    Features(Features),
}

/// Reason for the rejection of a presentation context, C706 12.6.3.1 (p_provider_reason_t).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rejection(pub u16);

impl Rejection {
    /// reason_not_specified.
    pub const NOT_SPECIFIED: Rejection = Rejection(0);
    /// abstract_syntax_not_supported: the server does not know the interface.
    pub const ABSTRACT_SYNTAX: Rejection = Rejection(1);
    /// proposed_transfer_syntaxes_not_supported.
    pub const TRANSFER_SYNTAXES: Rejection = Rejection(2);
    /// local_limit_exceeded.
    pub const LOCAL_LIMIT: Rejection = Rejection(3);
}

impl std::fmt::Display for Rejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match *self {
            Rejection::NOT_SPECIFIED => "no reason given",
            Rejection::ABSTRACT_SYNTAX => "interface not supported",
            Rejection::TRANSFER_SYNTAXES => "transfer syntax not supported",
            Rejection::LOCAL_LIMIT => "too many contexts",
            Rejection(other) => return write!(f, "reason {other}"),
        })
    }
}

/// p_cont_list_t: count, three reserved octets, elements.
pub(super) fn decode_contexts(body: &mut Decoder<'_>) -> Result<Vec<PresentationContext>, Error> {
    let count = element_count(body)?;
    let mut contexts = Vec::with_capacity(count);
    for _ in 0..count {
        let id = ContextId(body.u16()?);
        let transfer = body.u8()?;
        body.u8()?;
        let interface = decode_syntax(body)?;
        let mut transfer_syntaxes = Vec::new();
        for _ in 0..transfer {
            transfer_syntaxes.push(decode_syntax(body)?);
        }
        contexts.push(PresentationContext { id, interface, transfer_syntaxes });
    }
    Ok(contexts)
}

pub(super) fn encode_contexts(contexts: &[PresentationContext], body: &mut Encoder) -> Result<(), Error> {
    encode_count(contexts.len(), body)?;
    for context in contexts {
        body.u16(context.id.0);
        body.u8(octet("transfer syntaxes", context.transfer_syntaxes.len())?);
        body.u8(0);
        body.bytes(&context.interface.to_bytes());
        for syntax in &context.transfer_syntaxes {
            body.bytes(&syntax.to_bytes());
        }
    }
    Ok(())
}

/// p_result_list_t: count, three reserved octets, elements.
pub(super) fn decode_results(body: &mut Decoder<'_>) -> Result<Vec<ContextResult>, Error> {
    let count = element_count(body)?;
    let mut results = Vec::with_capacity(count);
    for _ in 0..count {
        let result = body.u16()?;
        let reason = body.u16()?;
        let syntax = decode_syntax(body)?;
        results.push(match result {
            0 => ContextResult::Accepted(syntax),
            1 => ContextResult::UserRejected(Rejection(reason)),
            2 => ContextResult::ProviderRejected(Rejection(reason)),
            3 => ContextResult::Features(Features::from_bits_retain(reason.into())),
            other => return Err(Error::Value { field: "result", found: other.into() }),
        });
    }
    Ok(results)
}

pub(super) fn encode_results(results: &[ContextResult], body: &mut Encoder) -> Result<(), Error> {
    encode_count(results.len(), body)?;
    for result in results {
        let (result, reason, syntax) = match *result {
            ContextResult::Accepted(syntax) => (0, 0, syntax),
            ContextResult::UserRejected(reason) => (1, reason.0, SyntaxId::NIL),
            ContextResult::ProviderRejected(reason) => (2, reason.0, SyntaxId::NIL),
            ContextResult::Features(features) => (3, features.response(), SyntaxId::NIL),
        };
        body.u16(result);
        body.u16(reason);
        body.bytes(&syntax.to_bytes());
    }
    Ok(())
}

fn element_count(body: &mut Decoder<'_>) -> Result<usize, Error> {
    let count = usize::from(body.u8()?);
    body.bytes(3)?;
    if count > limits::PRESENTATION_CONTEXTS {
        return Err(Error::Limit {
            what: "presentation contexts",
            claimed: count,
            limit: limits::PRESENTATION_CONTEXTS,
        });
    }
    Ok(count)
}

fn encode_count(count: usize, body: &mut Encoder) -> Result<(), Error> {
    body.u8(octet("presentation contexts", count)?);
    body.bytes(&[0; 3]);
    Ok(())
}

fn octet(what: &'static str, count: usize) -> Result<u8, Error> {
    u8::try_from(count).map_err(|_| Error::Limit { what, claimed: count, limit: u8::MAX.into() })
}

fn decode_syntax(body: &mut Decoder<'_>) -> Result<SyntaxId, Error> {
    Ok(SyntaxId { uuid: body.uuid()?, major: body.u16()?, minor: body.u16()? })
}
