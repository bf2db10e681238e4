//! Writes the seed corpora of the fuzz targets from what the encoders of this crate write:
//! `cargo test -p dcerpc --test spec -- --ignored write_seeds`.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;

use dcerpc::client::{self, Security};
use dcerpc::epm::{self, MapReply, MapRequest, Tower};
use dcerpc::ndr::Encoder;
use dcerpc::pdu::{BindNak, Body, Fault, Flags, Pdu, RejectReason, Request};
use dcerpc::security::SecurityContext;
use dcerpc::verification::{Command, CommandKind, Trailer};
use dcerpc::{AuthenticationLevel, AuthenticationType, CallId, ContextId, Opnum, Status, SyntaxId, server};

use crate::support::{Fake, bind_of, encode, whole};

#[test]
#[ignore = "writes files"]
fn write_seeds() {
    let conversations = [
        ("open", converse(|| Security::None, 65_528, 20)),
        ("sealed", converse(|| fake(AuthenticationLevel::Privacy), 65_528, 20)),
        ("signed", converse(|| fake(AuthenticationLevel::Integrity), 65_528, 20)),
        ("fragments", converse(|| Security::None, 1432, 3000)),
    ];
    for (name, conversation) in &conversations {
        let said = |by_client| -> Vec<Vec<u8>> {
            conversation.iter().filter(|(client, _)| *client == by_client).map(|(_, pdu)| pdu.clone()).collect()
        };
        // The whole conversation, and what follows a canned beginning.
        write("dcerpc_server", name, &[&[0][..], &said(true).concat()].concat());
        write("dcerpc_server", &format!("{name}_cut"), &[&[3 << 2][..], &said(true).concat()].concat());
        let authenticated = matches!(*name, "sealed" | "signed");
        let (server, client) = if authenticated { (3, 7) } else { (1, 3) };
        let rest = |pdus: &[Vec<u8>]| pdus.last().cloned().unwrap_or_default();
        write("dcerpc_server", &format!("{name}_bound"), &[&[server][..], &rest(&said(true))].concat());
        write("dcerpc_client", name, &[&[client & !2][..], &said(false).concat()].concat());
        write("dcerpc_client", &format!("{name}_calling"), &[&[client][..], &rest(&said(false))].concat());
        for (index, (_, pdu)) in conversation.iter().enumerate().filter(|(_, (_, pdu))| pdu.len() < 400) {
            write("dcerpc_pdu", &format!("{name}_{index}"), pdu);
        }
    }
    let request = |flags, stub| {
        let request = Request { alloc_hint: 9, context_id: ContextId(0), opnum: Opnum(3), object: None, stub };
        encode(&Pdu { flags, ..whole(2, Body::Request(request)) })
    };
    let gathered =
        [request(Flags::FIRST, b"one "), request(Flags::empty(), b"two "), request(Flags::LAST, b"three")].concat();
    write("dcerpc_server", "gathered", &[&[1][..], &gathered].concat());
    let orphaned = [request(Flags::FIRST, b"one"), encode(&whole(2, Body::Orphaned)), request(Flags::WHOLE, b"two")];
    write("dcerpc_server", "orphaned", &[&[1][..], &orphaned.concat()].concat());
    let twice = encode(&whole(1, Body::Bind(bind_of(&[(0, epm::INTERFACE), (1, SyntaxId::NIL)]))));
    write("dcerpc_server", "bind_twice", &[&[1][..], &twice, &twice].concat());

    let fault = Fault { context_id: ContextId(0), cancel_count: 0, status: Status::OPERATION_RANGE };
    let others = [
        ("bind_nak", Body::BindNak(BindNak::new(RejectReason::LOCAL_LIMIT))),
        ("fault", Body::Fault(fault)),
        ("shutdown", Body::Shutdown),
        ("co_cancel", Body::CoCancel),
    ];
    for (name, body) in others {
        let pdu = encode(&whole(1, body));
        write("dcerpc_pdu", name, &pdu);
        write("dcerpc_client", &format!("{name}_binding"), &[&[1][..], &pdu].concat());
        write("dcerpc_client", &format!("{name}_calling"), &[&[3][..], &encode_as(&pdu, 2)].concat());
    }

    let tower = Tower::tcp(epm::INTERFACE, 135, Ipv4Addr::LOCALHOST);
    write("dcerpc_epm", "tower", &tower.encode());
    let stub = |write: &dyn Fn(&mut Encoder)| {
        let mut stub = Encoder::new();
        write(&mut stub);
        stub.into_bytes()
    };
    let request = MapRequest::new(tower.clone());
    write("dcerpc_epm", "request", &stub(&|stub| request.encode(stub)));
    let reply = MapReply { entry_handle: [0; 20], max_towers: 4, towers: vec![tower.clone(), tower], status: 0 };
    write("dcerpc_epm", "reply", &stub(&|stub| reply.encode(stub)));

    let kinds = [
        CommandKind::Bitmask1(1),
        CommandKind::PresentationContext { interface: epm::INTERFACE, transfer_syntax: SyntaxId::NDR },
        CommandKind::Header2 {
            kind: 0,
            data_representation: [0x10, 0, 0, 0],
            call_id: CallId(2),
            context_id: ContextId(0),
            opnum: Opnum(3),
        },
        CommandKind::Unknown { command: 9, value: vec![1, 2, 3, 4] },
    ];
    let commands = kinds.map(|kind| Command { must_process: false, kind }).to_vec();
    let mut seed = b"\x04stub".to_vec();
    let mut trailer = b"stub".to_vec();
    Trailer { commands }.encode(&mut trailer);
    seed.truncate(1);
    seed.extend_from_slice(&trailer);
    write("dcerpc_verification", "all_commands", &seed);

    // One operation for every two bytes of stub, see the oracle.
    let strings = stub(&|stub| {
        stub.unique_string(Some("CA1"));
        stub.unique_string(None);
        stub.string("edb00001.log");
        stub.conformant_bytes(b"bytes");
    });
    ndr_seed("strings", &[0xFF, 0xFF, 0xFB, 0xFA], &strings);
    let numbers = stub(&|stub| {
        stub.u8(1);
        stub.u16(2);
        stub.u32(3);
        stub.u64(4);
        stub.i32(-5);
        stub.uuid(&epm::INTERFACE.uuid);
        stub.referent();
        stub.u32(2);
        stub.bytes(b"twelve bytes");
    });
    ndr_seed("numbers", &[0, 1, 2, 3, 4, 5, 7, 0xF8, 0x29, 0x06], &numbers);
}

/// The oracle splits after a third and starts at the remainder of the length.
fn ndr_seed(name: &str, program: &[u8], stub: &[u8]) {
    let mut seed = program.to_vec();
    seed.resize(stub.len().div_ceil(2), 0);
    seed.extend_from_slice(stub);
    seed.resize(seed.len().next_multiple_of(3), 0);
    write("dcerpc_ndr", name, &seed);
}

fn encode_as(pdu: &[u8], call_id: u32) -> Vec<u8> {
    let mut pdu = pdu.to_vec();
    pdu[12..16].copy_from_slice(&call_id.to_le_bytes());
    pdu
}

fn fake(level: AuthenticationLevel) -> Security {
    let context = Fake::client(AuthenticationType::NTLM, "alice", "secret");
    Security::New { context: Box::new(context), level }
}

struct Mapper;

impl server::Acceptor for Mapper {
    fn serves(&self, interface: &SyntaxId) -> bool {
        *interface == epm::INTERFACE
    }

    fn security_context(&mut self, kind: AuthenticationType) -> Option<Box<dyn SecurityContext>> {
        Some(Box::new(Fake::server(kind)))
    }
}

/// A bind and a call that is echoed: whether the client sent it, and the PDU.
fn converse(security: impl Fn() -> Security, max_fragment: u16, length: usize) -> Vec<(bool, Vec<u8>)> {
    let mut client = client::Association::new(client::Options { max_fragment, ..Default::default() });
    let mut server = server::Association::new(server::Options::default(), Mapper);
    let mut wire = Vec::new();
    let mut out = Vec::new();
    client.bind(epm::INTERFACE, security(), &mut out).unwrap();
    let mut called = false;
    while !out.is_empty() {
        let mut answer = Vec::new();
        for mut pdu in pdus(&std::mem::take(&mut out)) {
            wire.push((true, pdu.clone()));
            let echo = server.receive(&mut pdu, &mut answer).unwrap().map(|call| call.stub.to_vec());
            if let Some(echo) = echo {
                server.reply(&echo, &mut answer).unwrap();
            }
        }
        for mut pdu in pdus(&answer) {
            wire.push((false, pdu.clone()));
            let event = client.receive(&mut pdu, &mut Vec::new(), &mut out).unwrap();
            if let client::Event::Bound(binding) = event
                && !called
            {
                called = true;
                client.call(binding, Opnum(3), None, &vec![7; length], &mut out).unwrap();
            }
        }
    }
    wire
}

fn pdus(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pdus = Vec::new();
    while !bytes.is_empty() {
        let length = dcerpc::pdu::Header::decode(bytes).unwrap().frag_length;
        let (pdu, rest) = bytes.split_at(length.into());
        pdus.push(pdu.to_vec());
        bytes = rest;
    }
    pdus
}

fn write(corpus: &str, name: &str, seed: &[u8]) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/corpus").join(corpus);
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join(name), seed).unwrap();
}
