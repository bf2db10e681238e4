use dcerpc::client::{Error, Security};
use dcerpc::pdu::{Body, Flags, Header, Kind, Pdu, RejectReason, Request};
use dcerpc::{AuthenticationLevel, AuthenticationType, ContextId, Opnum, Status, server};
use expect_test::expect;

use crate::support::{ACTIVATOR, EXPORTER, Pair, Server, authentication, bind_of, kerberos, ntlm, security, whole};
use AuthenticationLevel::{Connect, Integrity, None as Unauthenticated, Packet, Privacy};

#[test]
fn three_legs_end_with_auth3() {
    let mut pair = Pair::new();
    pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    assert_eq!(kinds(&pair), [Kind::Bind, Kind::BindAck, Kind::Auth3]);
}

#[test]
fn even_legs_end_with_alter_context() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, kerberos(Privacy)).unwrap();
    assert_eq!(kinds(&pair), [Kind::Bind, Kind::BindAck, Kind::AlterContext, Kind::AlterContextResponse]);
    assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
}

#[test]
fn the_caller_is_who_authenticated_at_the_level_that_was_negotiated() {
    let who = |security| {
        let mut pair = Pair::new();
        let binding = pair.bind(EXPORTER, security).unwrap();
        let mut seen = String::new();
        let handler = &mut |call: &server::Call<'_>, _: &mut Vec<u8>| {
            seen = format!("{} at {:?}", call.identity.map_or("nobody".to_owned(), ToString::to_string), call.level);
            Ok(())
        };
        pair.call_with(binding, b"", handler).unwrap().unwrap();
        seen
    };
    assert_eq!(who(ntlm(Privacy)), "CORP\\alice at Privacy");
    assert_eq!(who(kerberos(Integrity)), "CORP\\alice at Integrity");
    assert_eq!(who(Security::None), "nobody at None");
}

/// impacket makes a new security context with every alter_context, and so do other clients.
#[test]
fn a_connection_has_several_security_contexts() {
    let mut pair = Pair::new();
    let sealed = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    let signed = pair.bind(ACTIVATOR, kerberos(Integrity)).unwrap();
    let shared = pair.bind(ACTIVATOR, Security::Same(sealed)).unwrap();
    let open = pair.bind(EXPORTER, Security::None).unwrap();
    for round in 0..3 {
        for binding in [sealed, signed, shared, open] {
            assert_eq!(pair.call(binding, &[round]).unwrap(), Ok(vec![round]));
        }
    }
}

/// The client's third leg is not answered; \[MS-RPCE\] 3.3.1.5.2.1 reports its failure with the first request.
#[test]
fn a_wrong_password_in_auth3_shows_in_the_first_request() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, security(AuthenticationType::NTLM, Privacy, "guess")).unwrap();
    assert_eq!(pair.call(binding, b"stub").unwrap(), Err(Status::ACCESS_DENIED));
    // The connection is good for another attempt.
    let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
}

#[test]
fn a_wrong_password_in_alter_context_is_refused() {
    let mut pair = Pair::new();
    let error = pair.bind(EXPORTER, security(AuthenticationType::KERBEROS, Privacy, "guess")).unwrap_err();
    assert!(matches!(error, Error::Refused(Status::ACCESS_DENIED)), "{error:?}");
    let binding = pair.bind(EXPORTER, kerberos(Privacy)).unwrap();
    assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
}

/// \[MS-RPCE\] 3.3.3.5.3.
#[test]
fn an_unknown_provider_is_refused() {
    let mut pair = Pair::new();
    let error = pair.bind(EXPORTER, security(AuthenticationType(77), Privacy, "secret")).unwrap_err();
    assert!(matches!(error, Error::Rejected(RejectReason::AUTHENTICATION_TYPE)), "{error:?}");
    assert!(matches!(pair.server_error, Some(server::Error::Security(_))), "{:?}", pair.server_error);
}

#[test]
fn a_changed_byte_anywhere_in_a_request_is_noticed() {
    let length = {
        let mut pair = Pair::new();
        let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
        pair.wire.clear();
        pair.call(binding, b"four").unwrap().unwrap();
        pair.wire[0].len()
    };
    for at in 0..length {
        let mut server = Pair::new();
        let binding = server.bind(EXPORTER, ntlm(Privacy)).unwrap();
        let mut request = Vec::new();
        server.client.call(binding, Opnum(5), None, b"four", &mut request).unwrap();
        request[at] ^= 0x40;
        let mut out = Vec::new();
        let heard = server.server.receive(&mut request, &mut out);
        assert!(heard.is_err(), "byte {at}: {heard:?}");
        // And then the connection is over.
        let heard = server.server.receive(&mut request, &mut out);
        assert!(matches!(heard, Err(server::Error::Misuse(_))), "{heard:?}");
    }
}

#[test]
fn a_changed_byte_in_a_response_is_noticed() {
    let changes: [fn(&mut Vec<u8>); 5] = [
        |pdu| pdu[22] ^= 1,                  // cancel_count
        |pdu| pdu[24] ^= 1,                  // the stub
        |pdu| *pdu.last_mut().unwrap() ^= 1, // the signature
        |pdu| pdu[16] ^= 1,                  // alloc_hint
        |pdu| pdu.extend_from_within(..),    // said twice
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut pair = Pair::new();
        let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
        pair.tamper_reply = Some(change);
        let error = pair.call(binding, b"stub").unwrap_err();
        assert!(error.is_fatal(), "{index}: {error:?}");
    }
}

#[test]
fn a_replayed_request_is_noticed() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    let mut request = Vec::new();
    pair.client.call(binding, Opnum(5), None, b"stub", &mut request).unwrap();
    let mut out = Vec::new();
    assert!(pair.server.receive(&mut request.clone(), &mut out).unwrap().is_some());
    pair.server.reply(b"", &mut out).unwrap();
    let heard = pair.server.receive(&mut request, &mut out);
    assert!(matches!(heard, Err(server::Error::Security(_))), "{heard:?}");
}

/// What it takes to strip the protection off: nobody is the caller then.
#[test]
fn a_request_without_a_trailer_is_nobodys() {
    let mut server = authenticated(Privacy);
    expect!["call 5 of opnum 0 by nobody at None: "].assert_eq(&server.hear(&whole(5, Body::Request(request()))));
}

/// \[MS-RPCE\] 3.3.1.5.4.
#[test]
fn at_level_connect_the_only_security_context_needs_no_trailer() {
    let mut server = authenticated(Connect);
    expect![[r#"call 5 of opnum 0 by CORP\alice at Connect: "#]]
        .assert_eq(&server.hear(&whole(5, Body::Request(request()))));
}

#[test]
fn below_integrity_the_level_is_reported_as_it_is() {
    let mut server = authenticated(Packet);
    let pdu = Pdu { authentication: Some(authentication(7, Packet, &[0; 16])), ..whole(5, Body::Request(request())) };
    expect![[r#"call 5 of opnum 0 by CORP\alice at Packet: "#]].assert_eq(&server.hear(&pdu));
}

#[test]
fn a_request_at_another_level_than_negotiated_ends_the_connection() {
    let mut server = authenticated(Privacy);
    let pdu = Pdu { authentication: Some(authentication(7, Connect, &[0; 16])), ..whole(5, Body::Request(request())) };
    expect![[r#"
        end: protocol error of the client: a request with another authentication level than negotiated
        fault to 5: 0x00000005 (access denied), not executed"#]]
    .assert_eq(&server.hear(&pdu));
}

#[test]
fn a_request_with_a_security_context_that_is_not_ready_ends_the_connection() {
    for id in [7, 8] {
        let mut server = Server::new();
        server.hear(&leg(Body::Bind(bind_of(&[(0, EXPORTER)])), Privacy, b"hello"));
        let authentication = Some(authentication(id, Privacy, &[0; 16]));
        let pdu = Pdu { authentication, ..whole(5, Body::Request(request())) };
        expect![[r#"
            end: protocol error of the client: a request with a security context that is not ready
            fault to 5: 0x00000005 (access denied), not executed"#]]
        .assert_eq(&server.hear(&pdu));
    }
}

#[test]
fn legs_that_nothing_waits_for_end_the_connection() {
    let mut server = Server::bound();
    expect!["end: protocol error of the client: an auth3 for a security context that was never begun"]
        .assert_eq(&server.hear(&leg(Body::Auth3, Privacy, b"alice:secret")));
    let mut server = authenticated(Privacy);
    expect!["end: protocol error of the client: an auth3 for a security context that is complete"]
        .assert_eq(&server.hear(&leg(Body::Auth3, Privacy, b"alice:secret")));
    let mut server = authenticated(Privacy);
    expect![[r#"
        end: protocol error of the client: a leg for a security context that is complete, or is another one
        fault to 1: 0x1c01000b (protocol error)"#]]
    .assert_eq(&server.hear(&leg(Body::AlterContext(bind_of(&[])), Privacy, b"hello")));
    let mut server = Server::new();
    server.hear(&leg(Body::Bind(bind_of(&[(0, EXPORTER)])), Privacy, b"hello"));
    expect!["end: protocol error of the client: an auth3 for another provider or level"].assert_eq(&server.hear(&leg(
        Body::Auth3,
        Connect,
        b"alice:secret",
    )));
    let mut server = Server::bound();
    expect!["end: protocol error of the client: an auth3 without a token"]
        .assert_eq(&server.hear(&whole(1, Body::Auth3)));
}

#[test]
fn authentication_without_a_level_is_rejected() {
    let mut server = Server::new();
    expect![[r#"
        end: protocol error of the client: authentication without a level
        bind_nak to 1: protocol error in the bind"#]]
    .assert_eq(&server.hear(&leg(Body::Bind(bind_of(&[(0, EXPORTER)])), Unauthenticated, b"hello")));
}

#[test]
fn a_token_that_the_provider_refuses_is_rejected() {
    let mut server = Server::new();
    expect![[r#"
        end: the security context failed
        bind_nak to 1: authentication failed"#]]
    .assert_eq(&server.hear(&leg(Body::Bind(bind_of(&[(0, EXPORTER)])), Privacy, b"rubbish")));
}

/// impacket binds again before every call to the activator: with the same auth_context_id, and sequence numbers from 0.
#[test]
fn a_repeated_bind_starts_over() {
    let mut pair = Pair::new();
    for _ in 0..3 {
        pair.client = dcerpc::client::Association::new(Default::default());
        let binding = pair.bind(ACTIVATOR, ntlm(Privacy)).unwrap();
        assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
    }
}

/// \[MS-RPCE\] 3.3.1.5.4.
#[test]
fn security_contexts_are_limited_and_failures_count() {
    let mut server = Server::bound();
    for id in 0..8 {
        let authentication = Some(authentication(id, Privacy, b"rubbish"));
        let alter = Pdu { authentication, ..whole(2, Body::AlterContext(bind_of(&[]))) };
        expect!["fault to 2: 0x00000005 (access denied)"].assert_eq(&server.hear(&alter));
    }
    let authentication = Some(authentication(8, Privacy, b"hello"));
    let alter = Pdu { authentication, ..whole(2, Body::AlterContext(bind_of(&[]))) };
    expect![[r#"
        end: security contexts of the client exceed the limit of 8
        fault to 2: 0x1c01000b (protocol error)"#]]
    .assert_eq(&server.hear(&alter));
}

/// \[MS-RPCE\] 3.3.1.5.2.2.
#[test]
fn header_signing_is_agreed_when_the_client_announces_it() {
    let mut server = Server::new();
    let mut bind = leg(Body::Bind(bind_of(&[(0, EXPORTER)])), Privacy, b"hello");
    expect![[r#"bind_ack to 1: [Accepted(SyntaxId { uuid: 8a885d04-1ceb-11c9-9fe8-08002b104860, major: 2, minor: 0 })], token "challenge""#]]
        .assert_eq(&server.hear(&bind));
    bind.flags |= Flags::HEADER_SIGNING;
    expect![[r#"bind_ack to 1: [Accepted(SyntaxId { uuid: 8a885d04-1ceb-11c9-9fe8-08002b104860, major: 2, minor: 0 })], token "challenge", header signing"#]]
        .assert_eq(&server.hear(&bind));
    // Our client announces it.
    let mut pair = Pair::new();
    pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    let signing: Vec<bool> =
        pair.wire.iter().map(|pdu| Header::decode(pdu).unwrap().flags.contains(Flags::HEADER_SIGNING)).collect();
    assert_eq!(signing, [true, true, false]);
}

/// impacket and old servers never agree; both sides tell their providers so.
#[test]
fn without_header_signing_calls_work_all_the_same() {
    let mut pair = Pair::new();
    pair.tamper = Some(|out| {
        if out.get(2) == Some(&(Kind::Bind as u8)) {
            out[3] &= !Flags::HEADER_SIGNING.bits();
        }
    });
    let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    assert_eq!(pair.call(binding, b"stub").unwrap(), Ok(b"stub".to_vec()));
}

fn kinds(pair: &Pair) -> Vec<Kind> {
    pair.wire.iter().map(|pdu| Header::decode(pdu).unwrap().kind).collect()
}

fn request() -> Request<'static> {
    Request { alloc_hint: 0, context_id: ContextId(0), opnum: Opnum(0), object: None, stub: b"" }
}

fn leg<'a>(body: Body<'a>, level: AuthenticationLevel, token: &'a [u8]) -> Pdu<'a> {
    Pdu { authentication: Some(authentication(7, level, token)), ..whole(1, body) }
}

fn authenticated(level: AuthenticationLevel) -> Server {
    let mut server = Server::new();
    server.hear(&leg(Body::Bind(bind_of(&[(0, EXPORTER)])), level, b"hello"));
    assert_eq!(server.hear(&leg(Body::Auth3, level, b"alice:secret")), "silence");
    server
}
