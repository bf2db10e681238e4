use csra::{Error, Variant};
use dcerpc::ndr::Decoder;
use proptest::prelude::*;

use crate::support::{encoded, hex};

fn decode(bytes: &[u8]) -> Result<Variant, Error> {
    Variant::decode(&mut Decoder::new(bytes))
}

fn check(value: &Variant, bytes: &str) {
    let bytes = hex(bytes);
    assert_eq!(encoded(|stub| value.encode(stub)), bytes);
    let mut stub = Decoder::new(&bytes);
    assert_eq!(Variant::decode(&mut stub).as_ref(), Ok(value));
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn a_number_takes_three_units_of_eight_bytes() {
    check(
        &Variant::I4(0x641),
        "
        00000200 00000000       # VARIANT, gap
        03000000 00000000       # clSize, rpcReserved
        0300 0000 0000 0000     # vt, wReserved
        03000000                # discriminant
        41060000                # lVal
        ",
    );
}

#[test]
fn nothing_takes_three_units_as_well() {
    check(
        &Variant::Empty,
        "
        00000200 00000000       # VARIANT, gap
        03000000 00000000       # clSize, rpcReserved
        0000 0000 0000 0000     # vt, wReserved
        00000000                # discriminant
        ",
    );
}

#[test]
fn a_string_is_a_flagged_word_blob_without_terminator() {
    check(
        &Variant::Bstr("Weeks".into()),
        "
        00000200 00000000       # VARIANT, gap
        06000000 00000000       # clSize: 46 bytes; rpcReserved
        0800 0000 0000 0000     # vt, wReserved
        08000000                # discriminant
        04000200                # bstrVal
        05000000                # maximum count
        0a000000 05000000       # cBytes, clSize
        5700 6500 6500 6b00 7300
        ",
    );
}

/// REG_MULTI_SZ. \[MS-OAUT\] 2.2.30.10.
#[test]
fn strings_are_a_safearray_of_pointers() {
    check(
        &Variant::BstrArray(vec!["a".into(), String::new()]),
        "
        00000200 00000000       # VARIANT, gap
        0d000000 00000000       # clSize: 104 bytes; rpcReserved
        0820 0000 0000 0000     # vt: VT_ARRAY | VT_BSTR
        00200000                # discriminant: VT_ARRAY
        04000200                # parray
        08000200                # SAFEARRAY
        01000000                # maximum count of rgsabound
        0100 8001               # cDims, fFeatures: FADF_BSTR | FADF_HAVEVARTYPE
        04000000                # cbElements
        00000800                # cLocks: VT_BSTR in the high half
        08000000                # sfType: SF_BSTR
        02000000                # Size
        0c000200                # aBstr
        02000000 00000000       # rgsabound: cElements, lLbound
        02000000                # maximum count of aBstr
        10000200 14000200       # two strings
        01000000 02000000 01000000 6100     # 'a'
        0000                                # gap
        00000000 00000000 00000000          # ''
        ",
    );
}

/// REG_BINARY.
#[test]
fn bytes_are_a_safearray_of_octets() {
    check(
        &Variant::Bytes(vec![1, 2, 3]),
        "
        00000200 00000000       # VARIANT, gap
        09000000 00000000       # clSize: 71 bytes; rpcReserved
        1120 0000 0000 0000     # vt: VT_ARRAY | VT_UI1
        00200000                # discriminant: VT_ARRAY
        04000200                # parray
        08000200                # SAFEARRAY
        01000000                # maximum count of rgsabound
        0100 8000               # cDims, fFeatures: FADF_HAVEVARTYPE
        01000000                # cbElements
        00001100                # cLocks: VT_UI1 in the high half
        10000000                # sfType: SF_I1
        03000000                # clSize
        0c000200                # pData
        03000000 00000000       # rgsabound: cElements, lLbound
        03000000 010203         # maximum count, octets
        ",
    );
}

#[test]
fn a_null_pointer_is_no_value() {
    assert_eq!(decode(&[0; 4]), Ok(Variant::Empty));
}

#[test]
fn null_strings_are_empty() {
    let null_pointer = "00000200 00000000 03000000 00000000 0800000000000000 08000000 00000000";
    assert_eq!(decode(&hex(null_pointer)), Ok(Variant::Bstr(String::new())));
    let null_bstr = "00000200 00000000 05000000 00000000 0800000000000000 08000000 04000200
        00000000 ffffffff 00000000";
    assert_eq!(decode(&hex(null_bstr)), Ok(Variant::Bstr(String::new())));
}

#[test]
fn an_array_without_elements_is_empty() {
    for value in [Variant::Bytes(Vec::new()), Variant::BstrArray(Vec::new())] {
        assert_eq!(decode(&encoded(|stub| value.encode(stub))), Ok(value));
    }
}

#[test]
fn other_types_are_refused() {
    for vt in [2_u8, 5, 9, 11, 12, 13, 17, 19] {
        let mut bytes = encoded(|stub| Variant::I4(0).encode(stub));
        (bytes[16], bytes[24]) = (vt, vt);
        assert_eq!(decode(&bytes), Err(Error::Value { field: "VARIANT.vt", found: vt.into() }));
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    let change = |value: &Variant, at: usize, with: u32| {
        let mut bytes = encoded(|stub| value.encode(stub));
        bytes[at..at + 4].copy_from_slice(&with.to_le_bytes());
        decode(&bytes)
    };
    let field = |result| match result {
        Err(Error::Value { field, .. } | Error::Null(field)) => field,
        other => panic!("{other:?}"),
    };
    let text = Variant::Bstr("ab".into());
    let bytes = Variant::Bytes(vec![1, 2, 3]);
    assert_eq!(field(change(&text, 24, 3)), "VARIANT discriminant");
    assert_eq!(field(change(&text, 32, 9)), "FLAGGED_WORD_BLOB.clSize");
    assert_eq!(field(change(&text, 36, 3)), "FLAGGED_WORD_BLOB.cBytes");
    assert_eq!(field(change(&bytes, 28, 0)), "VARIANT.parray");
    assert_eq!(field(change(&bytes, 36, 2)), "SAFEARRAY.cDims");
    assert_eq!(field(change(&bytes, 40, 2 | 0x80 << 16)), "SAFEARRAY.cDims");
    assert_eq!(field(change(&bytes, 52, 8)), "SAFEARRAY.sfType");
    assert_eq!(field(change(&bytes, 56, 4)), "SAFEARRAYBOUND.cElements");
    assert_eq!(field(change(&bytes, 72, 4)), "SAFEARRAY elements");
}

#[test]
fn claims_are_not_believed() {
    let mut bytes = encoded(|stub| Variant::BstrArray(vec![String::new()]).encode(stub));
    for at in [56, 64, 72] {
        bytes[at..at + 4].copy_from_slice(&0x00FF_FFFF_u32.to_le_bytes());
    }
    assert!(decode(&bytes).is_err());
}

fn variants() -> impl Strategy<Value = Variant> {
    use proptest::collection::vec;
    let text = ".{0,12}";
    prop_oneof![
        Just(Variant::Empty),
        any::<i32>().prop_map(Variant::I4),
        text.prop_map(Variant::Bstr),
        vec(text, 0..5).prop_map(Variant::BstrArray),
        vec(any::<u8>(), 0..40).prop_map(Variant::Bytes),
    ]
}

proptest! {
    #[test]
    fn values_survive_at_any_place_in_a_stub(value in variants(), before in 0_usize..9) {
        let bytes = encoded(|stub| {
            stub.bytes(&[0xAA; 9][..before]);
            value.encode(stub);
        });
        let mut stub = Decoder::at(&bytes, before);
        prop_assert_eq!(Variant::decode(&mut stub).unwrap(), value);
        prop_assert_eq!(stub.remaining(), 0);
        for length in before..bytes.len() {
            prop_assert!(Variant::decode(&mut Decoder::at(&bytes[..length], before)).is_err());
        }
    }

    #[test]
    fn a_changed_byte_never_panics(value in variants(), at: prop::sample::Index, with: u8) {
        let mut bytes = encoded(|stub| value.encode(stub));
        let at = at.index(bytes.len());
        bytes[at] = with;
        let _ = decode(&bytes);
    }
}
