//! Oracles of `orpc`: what must hold for any bytes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use dcerpc::client::{Association, Binding, Event, Options, Security};
use dcerpc::ndr::Decoder;
use dcerpc::security::{SecurityContext, Step};
use dcerpc::{AuthenticationLevel, Framer, Opnum, Status, SyntaxId};
use dcom::activation::{ClientDetails, PropertiesIn, RemoteActivationReply, RemoteCreateInstance};
use dcom::objref::Form;
use dcom::{CausalityId, ComVersion, Hresult, Ipid, OrpcThis, ids};
use orpc::security::accounts::{Accounts, Attempt, Lookup, NtHash};
use orpc::security::ntlm::message::{Authenticate, Challenge, Negotiate};
use orpc::security::ntlm::{Acceptor, Initiator, ServerNames};
use orpc::server::memory::{Host, Link};
use orpc::server::{Caller, Class, Object};
use uuid::Uuid;

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `orpc`.
pub const ORACLES: &[Oracle] = &[
    ("orpc_ntlm_acceptor", ntlm_acceptor),
    ("orpc_ntlm_initiator", ntlm_initiator),
    ("orpc_server_calls", server_calls),
    ("orpc_server_mapper", server_mapper),
    ("orpc_server_objects", server_objects),
];

/// Messages of a client, first as NEGOTIATE, then as AUTHENTICATE: nobody logs on by chance.
fn ntlm_acceptor(data: &[u8]) {
    let negotiate = Negotiate::decode(data);
    if let Ok(message) = Authenticate::decode(data)
        && let Ok(response) = message.response()
    {
        assert!(response.client_challenge.len() < data.len());
        assert_eq!(response.attributes.flags(), response.attributes.flags());
        assert!(response.attributes.iter().count() <= data.len() / 4);
    }
    let fresh = || Acceptor::new(Arc::new(OneUser), Arc::new(ServerNames::stand_alone("ca1.example.test")), PEER);
    if let Ok(Step::Continue(challenge)) = fresh().step(data) {
        assert!(negotiate.is_ok());
        assert!(Challenge::decode(&challenge).is_ok());
    }
    let mut acceptor = fresh();
    if let Ok(Step::Continue(negotiate)) = Initiator::new("", USER, &hash()).step(&[]) {
        assert!(matches!(acceptor.step(&negotiate), Ok(Step::Continue(_))));
        assert!(acceptor.step(data).is_err());
        assert_eq!(acceptor.identity(), None);
    }
}

/// A CHALLENGE of a server: answered or refused.
fn ntlm_initiator(data: &[u8]) {
    let mut initiator = Initiator::new("CORP", USER, &hash());
    assert!(matches!(initiator.step(&[]), Ok(Step::Continue(_))));
    if let Ok(Step::Complete(token)) = initiator.step(data) {
        let message = token.unwrap_or_default();
        assert_eq!(Authenticate::decode(&message).map(|message| message.user), Ok(USER.to_owned()));
    }
}

/// Any bytes on a connection to the endpoint mapper.
fn server_mapper(data: &[u8]) {
    send_in_pieces(host().connect_to_endpoint_mapper(), data);
}

/// Any bytes on a connection to the objects.
fn server_objects(data: &[u8]) {
    send_in_pieces(host().connect_to_objects(), data);
}

/// What a server answers does not depend on how the bytes were cut.
fn send_in_pieces(mut link: Link, data: &[u8]) {
    let (first, second) = data.split_at(data.len() / 3);
    let answers = link.send(first).len() + link.send(second).len();
    // Each PDU has at most one answer, of bounded size; nonces differ, so that the bytes cannot be compared.
    assert!(answers <= (data.len() / 16 + 1) * 1024, "{answers} bytes for {}", data.len());
}

/// Calls of a user who has logged on: the first byte chooses the interface, the second the operation, the rest is the stub.
/// The connection and the object outlive all of them.
fn server_calls(data: &[u8]) {
    let &[choice, opnum, ref stub @ ..] = data else { return };
    let opnum = Opnum(opnum.into());
    let host = host();
    let Some((ipid, rem_unknown)) = activate(&host) else { panic_on_setup() };
    let (mut client, interface, object) = match choice % 6 {
        0 => (Client::new(host.connect_to_endpoint_mapper()), ids::IID_REMOTE_SCM_ACTIVATOR, None),
        1 => (Client::new(host.connect_to_endpoint_mapper()), ids::IID_ACTIVATION, None),
        2 => (Client::new(host.connect_to_endpoint_mapper()), ids::IID_OBJECT_EXPORTER, None),
        3 => (Client::new(host.connect_to_objects()), ids::IID_REM_UNKNOWN, Some(rem_unknown)),
        4 => (Client::new(host.connect_to_objects()), ids::IID_REM_UNKNOWN2, Some(rem_unknown)),
        _ => (Client::new(host.connect_to_objects()), IID, Some(ipid)),
    };
    let Some(binding) = client.bind(interface) else { panic_on_setup() };
    for _ in 0..2 {
        let _ = client.call(binding, opnum, object, stub);
        assert!(client.link.is_open());
    }
}

#[expect(clippy::panic, reason = "an oracle that cannot start has failed")]
fn panic_on_setup() -> ! {
    panic!("a user could not log on and activate an object")
}

fn activate(host: &Host) -> Option<(Ipid, Ipid)> {
    let mut client = Client::new(host.connect_to_endpoint_mapper());
    let binding = client.bind(ids::IID_REMOTE_SCM_ACTIVATOR)?;
    let request = RemoteCreateInstance {
        this: OrpcThis::new(ComVersion::NEWEST, CausalityId(Uuid::nil())),
        properties: PropertiesIn { class_id: CLSID, interfaces: vec![IID], protocol_sequences: vec![7] },
    };
    let mut stub = dcerpc::ndr::Encoder::new();
    request.encode(ClientDetails { server_name: "ca1", context_id: Uuid::nil() }, &mut stub);
    let reply = client.call(binding, RemoteCreateInstance::OPNUM, None, &stub.into_bytes())?;
    let properties = RemoteActivationReply::decode(&mut Decoder::new(&reply)).ok()?.result.ok()?;
    let objref = properties.interfaces.first()?.result.as_ref().ok()?;
    let Form::Standard { reference, .. } = &objref.form else { return None };
    Some((reference.ipid, properties.exporter.rem_unknown))
}

/// The client's end of a connection in memory.
struct Client {
    link: Link,
    association: Association,
    framer: Framer,
}

impl Client {
    fn new(link: Link) -> Self {
        Self { link, association: Association::new(Options::default()), framer: Framer::new() }
    }

    fn bind(&mut self, interface: Uuid) -> Option<Binding> {
        let context = Box::new(Initiator::new("", USER, &hash()));
        let security = Security::New { context, level: AuthenticationLevel::Privacy };
        let mut out = Vec::new();
        self.association.bind(SyntaxId::new(interface, 0, 0), security, &mut out).ok()?;
        match self.exchange(out, &mut Vec::new())? {
            Event::Bound(binding) => Some(binding),
            _ => None,
        }
    }

    /// The reply stub; `None` for a fault.
    fn call(&mut self, binding: Binding, opnum: Opnum, object: Option<Ipid>, stub: &[u8]) -> Option<Vec<u8>> {
        let (mut out, mut reply) = (Vec::new(), Vec::new());
        self.association.call(binding, opnum, object.map(|ipid| ipid.0), stub, &mut out).ok()?;
        match self.exchange(out, &mut reply)? {
            Event::Reply => Some(reply),
            _ => None,
        }
    }

    fn exchange(&mut self, out: Vec<u8>, reply: &mut Vec<u8>) -> Option<Event> {
        let mut answers = self.link.send(&out);
        loop {
            while let Some(pdu) = self.framer.pdu() {
                let mut out = Vec::new();
                let event = self.association.receive(pdu, reply, &mut out).ok()?;
                answers.extend(self.link.send(&out));
                if event != Event::More {
                    return Some(event);
                }
            }
            if answers.is_empty() {
                return None;
            }
            let space = self.framer.space();
            let count = space.len().min(answers.len());
            space[..count].copy_from_slice(&answers[..count]);
            self.framer.filled(count);
            answers.drain(..count);
        }
    }
}

fn host() -> Host {
    Host::new(orpc::server::Options::default(), vec![Arc::new(Parrot)], Arc::new(OneUser), Vec::new())
}

/// A class and its objects, which give back what they get.
struct Parrot;

impl Class for Parrot {
    fn clsid(&self) -> Uuid {
        CLSID
    }

    fn interfaces(&self) -> &[Uuid] {
        &[IID]
    }

    fn create(&self, caller: &Caller) -> Result<Box<dyn Object>, Hresult> {
        assert!(caller.level >= AuthenticationLevel::Integrity && caller.identity.user == USER);
        Ok(Box::new(Parrot))
    }
}

impl Object for Parrot {
    fn call(
        &mut self,
        caller: &Caller,
        interface: Uuid,
        _: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Status> {
        assert!(caller.identity.user == USER && interface == IID);
        reply.extend_from_slice(stub);
        Ok(())
    }
}

struct OneUser;

impl Accounts for OneUser {
    fn nt_hash(&self, _: &str, user: &str) -> Lookup {
        if user == USER { Lookup::Found(hash()) } else { Lookup::Unknown }
    }

    fn succeeded(&self, attempt: &Attempt<'_>) {
        assert_eq!(attempt.user, USER);
    }

    fn failed(&self, _: &Attempt<'_>) {}
}

const CLSID: Uuid = Uuid::from_u128(0x0b9e_5a10_6f0d_4f0e_9d53_6a1c_6f1f_0001);
const IID: Uuid = Uuid::from_u128(0x0b9e_5a10_6f0d_4f0e_9d53_6a1c_6f1f_0002);
const USER: &str = "fuzz";
const PEER: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 49_152);

fn hash() -> NtHash {
    NtHash::from_bytes(*b"not a secret key")
}
