//! A client of a server in memory that can send what `orpc::client` would not.

use std::sync::Arc;

use dcerpc::client::{Association, Binding, Error, Event, Options, Security};
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{AuthenticationLevel, Framer, Opnum, Status, SyntaxId};
use dcom::activation::{ClientDetails, PropertiesIn, PropertiesOut, RemoteActivationReply, RemoteCreateInstance};
use dcom::objref::{Form, StdObjRef};
use dcom::{CausalityId, ComVersion, Hresult, Ipid, OrpcThis, ids};
use orpc::security::accounts::NtHash;
use orpc::security::ntlm::Initiator;
use orpc::server::memory::{Host, Link};
use uuid::Uuid;

use super::accounts::TestAccounts;
use super::echo::{self, EchoClass, Events, PlainEcho};

/// A host with the echo class.
pub fn host(events: &Arc<Events>) -> Host {
    let classes: Vec<Arc<dyn orpc::server::Class>> = vec![Arc::new(EchoClass(Arc::clone(events)))];
    let options = orpc::server::Options { host_names: vec!["ca1.example.test".to_owned()], ..Default::default() };
    Host::new(options, classes, Arc::new(TestAccounts::default()), vec![Arc::new(PlainEcho)])
}

pub struct Raw {
    pub link: Link,
    pub association: Association,
    framer: Framer,
}

impl Raw {
    pub fn new(link: Link) -> Self {
        Self { link, association: Association::new(Options::default()), framer: Framer::new() }
    }

    pub fn bind(&mut self, interface: Uuid, security: Security) -> Result<Binding, Error> {
        self.bind_version(SyntaxId::new(interface, 0, 0), security)
    }

    pub fn bind_version(&mut self, interface: SyntaxId, security: Security) -> Result<Binding, Error> {
        let mut out = Vec::new();
        self.association.bind(interface, security, &mut out)?;
        match self.exchange(out, &mut Vec::new())? {
            Some(Event::Bound(binding)) => Ok(binding),
            other => panic!("{other:?}"),
        }
    }

    /// The reply stub or the status of the fault; `None` when the server closed the connection.
    pub fn call(
        &mut self,
        binding: Binding,
        opnum: Opnum,
        object: Option<Ipid>,
        stub: &[u8],
    ) -> Option<Result<Vec<u8>, Status>> {
        let (mut out, mut reply) = (Vec::new(), Vec::new());
        self.association.call(binding, opnum, object.map(|ipid| ipid.0), stub, &mut out).unwrap();
        match self.exchange(out, &mut reply).unwrap() {
            Some(Event::Reply) => Some(Ok(reply)),
            Some(Event::Fault(status)) => Some(Err(status)),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    fn exchange(&mut self, out: Vec<u8>, reply: &mut Vec<u8>) -> Result<Option<Event>, Error> {
        let mut answers = self.link.send(&out);
        loop {
            while let Some(pdu) = self.framer.pdu() {
                let mut out = Vec::new();
                let event = self.association.receive(pdu, reply, &mut out)?;
                answers.extend(self.link.send(&out));
                if event != Event::More {
                    return Ok(Some(event));
                }
            }
            if answers.is_empty() {
                return Ok(None);
            }
            let space = self.framer.space();
            let count = space.len().min(answers.len());
            space[..count].copy_from_slice(&answers[..count]);
            self.framer.filled(count);
            answers.drain(..count);
        }
    }
}

pub fn log_on(user: &str, level: AuthenticationLevel) -> Security {
    let password = if user == "bob" { "Bob's password" } else { "Alice's password" };
    Security::New { context: Box::new(Initiator::new("CORP", user, &NtHash::of_password(password))), level }
}

pub fn privacy(user: &str) -> Security {
    log_on(user, AuthenticationLevel::Privacy)
}

/// A stub with ORPCTHIS in front.
pub fn orpc_stub(version: ComVersion, flags: u32, body: &[u8]) -> Vec<u8> {
    let mut stub = Encoder::new();
    let this = OrpcThis { flags, ..OrpcThis::new(version, CausalityId(Uuid::from_u128(1))) };
    this.encode(&mut stub);
    let mut stub = stub.into_bytes();
    stub.extend_from_slice(body);
    stub
}

pub fn call_stub(body: &[u8]) -> Vec<u8> {
    orpc_stub(ComVersion::NEWEST, 0, body)
}

pub fn create_stub(clsid: Uuid, iids: &[Uuid]) -> Vec<u8> {
    let request = RemoteCreateInstance {
        this: OrpcThis::new(ComVersion::NEWEST, CausalityId(Uuid::from_u128(2))),
        properties: PropertiesIn { class_id: clsid, interfaces: iids.to_vec(), protocol_sequences: vec![7] },
    };
    let mut stub = Encoder::new();
    request.encode(ClientDetails { server_name: "ca1", context_id: Uuid::from_u128(3) }, &mut stub);
    stub.into_bytes()
}

/// Activates an object as `user`.
pub fn activate(host: &Host, user: &str, iids: &[Uuid]) -> Result<PropertiesOut, Hresult> {
    let mut mapper = Raw::new(host.connect_to_endpoint_mapper());
    let binding = mapper.bind(ids::IID_REMOTE_SCM_ACTIVATOR, privacy(user)).unwrap();
    let reply =
        mapper.call(binding, RemoteCreateInstance::OPNUM, None, &create_stub(echo::CLSID, iids)).unwrap().unwrap();
    RemoteActivationReply::decode(&mut Decoder::new(&reply)).unwrap().result
}

pub fn reference(properties: &PropertiesOut, index: usize) -> StdObjRef {
    match &properties.interfaces[index].result.as_ref().unwrap().form {
        Form::Standard { reference, .. } => *reference,
        other => panic!("{other:?}"),
    }
}
