//! Fragments: each sealed on its own, with its own padding, trailer and signature.

use dcerpc::pdu::{Flags, Kind, Layout, Request};
use dcerpc::{AuthenticationLevel, client, limits, server};

use crate::support::{EXPORTER, Pair, ntlm};

fn pair(client: u16, server: u16) -> Pair {
    Pair::with(
        client::Options { max_fragment: client, ..Default::default() },
        server::Options { max_fragment: server, ..Default::default() },
    )
}

fn stub(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n / 7) as u8).collect()
}

#[test]
fn every_length_around_a_fragment_comes_back() {
    for level in [AuthenticationLevel::Integrity, AuthenticationLevel::Privacy] {
        let mut pair = pair(limits::SMALLEST_FRAGMENT, limits::SMALLEST_FRAGMENT);
        let binding = pair.bind(EXPORTER, ntlm(level)).unwrap();
        let room = usize::from(limits::SMALLEST_FRAGMENT) - 24 - 8 - 16;
        for length in (0..40).chain(room - 40..room + 40).chain(2 * room - 40..2 * room + 40).chain([100_000]) {
            assert_eq!(pair.call(binding, &stub(length)).unwrap(), Ok(stub(length)), "{length} bytes at {level:?}");
        }
    }
}

#[test]
fn every_fragment_is_padded_to_16_and_carries_the_trailer() {
    let mut pair = pair(5840, 5840);
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    pair.wire.clear();
    pair.call(binding, &stub(13_001)).unwrap().unwrap();
    for kind in [Kind::Request, Kind::Response] {
        let layouts: Vec<Layout> = pair
            .wire
            .iter()
            .map(|pdu| Layout::decode(pdu).unwrap())
            .filter(|layout| layout.header.kind == kind)
            .collect();
        let shape: Vec<_> = layouts
            .iter()
            .map(|layout| {
                let trailer = layout.trailer.unwrap();
                (layout.header.frag_length, layout.header.auth_length, trailer.pad_length, layout.header.flags)
            })
            .collect();
        // 5792 bytes of stub in a full fragment, as from Windows; 1417 and 7 of padding in the last one.
        let expected =
            [(5840, 16, 0, Flags::FIRST), (5840, 16, 0, Flags::empty()), (24 + 1417 + 7 + 8 + 16, 16, 7, Flags::LAST)];
        assert_eq!(shape, expected, "{kind:?}");
        for layout in &layouts {
            let sealed = layout.sealed(Request::stub_start(layout.header.flags)).unwrap();
            assert_eq!(sealed.len() % 16, 0);
        }
    }
}

/// [MS-RPCE] 2.2.2.6.
#[test]
fn alloc_hint_counts_down_the_stub_that_is_left() {
    let mut pair = pair(5840, 5840);
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    pair.wire.clear();
    pair.call(binding, &stub(13_001)).unwrap().unwrap();
    let hints: Vec<u32> = pair.wire.iter().map(|pdu| u32::from_le_bytes(pdu[16..20].try_into().unwrap())).collect();
    assert_eq!(hints, [13_001, 7_209, 1_417, 13_001, 7_209, 1_417]);
}

#[test]
fn privacy_hides_the_stub_and_integrity_does_not() {
    for (level, visible) in [(AuthenticationLevel::Integrity, true), (AuthenticationLevel::Privacy, false)] {
        let mut pair = Pair::new();
        let binding = pair.bind(EXPORTER, ntlm(level)).unwrap();
        pair.wire.clear();
        pair.call(binding, b"a very plain text").unwrap().unwrap();
        assert_eq!(pair.wire.len(), 2);
        for pdu in &pair.wire {
            let seen = pdu.windows(17).any(|window| window == b"a very plain text");
            assert_eq!(seen, visible, "{level:?}");
        }
    }
}

#[test]
fn both_sides_send_the_smaller_of_their_fragments() {
    let cases =
        [(5840, 65_528, 5840), (65_528, 5840, 5840), (65_528, 65_528, 65_528), (1, 65_528, 1432), (65_528, 0, 1432)];
    for (client, server, expected) in cases {
        let mut pair = pair(client, server);
        let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
        assert_eq!(pair.client.max_fragment(), expected);
        pair.wire.clear();
        pair.call(binding, &stub(200_000)).unwrap().unwrap();
        let longest = pair.wire.iter().map(Vec::len).max().unwrap();
        assert!(longest <= expected.into() && longest > usize::from(expected) - 16, "{longest} of {expected}");
    }
}

#[test]
fn replies_can_be_sent_in_parts() {
    for part in [1, 1000, 5840, 20_000, usize::MAX] {
        let mut pair = pair(5840, 5840);
        pair.part = part;
        let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
        for length in [0, 1, 5792, 5793, 50_000] {
            assert_eq!(pair.call(binding, &stub(length)).unwrap(), Ok(stub(length)), "parts of {part}");
        }
    }
}

#[test]
fn a_reply_of_a_mebibyte_grows_no_buffer_twice() {
    let mut pair = Pair::new();
    let binding = pair.bind(EXPORTER, ntlm(AuthenticationLevel::Privacy)).unwrap();
    let large = stub(1 << 20);
    let (mut request, mut out) = (Vec::new(), Vec::new());
    let mut capacity = None;
    for _ in 0..3 {
        request.clear();
        out.clear();
        pair.client.call(binding, dcerpc::Opnum(22), None, b"read", &mut request).unwrap();
        let call = pair.server.receive(&mut request, &mut out).unwrap();
        assert_eq!(call.unwrap().stub, b"read");
        pair.server.reply(&large, &mut out).unwrap();
        assert!(out.len() < large.len() + 17 * 64, "{} bytes for {}", out.len(), large.len());
        assert_eq!(*capacity.get_or_insert(out.capacity()), out.capacity());

        let mut reply = Vec::with_capacity(large.len());
        let mut rest = &mut out[..];
        while !rest.is_empty() {
            let length = Layout::decode(&rest[..rest_length(rest)]).unwrap().header.frag_length;
            let (pdu, more) = rest.split_at_mut(length.into());
            pair.client.receive(pdu, &mut reply, &mut Vec::new()).unwrap();
            rest = more;
        }
        assert_eq!((reply.len(), reply.capacity()), (large.len(), large.len()));
        assert_eq!(reply, large);
    }
}

fn rest_length(bytes: &[u8]) -> usize {
    dcerpc::pdu::Header::decode(bytes).unwrap().frag_length.into()
}
