use dcerpc::client::{Error, Security};
use dcerpc::pdu::{Bind, Body, Header, Pdu, Rejection, Request};
use dcerpc::{AuthenticationLevel, ContextId, Opnum, Status, SyntaxId};
use expect_test::expect;
use uuid::Uuid;

use crate::support::{ACTIVATOR, EXPORTER, Pair, Server, UNKNOWN, bind_of, bytes, encode, ntlm, whole};

#[test]
fn each_context_gets_its_own_answer() {
    let mut bind = bind_of(&[(0, EXPORTER), (1, EXPORTER), (2, UNKNOWN), (3, ACTIVATOR)]);
    bind.contexts[1].transfer_syntaxes = vec![SyntaxId::NDR64];
    bind.contexts[3].transfer_syntaxes = vec![SyntaxId::NDR64, SyntaxId::NDR];
    let mut server = Server::new();
    let said = server
        .hear(&whole(1, Body::Bind(bind)))
        .replace("SyntaxId { uuid: 8a885d04-1ceb-11c9-9fe8-08002b104860, major: 2, minor: 0 }", "NDR");
    expect![
        "bind_ack to 1: [Accepted(NDR), ProviderRejected(Rejection(2)), ProviderRejected(Rejection(1)), Accepted(NDR)]"
    ]
    .assert_eq(&said);
    for (context, answer) in [
        (0, "call 9 of opnum 5 by nobody at None: "),
        (1, "fault to 9: 0x1c010003 (unknown interface), not executed"),
        (2, "fault to 9: 0x1c010003 (unknown interface), not executed"),
        (3, "call 9 of opnum 5 by nobody at None: "),
    ] {
        assert_eq!(server.hear(&request(context)), answer, "context {context}");
    }
}

#[test]
fn alter_context_adds_interfaces() {
    let mut pair = Pair::new();
    let exporter = pair.bind(EXPORTER, Security::None).unwrap();
    let activator = pair.bind(ACTIVATOR, Security::None).unwrap();
    let mut seen = Vec::new();
    for binding in [exporter, activator, exporter] {
        let handler = &mut |call: &dcerpc::server::Call<'_>, _: &mut Vec<u8>| {
            seen.push(call.interface);
            Ok(())
        };
        pair.call_with(binding, b"", handler).unwrap().unwrap();
    }
    assert_eq!(seen, [EXPORTER, ACTIVATOR, EXPORTER]);
}

#[test]
fn a_refused_interface_leaves_the_connection_usable() {
    let mut pair = Pair::new();
    for first in [true, false] {
        let error = pair.bind(UNKNOWN, Security::None).unwrap_err();
        let expected =
            matches!(error, Error::InterfaceRefused { interface: UNKNOWN, reason: Rejection::ABSTRACT_SYNTAX });
        assert!(expected && !error.is_fatal(), "{error:?}, first: {first}");
        let binding = pair.bind(EXPORTER, Security::None).unwrap();
        assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
    }
}

#[test]
fn a_context_cannot_change_its_interface() {
    let mut server = Server::bound();
    let said = server.hear(&whole(2, Body::AlterContext(bind_of(&[(0, ACTIVATOR)]))));
    expect!["alter_context_resp to 2: [ProviderRejected(Rejection(0))]"].assert_eq(&said);
    expect!["call 9 of opnum 5 by nobody at None: "].assert_eq(&server.hear(&request(0)));
}

/// \[MS-RPCE\] 3.3.3.5.5.
#[test]
fn contexts_are_limited() {
    let contexts = |from: u16, to: u16| (from..to).map(|id| (id, EXPORTER)).collect::<Vec<_>>();
    let mut server = Server::new();
    let said = server.hear(&whole(1, Body::Bind(bind_of(&contexts(0, 33)))));
    expect![[r#"
        end: the client sent a malformed PDU
        bind_nak to 1: the server is short of resources"#]]
    .assert_eq(&said);
    let mut server = Server::new();
    let said = server.hear(&whole(1, Body::Bind(bind_of(&contexts(0, 32)))));
    assert_eq!(said.matches("Accepted").count(), 32);
    // Repeating them is no more.
    let said = server.hear(&whole(2, Body::AlterContext(bind_of(&contexts(0, 32)))));
    assert_eq!(said.matches("Accepted").count(), 32);
    let said = server.hear(&whole(2, Body::AlterContext(bind_of(&contexts(32, 33)))));
    expect!["alter_context_resp to 2: [ProviderRejected(Rejection(3))]"].assert_eq(&said);
}

#[test]
fn a_repeated_bind_forgets_the_contexts() {
    let mut server = Server::bound();
    server.hear(&whole(2, Body::Bind(bind_of(&[(1, ACTIVATOR)]))));
    assert_eq!(server.hear(&request(0)), "fault to 9: 0x1c010003 (unknown interface), not executed");
    assert_eq!(server.hear(&request(1)), "call 9 of opnum 5 by nobody at None: ");
}

/// \[MS-RPCE\] 3.3.1.5.7.
#[test]
fn a_new_association_group_gets_a_number_and_a_known_one_keeps_it() {
    for (asked, answered) in [(0, 77), (5, 5)] {
        let options = dcerpc::server::Options { association_group: 77, ..Default::default() };
        let mut server = dcerpc::server::Association::new(options, crate::support::Services);
        let bind = Bind { association_group: asked, ..bind_of(&[(0, EXPORTER)]) };
        let mut out = Vec::new();
        server.receive(&mut encode(&whole(1, Body::Bind(bind))), &mut out).unwrap();
        let Body::BindAck(ack) = Pdu::decode(&out).unwrap().body else { panic!("not a bind_ack") };
        assert_eq!(ack.association_group, answered);
    }
    // The client keeps the group for its alter_contexts.
    let mut pair = Pair::new();
    pair.bind(EXPORTER, Security::None).unwrap();
    pair.bind(ACTIVATOR, Security::None).unwrap();
    let groups: Vec<u32> = pair
        .wire
        .iter()
        .map(|pdu| match Pdu::decode(pdu).unwrap().body {
            Body::Bind(bind) | Body::AlterContext(bind) => bind.association_group,
            Body::BindAck(ack) | Body::AlterContextResponse(ack) => ack.association_group,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(groups, [0, 1, 1, 1]);
}

#[test]
fn the_object_uuid_reaches_the_call() {
    let mut server = Server::bound();
    let object = Uuid::from_u128(0x0123_4567);
    let mut pdu = encode(&whole(
        2,
        Body::Request(Request {
            alloc_hint: 0,
            context_id: ContextId(0),
            opnum: Opnum(3),
            object: Some(object),
            stub: &bytes("0102"),
        }),
    ));
    let call = server.association.receive(&mut pdu, &mut Vec::new()).unwrap().unwrap();
    assert_eq!((call.object, call.stub, call.context_id), (Some(object), &[1, 2][..], ContextId(0)));
}

#[test]
fn the_object_uuid_is_in_every_fragment() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    let stub = vec![7; 200_000];
    let object = Some(Uuid::from_u128(0x0123_4567));
    let mut out = Vec::new();
    pair.client.call(binding, Opnum(3), object, &stub, &mut out).unwrap();
    let mut rest = &mut out[..];
    let mut calls = 0;
    while !rest.is_empty() {
        let length = Header::decode(rest).unwrap().frag_length;
        let (pdu, more) = rest.split_at_mut(length.into());
        if let Some(call) = pair.server.receive(pdu, &mut Vec::new()).unwrap() {
            assert_eq!((call.object, call.stub, call.opnum), (object, &stub[..], Opnum(3)));
            calls += 1;
        }
        rest = more;
    }
    assert_eq!(calls, 1);
}

#[test]
fn status_of_a_fault_reaches_the_caller() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, Security::None).unwrap();
    for status in [Status::OPERATION_RANGE, Status::BAD_STUB_DATA, Status(0x8001_0108)] {
        assert_eq!(pair.call_with(binding, b"", &mut |_, _| Err(status)).unwrap(), Err(status));
    }
    assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
}

fn request(context: u16) -> dcerpc::pdu::Pdu<'static> {
    let context_id = ContextId(context);
    whole(9, Body::Request(Request { alloc_hint: 0, context_id, opnum: Opnum(5), object: None, stub: b"" }))
}
