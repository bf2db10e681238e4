//! [MS-DCOM] 3.1.1.5.4 and 3.1.1.5.6: object calls, interfaces and reference counts, on a server in memory.

use std::sync::Arc;

use dcerpc::client::Security;
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{AuthenticationLevel, Opnum, Status};
use dcom::rem_unknown::{
    self, InterfaceReference, RemAddRefReply, RemQueryInterface, RemQueryInterfaceReply, RemReferences, RemReleaseReply,
};
use dcom::{ComVersion, Hresult, Ipid, ids};
use orpc::server::memory::Host;
use uuid::Uuid;

use crate::support::echo::{self, Events, IID_ECHO, IID_ECHO2, echo_stub};
use crate::support::raw::{self, Raw, call_stub, orpc_stub, privacy};

/// An object of alice's, the IPID of its first interface and that of the Remote Unknown.
fn object(events: &Arc<Events>) -> (Host, Ipid, Ipid) {
    let host = raw::host(events);
    let properties = raw::activate(&host, "alice", &[IID_ECHO]).unwrap();
    let ipid = raw::reference(&properties, 0).ipid;
    (host, ipid, properties.exporter.rem_unknown)
}

fn references(ipid: Ipid, public: u32) -> Vec<u8> {
    let mut stub = Encoder::new();
    let references = vec![InterfaceReference { ipid, public, private: 0 }];
    RemReferences { references }.encode(&mut stub);
    call_stub(&stub.into_bytes())
}

#[test]
fn a_call_reaches_the_object() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let reply = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b"hello"))).unwrap().unwrap();
    assert_eq!(reply, *b"\0\0\0\0\0\0\0\0\x05\0\0\0hello\0\0\0\0\0\0\0");
}

#[test]
fn the_class_sees_the_level_of_the_call() {
    let (host, ipid, _) = object(&Arc::default());
    for level in [AuthenticationLevel::Integrity, AuthenticationLevel::Privacy] {
        let mut raw = Raw::new(host.connect_to_objects());
        let binding = raw.bind(IID_ECHO, raw::log_on("alice", level)).unwrap();
        let reply = raw.call(binding, echo::LEVEL, Some(ipid), &call_stub(&[])).unwrap().unwrap();
        assert_eq!(reply[8], level.to_wire());
    }
}

#[test]
fn anonymous_calls_are_refused() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, Security::None).unwrap();
    let outcome = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b"hello")));
    assert_eq!(outcome, Some(Err(Status::ACCESS_DENIED)));
}

#[test]
fn a_wrong_password_shows_in_the_first_call() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("mallory")).unwrap();
    let outcome = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b"hello")));
    assert_eq!(outcome, Some(Err(Status::ACCESS_DENIED)));
}

/// bob is a user, but not the one who activated the object.
#[test]
fn the_object_of_another_user_is_refused() {
    let (host, ipid, rem_unknown) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("bob")).unwrap();
    let outcome = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b"hello")));
    assert_eq!(outcome, Some(Err(Status::ACCESS_DENIED)));

    let binding = raw.bind(ids::IID_REM_UNKNOWN, privacy("bob")).unwrap();
    let outcome = raw.call(binding, rem_unknown::REM_RELEASE, Some(rem_unknown), &references(ipid, 5));
    let reply = outcome.unwrap().unwrap();
    assert_eq!(RemReleaseReply::decode(&mut Decoder::new(&reply[8..])).unwrap().code, Hresult::ACCESS_DENIED);
}

#[test]
fn orpcthis_is_checked() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let body = echo_stub(b"x");
    let mut outcome = |version, flags| {
        let stub = orpc_stub(version, flags, &body);
        raw.call(binding, echo::ECHO, Some(ipid), &stub).unwrap().map(|_| ())
    };
    assert_eq!(outcome(ComVersion::NEWEST, 1), Err(Status(0x8001_0111)), "flags");
    assert_eq!(outcome(ComVersion { major: 5, minor: 8 }, 0), Err(Status(0x8001_0110)), "a newer client");
    assert_eq!(outcome(ComVersion { major: 6, minor: 0 }, 0), Err(Status(0x8001_0110)), "another major version");
    assert_eq!(outcome(ComVersion { major: 5, minor: 1 }, 0), Ok(()), "an older client");
    let outcome = raw.call(binding, echo::ECHO, Some(ipid), &[0; 31]).unwrap();
    assert_eq!(outcome, Err(Status::BAD_STUB_DATA), "cut short");
}

#[test]
fn an_unknown_ipid_is_disconnected() {
    let (host, ..) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let unknown = Ipid(Uuid::from_u128(77));
    let outcome = raw.call(binding, echo::ECHO, Some(unknown), &call_stub(&echo_stub(b"x")));
    assert_eq!(outcome, Some(Err(Status(0x8001_0108))));
    let outcome = raw.call(binding, echo::ECHO, None, &call_stub(&echo_stub(b"x")));
    assert_eq!(outcome, Some(Err(Status::UNKNOWN_INTERFACE)), "no IPID");
}

#[test]
fn an_ipid_is_called_through_its_own_interface_only() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO2, privacy("alice")).unwrap();
    let outcome = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b"x")));
    assert_eq!(outcome, Some(Err(Status::UNKNOWN_INTERFACE)));
}

#[test]
fn an_interface_that_no_class_has_is_not_bound() {
    let (host, ..) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    assert!(raw.bind(Uuid::from_u128(5), privacy("alice")).is_err());
    let mut raw = Raw::new(host.connect_to_endpoint_mapper());
    assert!(raw.bind(IID_ECHO, privacy("alice")).is_err());
}

#[test]
fn a_fault_discards_what_the_object_wrote_and_the_connection_lives_on() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let outcome = raw.call(binding, echo::FAIL, Some(ipid), &call_stub(&[]));
    assert_eq!(outcome, Some(Err(Status::SERVER_TOO_BUSY)));
    let outcome = raw.call(binding, Opnum(99), Some(ipid), &call_stub(&[]));
    assert_eq!(outcome, Some(Err(Status::OPERATION_RANGE)));
    let reply = raw.call(binding, echo::ECHO, Some(ipid), &call_stub(&echo_stub(b""))).unwrap().unwrap();
    assert_eq!(reply, [0; 16]);
}

#[test]
fn a_tampered_request_ends_the_connection() {
    let events = Arc::default();
    let (host, ipid, _) = object(&events);
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let mut out = Vec::new();
    raw.association.call(binding, echo::ECHO, Some(ipid.0), &call_stub(&echo_stub(b"hello")), &mut out).unwrap();
    out[60] ^= 1;
    raw.link.send(&out);
    assert!(!raw.link.is_open());
}

#[test]
fn a_replayed_request_ends_the_connection() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let mut out = Vec::new();
    raw.association.call(binding, echo::ECHO, Some(ipid.0), &call_stub(&echo_stub(b"hello")), &mut out).unwrap();
    assert!(!raw.link.send(&out).is_empty());
    raw.link.send(&out);
    assert!(!raw.link.is_open());
}

#[test]
fn the_last_release_drops_the_object() {
    let events = Arc::<Events>::default();
    let (host, ipid, rem_unknown) = object(&events);
    let mut raw = Raw::new(host.connect_to_objects());
    let binding = raw.bind(ids::IID_REM_UNKNOWN, privacy("alice")).unwrap();
    // Activation gave five references.
    let mut add =
        |opnum, count| raw.call(binding, opnum, Some(rem_unknown), &references(ipid, count)).unwrap().unwrap();
    let reply = add(rem_unknown::REM_ADD_REF, 2);
    let added = RemAddRefReply::decode(&mut Decoder::new(&reply[8..])).unwrap();
    assert_eq!(added, RemAddRefReply { results: vec![Hresult::OK], code: Hresult::OK });
    add(rem_unknown::REM_RELEASE, 6);
    assert_eq!(events.count("dropped"), 0);
    add(rem_unknown::REM_RELEASE, 1);
    assert_eq!(events.count("dropped"), 1);
    let reply = add(rem_unknown::REM_RELEASE, 1);
    let released = RemReleaseReply::decode(&mut Decoder::new(&reply[8..])).unwrap();
    assert_eq!(released.code, Hresult::DISCONNECTED);
    let reply = add(rem_unknown::REM_ADD_REF, 1);
    let added = RemAddRefReply::decode(&mut Decoder::new(&reply[8..])).unwrap();
    assert_eq!(added.code, Hresult::OBJECT_NOT_REGISTERED);
}

#[test]
fn rem_query_interface_gives_the_interfaces_that_the_class_has() {
    let events = Arc::<Events>::default();
    let (host, ipid, rem_unknown) = object(&events);
    let mut raw = Raw::new(host.connect_to_objects());
    let unknown = raw.bind(ids::IID_REM_UNKNOWN, privacy("alice")).unwrap();
    let query = |ipid| {
        let mut stub = Encoder::new();
        let interfaces = vec![IID_ECHO2, Uuid::from_u128(9), IID_ECHO];
        RemQueryInterface { ipid, references: 3, interfaces }.encode(&mut stub);
        call_stub(&stub.into_bytes())
    };
    let opnum = rem_unknown::REM_QUERY_INTERFACE;
    let reply = raw.call(unknown, opnum, Some(rem_unknown), &query(ipid)).unwrap().unwrap();
    let result = RemQueryInterfaceReply::decode(&mut Decoder::new(&reply[8..])).unwrap().result.unwrap();
    let [Ok(second), Err(Hresult::NO_INTERFACE), Ok(first)] = result.as_slice() else { panic!("{result:?}") };
    assert_eq!(first.ipid, ipid, "an interface has one IPID");
    assert_eq!((second.public_references, second.oid), (3, first.oid));
    let binding = raw.bind(IID_ECHO2, Security::Same(unknown)).unwrap();
    assert!(raw.call(binding, echo::ECHO, Some(second.ipid), &call_stub(&echo_stub(b"x"))).unwrap().is_ok());

    let stub = query(Ipid(Uuid::from_u128(4)));
    let reply = raw.call(unknown, opnum, Some(rem_unknown), &stub).unwrap().unwrap();
    let result = RemQueryInterfaceReply::decode(&mut Decoder::new(&reply[8..])).unwrap().result;
    assert_eq!(result, Err(Hresult::INVALID_OBJECT));
}

#[test]
fn several_security_contexts_live_on_one_connection() {
    let (host, ipid, _) = object(&Arc::default());
    let mut raw = Raw::new(host.connect_to_objects());
    let first = raw.bind(IID_ECHO, privacy("alice")).unwrap();
    let second = raw.bind(IID_ECHO, raw::log_on("alice", AuthenticationLevel::Integrity)).unwrap();
    for (binding, level) in [(first, 6), (second, 5), (second, 5), (first, 6)] {
        let reply = raw.call(binding, echo::LEVEL, Some(ipid), &call_stub(&[])).unwrap().unwrap();
        assert_eq!(reply[8], level);
    }
}
