use dcom::activation::{ClientDetails, PropertiesIn, PropertiesOut};
use dcom::objref::{Form, ObjRef, TOWER_TCP};
use dcom::{Error, Hresult, ids};
use expect_test::expect;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::{properties_out, uuids};

const CLASS: Uuid = uuid!("d99e6e73-fc88-11d0-b498-00a0c90312f3");
const IID: Uuid = uuid!("7fe0d935-dda6-443f-85d0-1cfb58fe41dd");

/// A name of twelve to fifteen characters gives SecurityInfoData the size that it had in the capture.
const CLIENT: ClientDetails<'_> =
    ClientDetails { server_name: "ca01.example", context_id: uuid!("11111111-2222-3333-4444-555555555555") };

fn request() -> PropertiesIn {
    PropertiesIn { class_id: CLASS, interfaces: vec![IID], protocol_sequences: vec![TOWER_TCP] }
}

fn data(objref: &ObjRef) -> Vec<u8> {
    match &objref.form {
        Form::Custom { data, .. } => data.clone(),
        Form::Standard { .. } => panic!("not custom"),
    }
}

fn with_data(objref: &ObjRef, data: Vec<u8>) -> ObjRef {
    let Form::Custom { clsid, .. } = objref.form else { panic!("not custom") };
    ObjRef { iid: objref.iid, form: Form::Custom { clsid, data } }
}

fn word(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Sizes of the CustomHeader and of the properties, and what identifies them.
fn outline(data: &[u8]) -> String {
    let header = &data[8 + 16..];
    let (total, header_size, count) = (word(header, 0), word(header, 4), word(header, 16));
    let mut outline = format!("CustomHeader {header_size}\n");
    for property in 0..count {
        let clsid = word(header, 52 + 16 * property);
        let size = word(header, 52 + 16 * count + 4 + 4 * property);
        outline += &format!("{clsid:08X} {size}\n");
    }
    outline + &format!("total {total}, blob {}\n", data.len())
}

/// The sizes that a Windows Server 2016 sends for one interface over TCP.
#[test]
fn a_request_has_the_properties_and_sizes_of_windows() {
    expect![[r#"
        CustomHeader 192
        000001B9 104
        000001AB 88
        000001A5 144
        000001A6 88
        000001A4 32
        000001AA 48
        total 696, blob 704
    "#]]
    .assert_eq(&outline(&data(&request().encode(CLIENT))));
}

#[test]
fn a_request_is_marshaled_as_the_interface_of_its_direction() {
    let objref = request().encode(CLIENT);
    assert_eq!(objref.iid, ids::IID_ACTIVATION_PROPERTIES_IN);
    assert!(matches!(
        objref.form,
        Form::Custom { clsid, .. } if clsid == ids::CLSID_ACTIVATION_PROPERTIES_IN
    ));
}

#[test]
fn properties_are_found_in_any_order_and_unknown_ones_ignored() {
    let objref = request().encode(CLIENT);
    let mut data = data(&objref);
    // SecurityInfoData, of which nothing is read, becomes something unknown and is overwritten.
    let clsid = 8 + 16 + 52 + 16 * 3;
    data[clsid..clsid + 16].copy_from_slice(&[0x77; 16]);
    let property = 8 + 192 + 104 + 88 + 144;
    data[property..property + 88].fill(0xFA);
    // ScmRequestInfoData and LocationInfoData change places.
    let identifiers = 8 + 16 + 52 + 16 * 4;
    data[identifiers..identifiers + 32].rotate_left(16);
    let sizes = 8 + 16 + 52 + 16 * 6 + 4 + 4 * 4;
    data[sizes..sizes + 8].rotate_left(4);
    let properties = property + 88;
    data[properties..properties + 80].rotate_left(32);
    assert_eq!(PropertiesIn::decode(&with_data(&objref, data)), Ok(request()));
}

#[test]
fn a_request_without_a_required_property_is_refused() {
    for (place, name) in [(1, "InstantiationInfoData"), (5, "ScmRequestInfoData")] {
        let objref = request().encode(CLIENT);
        let mut data = data(&objref);
        let clsid = 8 + 16 + 52 + 16 * place;
        data[clsid..clsid + 16].fill(0x77);
        assert_eq!(PropertiesIn::decode(&with_data(&objref, data)), Err(Error::MissingProperty(name)));
    }
}

#[test]
fn a_reply_is_no_request() {
    let objref = request().encode(CLIENT);
    assert_eq!(
        PropertiesOut::decode(&objref),
        Err(Error::Identifier { field: "class of activation properties", found: ids::CLSID_ACTIVATION_PROPERTIES_IN })
    );
}

#[test]
fn no_interface_or_more_than_anyone_asks_for_is_refused() {
    for count in [0, 65] {
        let request = PropertiesIn { interfaces: vec![IID; count], ..request() };
        assert!(PropertiesIn::decode(&request.encode(CLIENT)).is_err());
    }
}

#[test]
fn success_without_an_object_is_refused() {
    let reply = PropertiesOut {
        interfaces: vec![dcom::activation::ActivatedInterface { iid: IID, result: Err(Hresult::OK) }],
        exporter: crate::s3_1_2_5_2_3_activation::exporter(),
    };
    assert_eq!(PropertiesOut::decode(&reply.encode()), Err(Error::Null("PropsOutInfo.ppIntfData")));
}

#[test]
fn sizes_beyond_the_blob_are_refused() {
    let objref = request().encode(CLIENT);
    let good = data(&objref);
    let header_size = 8 + 16 + 4;
    let first_size = 8 + 16 + 52 + 16 * 6 + 4;
    for at in [header_size, first_size] {
        let mut data = good.clone();
        data[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(PropertiesIn::decode(&with_data(&objref, data)), Err(Error::Truncated { .. })));
    }
}

proptest! {
    #[test]
    fn requests_survive(
        class_id in uuids(),
        interfaces in vec(uuids(), 1..5),
        protocol_sequences in vec(any::<u16>(), 0..5),
        server_name in "[a-z.]{0,20}",
        context_id in uuids(),
    ) {
        let request = PropertiesIn { class_id, interfaces, protocol_sequences };
        let client = ClientDetails { server_name: &server_name, context_id };
        prop_assert_eq!(PropertiesIn::decode(&request.encode(client)).unwrap(), request);
    }

    #[test]
    fn replies_survive(reply in properties_out()) {
        prop_assert_eq!(PropertiesOut::decode(&reply.encode()).unwrap(), reply);
    }

    #[test]
    fn a_changed_byte_never_panics(at in 0_usize..704, value: u8, reply in properties_out()) {
        let objref = request().encode(CLIENT);
        let mut changed = data(&objref);
        changed[at] = value;
        let _ = PropertiesIn::decode(&with_data(&objref, changed));
        let objref = reply.encode();
        let mut changed = data(&objref);
        let at = at % changed.len();
        changed[at] = value;
        let _ = PropertiesOut::decode(&with_data(&objref, changed));
    }
}
