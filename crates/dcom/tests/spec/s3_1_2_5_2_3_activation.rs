use dcerpc::ndr::Decoder;
use dcom::activation::{
    ActivatedInterface, ClientDetails, PropertiesIn, PropertiesOut, RemoteActivationReply, RemoteCreateInstance,
    ScmReply,
};
use dcom::objref::{DualStringArray, Form, ObjRef, SecurityBinding, StdObjRef, StringBinding, TOWER_TCP};
use dcom::remote_activation::{self, Activated, Failed, RemoteActivation};
use dcom::{CausalityId, ComVersion, Error, Hresult, Ipid, Oid, OrpcThis, Oxid};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::{
    check_round_trip, encoded, failures, hex, objrefs, properties_out, results, scm_replies, these, those, uuids,
    vector,
};

const CLASS: Uuid = uuid!("d99e6e73-fc88-11d0-b498-00a0c90312f3");
const IID: Uuid = uuid!("7fe0d935-dda6-443f-85d0-1cfb58fe41dd");
const CLIENT: ClientDetails<'_> =
    ClientDetails { server_name: "ca01.example", context_id: uuid!("11111111-2222-3333-4444-555555555555") };

fn this() -> OrpcThis {
    OrpcThis {
        flags: 1,
        ..OrpcThis::new(ComVersion::NEWEST, CausalityId(uuid!("03020100-0504-0706-0809-0a0b0c0d0e0f")))
    }
}

fn request() -> RemoteCreateInstance {
    RemoteCreateInstance {
        this: this(),
        properties: PropertiesIn { class_id: CLASS, interfaces: vec![IID], protocol_sequences: vec![TOWER_TCP] },
    }
}

pub(crate) fn exporter() -> ScmReply {
    ScmReply {
        oxid: Oxid(0x0102_0304_0506_0708),
        bindings: DualStringArray::new(
            vec![
                StringBinding::tcp("127.0.0.1", Some(49152)).unwrap(),
                StringBinding::tcp("ca01.example", Some(49152)).unwrap(),
            ],
            vec![SecurityBinding::new(10, String::new()).unwrap()],
        )
        .unwrap(),
        rem_unknown: Ipid(uuid!("00000001-0002-0003-0004-000000000005")),
        authentication_hint: 6,
        version: ComVersion::NEWEST,
    }
}

fn object() -> ObjRef {
    ObjRef {
        iid: IID,
        form: Form::Standard {
            reference: StdObjRef {
                flags: 0,
                public_references: 5,
                oxid: exporter().oxid,
                oid: Oid(0x1112_1314_1516_1718),
                ipid: Ipid(uuid!("00000006-0007-0008-0009-00000000000a")),
            },
            resolver: DualStringArray::new(
                vec![StringBinding::tcp("127.0.0.1", None).unwrap()],
                vec![SecurityBinding::new(10, String::new()).unwrap()],
            )
            .unwrap(),
        },
    }
}

fn reply() -> RemoteActivationReply {
    RemoteActivationReply::new(Ok(PropertiesOut {
        interfaces: vec![ActivatedInterface { iid: IID, result: Ok(object()) }],
        exporter: exporter(),
    }))
}

#[test]
fn methods_have_the_numbers_of_the_specification() {
    assert_eq!(RemoteActivation::OPNUM.0, 0);
    assert_eq!(RemoteCreateInstance::GET_CLASS_OBJECT.0, 3);
    assert_eq!(RemoteCreateInstance::OPNUM.0, 4);
}

/// The size of a request stub of Windows Server 2016.
#[test]
fn a_request_is_as_long_as_that_of_windows() {
    assert_eq!(encoded(|stub| request().encode(CLIENT, stub)).len(), 800);
}

#[test]
fn a_request_of_impacket_is_read() {
    let bytes = vector("remote_create_instance_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(RemoteCreateInstance::decode(&mut stub), Ok(request()));
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn the_reply_that_impacket_took_is_still_written() {
    let bytes = vector("remote_create_instance_reply");
    assert_eq!(encoded(|stub| reply().encode(stub)), bytes);
    assert_eq!(RemoteActivationReply::decode(&mut Decoder::new(&bytes)), Ok(reply()));
}

#[test]
fn a_class_that_is_not_there_is_a_null_pointer_and_a_code() {
    let reply = RemoteActivationReply::new(Err(Hresult::CLASS_NOT_REGISTERED));
    let expected = hex("
        00000000 00000000   # ORPCTHAT
        00000000            # ppActProperties
        54010480            # REGDB_E_CLASSNOTREG
    ");
    assert_eq!(encoded(|stub| reply.encode(stub)), expected);
    assert_eq!(RemoteActivationReply::decode(&mut Decoder::new(&expected)), Ok(reply));
}

#[test]
fn a_request_without_properties_is_refused() {
    let bytes = encoded(|stub| {
        this().encode(stub);
        stub.null();
        stub.null();
    });
    assert_eq!(RemoteCreateInstance::decode(&mut Decoder::new(&bytes)), Err(Error::Null("pActProperties")));
}

#[test]
fn a_reference_whose_size_is_not_that_of_its_array_is_refused() {
    let mut bytes = vector("remote_create_instance_request");
    let size = OrpcThis::SIZE + 4 + 4 + 4;
    bytes[size] -= 1;
    assert_eq!(
        RemoteCreateInstance::decode(&mut Decoder::new(&bytes)),
        Err(Error::Value { field: "MInterfacePointer.ulCntData", found: 0x19F })
    );
}

#[test]
fn an_outer_object_is_ignored() {
    let properties = encoded(|stub| request().encode(CLIENT, stub));
    let bytes = encoded(|stub| {
        this().encode(stub);
        stub.referent();
        stub.u32(4);
        stub.u32(4);
        stub.bytes(b"MEOW");
        stub.bytes(&properties[OrpcThis::SIZE + 4..]);
    });
    assert_eq!(RemoteCreateInstance::decode(&mut Decoder::new(&bytes)), Ok(request()));
}

#[test]
fn an_old_request_of_impacket_is_read() {
    let bytes = vector("remote_activation_request");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(
        RemoteActivation::decode(&mut stub),
        Ok(RemoteActivation {
            this: OrpcThis::new(ComVersion::NEWEST, CausalityId(Uuid::nil())),
            class_id: CLASS,
            object_name: None,
            class_factory: false,
            interfaces: vec![IID],
            protocol_sequences: vec![TOWER_TCP]
        })
    );
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn an_old_reply_that_fails_has_a_place_for_every_interface() {
    let reply = remote_activation::RemoteActivationReply {
        that: dcom::OrpcThat::default(),
        result: Err(Failed { code: Hresult::ACCESS_DENIED, interfaces: 2 }),
    };
    let expected = hex("
        00000000 00000000                   # ORPCTHAT
        0000000000000000                    # pOxid
        00000000                            # ppdsaOxidBindings
        00000000000000000000000000000000    # pipidRemUnknown
        00000000                            # pAuthnHint
        0500 0700                           # pServerVersion
        05000780                            # phr
        02000000 00000000 00000000          # ppInterfaceData
        02000000 00000000 00000000          # pResults
        00000000                            # error_status_t
    ");
    assert_eq!(encoded(|stub| reply.encode(stub)), expected);
}

#[test]
fn the_old_reply_that_impacket_took_is_still_written() {
    let reply = remote_activation::RemoteActivationReply {
        that: dcom::OrpcThat::default(),
        result: Ok(Activated { exporter: exporter(), interfaces: vec![Ok(object())] }),
    };
    let bytes = vector("remote_activation_reply");
    assert_eq!(encoded(|stub| reply.encode(stub)), bytes);
}

proptest! {
    #[test]
    fn requests_survive(
        this in these(),
        class_id in uuids(),
        interfaces in vec(uuids(), 1..4),
        protocol_sequences in vec(any::<u16>(), 0..4),
    ) {
        let properties = PropertiesIn { class_id, interfaces, protocol_sequences };
        let request = RemoteCreateInstance { this, properties };
        check_round_trip(
            &request,
            |request, stub| request.encode(CLIENT, stub),
            RemoteCreateInstance::decode,
        )?;
    }

    #[test]
    fn replies_survive(
        that in those(),
        result in prop_oneof![properties_out().prop_map(Ok), failures().prop_map(Err)],
    ) {
        let reply = RemoteActivationReply { that, result };
        check_round_trip(&reply, RemoteActivationReply::encode, RemoteActivationReply::decode)?;
    }

    #[test]
    fn old_requests_survive(
        this in these(),
        class_id in uuids(),
        object_name in proptest::option::of("[a-zA-Z\\\\:]{0,9}"),
        class_factory: bool,
        interfaces in vec(uuids(), 1..4),
        protocol_sequences in vec(any::<u16>(), 0..4),
    ) {
        let request = RemoteActivation {
            this, class_id, object_name, class_factory, interfaces, protocol_sequences,
        };
        check_round_trip(&request, RemoteActivation::encode, RemoteActivation::decode)?;
    }

    #[test]
    fn old_replies_survive(
        that in those(),
        result in prop_oneof![
            (scm_replies(), vec(results(objrefs()), 1..4))
                .prop_map(|(exporter, interfaces)| Ok(Activated { exporter, interfaces })),
            (failures(), 1_usize..4).prop_map(|(code, interfaces)| Err(Failed { code, interfaces })),
        ],
    ) {
        use remote_activation::RemoteActivationReply;
        let reply = RemoteActivationReply { that, result };
        check_round_trip(&reply, RemoteActivationReply::encode, RemoteActivationReply::decode)?;
    }
}
