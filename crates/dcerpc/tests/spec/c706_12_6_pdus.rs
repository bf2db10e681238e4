use dcerpc::pdu::{
    Authentication, Bind, BindAck, BindNak, Body, ContextResult, Error, Fault, Features, Flags, Header, Kind, Layout,
    Pdu, PresentationContext, RejectReason, Rejection, Request, Response,
};
use dcerpc::{AuthenticationLevel, AuthenticationType, CallId, ContextId, Opnum, SecurityContextId, Status, SyntaxId};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{EXPORTER, authentication, bytes, encode, whole};

fn check(text: &str, pdu: &Pdu<'_>) {
    let expected = bytes(text);
    assert_eq!(Pdu::decode(&expected).as_ref(), Ok(pdu));
    assert_eq!(hex::encode(encode(pdu)), hex::encode(expected));
}

/// Made with impacket 0.13.1 (`MSRPCBind`).
#[test]
fn bind_with_a_token() {
    let bind = Bind {
        max_transmit: 4280,
        max_receive: 4280,
        association_group: 0,
        contexts: vec![PresentationContext {
            id: ContextId(0),
            interface: EXPORTER,
            transfer_syntaxes: vec![SyntaxId::NDR],
        }],
    };
    let token = Authentication { context_id: SecurityContextId(79231), ..authentication(0, PRIVACY, b"NTLMSSP\0") };
    check(
        "05 00 0b 03 10000000 5800 0800 01000000
         b810 b810 00000000                               # max_xmit_frag, max_recv_frag, assoc_group_id
         01 000000                                        # n_context_elem
         0000 01 00                                       # p_cont_id, n_transfer_syn
         c4fefc9960521b10bbcb00aa0021347a 00000000        # IObjectExporter 0.0
         045d888aeb1cc9119fe808002b104860 02000000        # NDR 2.0
         0a 06 00 00 7f350100                             # sec_trailer: NTLM, privacy, no padding
         4e544c4d53535000",
        &Pdu { authentication: Some(token), ..whole(1, Body::Bind(bind)) },
    );
}

/// The three contexts that a Windows client proposes, [MS-RPCE] 3.3.1.5.3 and 3.3.1.5.6.
#[test]
fn bind_with_ndr64_and_features() {
    let context =
        |id, syntax| PresentationContext { id: ContextId(id), interface: EXPORTER, transfer_syntaxes: vec![syntax] };
    let features = Features::SECURITY_CONTEXT_MULTIPLEXING | Features::KEEP_CONNECTION_ON_ORPHAN;
    let bind = Bind {
        max_transmit: 5840,
        max_receive: 5840,
        association_group: 0x1234,
        contexts: vec![context(0, SyntaxId::NDR), context(1, SyntaxId::NDR64), context(2, features.to_syntax())],
    };
    check(
        "05 00 0b 07 10000000 a000 0000 02000000          # header signing
         d016 d016 34120000
         03 000000
         0000 01 00 c4fefc9960521b10bbcb00aa0021347a 00000000 045d888aeb1cc9119fe808002b104860 02000000
         0100 01 00 c4fefc9960521b10bbcb00aa0021347a 00000000 33057171babe37498319b5dbef9ccc36 01000000
         0200 01 00 c4fefc9960521b10bbcb00aa0021347a 00000000 2c1cb76c129840450300000000000000 01000000",
        &Pdu { flags: Flags::WHOLE | Flags::HEADER_SIGNING, ..whole(2, Body::Bind(bind)) },
    );
}

/// The fields are those of impacket 0.13.1 (`MSRPCBindAck`) and of the answers to the bind above.
#[test]
fn bind_ack_with_every_kind_of_result() {
    let ack = BindAck {
        max_transmit: 5840,
        max_receive: 5840,
        association_group: 0x1234,
        secondary_address: "49664".to_owned(),
        results: vec![
            ContextResult::Accepted(SyntaxId::NDR),
            ContextResult::ProviderRejected(Rejection::TRANSFER_SYNTAXES),
            ContextResult::Features(Features::SUPPORTED),
            ContextResult::UserRejected(Rejection::NOT_SPECIFIED),
        ],
    };
    check(
        "05 00 0c 03 10000000 8400 0000 02000000
         d016 d016 34120000
         0600 343936363400                                # sec_addr 49664
         04 000000
         0000 0000 045d888aeb1cc9119fe808002b104860 02000000
         0200 0200 00000000000000000000000000000000 00000000
         0300 0300 00000000000000000000000000000000 00000000
         0100 0000 00000000000000000000000000000000 00000000",
        &whole(2, Body::BindAck(ack)),
    );
}

#[test]
fn alter_context_resp_has_an_empty_secondary_address() {
    let ack = BindAck {
        max_transmit: 5840,
        max_receive: 5840,
        association_group: 1,
        secondary_address: String::new(),
        results: vec![ContextResult::Accepted(SyntaxId::NDR)],
    };
    check(
        "05 00 0f 03 10000000 3800 0000 03000000
         d016 d016 01000000
         0000 0000                                        # sec_addr, padding
         01 000000
         0000 0000 045d888aeb1cc9119fe808002b104860 02000000",
        &whole(3, Body::AlterContextResponse(ack)),
    );
}

/// [MS-RPCE] 2.2.2.9, padded to 24 bytes.
#[test]
fn bind_nak() {
    check(
        "05 00 0d 03 10000000 1800 0000 01000000  0800 01 0500 000000",
        &whole(1, Body::BindNak(BindNak::new(RejectReason::AUTHENTICATION_TYPE))),
    );
    // Extended error information, and no versions at all.
    let with_more = bytes("05 00 0d 03 10000000 2c00 0000 01000000 0200 01 0500 909d");
    let mut with_more = with_more;
    with_more.resize(0x2c, 0xEE);
    let nak = Body::BindNak(BindNak::new(RejectReason::LOCAL_LIMIT));
    assert_eq!(Pdu::decode(&with_more).unwrap().body, nak);
    let short = bytes("05 00 0d 03 10000000 1200 0000 01000000 0400");
    let nak = Body::BindNak(BindNak { reason: RejectReason::PROTOCOL_VERSION, versions: vec![] });
    assert_eq!(Pdu::decode(&short).unwrap().body, nak);
}

/// Made with impacket 0.13.1 (`MSRPCRequestHeader`).
#[test]
fn requests_without_and_with_an_object() {
    let request =
        Request { alloc_hint: 4, context_id: ContextId(0), opnum: Opnum(5), object: None, stub: &[1, 2, 3, 4] };
    check(
        "05 00 00 03 10000000 1c00 0000 02000000
         04000000 0000 0500                               # alloc_hint, p_cont_id, opnum
         01020304",
        &whole(2, Body::Request(request.clone())),
    );
    let object = Some(Uuid::from_bytes_le([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]));
    let request = Request { context_id: ContextId(1), opnum: Opnum(27), object, ..request };
    check(
        "05 00 00 83 10000000 2c00 0000 03000000
         04000000 0100 1b00
         000102030405060708090a0b0c0d0e0f                 # object
         01020304",
        &Pdu { flags: Flags::WHOLE | Flags::OBJECT_UUID, ..whole(3, Body::Request(request)) },
    );
}

/// Made with impacket 0.13.1 (`MSRPCRespHeader`).
#[test]
fn response() {
    let response = Response { alloc_hint: 8, context_id: ContextId(1), cancel_count: 0, stub: b"abcdefgh" };
    check(
        "05 00 02 03 10000000 2000 0000 03000000  08000000 0100 00 00  6162636465666768",
        &whole(3, Body::Response(response)),
    );
}

/// [MS-RPCE] 2.2.2.8; stub data and extended error information are ignored.
#[test]
fn fault() {
    let fault = Fault { context_id: ContextId(1), cancel_count: 0, status: Status::OPERATION_RANGE };
    let pdu = Pdu { flags: Flags::WHOLE | Flags::DID_NOT_EXECUTE, ..whole(3, Body::Fault(fault)) };
    check("05 00 03 23 10000000 2000 0000 03000000  20000000 0100 00 00  0200011c 00000000", &pdu);
    let mut with_stub = bytes("05 00 03 23 10000000 2800 0000 03000000  20000000 0100 00 01  0200011c 00000000");
    with_stub.extend_from_slice(b"whatever");
    assert_eq!(Pdu::decode(&with_stub), Ok(pdu));
}

#[test]
fn pdus_without_a_body() {
    check("05 00 11 03 10000000 1000 0000 07000000", &whole(7, Body::Shutdown));
    check("05 00 12 03 10000000 1000 0000 07000000", &whole(7, Body::CoCancel));
    check("05 00 13 03 10000000 1000 0000 07000000", &whole(7, Body::Orphaned));
}

/// [MS-RPCE] 2.2.2.10.
#[test]
fn auth3() {
    check(
        "05 00 10 03 10000000 2000 0400 01000000  00000000  0a 06 00 00 01000000  64617461",
        &Pdu { authentication: Some(authentication(1, PRIVACY, b"data")), ..whole(1, Body::Auth3) },
    );
}

#[test]
fn other_versions_types_and_data_representations_are_refused() {
    let cases = [
        ("04 00 0b 03 10000000 1000 0000 01000000", Error::Version { major: 4, minor: 0 }),
        ("05 01 0b 03 10000000 1000 0000 01000000", Error::Version { major: 5, minor: 1 }),
        ("05 00 0b 03 00000000 1000 0000 01000000", Error::DataRepresentation([0, 0, 0, 0])),
        ("05 00 0b 03 11000000 1000 0000 01000000", Error::DataRepresentation([0x11, 0, 0, 0])),
        ("05 00 0b 03 10010000 1000 0000 01000000", Error::DataRepresentation([0x10, 1, 0, 0])),
        ("05 00 04 03 10000000 1000 0000 01000000", Error::Kind(4)),
        ("05 00 0b 03 10000000 0f00 0000 01000000", Error::Length { claimed: 15, actual: 16 }),
        ("05 00 11 03 10000000 1100 0000 01000000", Error::Length { claimed: 17, actual: 16 }),
        ("05 00 11 03 10000000 1000 0000 01000000 00", Error::Length { claimed: 16, actual: 17 }),
        ("05 00 11 03 10000000 1000 0000 010000", Error::Length { claimed: 16, actual: 15 }),
    ];
    for (pdu, expected) in cases {
        assert_eq!(Pdu::decode(&bytes(pdu)), Err(expected), "{pdu}");
    }
}

/// [MS-RPCE] 2.2.2.11.
#[test]
fn security_trailers_that_do_not_fit_are_refused() {
    let misfit = |auth_length, pad_length| Error::SecurityTrailer { auth_length, pad_length };
    let cases = [
        // The token alone is longer than the PDU.
        ("05 00 10 03 10000000 2000 ffff 01000000 00000000 0a06000001000000 64617461", misfit(0xffff, 0)),
        // The trailer would reach into the header.
        ("05 00 10 03 10000000 2000 0900 01000000 00000000 0a06000001000000 64617461", misfit(9, 0)),
        // The padding would.
        ("05 00 10 03 10000000 2000 0400 01000000 00000000 0a06050001000000 64617461", misfit(4, 5)),
        ("05 00 10 03 10000000 2000 0400 01000000 00000000 0a06ff0001000000 64617461", misfit(4, 255)),
        ("05 00 10 03 10000000 2000 0400 01000000 00000000 0a07000001000000 64617461", Error::Level(7)),
    ];
    for (pdu, expected) in cases {
        assert_eq!(Pdu::decode(&bytes(pdu)), Err(expected), "{pdu}");
    }
    // Padding may reach up to the header, but not into the fields of a request.
    let request = "05 00 00 03 10000000 2400 0400 01000000 04000000 00000500 0a06010001000000 64617461";
    let layout = Layout::decode(&bytes(request)).unwrap();
    assert_eq!(layout.sealed(24), Err(misfit(4, 1)));
    assert!(matches!(Pdu::decode(&bytes(request)), Err(Error::Body(_))));
}

#[test]
fn lists_that_lie_are_refused() {
    let bind =
        |count: &str| bytes(&format!("05 00 0b 03 10000000 1c00 0000 01000000 d016d016 00000000 {count} 000000"));
    assert!(matches!(Pdu::decode(&bind("01")), Err(Error::Body(_))));
    let limit = Error::Limit { what: "presentation contexts", claimed: 33, limit: 32 };
    assert_eq!(Pdu::decode(&bind("21")), Err(limit));
    let ack = bytes("05 00 0c 03 10000000 1c00 0000 01000000 d016d016 00000000 ffff 0000");
    assert!(matches!(Pdu::decode(&ack), Err(Error::Body(_))));
    let result = "05 00 0f 03 10000000 3800 0000 03000000 d016d016 01000000 00000000 01000000
                  0400 0000 045d888aeb1cc9119fe808002b104860 02000000";
    assert_eq!(Pdu::decode(&bytes(result)), Err(Error::Value { field: "result", found: 4 }));
}

#[test]
fn what_does_not_fit_a_pdu_is_not_written() {
    let mut out = b"before".to_vec();
    let token = vec![0; 65_536];
    let pdu = Pdu { authentication: Some(authentication(1, PRIVACY, &token)), ..whole(1, Body::Auth3) };
    let result = pdu.encode(&mut out);
    assert!(matches!(result, Err(Error::Limit { what: "PDU", limit: 65_535, .. })), "{result:?}");
    assert_eq!(out, b"before");
}

#[test]
fn the_header_alone_tells_how_much_to_read() {
    let header = bytes("05 00 00 83 10000000 1027 1000 03000000");
    let expected = Header {
        kind: Kind::Request,
        flags: Flags::WHOLE | Flags::OBJECT_UUID,
        frag_length: 10_000,
        auth_length: 16,
        call_id: CallId(3),
    };
    assert_eq!(Header::decode(&header), Ok(expected));
    assert_eq!(expected.encode()[..], header);
}

const PRIVACY: AuthenticationLevel = AuthenticationLevel::Privacy;

fn syntax() -> impl Strategy<Value = SyntaxId> {
    (any::<u128>(), any::<u16>(), any::<u16>())
        .prop_map(|(uuid, major, minor)| SyntaxId::new(Uuid::from_u128(uuid), major, minor))
}

fn bind() -> impl Strategy<Value = Bind> {
    let context = (any::<u16>(), syntax(), proptest::collection::vec(syntax(), 0..4)).prop_map(
        |(id, interface, transfer_syntaxes)| PresentationContext { id: ContextId(id), interface, transfer_syntaxes },
    );
    (any::<u16>(), any::<u16>(), any::<u32>(), proptest::collection::vec(context, 0..=32)).prop_map(
        |(max_transmit, max_receive, association_group, contexts)| Bind {
            max_transmit,
            max_receive,
            association_group,
            contexts,
        },
    )
}

fn ack() -> impl Strategy<Value = BindAck> {
    let result = prop_oneof![
        syntax().prop_map(ContextResult::Accepted),
        any::<u16>().prop_map(|reason| ContextResult::UserRejected(Rejection(reason))),
        any::<u16>().prop_map(|reason| ContextResult::ProviderRejected(Rejection(reason))),
        any::<u16>().prop_map(|bits| ContextResult::Features(Features::from_bits_retain(bits.into()))),
    ];
    let results = proptest::collection::vec(result, 0..=32);
    (any::<u16>(), any::<u16>(), any::<u32>(), "[ -~]{0,40}", results).prop_map(
        |(max_transmit, max_receive, association_group, secondary_address, results)| BindAck {
            max_transmit,
            max_receive,
            association_group,
            secondary_address,
            results,
        },
    )
}

fn body() -> impl Strategy<Value = Body<'static>> {
    // Proptest wants owned values; a few leaked stubs do no harm in a test.
    let stub = || any::<Vec<u8>>().prop_map(|stub| &*stub.leak());
    let request = (any::<u32>(), any::<u16>(), any::<u16>(), any::<Option<u128>>(), stub()).prop_map(
        |(alloc_hint, context_id, opnum, object, stub)| Request {
            alloc_hint,
            context_id: ContextId(context_id),
            opnum: Opnum(opnum),
            object: object.map(Uuid::from_u128),
            stub,
        },
    );
    let response =
        (any::<u32>(), any::<u16>(), any::<u8>(), stub()).prop_map(|(alloc_hint, context_id, cancel_count, stub)| {
            Response { alloc_hint, context_id: ContextId(context_id), cancel_count, stub }
        });
    let fault = (any::<u16>(), any::<u8>(), any::<u32>()).prop_map(|(context_id, cancel_count, status)| Fault {
        context_id: ContextId(context_id),
        cancel_count,
        status: Status(status),
    });
    let nak = (any::<u16>(), proptest::collection::vec(any::<(u8, u8)>(), 0..20))
        .prop_map(|(reason, versions)| BindNak { reason: RejectReason(reason), versions });
    prop_oneof![
        request.prop_map(Body::Request),
        response.prop_map(Body::Response),
        fault.prop_map(Body::Fault),
        bind().prop_map(Body::Bind),
        ack().prop_map(Body::BindAck),
        nak.prop_map(Body::BindNak),
        bind().prop_map(Body::AlterContext),
        ack().prop_map(Body::AlterContextResponse),
        Just(Body::Auth3),
        Just(Body::Shutdown),
        Just(Body::CoCancel),
        Just(Body::Orphaned),
    ]
}

proptest! {
    #[test]
    fn pdus_survive_the_wire(
        flags in any::<u8>(),
        call_id in any::<u32>(),
        body in body(),
        token in proptest::collection::vec(any::<u8>(), 0..100),
        (kind, level, id) in (any::<u8>(), 1..=6_u8, any::<u32>()),
    ) {
        let mut flags = Flags::from_bits_retain(flags);
        if let Body::Request(request) = &body {
            flags.set(Flags::OBJECT_UUID, request.object.is_some());
        }
        let authentication = (!token.is_empty()).then_some(Authentication {
            authentication_type: AuthenticationType(kind),
            level: AuthenticationLevel::from_wire(level).unwrap(),
            context_id: SecurityContextId(id),
            token: &token,
        });
        let pdu = Pdu { flags, call_id: CallId(call_id), body, authentication };
        let bytes = encode(&pdu);
        prop_assert_eq!(Pdu::decode(&bytes), Ok(pdu.clone()));
        // And again, to the byte.
        prop_assert_eq!(encode(&Pdu::decode(&bytes).unwrap()), bytes);
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in any::<Vec<u8>>(), kind in 0..20_u8) {
        let mut pdu = vec![5, 0, kind, 3, 0x10, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];
        pdu.extend_from_slice(&bytes);
        let length = pdu.len() as u16;
        pdu[8..10].copy_from_slice(&length.to_le_bytes());
        let _ = Pdu::decode(&pdu);
        if let Some(&auth_length) = bytes.first() {
            pdu[10] = auth_length;
            let _ = Pdu::decode(&pdu);
        }
    }
}
