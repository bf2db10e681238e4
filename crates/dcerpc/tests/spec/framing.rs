use dcerpc::Framer;
use dcerpc::pdu::Body;

use crate::support::{EXPORTER, Pair, bind_of, encode, ntlm, whole};
use dcerpc::AuthenticationLevel::Privacy;

#[test]
fn pdus_come_out_whole_however_the_bytes_arrive() {
    let shutdown = encode(&whole(1, Body::Shutdown));
    let bind = encode(&whole(2, Body::Bind(bind_of(&[(0, EXPORTER)]))));
    let stream = [shutdown.clone(), bind.clone(), shutdown.clone()].concat();
    for chunk in 1..=stream.len() {
        let mut framer = Framer::new();
        let mut pdus = Vec::new();
        for bytes in stream.chunks(chunk) {
            framer.space()[..bytes.len()].copy_from_slice(bytes);
            framer.filled(bytes.len());
            while let Some(pdu) = framer.pdu() {
                pdus.push(pdu.to_vec());
            }
        }
        assert_eq!(pdus, [shutdown.clone(), bind.clone(), shutdown.clone()], "chunks of {chunk}");
        assert!(!framer.is_inside_pdu());
    }
}

#[test]
fn there_is_always_room_for_the_rest_of_a_pdu() {
    let mut largest = encode(&whole(1, Body::Shutdown));
    largest.resize(65_535, 0);
    largest[8..10].copy_from_slice(&65_535_u16.to_le_bytes());
    let mut framer = Framer::new();
    let mut stream = largest.iter().cycle();
    let mut taken = 0;
    while taken < 20 {
        let space = framer.space();
        assert!(!space.is_empty());
        let count = space.len().min(7_777);
        space[..count].iter_mut().for_each(|byte| *byte = *stream.next().unwrap());
        framer.filled(count);
        while let Some(pdu) = framer.pdu() {
            assert_eq!(pdu, largest);
            taken += 1;
        }
    }
}

#[test]
fn a_wrong_header_is_handed_out_alone() {
    let mut framer = Framer::new();
    let request = b"GET / HTTP/1.1\r\nHost: ca\r\n\r\n";
    framer.space()[..request.len()].copy_from_slice(request);
    framer.filled(request.len());
    assert_eq!(framer.pdu().map(|pdu| pdu.to_vec()), Some(request[..16].to_vec()));
}

#[test]
fn calls_work_at_every_split_of_the_stream() {
    for chunk in (1..=64).chain([100, 1000]) {
        let mut pair = Pair::new();
        pair.chunk = chunk;
        let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
        for length in [0, 1, 15, 16, 17, 300] {
            let stub: Vec<u8> = (0..length).map(|n| n as u8).collect();
            assert_eq!(pair.call(binding, &stub).unwrap(), Ok(stub), "chunks of {chunk}");
        }
    }
}

#[test]
fn fragments_arrive_whole_at_every_split_of_the_stream() {
    let small = dcerpc::limits::SMALLEST_FRAGMENT;
    let options = dcerpc::client::Options { max_fragment: small, ..Default::default() };
    let stub: Vec<u8> = (0..2 * u32::from(small)).map(|n| n as u8).collect();
    // One more byte at a time over the length of a fragment, so that every position of a fragment is a split.
    for chunk in 1..=usize::from(small) {
        let mut pair = Pair::with(options.clone(), Default::default());
        pair.chunk = chunk;
        let binding = pair.bind(EXPORTER, ntlm(Privacy)).unwrap();
        assert_eq!(pair.call(binding, &stub).unwrap(), Ok(stub.clone()), "chunks of {chunk}");
    }
}
