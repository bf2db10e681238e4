//! A security context that really seals and signs, a server to bind to, and the two ends of a connection.

use std::ops::Range;

use dcerpc::client::{self, Binding, Event, Security};
use dcerpc::pdu::{Authentication, Bind, Body, Flags, Pdu, PresentationContext};
use dcerpc::security::{Identity, SecurityContext, SecurityError, Step};
use dcerpc::server::{self, Acceptor, Call};
use dcerpc::{
    AuthenticationLevel, AuthenticationType, CallId, ContextId, Framer, Opnum, SecurityContextId, Status, SyntaxId,
};
use uuid::uuid;

pub(crate) const EXPORTER: SyntaxId = SyntaxId::new(uuid!("99fcfec4-5260-101b-bbcb-00aa0021347a"), 0, 0);
pub(crate) const ACTIVATOR: SyntaxId = SyntaxId::new(uuid!("000001a0-0000-0000-c000-000000000046"), 0, 0);
pub(crate) const UNKNOWN: SyntaxId = SyntaxId::new(uuid!("deadbeef-0000-0000-c000-000000000046"), 0, 0);

/// Three legs like NTLM, four like Kerberos in DCE style. Seals with a stream that runs on from PDU to PDU, and signs the
/// whole PDU with a sequence number, so that a lost, repeated or changed PDU shows.
pub(crate) struct Fake {
    kind: AuthenticationType,
    server: bool,
    legs: usize,
    user: String,
    password: String,
    send: Stream,
    receive: Stream,
    identity: Option<Identity>,
    signature_size: usize,
    /// Whether headers are signed: what it was told, and it must be told.
    header_signing: Option<bool>,
}

impl Fake {
    pub(crate) fn client(kind: AuthenticationType, user: &str, password: &str) -> Fake {
        Fake { user: user.to_owned(), password: password.to_owned(), ..Fake::new(kind, false) }
    }

    pub(crate) fn server(kind: AuthenticationType) -> Fake {
        Fake::new(kind, true)
    }

    fn new(kind: AuthenticationType, server: bool) -> Fake {
        let [to_server, to_client] = [Stream { key: 3, sequence: 0 }, Stream { key: 5, sequence: 0 }];
        let (send, receive) = if server { (to_client, to_server) } else { (to_server, to_client) };
        let signature_size = if kind == AuthenticationType::NTLM { 16 } else { 28 };
        let (user, password) = (String::new(), String::new());
        Fake {
            kind,
            server,
            legs: 0,
            user,
            password,
            send,
            receive,
            identity: None,
            signature_size,
            header_signing: None,
        }
    }
}

impl SecurityContext for Fake {
    fn authentication_type(&self) -> AuthenticationType {
        self.kind
    }

    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError> {
        self.legs += 1;
        let three = self.kind == AuthenticationType::NTLM;
        match (self.server, self.legs, token) {
            (false, 1, b"") => Ok(Step::Continue(b"hello".to_vec())),
            (false, 2, b"challenge") => {
                Ok(Step::Complete(Some(format!("{}:{}", self.user, self.password).into_bytes())))
            }
            (true, 1, b"hello") => Ok(Step::Continue(b"challenge".to_vec())),
            (true, 2, token) => {
                let token = String::from_utf8_lossy(token);
                let (user, password) = token.split_once(':').ok_or(SecurityError::Token { reason: "no colon" })?;
                if password != "secret" {
                    return Err(SecurityError::Denied { reason: "wrong password" });
                }
                self.identity = Some(Identity { domain: "CORP".to_owned(), user: user.to_owned() });
                Ok(Step::Complete(if three { None } else { Some(Vec::new()) }))
            }
            _ => Err(SecurityError::Token { reason: "unexpected" }),
        }
    }

    fn signature_size(&self, _: AuthenticationLevel) -> usize {
        self.signature_size
    }

    fn protect(&mut self, level: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError> {
        assert!(self.header_signing.is_some(), "not told about header signing");
        let end = body.end + 8;
        let signature = self.send.sign(&pdu[..end]);
        if level == AuthenticationLevel::Privacy {
            self.send.xor(&mut pdu[body]);
        }
        self.send.sequence += 1;
        pdu[end..end + 8].copy_from_slice(&signature);
        Ok(())
    }

    fn unprotect(
        &mut self,
        level: AuthenticationLevel,
        pdu: &mut [u8],
        body: Range<usize>,
    ) -> Result<(), SecurityError> {
        assert!(self.header_signing.is_some(), "not told about header signing");
        let end = body.end + 8;
        if pdu.len() - end != self.signature_size {
            return Err(SecurityError::Signature);
        }
        if level == AuthenticationLevel::Privacy {
            self.receive.xor(&mut pdu[body]);
        }
        let signature = self.receive.sign(&pdu[..end]);
        self.receive.sequence += 1;
        if pdu[end..end + 8] != signature || pdu[end + 8..].iter().any(|&byte| byte != 0) {
            return Err(SecurityError::Signature);
        }
        Ok(())
    }

    fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    fn header_signing(&mut self, agreed: bool) {
        assert_eq!(self.send.sequence + self.receive.sequence, 0, "told after the first PDU");
        self.header_signing = Some(agreed);
        // So that a side that was told otherwise cannot verify.
        self.send.key += u64::from(agreed) << 32;
        self.receive.key += u64::from(agreed) << 32;
    }
}

struct Stream {
    key: u64,
    sequence: u64,
}

impl Stream {
    fn xor(&self, bytes: &mut [u8]) {
        let mut state = self.key ^ (self.sequence << 8) ^ 0x9E37_79B9_7F4A_7C15;
        for byte in bytes {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte ^= state as u8;
        }
    }

    fn sign(&self, bytes: &[u8]) -> [u8; 8] {
        let seed = self.key.wrapping_mul(0x0000_0100_0000_01B3) ^ self.sequence;
        bytes
            .iter()
            .fold(seed, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(5))
            .to_le_bytes()
    }
}

/// Serves [`EXPORTER`] and [`ACTIVATOR`], and takes NTLM and Kerberos.
pub(crate) struct Services;

impl Acceptor for Services {
    fn serves(&self, interface: &SyntaxId) -> bool {
        [EXPORTER, ACTIVATOR].contains(interface)
    }

    fn security_context(&mut self, kind: AuthenticationType) -> Option<Box<dyn SecurityContext>> {
        let known = [AuthenticationType::NTLM, AuthenticationType::KERBEROS].contains(&kind);
        known.then(|| Box::new(Fake::server(kind)) as Box<dyn SecurityContext>)
    }
}

pub(crate) fn ntlm(level: AuthenticationLevel) -> Security {
    security(AuthenticationType::NTLM, level, "secret")
}

pub(crate) fn kerberos(level: AuthenticationLevel) -> Security {
    security(AuthenticationType::KERBEROS, level, "secret")
}

pub(crate) fn security(kind: AuthenticationType, level: AuthenticationLevel, password: &str) -> Security {
    Security::New { context: Box::new(Fake::client(kind, "alice", password)), level }
}

/// A client and a server, and a link that delivers `chunk` bytes at a time.
pub(crate) struct Pair {
    pub(crate) client: client::Association,
    pub(crate) server: server::Association,
    pub(crate) server_error: Option<server::Error>,
    pub(crate) chunk: usize,
    /// PDUs that passed, in both directions, as they were on the wire.
    pub(crate) wire: Vec<Vec<u8>>,
    /// Changes what the client sends.
    pub(crate) tamper: Option<fn(&mut Vec<u8>)>,
    /// Changes what the server sends.
    pub(crate) tamper_reply: Option<fn(&mut Vec<u8>)>,
    /// Sends large replies in parts of this size.
    pub(crate) part: usize,
}

impl Pair {
    pub(crate) fn new() -> Pair {
        Pair::with(client::Options::default(), server::Options::default())
    }

    pub(crate) fn with(client: client::Options, server: server::Options) -> Pair {
        Pair {
            client: client::Association::new(client),
            server: server::Association::new(server, Services),
            server_error: None,
            chunk: usize::MAX,
            wire: Vec::new(),
            tamper: None,
            tamper_reply: None,
            part: usize::MAX,
        }
    }

    pub(crate) fn bind(&mut self, interface: SyntaxId, security: Security) -> Result<Binding, client::Error> {
        let mut out = Vec::new();
        self.client.bind(interface, security, &mut out)?;
        match self.exchange(out, &mut Vec::new(), &mut echo)? {
            Event::Bound(binding) => Ok(binding),
            other => panic!("{other:?} instead of a binding"),
        }
    }

    pub(crate) fn call(&mut self, binding: Binding, stub: &[u8]) -> Result<Result<Vec<u8>, Status>, client::Error> {
        self.call_with(binding, stub, &mut echo)
    }

    pub(crate) fn call_with(
        &mut self,
        binding: Binding,
        stub: &[u8],
        handler: &mut Handler<'_>,
    ) -> Result<Result<Vec<u8>, Status>, client::Error> {
        let mut out = Vec::new();
        self.client.call(binding, Opnum(5), None, stub, &mut out)?;
        let mut reply = Vec::new();
        match self.exchange(out, &mut reply, handler)? {
            Event::Reply => Ok(Ok(reply)),
            Event::Fault(status) => Ok(Err(status)),
            other => panic!("{other:?} instead of a reply"),
        }
    }

    /// Moves bytes until the client has what it asked for.
    fn exchange(
        &mut self,
        mut out: Vec<u8>,
        reply: &mut Vec<u8>,
        handler: &mut Handler<'_>,
    ) -> Result<Event, client::Error> {
        let mut event = Event::More;
        let mut to_client = Vec::new();
        for _ in 0..1000 {
            if let Some(tamper) = self.tamper {
                tamper(&mut out);
            }
            let mut framer = Framer::new();
            for chunk in out.chunks(self.chunk.min(64 * 1024)) {
                framer.space()[..chunk.len()].copy_from_slice(chunk);
                framer.filled(chunk.len());
                while let Some(pdu) = framer.pdu() {
                    if self.server_error.is_some() {
                        break;
                    }
                    self.wire.push(pdu.to_vec());
                    match self.server.receive(pdu, &mut to_client) {
                        Ok(None) => {}
                        Ok(Some(call)) => {
                            let mut answer = Vec::new();
                            match handler(&call, &mut answer) {
                                Ok(()) => {
                                    let mut parts = self.server.reply_in_parts(&answer).unwrap();
                                    let mut part = Vec::new();
                                    while parts.write(&mut part, self.part).unwrap() {
                                        to_client.append(&mut part);
                                    }
                                }
                                Err(status) => self.server.fault(status, &mut to_client).unwrap(),
                            }
                        }
                        Err(error) => self.server_error = Some(error),
                    }
                }
            }
            assert!(!framer.is_inside_pdu(), "the client sent half a PDU");
            out.clear();
            if event != Event::More {
                return Ok(event);
            }
            if let Some(tamper) = self.tamper_reply {
                tamper(&mut to_client);
            }
            let mut framer = Framer::new();
            for chunk in to_client.chunks(self.chunk.min(64 * 1024)) {
                framer.space()[..chunk.len()].copy_from_slice(chunk);
                framer.filled(chunk.len());
                while let Some(pdu) = framer.pdu() {
                    self.wire.push(pdu.to_vec());
                    event = self.client.receive(pdu, reply, &mut out)?;
                }
            }
            to_client.clear();
            if event != Event::More && out.is_empty() {
                return Ok(event);
            }
            assert!(event != Event::More || !out.is_empty(), "silence; the server said {:?}", self.server_error);
        }
        panic!("no end");
    }
}

pub(crate) type Handler<'h> = dyn FnMut(&Call<'_>, &mut Vec<u8>) -> Result<(), Status> + 'h;

pub(crate) fn echo(call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
    reply.extend_from_slice(call.stub);
    Ok(())
}

/// Hex with comments: everything from `#` to the end of a line, and white space, is ignored.
pub(crate) fn bytes(text: &str) -> Vec<u8> {
    let digits: String = text
        .lines()
        .flat_map(|line| line.split('#').next())
        .flat_map(|line| line.chars().filter(|c| !c.is_whitespace()))
        .collect();
    hex::decode(digits).unwrap()
}

pub(crate) fn encode(pdu: &Pdu<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    pdu.encode(&mut bytes).unwrap();
    bytes
}

pub(crate) fn whole(call_id: u32, body: Body<'_>) -> Pdu<'_> {
    Pdu { flags: Flags::WHOLE, call_id: CallId(call_id), body, authentication: None }
}

pub(crate) fn bind_of(interfaces: &[(u16, SyntaxId)]) -> Bind {
    let context = |&(id, interface): &(u16, SyntaxId)| PresentationContext {
        id: ContextId(id),
        interface,
        transfer_syntaxes: vec![SyntaxId::NDR],
    };
    Bind {
        max_transmit: 5840,
        max_receive: 5840,
        association_group: 0,
        contexts: interfaces.iter().map(context).collect(),
    }
}

pub(crate) fn authentication(id: u32, level: AuthenticationLevel, token: &[u8]) -> Authentication<'_> {
    Authentication { authentication_type: AuthenticationType::NTLM, level, context_id: SecurityContextId(id), token }
}

/// A server that a test talks to PDU by PDU.
pub(crate) struct Server {
    pub(crate) association: server::Association,
}

impl Server {
    pub(crate) fn new() -> Server {
        Server { association: server::Association::new(server::Options::default(), Services) }
    }

    pub(crate) fn bound() -> Server {
        let mut server = Server::new();
        let said = server.hear(&whole(1, Body::Bind(bind_of(&[(0, EXPORTER)]))));
        assert!(said.starts_with("bind_ack"), "{said}");
        server
    }

    pub(crate) fn hear(&mut self, pdu: &Pdu<'_>) -> String {
        self.hear_bytes(encode(pdu))
    }

    /// What the server does, in words: the PDUs that it sends, the call that it passes up, the error it ends with.
    pub(crate) fn hear_bytes(&mut self, mut pdu: Vec<u8>) -> String {
        let mut out = Vec::new();
        let mut said = Vec::new();
        let mut reply = None;
        match self.association.receive(&mut pdu, &mut out) {
            Ok(None) => {}
            Ok(Some(call)) => {
                reply = Some(call.stub.to_vec());
                let who = call.identity.map_or("nobody".to_owned(), ToString::to_string);
                said.push(format!(
                    "call {} of opnum {} by {who} at {:?}: {}",
                    call.call_id.0,
                    call.opnum.0,
                    call.level,
                    hex::encode(call.stub)
                ));
            }
            Err(error) => said.push(format!("end: {error}")),
        }
        if let Some(reply) = reply {
            self.association.reply(&reply, &mut Vec::new()).unwrap();
        }
        let mut framer = Framer::new();
        framer.space()[..out.len()].copy_from_slice(&out);
        framer.filled(out.len());
        while let Some(pdu) = framer.pdu() {
            said.push(describe(&Pdu::decode(pdu).unwrap()));
        }
        if said.is_empty() { "silence".to_owned() } else { said.join("\n") }
    }
}

fn describe(pdu: &Pdu<'_>) -> String {
    let Pdu { call_id: CallId(call_id), flags, body, authentication } = pdu;
    let signing = if flags.contains(Flags::HEADER_SIGNING) { ", header signing" } else { "" };
    let token = authentication.map_or(String::new(), |a| format!(", token {:?}", String::from_utf8_lossy(a.token)));
    match body {
        Body::Fault(fault) => {
            let executed = if flags.contains(Flags::DID_NOT_EXECUTE) { ", not executed" } else { "" };
            format!("fault to {call_id}: {}{executed}", fault.status)
        }
        Body::BindNak(nak) => format!("bind_nak to {call_id}: {}", nak.reason),
        Body::BindAck(ack) => format!("bind_ack to {call_id}: {:?}{token}{signing}", ack.results),
        Body::AlterContextResponse(ack) => {
            format!("alter_context_resp to {call_id}: {:?}{token}{signing}", ack.results)
        }
        other => format!("{other:?}"),
    }
}
