//! Oracles of `dcerpc`: what must hold for any bytes.

use std::ops::Range;

use dcerpc::epm::{self, MapReply, MapRequest, Tower};
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::pdu::{
    self, Authentication, Bind, BindAck, Body, ContextResult, Features, Flags, Header, Layout, Pdu, PresentationContext,
};
use dcerpc::security::{Identity, SecurityContext, SecurityError, Step};
use dcerpc::verification::Trailer;
use dcerpc::{
    AuthenticationLevel, AuthenticationType, CallId, ContextId, Framer, Opnum, SecurityContextId, Status, SyntaxId,
    client, limits, server,
};

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `dcerpc`.
pub const ORACLES: &[Oracle] = &[
    ("dcerpc_client", client_association),
    ("dcerpc_epm", endpoint_mapper),
    ("dcerpc_ndr", ndr),
    ("dcerpc_pdu", pdu),
    ("dcerpc_server", server_association),
    ("dcerpc_verification", verification),
];

/// A PDU that was accepted says the same when it is written and read again.
fn pdu(data: &[u8]) {
    let Ok(decoded) = Pdu::decode(data) else { return };
    let mut encoded = Vec::new();
    match decoded.encode(&mut encoded) {
        Ok(()) => assert_eq!(Pdu::decode(&encoded).as_ref(), Ok(&decoded)),
        // Padding that we write and the peer did not, in a PDU of the largest size.
        Err(pdu::Error::Limit { .. }) => assert!(data.len() > limits::PDU / 4, "{decoded:?}"),
        Err(error) => assert_eq!(Err(error), Ok(()), "{decoded:?}"),
    }
}

/// Towers keep every byte, requests and replies keep their meaning.
fn endpoint_mapper(data: &[u8]) {
    if let Ok(tower) = Tower::decode(data) {
        let encoded = tower.encode();
        assert_eq!(data.get(..encoded.len()), Some(&encoded[..]));
    }
    if let Ok(request) = MapRequest::decode(&mut Decoder::new(data)) {
        let mut stub = Encoder::new();
        request.encode(&mut stub);
        assert_eq!(MapRequest::decode(&mut Decoder::new(&stub.into_bytes())), Ok(request));
    }
    if let Ok(reply) = MapReply::decode(&mut Decoder::new(data)) {
        assert!(reply.towers.len() <= limits::TOWERS);
        let mut stub = Encoder::new();
        reply.encode(&mut stub);
        assert_eq!(MapReply::decode(&mut Decoder::new(&stub.into_bytes())), Ok(reply));
    }
}

/// The first byte says how much of the stub was consumed.
fn verification(data: &[u8]) {
    let Some((&consumed, stub)) = data.split_first() else { return };
    if let Ok(Some(trailer)) = Trailer::find(stub, consumed.into()) {
        assert!((1..=limits::VERIFICATION_COMMANDS).contains(&trailer.commands.len()));
        let mut encoded = Vec::new();
        trailer.encode(&mut encoded);
        assert_eq!(Trailer::find(&encoded, 0), Ok(Some(trailer)));
    }
}

/// The first third says what to read from the rest.
fn ndr(data: &[u8]) {
    let (program, stub) = data.split_at(data.len() / 3);
    let mut decoder = Decoder::at(stub, data.len() % 3);
    for operation in program {
        let before = decoder.position();
        let limit = usize::from(operation >> 4) * 16;
        let done = match operation & 15 {
            0 => decoder.u8().is_ok(),
            1 => decoder.u16().is_ok(),
            2 => decoder.u32().is_ok(),
            3 => decoder.u64().is_ok(),
            4 => decoder.i32().is_ok(),
            5 => decoder.uuid().is_ok(),
            6 => decoder.bytes(limit).is_ok_and(|bytes| bytes.len() == limit),
            7 => decoder.referent().is_ok(),
            8 => decoder.count(limit, 4).is_ok_and(|count| count <= limit && 4 * count <= decoder.remaining()),
            9 => decoder.align(1 << (operation >> 4 & 3)).is_ok(),
            10 => decoder.conformant_bytes(limit).is_ok_and(|bytes| bytes.len() <= limit),
            11 => decoder.string(limit).is_ok_and(|text| string_holds(&text, limit)),
            _ => decoder.unique_string(limit).is_ok_and(|text| text.is_none_or(|text| string_holds(&text, limit))),
        };
        assert!(before <= decoder.position() && decoder.position() + decoder.remaining() == stub.len());
        if !done {
            break;
        }
    }
}

fn string_holds(text: &str, limit: usize) -> bool {
    assert!(text.encode_utf16().count() <= limit && !text.contains('\0'));
    let mut stub = Encoder::new();
    stub.string(text);
    assert_eq!(Decoder::new(&stub.into_bytes()).string(limit + 1).as_deref(), Ok(text));
    true
}

/// The first byte: bit 0, the client has bound; bit 1, and authenticated; the rest, how the stream is cut. Then the stream.
fn server_association(data: &[u8]) {
    let Some((&selector, stream)) = data.split_first() else { return };
    let mut association = server::Association::new(server::Options::default(), Services);
    let mut out = Vec::new();
    if selector & 1 != 0 {
        let mut bind = written(Body::Bind(bind()), (selector & 2 != 0).then_some(b"hello"));
        assert!(association.receive(&mut bind, &mut out).is_ok_and(|call| call.is_none()));
        if selector & 2 != 0 {
            let mut auth3 = written(Body::Auth3, Some(b"alice"));
            assert!(association.receive(&mut auth3, &mut out).is_ok_and(|call| call.is_none()));
        }
    }
    cut(stream, selector >> 2, |pdu| {
        let whole = pdu.len();
        out.clear();
        let reply = match association.receive(pdu, &mut out) {
            Ok(None) => None,
            Ok(Some(call)) => {
                assert!(call.stub.len() <= limits::REQUEST_STUB);
                assert!(call.identity.is_none() || call.level > AuthenticationLevel::None);
                assert!(Services.known(&call.interface));
                if let Err(status) = call.verify(call.stub.len() / 2) {
                    assert_eq!(status, Status::ACCESS_DENIED);
                }
                Some(call.stub.to_vec())
            }
            Err(_) => {
                assert_all_are_pdus(&out);
                return false;
            }
        };
        match reply {
            None => assert!(out.len() <= whole + 1024, "{} bytes in answer to {whole}", out.len()),
            Some(stub) if stub.len() % 2 == 0 => assert!(association.reply(&stub, &mut out).is_ok()),
            Some(_) => assert!(association.fault(Status::OPERATION_RANGE, &mut out).is_ok()),
        }
        assert_all_are_pdus(&out);
        true
    });
}

/// The first byte: bits 0 and 1, how far the client is: idle, binding, bound, calling; bit 2, with authentication; the rest,
/// how the stream is cut. Then the stream.
fn client_association(data: &[u8]) {
    let Some((&selector, stream)) = data.split_first() else { return };
    let mut association = client::Association::new(client::Options::default());
    let (mut out, mut reply) = (Vec::new(), Vec::new());
    let authenticated = selector & 4 != 0;
    if selector & 3 > 0 {
        let security = if authenticated {
            client::Security::New { context: Box::new(Lenient::default()), level: AuthenticationLevel::Privacy }
        } else {
            client::Security::None
        };
        assert!(association.bind(epm::INTERFACE, security, &mut out).is_ok());
    }
    if selector & 3 > 1 {
        let mut ack = written(Body::BindAck(ack()), authenticated.then_some(b"challenge"));
        let Ok(client::Event::Bound(binding)) = association.receive(&mut ack, &mut reply, &mut out) else {
            unreachable!("the canned answer is right")
        };
        if selector & 3 > 2 {
            assert!(association.call(binding, Opnum(3), None, b"stub", &mut out).is_ok());
        }
    }
    assert_all_are_pdus(&out);
    cut(stream, selector >> 3, |pdu| {
        out.clear();
        let event = association.receive(pdu, &mut reply, &mut out);
        assert_all_are_pdus(&out);
        assert!(reply.len() <= stream.len(), "more than the server sent");
        match event {
            Ok(client::Event::Bound(binding)) => {
                association.call(binding, Opnum(3), None, b"stub", &mut Vec::new()).is_ok()
            }
            Ok(_) => true,
            Err(error) => !error.is_fatal(),
        }
    });
}

/// Delivers a stream piece by piece; ends with the stream, or when `receive` says so.
fn cut(stream: &[u8], selector: u8, mut receive: impl FnMut(&mut [u8]) -> bool) {
    let size = [usize::MAX, 1, 5, 16, 17, 24, 100, 4096][usize::from(selector % 8)];
    let mut framer = Framer::new();
    let mut total = 0;
    for chunk in stream.chunks(size.min(64 * 1024)) {
        let space = framer.space();
        space[..chunk.len()].copy_from_slice(chunk);
        framer.filled(chunk.len());
        while let Some(pdu) = framer.pdu() {
            assert!(pdu.len() >= Header::SIZE);
            total += pdu.len();
            assert!(total <= stream.len());
            if !receive(pdu) {
                return;
            }
        }
    }
}

fn assert_all_are_pdus(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let length = Header::decode(bytes).map_or(usize::MAX, |header| header.frag_length.into());
        assert!(length <= bytes.len(), "not a PDU: {bytes:02x?}");
        let (pdu, rest) = bytes.split_at(length);
        assert!(Layout::decode(pdu).is_ok(), "not a PDU: {pdu:02x?}");
        bytes = rest;
    }
}

fn written(body: Body<'_>, token: Option<&[u8]>) -> Vec<u8> {
    let authentication = token.map(|token| Authentication {
        authentication_type: AuthenticationType::NTLM,
        level: AuthenticationLevel::Privacy,
        context_id: SecurityContextId(1),
        token,
    });
    let mut bytes = Vec::new();
    let written = Pdu { flags: Flags::WHOLE, call_id: CallId(1), body, authentication }.encode(&mut bytes);
    assert!(written.is_ok());
    bytes
}

fn bind() -> Bind {
    let transfer_syntaxes = vec![SyntaxId::NDR];
    let contexts = vec![PresentationContext { id: ContextId(0), interface: epm::INTERFACE, transfer_syntaxes }];
    Bind { max_transmit: 4280, max_receive: 4280, association_group: 0, contexts }
}

fn ack() -> BindAck {
    BindAck {
        max_transmit: 4280,
        max_receive: 4280,
        association_group: 1,
        secondary_address: String::new(),
        results: vec![ContextResult::Accepted(SyntaxId::NDR), ContextResult::Features(Features::SUPPORTED)],
    }
}

struct Services;

impl Services {
    fn known(&self, interface: &SyntaxId) -> bool {
        *interface == epm::INTERFACE
    }
}

impl server::Acceptor for Services {
    fn serves(&self, interface: &SyntaxId) -> bool {
        self.known(interface)
    }

    fn security_context(&mut self, kind: AuthenticationType) -> Option<Box<dyn SecurityContext>> {
        (kind == AuthenticationType::NTLM).then(|| Box::new(Lenient { server: true, ..Lenient::default() }) as Box<_>)
    }
}

/// Takes any token and any signature that does not begin with an X, so that signatures keep no fuzzer from what is behind
/// them.
#[derive(Default)]
struct Lenient {
    server: bool,
    legs: usize,
    identity: Option<Identity>,
}

impl SecurityContext for Lenient {
    fn authentication_type(&self) -> AuthenticationType {
        AuthenticationType::NTLM
    }

    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError> {
        self.legs += 1;
        match (self.server, self.legs, token) {
            (_, _, [b'X', ..]) => Err(SecurityError::Denied { reason: "X" }),
            (_, 1, _) => Ok(Step::Continue(b"token".to_vec())),
            (false, _, _) => Ok(Step::Complete(Some(b"token".to_vec()))),
            (true, _, _) => {
                self.identity = Some(Identity { domain: String::new(), user: "alice".to_owned() });
                Ok(Step::Complete(None))
            }
        }
    }

    fn signature_size(&self, _: AuthenticationLevel) -> usize {
        16
    }

    fn protect(&mut self, _: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError> {
        assert_eq!(pdu.len(), body.end + 8 + 16);
        assert_eq!(body.len() % 16, 0);
        pdu[body].iter_mut().for_each(|byte| *byte ^= 0x55);
        Ok(())
    }

    fn unprotect(&mut self, _: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError> {
        let signature = &pdu[body.end + 8..];
        assert!(!signature.is_empty());
        if signature.starts_with(b"X") {
            return Err(SecurityError::Signature);
        }
        pdu[body].iter_mut().for_each(|byte| *byte ^= 0x55);
        Ok(())
    }

    fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }
}
