use dcerpc::ndr::Error;
use dcerpc::verification::{Command, CommandKind, Expected, SIGNATURE, Trailer};
use dcerpc::{CallId, ContextId, Opnum, Status, SyntaxId};
use proptest::prelude::*;

use crate::support::{ACTIVATOR, EXPORTER, Pair, bytes, ntlm};
use dcerpc::AuthenticationLevel::Privacy;

/// The layout of \[MS-RPCE\] 2.2.2.13.1 to 2.2.2.13.4, written out by hand.
const TRAILER: &str = "
    8ae3137102f43671                      # signature
    0100 0400 01000000                    # bitmask: header signing
    0200 2800                             # presentation context
    c4fefc9960521b10bbcb00aa0021347a 00000000
    045d888aeb1cc9119fe808002b104860 02000000
    03c0 1000                             # header2: last one, must be processed
    00 00 0000 10000000 02000000 0000 0500";

fn commands() -> Trailer {
    Trailer {
        commands: vec![
            Command { must_process: false, kind: CommandKind::Bitmask1(1) },
            Command {
                must_process: false,
                kind: CommandKind::PresentationContext { interface: EXPORTER, transfer_syntax: SyntaxId::NDR },
            },
            Command {
                must_process: true,
                kind: CommandKind::Header2 {
                    kind: 0,
                    data_representation: [0x10, 0, 0, 0],
                    call_id: CallId(2),
                    context_id: ContextId(0),
                    opnum: Opnum(5),
                },
            },
        ],
    }
}

const EXPECTED: Expected = Expected {
    interface: EXPORTER,
    transfer_syntax: SyntaxId::NDR,
    call_id: CallId(2),
    context_id: ContextId(0),
    opnum: Opnum(5),
    header_signing: true,
};

#[test]
fn all_three_commands() {
    let mut stub = Vec::new();
    commands().encode(&mut stub);
    assert_eq!(stub, bytes(TRAILER));
    assert_eq!(Trailer::find(&stub, 0), Ok(Some(commands())));
    assert!(commands().agrees(&EXPECTED));
}

#[test]
fn it_is_found_behind_the_stub_and_its_padding() {
    let mut stub = b"stub data".to_vec();
    commands().encode(&mut stub);
    assert_eq!(stub.len(), 12 + bytes(TRAILER).len());
    for consumed in 0..=12 {
        assert_eq!(Trailer::find(&stub, consumed), Ok(Some(commands())), "from {consumed}");
    }
    assert_eq!(Trailer::find(&stub, 13), Ok(None));
    assert_eq!(Trailer::find(&stub, usize::MAX), Ok(None));
    assert_eq!(Trailer::find(b"nothing here", 0), Ok(None));
}

#[test]
fn every_contradiction_is_noticed() {
    let changes: [fn(&mut Expected); 6] = [
        |e| e.interface = ACTIVATOR,
        |e| e.transfer_syntax = SyntaxId::NDR64,
        |e| e.call_id = CallId(3),
        |e| e.context_id = ContextId(1),
        |e| e.opnum = Opnum(6),
        |e| e.header_signing = false,
    ];
    for change in changes {
        let mut expected = EXPECTED;
        change(&mut expected);
        assert!(!commands().agrees(&expected), "{expected:?}");
    }
}

#[test]
fn unknown_commands_are_ignored_unless_they_must_be_processed() {
    let unknown = |must_process| Trailer {
        commands: vec![Command { must_process, kind: CommandKind::Unknown { command: 9, value: vec![1, 2, 3, 4] } }],
    };
    for must_process in [false, true] {
        let mut stub = Vec::new();
        unknown(must_process).encode(&mut stub);
        assert_eq!(Trailer::find(&stub, 0), Ok(Some(unknown(must_process))));
        assert_eq!(unknown(must_process).agrees(&EXPECTED), !must_process);
    }
}

#[test]
fn malformed_trailers_are_refused() {
    let cases = [
        ("", Error::Truncated { at: 0, needed: 2, remaining: 0 }),
        ("0140 0300 000000", Error::Value { at: 2, field: "length", found: 3 }),
        ("0140 0800 0100000000000000", Error::Value { at: 2, field: "length", found: 8 }),
        ("0940 fcff 00000000", Error::Truncated { at: 4, needed: 0xfffc, remaining: 4 }),
        ("0900 0000", Error::Truncated { at: 4, needed: 2, remaining: 0 }),
    ];
    for (commands, expected) in cases {
        let stub = [&SIGNATURE[..], &bytes(commands)].concat();
        assert_eq!(Trailer::find(&stub, 0), Err(expected), "{commands}");
    }
    let endless = [&SIGNATURE[..], &bytes("0900 0000").repeat(1000)].concat();
    assert!(matches!(Trailer::find(&endless, 0), Err(Error::Limit { .. })));
}

#[test]
fn a_server_compares_it_with_the_request() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
    let mut stub = b"stub".to_vec();
    commands().encode(&mut stub);
    // The second call of the connection, opnum 5: what the trailer says.
    let verify = &mut |call: &dcerpc::server::Call<'_>, _: &mut Vec<u8>| call.verify(4);
    assert_eq!(pair.call_with(binding, &stub, verify).unwrap(), Ok(Vec::new()));
    // The third one is not what it says.
    assert_eq!(pair.call_with(binding, &stub, verify).unwrap(), Err(Status::ACCESS_DENIED));
    // Without one, nothing is compared.
    assert_eq!(pair.call_with(binding, b"stub", verify).unwrap(), Ok(Vec::new()));
    // A broken one is not the client's word either.
    assert_eq!(pair.call_with(binding, &stub[..14], verify).unwrap(), Err(Status::ACCESS_DENIED));
}

fn command() -> impl Strategy<Value = Command> {
    let value = proptest::collection::vec(any::<[u8; 4]>(), 0..10).prop_map(|words| words.concat());
    let kind = prop_oneof![
        any::<u32>().prop_map(CommandKind::Bitmask1),
        Just(CommandKind::PresentationContext { interface: ACTIVATOR, transfer_syntax: SyntaxId::NDR64 }),
        (any::<u8>(), any::<[u8; 4]>(), any::<u32>(), any::<u16>(), any::<u16>()).prop_map(
            |(kind, data_representation, call_id, context_id, opnum)| CommandKind::Header2 {
                kind,
                data_representation,
                call_id: CallId(call_id),
                context_id: ContextId(context_id),
                opnum: Opnum(opnum),
            }
        ),
        (4..0x4000_u16, value).prop_map(|(command, value)| CommandKind::Unknown { command, value }),
    ];
    (any::<bool>(), kind).prop_map(|(must_process, kind)| Command { must_process, kind })
}

proptest! {
    #[test]
    fn trailers_survive_the_wire(commands in proptest::collection::vec(command(), 1..=8)) {
        let trailer = Trailer { commands };
        let mut stub = vec![0; 5];
        trailer.encode(&mut stub);
        prop_assert_eq!(Trailer::find(&stub, 5), Ok(Some(trailer)));
    }
}
