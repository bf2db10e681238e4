use dcerpc::ndr::Decoder;
use dcom::objref::StdObjRef;
use dcom::rem_unknown::{
    InterfaceReference, REM_ADD_REF, REM_QUERY_INTERFACE, REM_QUERY_INTERFACE2, REM_RELEASE, RemAddRefReply,
    RemQueryInterface, RemQueryInterface2, RemQueryInterface2Reply, RemQueryInterfaceReply, RemReferences,
    RemReleaseReply,
};
use dcom::{CausalityId, ComVersion, Error, Hresult, Ipid, Oid, OrpcThis, Oxid};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::{check_round_trip, encoded, failures, hex, objrefs, results, std_objrefs, uuids, vector};

const IID: Uuid = uuid!("7fe0d935-dda6-443f-85d0-1cfb58fe41dd");
const IPID: Ipid = Ipid(uuid!("13121110-1514-1716-1819-1a1b1c1d1e1f"));

fn this() -> OrpcThis {
    OrpcThis::new(ComVersion::NEWEST, CausalityId(uuid!("03020100-0504-0706-0809-0a0b0c0d0e0f")))
}

#[test]
fn methods_have_the_numbers_of_the_specification() {
    let numbers = [REM_QUERY_INTERFACE, REM_ADD_REF, REM_RELEASE, REM_QUERY_INTERFACE2];
    assert_eq!(numbers.map(|opnum| opnum.0), [3, 4, 5, 6]);
}

#[test]
fn a_query_of_impacket_is_read() {
    let bytes = vector("rem_query_interface_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(OrpcThis::decode(&mut stub), Ok(this()));
    assert_eq!(
        RemQueryInterface::decode(&mut stub),
        Ok(RemQueryInterface { ipid: IPID, references: 5, interfaces: vec![IID] })
    );
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn a_release_of_impacket_is_read() {
    let bytes = vector("rem_release_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(OrpcThis::decode(&mut stub), Ok(this()));
    assert_eq!(
        RemReferences::decode(&mut stub),
        Ok(RemReferences { references: vec![InterfaceReference { ipid: IPID, public: 5, private: 1 }] })
    );
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn results_of_a_query_are_48_bytes_each() {
    let reply = RemQueryInterfaceReply {
        result: Ok(vec![
            Ok(StdObjRef { flags: 0, public_references: 5, oxid: Oxid(1), oid: Oid(2), ipid: IPID }),
            Err(Hresult::NO_INTERFACE),
        ]),
    };
    let expected = hex("
        00000200                            # ppQIResults
        02000000                            # maximum count
        00000000 00000000                   # hResult, gap
        00000000 05000000                   # std.flags, std.cPublicRefs
        0100000000000000 0200000000000000   # std.oxid, std.oid
        101112131415161718191a1b1c1d1e1f    # std.ipid
        02400080 00000000                   # E_NOINTERFACE, gap
        00000000 00000000 0000000000000000 0000000000000000 00000000000000000000000000000000
        00000000                            # HRESULT
    ");
    assert_eq!(encoded(|stub| reply.encode(stub)), expected);
}

#[test]
fn an_unknown_ipid_fails_the_whole_query() {
    let reply = RemQueryInterfaceReply { result: Err(Hresult::INVALID_OBJECT) };
    assert_eq!(encoded(|stub| reply.encode(stub)), hex("00000000 14010180"));
}

#[test]
fn success_without_results_is_refused() {
    let bytes = hex("00000000 00000000");
    assert_eq!(RemQueryInterfaceReply::decode(&mut Decoder::new(&bytes)), Err(Error::Null("ppQIResults")));
}

#[test]
fn counts_that_contradict_each_other_are_refused() {
    let mut bytes = vector("rem_query_interface_request").split_off(OrpcThis::SIZE);
    bytes[20] = 2;
    assert_eq!(RemQueryInterface::decode(&mut Decoder::new(&bytes)), Err(Error::Value { field: "cIids", found: 2 }));
}

#[test]
fn a_number_of_references_that_is_not_that_of_the_array_is_refused() {
    let mut bytes = vector("rem_release_request").split_off(OrpcThis::SIZE);
    bytes[0] = 2;
    assert_eq!(
        RemReferences::decode(&mut Decoder::new(&bytes)),
        Err(Error::Value { field: "cInterfaceRefs", found: 2 })
    );
}

#[test]
fn a_claim_beyond_the_stub_is_refused() {
    let bytes = hex("0001 0000 00010000");
    assert!(RemReferences::decode(&mut Decoder::new(&bytes)).is_err());
}

proptest! {
    #[test]
    fn queries_survive(
        ipid in uuids(),
        references: u32,
        interfaces in vec(uuids(), 0..5),
        result in prop_oneof![
            vec(results(std_objrefs()), 0..4).prop_map(Ok),
            failures().prop_map(Err),
        ],
    ) {
        let query = RemQueryInterface { ipid: Ipid(ipid), references, interfaces };
        check_round_trip(&query, RemQueryInterface::encode, RemQueryInterface::decode)?;
        let reply = RemQueryInterfaceReply { result };
        check_round_trip(&reply, RemQueryInterfaceReply::encode, RemQueryInterfaceReply::decode)?;
    }

    #[test]
    fn queries_for_references_survive(
        ipid in uuids(),
        interfaces in vec(uuids(), 0..5),
        found in vec(results(objrefs()), 0..4),
        code: u32,
    ) {
        let query = RemQueryInterface2 { ipid: Ipid(ipid), interfaces };
        check_round_trip(&query, RemQueryInterface2::encode, RemQueryInterface2::decode)?;
        let reply = RemQueryInterface2Reply { results: found, code: Hresult(code) };
        check_round_trip(&reply, RemQueryInterface2Reply::encode, RemQueryInterface2Reply::decode)?;
    }

    #[test]
    fn reference_counts_survive(
        references in vec((uuids(), any::<u32>(), any::<u32>()), 0..5),
        codes in vec(any::<u32>(), 0..5),
        code: u32,
    ) {
        let references = references
            .into_iter()
            .map(|(ipid, public, private)| InterfaceReference { ipid: Ipid(ipid), public, private })
            .collect();
        let call = RemReferences { references };
        check_round_trip(&call, RemReferences::encode, RemReferences::decode)?;
        let code = Hresult(code);
        let reply = RemAddRefReply { results: codes.into_iter().map(Hresult).collect(), code };
        check_round_trip(&reply, RemAddRefReply::encode, RemAddRefReply::decode)?;
        let reply = RemReleaseReply { code };
        check_round_trip(&reply, RemReleaseReply::encode, RemReleaseReply::decode)?;
    }
}
