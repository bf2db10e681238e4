use std::net::Ipv4Addr;

use dcerpc::SyntaxId;
use dcerpc::epm::{MapReply, MapRequest, NOT_REGISTERED, Tower};
use dcerpc::ndr::{Decoder, Encoder, Error};
use uuid::{Uuid, uuid};

use crate::support::bytes;

const ICPR: SyntaxId = SyntaxId::new(uuid!("91ae6020-9e3c-11cf-8d7c-00aa00c091be"), 0, 0);

fn encoded(write: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut stub = Encoder::new();
    write(&mut stub);
    stub.into_bytes()
}

/// Made with impacket 0.13.1 (`ept_map`), which certipy uses to find ICertPassage; only the referent ids are ours.
const REQUEST: &str = "
    00000200                                 # object: referent
    00000000000000000000000000000000
    04000200                                 # tower: referent
    4b000000                                 # maximum count
    4b000000                                 # tower_length
    0500 1300 0d 2060ae913c9ecf118d7c00aa00c091be 0000 0200 0000
    1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000
    0100 0b 0200 0000 0100 07 0200 0000 0100 09 0400 00000000
    00                                       # gap
    00000000 00000000000000000000000000000000 # entry handle
    04000000                                 # max_towers";

/// Made with impacket 0.13.1 (`ept_mapResponse`); only the referent id is ours.
const REPLY: &str = "
    00000000 00000000000000000000000000000000 # entry handle
    01000000                                 # num_towers
    01000000 00000000 01000000               # maximum count, offset, actual count
    00000200                                 # referent
    4b000000 4b000000
    0500 1300 0d 2060ae913c9ecf118d7c00aa00c091be 0000 0200 0000
    1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000
    0100 0b 0200 0000 0100 07 0200 c200 0100 09 0400 c0000207
    00                                       # gap
    00000000                                 # status";

#[test]
fn ept_map_request() {
    let request = MapRequest {
        object: Some(Uuid::nil()),
        tower: Some(Tower::tcp(ICPR, 0, Ipv4Addr::UNSPECIFIED)),
        entry_handle: [0; 20],
        max_towers: 4,
    };
    let stub = bytes(REQUEST);
    assert_eq!(encoded(|stub| request.encode(stub)), stub);
    assert_eq!(MapRequest::decode(&mut Decoder::new(&stub)), Ok(request));
}

#[test]
fn ept_map_request_without_object_and_tower() {
    let request = MapRequest { object: None, tower: None, entry_handle: [7; 20], max_towers: 500 };
    let stub = encoded(|stub| request.encode(stub));
    assert_eq!(stub.len(), 4 + 4 + 20 + 4);
    assert_eq!(MapRequest::decode(&mut Decoder::new(&stub)), Ok(request));
}

#[test]
fn ept_map_reply() {
    let reply = MapReply {
        entry_handle: [0; 20],
        max_towers: 1,
        towers: vec![Tower::tcp(ICPR, 49664, Ipv4Addr::new(192, 0, 2, 7))],
        status: 0,
    };
    let stub = bytes(REPLY);
    assert_eq!(encoded(|stub| reply.encode(stub)), stub);
    assert_eq!(MapReply::decode(&mut Decoder::new(&stub)), Ok(reply));
}

#[test]
fn a_reply_without_towers_still_has_its_array() {
    let reply = MapReply { entry_handle: [0; 20], max_towers: 4, towers: Vec::new(), status: NOT_REGISTERED };
    let stub = encoded(|stub| reply.encode(stub));
    let expected = bytes(
        "00000000 00000000000000000000000000000000
         00000000 04000000 00000000 00000000 d6a0c916",
    );
    assert_eq!(stub, expected);
    assert_eq!(MapReply::decode(&mut Decoder::new(&stub)), Ok(reply));
}

#[test]
fn several_towers_follow_their_referents() {
    let towers = (1..=5).map(|port| Tower::tcp(ICPR, port, Ipv4Addr::LOCALHOST)).collect();
    let reply = MapReply { entry_handle: [0; 20], max_towers: 5, towers, status: 0 };
    let stub = encoded(|stub| reply.encode(stub));
    assert_eq!(MapReply::decode(&mut Decoder::new(&stub)), Ok(reply));
}

#[test]
fn towers_and_counts_that_lie_are_refused() {
    let change = |at: usize, value: u32, text: &str| {
        let mut stub = bytes(text);
        stub[at..at + 4].copy_from_slice(&value.to_le_bytes());
        stub
    };
    // max_towers is the last field.
    let stub = change(bytes(REQUEST).len() - 4, 501, REQUEST);
    let at = stub.len() - 4;
    assert_eq!(MapRequest::decode(&mut Decoder::new(&stub)), Err(Error::Limit { at, claimed: 501, limit: 500 }));
    let stub = change(28, 2001, REQUEST);
    assert_eq!(MapRequest::decode(&mut Decoder::new(&stub)), Err(Error::Limit { at: 28, claimed: 2001, limit: 2000 }));
    let stub = change(24, 0x4c, REQUEST);
    assert_eq!(
        MapRequest::decode(&mut Decoder::new(&stub)),
        Err(Error::Contradiction { at: 28, field: "tower_length", found: 0x4b, expected: 0x4c })
    );
    for (at, value) in [(20, 2), (20, 501), (24, 0), (24, 501), (28, 1), (32, 2)] {
        let stub = change(at, value, REPLY);
        assert!(MapReply::decode(&mut Decoder::new(&stub)).is_err(), "{value} at {at}");
    }
}
