//! [MS-DCOM] 3.1.2.5.1 and 3.1.2.5.2: activation, resolution and pings, on a server in memory.

use std::sync::Arc;

use dcerpc::client::Security;
use dcerpc::epm::{MapReply, MapRequest, Tower};
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{AuthenticationLevel, Opnum, Status, SyntaxId, epm};
use dcom::activation::{RemoteActivationReply, RemoteCreateInstance};
use dcom::object_exporter::{
    self, ComplexPing, ComplexPingReply, ResolveOxid, ResolveOxidReply, ServerAlive2Reply, SimplePing,
};
use dcom::objref::TOWER_TCP;
use dcom::remote_activation::{self, RemoteActivation};
use dcom::{CausalityId, ComVersion, ErrorStatus, Hresult, Oid, OrpcThis, Oxid, SetId, ids};
use orpc::server::memory::Host;
use uuid::Uuid;

use crate::support::echo::{self, Events, IID_ECHO, IID_ECHO2, PLAIN};
use crate::support::raw::{self, Raw, privacy};

#[test]
fn an_activation_tells_where_and_how_to_call() {
    let events = Arc::<Events>::default();
    let host = raw::host(&events);
    let properties = raw::activate(&host, "alice", &[IID_ECHO, Uuid::from_u128(6), IID_ECHO2]).unwrap();
    let exporter = &properties.exporter;
    let addresses: Vec<&str> = exporter.bindings.string_bindings().iter().map(|binding| binding.address()).collect();
    assert_eq!(addresses, ["127.0.0.1[49664]", "ca1.example.test[49664]"]);
    assert_eq!((exporter.authentication_hint, exporter.version), (6, ComVersion::NEWEST));
    let (first, second) = (raw::reference(&properties, 0), raw::reference(&properties, 2));
    assert_eq!(properties.interfaces[1].result, Err(Hresult::NO_INTERFACE));
    assert_eq!((first.flags, first.public_references, first.oxid), (0, 5, exporter.oxid));
    assert_eq!(first.oid, second.oid);
    assert_ne!(first.ipid, second.ipid);
    assert_eq!(events.count("created"), 1);
}

#[test]
fn activation_fails_with_the_reason() {
    let events = Arc::<Events>::default();
    let host = raw::host(&events);
    assert_eq!(raw::activate(&host, "alice", &[Uuid::from_u128(6)]), Err(Hresult::NO_INTERFACE));
    assert_eq!(raw::activate(&host, "bob", &[IID_ECHO]), Err(Hresult::ACCESS_DENIED), "the answer of the class");
    let mut mapper = Raw::new(host.connect_to_endpoint_mapper());
    let binding = mapper.bind(ids::IID_REMOTE_SCM_ACTIVATOR, privacy("alice")).unwrap();
    let stub = raw::create_stub(Uuid::from_u128(8), &[IID_ECHO]);
    let reply = mapper.call(binding, RemoteCreateInstance::OPNUM, None, &stub).unwrap().unwrap();
    let reply = RemoteActivationReply::decode(&mut Decoder::new(&reply)).unwrap();
    assert_eq!(reply.result, Err(Hresult::CLASS_NOT_REGISTERED));
    let reply = mapper.call(binding, Opnum(3), None, &raw::create_stub(echo::CLSID, &[IID_ECHO])).unwrap().unwrap();
    let reply = RemoteActivationReply::decode(&mut Decoder::new(&reply)).unwrap();
    assert_eq!(reply.result, Err(Hresult::NOT_IMPLEMENTED), "class objects");
    assert_eq!(mapper.call(binding, RemoteCreateInstance::OPNUM, None, &[1; 40]), Some(Err(Status::BAD_STUB_DATA)));
    assert_eq!(events.count("created"), 0);
}

#[test]
fn nobody_activates_without_a_user() {
    let events = Arc::<Events>::default();
    let host = raw::host(&events);
    for interface in [ids::IID_REMOTE_SCM_ACTIVATOR, ids::IID_ACTIVATION] {
        for opnum in [0, 3, 4] {
            for security in [Security::None, privacy("mallory"), privacy("locked")] {
                let mut mapper = Raw::new(host.connect_to_endpoint_mapper());
                let binding = mapper.bind(interface, security).unwrap();
                let outcome = mapper.call(binding, Opnum(opnum), None, &raw::create_stub(echo::CLSID, &[IID_ECHO]));
                assert_eq!(outcome, Some(Err(Status::ACCESS_DENIED)));
            }
        }
    }
    assert_eq!(events.count("created"), 0);
}

#[test]
fn the_old_activation_works_too() {
    let events = Arc::<Events>::default();
    let host = raw::host(&events);
    let mut mapper = Raw::new(host.connect_to_endpoint_mapper());
    let binding = mapper.bind(ids::IID_ACTIVATION, raw::log_on("alice", AuthenticationLevel::Integrity)).unwrap();
    let mut stub = Encoder::new();
    RemoteActivation {
        this: OrpcThis::new(ComVersion { major: 5, minor: 4 }, CausalityId(Uuid::nil())),
        class_id: echo::CLSID,
        object_name: None,
        class_factory: false,
        interfaces: vec![IID_ECHO],
        protocol_sequences: vec![TOWER_TCP],
    }
    .encode(&mut stub);
    let reply = mapper.call(binding, RemoteActivation::OPNUM, None, &stub.into_bytes()).unwrap().unwrap();
    let reply = remote_activation::RemoteActivationReply::decode(&mut Decoder::new(&reply)).unwrap();
    let activated = reply.result.unwrap();
    assert!(activated.interfaces[0].is_ok());
    assert_eq!(activated.exporter.authentication_hint, 6);
    assert_eq!(events.count("created"), 1);
}

#[test]
fn server_alive_is_answered_without_a_user() {
    let host = raw::host(&Arc::default());
    let mut raw = Raw::new(host.connect_to_endpoint_mapper());
    let binding = raw.bind(ids::IID_OBJECT_EXPORTER, Security::None).unwrap();
    assert_eq!(raw.call(binding, object_exporter::SERVER_ALIVE, None, &[]), Some(Ok(vec![0; 4])));
    let reply = raw.call(binding, object_exporter::SERVER_ALIVE2, None, &[]).unwrap().unwrap();
    let reply = ServerAlive2Reply::decode(&mut Decoder::new(&reply)).unwrap();
    assert_eq!((reply.version, reply.status), (ComVersion::NEWEST, ErrorStatus::OK));
    assert_eq!(reply.bindings.string_bindings()[0].address(), "127.0.0.1");
    for opnum in [0, 1, 2, 4] {
        assert_eq!(raw.call(binding, Opnum(opnum), None, &[0; 64]), Some(Err(Status::ACCESS_DENIED)), "{opnum}");
    }
}

#[test]
fn an_oxid_is_resolved() {
    let host = raw::host(&Arc::default());
    let exporter = raw::activate(&host, "alice", &[IID_ECHO]).unwrap().exporter;
    let mut raw = Raw::new(host.connect_to_endpoint_mapper());
    let binding = raw.bind(ids::IID_OBJECT_EXPORTER, privacy("alice")).unwrap();
    let mut resolve = |oxid, opnum| {
        let mut stub = Encoder::new();
        ResolveOxid { oxid, protocol_sequences: vec![TOWER_TCP] }.encode(&mut stub);
        raw.call(binding, opnum, None, &stub.into_bytes()).unwrap().unwrap()
    };
    let reply = resolve(exporter.oxid, object_exporter::RESOLVE_OXID2);
    let found = ResolveOxidReply::decode2(&mut Decoder::new(&reply)).unwrap().result.unwrap();
    assert_eq!((found.bindings, found.rem_unknown), (exporter.bindings, exporter.rem_unknown));
    let reply = resolve(Oxid(1), object_exporter::RESOLVE_OXID);
    let found = ResolveOxidReply::decode(&mut Decoder::new(&reply)).unwrap().result;
    assert_eq!(found, Err(ErrorStatus::INVALID_OXID));
}

fn complex_ping(host: &Host, user: &str, set: SetId, add: Vec<Oid>) -> ComplexPingReply {
    let mut raw = Raw::new(host.connect_to_endpoint_mapper());
    let binding = raw.bind(ids::IID_OBJECT_EXPORTER, privacy(user)).unwrap();
    let mut stub = Encoder::new();
    ComplexPing { set, sequence: 0, add, delete: Vec::new() }.encode(&mut stub);
    let reply = raw.call(binding, object_exporter::COMPLEX_PING, None, &stub.into_bytes()).unwrap().unwrap();
    ComplexPingReply::decode(&mut Decoder::new(&reply)).unwrap()
}

fn simple_ping(host: &Host, user: &str, set: SetId) -> ErrorStatus {
    let mut raw = Raw::new(host.connect_to_endpoint_mapper());
    let binding = raw.bind(ids::IID_OBJECT_EXPORTER, privacy(user)).unwrap();
    let mut stub = Encoder::new();
    SimplePing { set }.encode(&mut stub);
    let reply = raw.call(binding, object_exporter::SIMPLE_PING, None, &stub.into_bytes()).unwrap().unwrap();
    object_exporter::decode_status(&mut Decoder::new(&reply)).unwrap()
}

#[test]
fn ping_sets_belong_to_their_user() {
    let host = raw::host(&Arc::default());
    let properties = raw::activate(&host, "alice", &[IID_ECHO]).unwrap();
    let oid = raw::reference(&properties, 0).oid;
    let reply = complex_ping(&host, "alice", SetId(0), vec![oid]);
    assert_eq!(reply.status, ErrorStatus::OK);
    assert_ne!(reply.set, SetId(0));
    assert_eq!(simple_ping(&host, "alice", reply.set), ErrorStatus::OK);
    assert_eq!(simple_ping(&host, "bob", reply.set), ErrorStatus::ACCESS_DENIED);
    assert_eq!(simple_ping(&host, "alice", SetId(3)), ErrorStatus::INVALID_SET);
    assert_eq!(complex_ping(&host, "alice", SetId(3), vec![]).status, ErrorStatus::INVALID_SET);
    assert_eq!(complex_ping(&host, "alice", reply.set, vec![Oid(1)]).status, ErrorStatus::INVALID_OID);
    assert_eq!(complex_ping(&host, "bob", SetId(0), vec![oid]).status, ErrorStatus::INVALID_OID);
}

#[test]
fn the_endpoint_mapper_knows_the_plain_interfaces() {
    let host = raw::host(&Arc::default());
    let map = |interface| {
        let mut raw = Raw::new(host.connect_to_endpoint_mapper());
        let binding = raw.bind_version(epm::INTERFACE, Security::None).unwrap();
        let mut stub = Encoder::new();
        MapRequest::new(Tower::tcp(interface, 135, [0, 0, 0, 0].into())).encode(&mut stub);
        let reply = raw.call(binding, epm::MAP, None, &stub.into_bytes()).unwrap().unwrap();
        MapReply::decode(&mut Decoder::new(&reply)).unwrap()
    };
    let found = map(PLAIN);
    assert_eq!(found.status, 0);
    assert_eq!(found.towers, [Tower::tcp(PLAIN, 49_664, [127, 0, 0, 1].into())]);
    let missing = map(SyntaxId::new(IID_ECHO, 0, 0));
    assert_eq!((missing.status, missing.towers.len()), (epm::NOT_REGISTERED, 0));
}
