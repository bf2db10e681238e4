use dcerpc::ndr::Decoder;
use dcom::object_exporter::{
    COMPLEX_PING, ComplexPing, ComplexPingReply, RESOLVE_OXID, RESOLVE_OXID2, ResolveOxid, ResolveOxidReply, Resolved,
    SERVER_ALIVE, SERVER_ALIVE2, SIMPLE_PING, ServerAlive2Reply, SimplePing, decode_status, encode_status,
};
use dcom::objref::{DualStringArray, StringBinding};
use dcom::{ComVersion, Error, ErrorStatus, Ipid, Oid, Oxid, SetId};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{bindings, check_round_trip, encoded, hex, uuids, vector, versions};

#[test]
fn methods_have_the_numbers_of_the_specification() {
    let numbers = [RESOLVE_OXID, SIMPLE_PING, COMPLEX_PING, SERVER_ALIVE, RESOLVE_OXID2, SERVER_ALIVE2];
    assert_eq!(numbers.map(|opnum| opnum.0), [0, 1, 2, 3, 4, 5]);
}

#[test]
fn a_ping_of_impacket_is_read() {
    let bytes = vector("complex_ping_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(
        ComplexPing::decode(&mut stub),
        Ok(ComplexPing {
            set: SetId(0x1234),
            sequence: 0x1234,
            add: vec![Oid(0xA1), Oid(0xA2)],
            delete: vec![Oid(0xD1)]
        })
    );
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn a_resolution_of_impacket_is_read() {
    let bytes = vector("resolve_oxid2_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(
        ResolveOxid::decode(&mut stub),
        Ok(ResolveOxid { oxid: Oxid(0x0102_0304_0506_0708), protocol_sequences: vec![7, 15] })
    );
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn server_alive_2_answers_version_and_bindings_without_endpoints() {
    let reply = ServerAlive2Reply {
        version: ComVersion::NEWEST,
        bindings: DualStringArray::new(vec![StringBinding::tcp("ca", None).unwrap()], Vec::new()).unwrap(),
        status: ErrorStatus::OK,
    };
    let expected = hex("
        0500 0700                        # pComVersion
        00000200                         # ppdsaOrBindings
        07000000                         # maximum count
        0700 0500                        # wNumEntries, wSecurityOffset
        0700 6300 6100 0000 0000         # TCP 'ca', end
        0000 0000                        # no security bindings, end
        0000                             # gap
        00000000                         # pReserved
        00000000                         # error_status_t
    ");
    assert_eq!(encoded(|stub| reply.encode(stub)), expected);
}

#[test]
fn an_unknown_exporter_is_a_status_and_no_bindings() {
    let reply = ResolveOxidReply { result: Err(ErrorStatus::INVALID_OXID) };
    let expected = hex("
        00000000                          # ppdsaOxidBindings
        00000000000000000000000000000000  # pipidRemUnknown
        00000000                          # pAuthnHint
        0000 0000                         # pComVersion
        76070000                          # OR_INVALID_OXID
    ");
    assert_eq!(encoded(|stub| reply.encode2(stub)), expected);
    assert_eq!(ResolveOxidReply::decode2(&mut Decoder::new(&expected)), Ok(reply));
}

#[test]
fn success_without_bindings_is_refused() {
    let bytes = [0; 32];
    assert_eq!(ResolveOxidReply::decode2(&mut Decoder::new(&bytes)), Err(Error::Null("ppdsaOxidBindings")));
}

#[test]
fn a_count_without_a_list_is_refused() {
    let bytes = hex("0000000000000000 0000 0100 0000 0000 00000000 00000000");
    assert_eq!(ComplexPing::decode(&mut Decoder::new(&bytes)), Err(Error::Value { field: "cAddToSet", found: 1 }));
}

proptest! {
    #[test]
    fn resolutions_survive(
        oxid: u64,
        protocol_sequences in vec(any::<u16>(), 0..5),
        bindings in bindings(),
        rem_unknown in uuids(),
        authentication_hint: u32,
        version in versions(),
        status in 1_u32..,
    ) {
        let call = ResolveOxid { oxid: Oxid(oxid), protocol_sequences };
        check_round_trip(&call, ResolveOxid::encode, ResolveOxid::decode)?;
        let found = Resolved {
            bindings,
            rem_unknown: Ipid(rem_unknown),
            authentication_hint,
            version,
        };
        for result in [Ok(found.clone()), Err(ErrorStatus(status))] {
            let reply = ResolveOxidReply { result };
            check_round_trip(&reply, ResolveOxidReply::encode2, ResolveOxidReply::decode2)?;
        }
        let result = Ok(Resolved { version: ComVersion::OLDEST, ..found });
        let reply = ResolveOxidReply { result };
        check_round_trip(&reply, ResolveOxidReply::encode, ResolveOxidReply::decode)?;
    }

    #[test]
    fn pings_survive(
        set: u64,
        sequence: u16,
        add in vec(any::<u64>(), 0..5),
        delete in vec(any::<u64>(), 0..5),
        backoff_factor: u16,
        status: u32,
    ) {
        let set = SetId(set);
        let call = ComplexPing {
            set,
            sequence,
            add: add.into_iter().map(Oid).collect(),
            delete: delete.into_iter().map(Oid).collect(),
        };
        check_round_trip(&call, ComplexPing::encode, ComplexPing::decode)?;
        let status = ErrorStatus(status);
        let reply = ComplexPingReply { set, backoff_factor, status };
        check_round_trip(&reply, ComplexPingReply::encode, ComplexPingReply::decode)?;
        check_round_trip(&SimplePing { set }, SimplePing::encode, SimplePing::decode)?;
        check_round_trip(&status, |status, stub| encode_status(*status, stub), decode_status)?;
    }

    #[test]
    fn server_alive_survives(version in versions(), bindings in bindings(), status: u32) {
        let reply = ServerAlive2Reply { version, bindings, status: ErrorStatus(status) };
        check_round_trip(&reply, ServerAlive2Reply::encode, ServerAlive2Reply::decode)?;
    }
}
