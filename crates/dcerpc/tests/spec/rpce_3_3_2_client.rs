//! What a client takes from a server, and what it does not.

use dcerpc::client::{Association, Error, Event, Options, Security};
use dcerpc::pdu::{BindAck, BindNak, Body, ContextResult, Fault, Features, Flags, Pdu, RejectReason, Response};
use dcerpc::security::SecurityError;
use dcerpc::{AuthenticationLevel, ContextId, Framer, Opnum, Status, SyntaxId};

use crate::support::{ACTIVATOR, EXPORTER, Pair, authentication, encode, kerberos, ntlm, security, whole};

fn ack() -> BindAck {
    BindAck {
        max_transmit: 5840,
        max_receive: 5840,
        association_group: 1,
        secondary_address: String::new(),
        results: vec![ContextResult::Accepted(SyntaxId::NDR), ContextResult::Features(Features::SUPPORTED)],
    }
}

fn binding() -> Association {
    let mut client = Association::new(Options::default());
    client.bind(EXPORTER, Security::None, &mut Vec::new()).unwrap();
    client
}

fn calling() -> Association {
    let mut client = binding();
    let Ok(Event::Bound(binding)) = hear(&mut client, &whole(1, Body::BindAck(ack()))) else { panic!("not bound") };
    client.call(binding, Opnum(5), None, b"", &mut Vec::new()).unwrap();
    client
}

fn hear(client: &mut Association, pdu: &Pdu<'_>) -> Result<Event, Error> {
    client.receive(&mut encode(pdu), &mut Vec::new(), &mut Vec::new())
}

fn response(flags: Flags, stub: &[u8]) -> Pdu<'_> {
    let response = Response { alloc_hint: 0, context_id: ContextId(0), cancel_count: 0, stub };
    Pdu { flags, ..whole(2, Body::Response(response)) }
}

#[test]
fn answers_to_a_bind_that_make_no_sense_end_the_connection() {
    let results = |results| BindAck { results, ..ack() };
    let cases = [
        whole(2, Body::BindAck(ack())),
        whole(1, Body::AlterContextResponse(ack())),
        whole(1, Body::BindAck(results(vec![]))),
        whole(1, Body::BindAck(results(vec![ContextResult::Accepted(SyntaxId::NDR)]))),
        whole(1, Body::BindAck(results(vec![ContextResult::Accepted(SyntaxId::NDR64), ack().results[1]]))),
        Pdu {
            authentication: Some(authentication(1, AuthenticationLevel::Privacy, b"token")),
            ..whole(1, Body::BindAck(ack()))
        },
        whole(1, Body::Auth3),
        whole(1, Body::Fault(Fault { context_id: ContextId(0), cancel_count: 0, status: Status::ACCESS_DENIED })),
        response(Flags::WHOLE, b""),
    ];
    for pdu in cases {
        let mut client = binding();
        let error = hear(&mut client, &pdu).unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{pdu:?}: {error:?}");
        let after = client.bind(EXPORTER, Security::None, &mut Vec::new());
        assert!(matches!(after, Err(Error::Misuse(_))), "{after:?}");
    }
}

#[test]
fn a_bind_nak_is_the_servers_word() {
    let mut client = binding();
    let error = hear(&mut client, &whole(1, Body::BindNak(BindNak::new(RejectReason::LOCAL_LIMIT)))).unwrap_err();
    assert!(matches!(error, Error::Rejected(RejectReason::LOCAL_LIMIT)), "{error:?}");
}

#[test]
fn a_server_that_does_not_answer_the_handshake_is_not_trusted() {
    for token in [None, Some(&b"rubbish"[..])] {
        let mut client = Association::new(Options::default());
        client.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy), &mut Vec::new()).unwrap();
        let authentication = token.map(|token| authentication(1, AuthenticationLevel::Privacy, token));
        let error = hear(&mut client, &Pdu { authentication, ..whole(1, Body::BindAck(ack())) }).unwrap_err();
        let expected = if token.is_none() { "the server sent none" } else { "unexpected" };
        assert!(matches!(error, Error::Security(SecurityError::Token { reason }) if reason == expected), "{error:?}");
    }
    for (id, kind) in [(2, 10), (1, 16)] {
        let mut client = Association::new(Options::default());
        client.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy), &mut Vec::new()).unwrap();
        let mut authentication = authentication(id, AuthenticationLevel::Privacy, b"challenge");
        authentication.authentication_type.0 = kind;
        let pdu = Pdu { authentication: Some(authentication), ..whole(1, Body::BindAck(ack())) };
        assert!(matches!(hear(&mut client, &pdu), Err(Error::Protocol(_))));
    }
}

#[test]
fn fragments_are_put_together() {
    let mut client = calling();
    let mut reply = b"before ".to_vec();
    let fragments = [(Flags::FIRST, &b"one "[..]), (Flags::empty(), b"two "), (Flags::LAST, b"three")];
    let mut events = Vec::new();
    for (flags, stub) in fragments {
        let mut pdu = encode(&response(flags, stub));
        events.push(client.receive(&mut pdu, &mut reply, &mut Vec::new()).unwrap());
    }
    assert_eq!(events, [Event::More, Event::More, Event::Reply]);
    assert_eq!(reply, b"before one two three");
}

#[test]
fn responses_out_of_order_end_the_connection() {
    let late = whole(1, response(Flags::WHOLE, b"").body);
    let early = whole(3, response(Flags::WHOLE, b"").body);
    let Body::Response(body) = response(Flags::WHOLE, b"").body else { panic!("not a response") };
    let elsewhere = whole(2, Body::Response(Response { context_id: ContextId(1), ..body }));
    let signed = Pdu {
        authentication: Some(authentication(1, AuthenticationLevel::Integrity, &[0; 16])),
        ..response(Flags::WHOLE, b"")
    };
    let success = Fault { context_id: ContextId(0), cancel_count: 0, status: Status(0) };
    let cases: [&[Pdu<'_>]; 9] = [
        &[late],
        &[early],
        &[elsewhere],
        &[signed],
        &[response(Flags::LAST, b"a")],
        &[response(Flags::empty(), b"a")],
        &[response(Flags::FIRST, b"a"), response(Flags::FIRST, b"a")],
        &[response(Flags::FIRST, b"")],
        &[whole(2, Body::Fault(success))],
    ];
    for pdus in cases {
        let mut client = calling();
        let (last, first) = pdus.split_last().unwrap();
        first.iter().for_each(|pdu| assert_eq!(hear(&mut client, pdu).unwrap(), Event::More));
        let error = hear(&mut client, last).unwrap_err();
        assert!(matches!(error, Error::Protocol(_)), "{last:?}: {error:?}");
    }
}

#[test]
fn a_response_without_protection_is_not_taken() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    pair.tamper_reply = Some(|out| {
        let call_id = u32::from_le_bytes(out[12..16].try_into().unwrap());
        *out = encode(&whole(call_id, response(Flags::WHOLE, b"forged").body));
    });
    let error = pair.call(binding, b"stub").unwrap_err();
    assert!(matches!(error, Error::Protocol("a response without protection")), "{error:?}");
}

#[test]
fn a_response_of_another_security_context_is_not_taken() {
    let changes: [fn(&mut Vec<u8>); 3] = [
        |pdu| pdu[40] = 16, // another provider
        |pdu| pdu[41] = 2,  // a level that does not protect
        |pdu| pdu[44] ^= 2, // another context
    ];
    for change in changes {
        let mut pair = Pair::new();
        let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
        // 24 bytes of header, 8 of stub, 8 of padding: the security trailer stands at 40.
        pair.tamper_reply = Some(change);
        let reply = &mut |_: &dcerpc::server::Call<'_>, reply: &mut Vec<u8>| {
            reply.extend_from_slice(b"12345678");
            Ok(())
        };
        let error = pair.call_with(binding, b"", reply).unwrap_err();
        assert!(matches!(error, Error::Protocol("a response with another security context")), "{error:?}");
    }
}

#[test]
fn a_reply_without_end_is_cut_off() {
    let mut client = Association::new(Options { max_reply: 10, ..Default::default() });
    client.bind(EXPORTER, Security::None, &mut Vec::new()).unwrap();
    let Ok(Event::Bound(binding)) = hear(&mut client, &whole(1, Body::BindAck(ack()))) else { panic!("not bound") };
    client.call(binding, Opnum(5), None, b"", &mut Vec::new()).unwrap();
    assert_eq!(hear(&mut client, &response(Flags::FIRST, b"0123456789")).unwrap(), Event::More);
    let error = hear(&mut client, &response(Flags::empty(), b"0")).unwrap_err();
    assert!(matches!(error, Error::ReplyTooLarge { limit: 10 }), "{error:?}");
}

#[test]
fn shutdown_ends_the_connection() {
    for mut client in [Association::new(Options::default()), binding(), calling()] {
        let error = hear(&mut client, &whole(0, Body::Shutdown)).unwrap_err();
        assert!(matches!(error, Error::Shutdown) && error.is_fatal(), "{error:?}");
    }
}

#[test]
fn nothing_is_expected_while_nothing_is_asked() {
    let mut client = Association::new(Options::default());
    let error = hear(&mut client, &response(Flags::WHOLE, b"")).unwrap_err();
    assert!(matches!(error, Error::Protocol(_)), "{error:?}");
}

#[test]
fn one_thing_at_a_time() {
    let mut client = binding();
    let out = &mut Vec::new();
    assert!(matches!(client.bind(EXPORTER, Security::None, out), Err(Error::Misuse(_))));
    let Ok(Event::Bound(binding)) = hear(&mut client, &whole(1, Body::BindAck(ack()))) else { panic!("not bound") };
    client.call(binding, Opnum(5), None, b"", out).unwrap();
    assert!(matches!(client.call(binding, Opnum(5), None, b"", out), Err(Error::Misuse(_))));
    assert!(matches!(client.bind(ACTIVATOR, Security::None, out), Err(Error::Misuse(_))));
    // A mistake of this side changes nothing.
    assert_eq!(hear(&mut client, &response(Flags::WHOLE, b"")).unwrap(), Event::Reply);
}

#[test]
fn levels_that_do_not_protect_are_not_offered() {
    let mut client = Association::new(Options::default());
    for level in [AuthenticationLevel::None, AuthenticationLevel::Connect, AuthenticationLevel::Packet] {
        let error = client.bind(EXPORTER, ntlm(level), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Misuse(_)), "{error:?}");
    }
}

#[test]
fn bindings_of_other_connections_are_not_taken() {
    let mut other = Pair::new();
    let foreign = other.bind(EXPORTER, kerberos(AuthenticationLevel::Privacy)).unwrap();
    let mut pair = Pair::new();
    let out = &mut Vec::new();
    assert!(matches!(pair.client.call(foreign, Opnum(0), None, b"", out), Err(Error::Misuse(_))));
    pair.bind(EXPORTER, Security::None).unwrap();
    assert!(matches!(pair.client.call(foreign, Opnum(0), None, b"", out), Err(Error::Misuse(_))));
    assert!(matches!(pair.client.bind(ACTIVATOR, Security::Same(foreign), out), Err(Error::Misuse(_))));
}

#[test]
fn a_handshake_that_does_not_end_is_ended() {
    struct Endless;
    impl dcerpc::security::SecurityContext for Endless {
        fn authentication_type(&self) -> dcerpc::AuthenticationType {
            dcerpc::AuthenticationType::NEGOTIATE
        }
        fn step(&mut self, _: &[u8]) -> Result<dcerpc::security::Step, dcerpc::security::SecurityError> {
            Ok(dcerpc::security::Step::Continue(b"more".to_vec()))
        }
        fn signature_size(&self, _: AuthenticationLevel) -> usize {
            0
        }
        fn protect(
            &mut self,
            _: AuthenticationLevel,
            _: &mut [u8],
            _: std::ops::Range<usize>,
        ) -> Result<(), dcerpc::security::SecurityError> {
            Ok(())
        }
        fn unprotect(
            &mut self,
            _: AuthenticationLevel,
            _: &mut [u8],
            _: std::ops::Range<usize>,
        ) -> Result<(), dcerpc::security::SecurityError> {
            Ok(())
        }
        fn identity(&self) -> Option<&dcerpc::security::Identity> {
            None
        }
    }
    let mut client = Association::new(Options::default());
    let security = Security::New { context: Box::new(Endless), level: AuthenticationLevel::Privacy };
    client.bind(EXPORTER, security, &mut Vec::new()).unwrap();
    let mut token = authentication(1, AuthenticationLevel::Privacy, b"more");
    token.authentication_type = dcerpc::AuthenticationType::NEGOTIATE;
    let first = Pdu { authentication: Some(token), ..whole(1, Body::BindAck(ack())) };
    assert_eq!(hear(&mut client, &first).unwrap(), Event::More);
    let results = vec![ContextResult::Accepted(SyntaxId::NDR)];
    let body = Body::AlterContextResponse(BindAck { results, ..ack() });
    let later = Pdu { authentication: Some(token), ..whole(1, body) };
    let legs = (0..100).take_while(|_| hear(&mut client, &later).is_ok()).count();
    assert_eq!(legs, dcerpc::limits::LEGS - 2);
}

/// The PDUs of several calls and binds have call ids that go up, and the legs of one bind share theirs.
#[test]
fn call_ids_go_up() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, kerberos(AuthenticationLevel::Privacy)).unwrap();
    pair.call(binding, b"").unwrap().unwrap();
    pair.bind(ACTIVATOR, security(dcerpc::AuthenticationType::NTLM, AuthenticationLevel::Privacy, "secret")).unwrap();
    pair.call(binding, b"").unwrap().unwrap();
    let ids: Vec<u32> = pair.wire.iter().map(|pdu| u32::from_le_bytes(pdu[12..16].try_into().unwrap())).collect();
    assert_eq!(ids, [1, 1, 1, 1, 2, 2, 3, 3, 3, 4, 4]);
}

/// Responses of an earlier call do not reach the next one.
#[test]
fn truncated_and_stretched_pdus_are_refused() {
    let pdu = encode(&response(Flags::WHOLE, b"stub"));
    for length in 0..pdu.len() {
        let mut client = calling();
        let error = client.receive(&mut pdu[..length].to_vec(), &mut Vec::new(), &mut Vec::new()).unwrap_err();
        assert!(matches!(error, Error::Pdu(_)), "{length}: {error:?}");
    }
    let mut framer = Framer::new();
    framer.space()[..3].copy_from_slice(&pdu[..3]);
    framer.filled(3);
    assert!(framer.pdu().is_none() && framer.is_inside_pdu());
}
