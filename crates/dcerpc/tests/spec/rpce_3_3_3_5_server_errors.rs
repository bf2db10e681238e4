use dcerpc::pdu::{Body, Fault, Flags, Pdu, Request};
use dcerpc::{ContextId, Opnum, Status, server};
use expect_test::{Expect, expect};

use crate::support::{ACTIVATOR, EXPORTER, Server, Services, bind_of, bytes, encode, whole};

fn fragment(call_id: u32, flags: Flags, stub: &[u8]) -> Pdu<'_> {
    let request = Request { alloc_hint: 0, context_id: ContextId(0), opnum: Opnum(5), object: None, stub };
    Pdu { flags, ..whole(call_id, Body::Request(request)) }
}

fn check(pdus: &[Pdu<'_>], expected: Expect) {
    let mut server = Server::bound();
    let said: Vec<String> = pdus.iter().map(|pdu| server.hear(pdu)).collect();
    expected.assert_eq(&said.join("\n"));
}

#[test]
fn fragments_of_a_request_are_put_together() {
    check(
        &[fragment(2, Flags::FIRST, b"ab"), fragment(2, Flags::empty(), b"c"), fragment(2, Flags::LAST, b"")],
        expect![[r#"
            silence
            silence
            call 2 of opnum 5 by nobody at None: 616263"#]],
    );
}

/// \[MS-RPCE\] 3.3.3.5.2.
#[test]
fn fragments_of_one_request_have_one_call_id() {
    check(
        &[fragment(2, Flags::FIRST, b"ab"), fragment(3, Flags::LAST, b"c")],
        expect![[r#"
            silence
            end: protocol error of the client: fragments of one request that differ
            fault to 3: 0x1c01000b (protocol error), not executed"#]],
    );
}

#[test]
fn fragments_of_one_request_have_one_context_and_opnum() {
    let Body::Request(request) = fragment(2, Flags::LAST, b"").body else { panic!("not a request") };
    for other in
        [Request { context_id: ContextId(1), ..request.clone() }, Request { opnum: Opnum(6), ..request.clone() }]
    {
        check(
            &[fragment(2, Flags::FIRST, b"ab"), Pdu { flags: Flags::LAST, ..whole(2, Body::Request(other)) }],
            expect![[r#"
                silence
                end: protocol error of the client: fragments of one request that differ
                fault to 2: 0x1c01000b (protocol error), not executed"#]],
        );
    }
}

#[test]
fn a_request_does_not_begin_twice() {
    check(
        &[fragment(2, Flags::FIRST, b"ab"), fragment(2, Flags::FIRST, b"ab")],
        expect![[r#"
            silence
            end: protocol error of the client: a request inside another one
            fault to 2: 0x1c01000b (protocol error), not executed"#]],
    );
}

#[test]
fn empty_fragments_do_not_go_on_for_ever() {
    for first in [Flags::FIRST, Flags::empty()] {
        let mut server = Server::bound();
        if first.is_empty() {
            server.hear(&fragment(2, Flags::FIRST, b"ab"));
        }
        expect![[r#"
            end: protocol error of the client: an empty fragment that is not the last one
            fault to 2: 0x1c01000b (protocol error), not executed"#]]
        .assert_eq(&server.hear(&fragment(2, first, b"")));
    }
}

/// \[MS-RPCE\] 3.3.3.5.4.
#[test]
fn a_request_that_is_too_large_is_refused() {
    let options = server::Options { max_request: 10, ..Default::default() };
    let mut server = Server { association: server::Association::new(options.clone(), Services) };
    server.hear(&whole(1, Body::Bind(bind_of(&[(0, EXPORTER)]))));
    expect!["call 2 of opnum 5 by nobody at None: 30313233343536373839"].assert_eq(&server.hear(&fragment(
        2,
        Flags::WHOLE,
        b"0123456789",
    )));
    expect!["silence"].assert_eq(&server.hear(&fragment(3, Flags::FIRST, b"01234567")));
    expect![[r#"
        end: bytes of a request of the client exceed the limit of 10
        fault to 3: 0x00000005 (access denied), not executed"#]]
    .assert_eq(&server.hear(&fragment(3, Flags::empty(), b"890")));

    let mut server = Server { association: server::Association::new(options, Services) };
    server.hear(&whole(1, Body::Bind(bind_of(&[(0, EXPORTER)]))));
    expect![[r#"
        end: bytes of a request of the client exceed the limit of 10
        fault to 2: 0x00000005 (access denied), not executed"#]]
    .assert_eq(&server.hear(&fragment(2, Flags::WHOLE, b"01234567890")));
}

/// \[MS-RPCE\] 3.3.3.5.6 and 3.3.3.5.8.
#[test]
fn the_rest_of_a_refused_request_is_dropped() {
    let Body::Request(request) = fragment(200, Flags::FIRST, b"ab").body else { panic!("not a request") };
    let unknown = Request { context_id: ContextId(9), ..request };
    check(
        &[
            Pdu { flags: Flags::FIRST, ..whole(200, Body::Request(unknown.clone())) },
            Pdu { flags: Flags::empty(), ..whole(200, Body::Request(unknown.clone())) },
            Pdu { flags: Flags::LAST, ..whole(200, Body::Request(unknown)) },
            fragment(51, Flags::LAST, b"ab"),
            fragment(201, Flags::WHOLE, b"ab"),
            fragment(51, Flags::LAST, b"ab"),
        ],
        expect![[r#"
            fault to 200: 0x1c010003 (unknown interface), not executed
            silence
            silence
            silence
            call 201 of opnum 5 by nobody at None: 6162
            end: protocol error of the client: a later fragment of no call
            fault to 51: 0x1c01000b (protocol error), not executed"#]],
    );
    check(
        &[fragment(2, Flags::LAST, b"ab")],
        expect![[r#"
            end: protocol error of the client: a later fragment of no call
            fault to 2: 0x1c01000b (protocol error), not executed"#]],
    );
}

/// Call ids that go down are taken: impacket numbers the calls of each interface on its own.
#[test]
fn call_ids_may_repeat() {
    check(
        &[fragment(9, Flags::WHOLE, b""), fragment(1, Flags::WHOLE, b""), fragment(1, Flags::WHOLE, b"")],
        expect![[r#"
            call 9 of opnum 5 by nobody at None: 
            call 1 of opnum 5 by nobody at None: 
            call 1 of opnum 5 by nobody at None: "#]],
    );
}

#[test]
fn an_orphaned_request_is_forgotten() {
    check(
        &[
            fragment(2, Flags::FIRST, b"ab"),
            whole(3, Body::Orphaned),
            whole(2, Body::CoCancel),
            whole(2, Body::Orphaned),
            fragment(3, Flags::WHOLE, b"c"),
        ],
        expect![[r#"
            silence
            silence
            silence
            silence
            call 3 of opnum 5 by nobody at None: 63"#]],
    );
}

#[test]
fn the_orphan_of_another_call_changes_nothing() {
    check(
        &[fragment(2, Flags::FIRST, b"ab"), whole(3, Body::Orphaned), fragment(2, Flags::LAST, b"c")],
        expect![[r#"
            silence
            silence
            call 2 of opnum 5 by nobody at None: 616263"#]],
    );
}

#[test]
fn nothing_comes_before_the_bind() {
    let mut server = Server::new();
    expect![[r#"
        end: protocol error of the client: a request before the bind
        fault to 2: 0x1c01000b (protocol error), not executed"#]]
    .assert_eq(&server.hear(&fragment(2, Flags::WHOLE, b"")));
    let mut server = Server::new();
    expect![[r#"
        end: protocol error of the client: an alter_context before the bind
        fault to 2: 0x1c01000b (protocol error)"#]]
    .assert_eq(&server.hear(&whole(2, Body::AlterContext(bind_of(&[(0, EXPORTER)])))));
}

#[test]
fn nothing_comes_between_the_fragments_of_a_request() {
    check(
        &[fragment(2, Flags::FIRST, b"ab"), whole(3, Body::AlterContext(bind_of(&[(0, ACTIVATOR)])))],
        expect![[r#"
            silence
            end: protocol error of the client: an alter_context inside a request
            fault to 3: 0x1c01000b (protocol error)"#]],
    );
    check(
        &[fragment(2, Flags::FIRST, b"ab"), whole(3, Body::Bind(bind_of(&[(0, ACTIVATOR)])))],
        expect![[r#"
            silence
            end: protocol error of the client: a bind inside a request
            bind_nak to 3: protocol error in the bind"#]],
    );
}

#[test]
fn binds_come_in_one_piece() {
    let mut server = Server::new();
    let bind = Pdu { flags: Flags::FIRST, ..whole(1, Body::Bind(bind_of(&[(0, EXPORTER)]))) };
    expect![[r#"
        end: protocol error of the client: a fragmented bind
        bind_nak to 1: protocol error in the bind"#]]
    .assert_eq(&server.hear(&bind));
    check(
        &[Pdu { flags: Flags::LAST, ..whole(1, Body::AlterContext(bind_of(&[(0, EXPORTER)]))) }],
        expect![[r#"
            end: protocol error of the client: a fragmented alter_context
            fault to 1: 0x1c01000b (protocol error)"#]],
    );
}

#[test]
fn what_only_servers_send_ends_the_connection() {
    let fault = Fault { context_id: ContextId(0), cancel_count: 0, status: Status::ACCESS_DENIED };
    check(&[whole(2, Body::Fault(fault))], expect!["end: protocol error of the client: a PDU that only servers send"]);
    check(&[whole(2, Body::Shutdown)], expect!["end: protocol error of the client: a PDU that only servers send"]);
}

/// \[MS-RPCE\] 3.3.1.5.1.
#[test]
fn other_versions_are_told_the_version() {
    let mut server = Server::new();
    let mut bind = encode(&whole(1, Body::Bind(bind_of(&[(0, EXPORTER)]))));
    bind[0] = 4;
    expect![[r#"
        end: the client sent a malformed PDU
        bind_nak to 1: protocol error in the bind"#]]
    .assert_eq(&server.hear_bytes(bind));
}

#[test]
fn malformed_pdus_are_answered_when_their_type_asks_for_it() {
    let cases = [
        // A bind, an alter_context and a request that end early, a type that does not exist, less than a header.
        ("05000b03 10000000 1400 0000 01000000 d016d016", "bind_nak to 1: protocol error in the bind"),
        ("05000e03 10000000 1400 0000 01000000 d016d016", "fault to 1: 0x1c01000b (protocol error), not executed"),
        ("05000003 10000000 1400 0000 01000000 00000000", "fault to 1: 0x1c01000b (protocol error), not executed"),
        ("05000003 10000000 1300 0000 01000000 00000000", "fault to 1: 0x1c01000b (protocol error), not executed"),
        ("05004203 10000000 1400 0000 01000000 00000000", ""),
        ("05", ""),
    ];
    for (pdu, answer) in cases {
        let mut server = Server::bound();
        let said = server.hear_bytes(bytes(pdu));
        let expected = ["end: the client sent a malformed PDU", answer].join("\n");
        assert_eq!(said, expected.trim_end(), "{pdu}");
    }
}

#[test]
fn every_call_is_answered_once_and_before_the_next() {
    let mut server = Server::bound().association;
    let mut out = Vec::new();
    assert!(matches!(server.reply(b"", &mut out), Err(server::Error::Misuse(_))));
    assert!(matches!(server.fault(Status::BAD_STUB_DATA, &mut out), Err(server::Error::Misuse(_))));
    let pdu = encode(&fragment(2, Flags::WHOLE, b""));
    assert!(server.receive(&mut pdu.clone(), &mut out).unwrap().is_some());
    assert!(matches!(server.receive(&mut pdu.clone(), &mut out), Err(server::Error::Misuse(_))));
    assert!(matches!(server.fault(Status(0), &mut out), Err(server::Error::Misuse(_))));
    assert!(out.is_empty());
    server.reply(b"", &mut out).unwrap();
    assert!(matches!(server.reply(b"", &mut out), Err(server::Error::Misuse(_))));
    assert!(server.receive(&mut pdu.clone(), &mut out).unwrap().is_some());
}

#[test]
fn no_single_byte_makes_the_server_panic() {
    let bind = encode(&whole(1, Body::Bind(bind_of(&[(0, EXPORTER), (1, ACTIVATOR)]))));
    let request = encode(&fragment(2, Flags::WHOLE, b"stub"));
    for pdu in [bind, request] {
        for at in 0..pdu.len() {
            for value in [0, 1, 0x7F, 0x80, 0xFF] {
                let mut changed = pdu.clone();
                changed[at] = value;
                Server::bound().hear_bytes(changed);
            }
        }
    }
}
