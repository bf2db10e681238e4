use dcerpc::ndr::{Decoder, Encoder, Error};
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::bytes;

#[test]
fn primitives_align_to_their_size() {
    let mut stub = Encoder::new();
    stub.u8(1);
    stub.u16(2);
    stub.u8(3);
    stub.u32(4);
    stub.i32(-1);
    stub.u64(5);
    stub.u8(6);
    stub.uuid(&uuid!("8a885d04-1ceb-11c9-9fe8-08002b104860"));
    let expected = bytes(
        "01 00        # u8, gap
         0200         # u16
         03 000000    # u8, gap
         04000000     # u32
         ffffffff     # i32
         0500000000000000 # u64
         06 000000    # u8, gap
         045d888aeb1cc9119fe808002b104860",
    );
    assert_eq!(stub.into_bytes(), expected);

    let mut stub = Decoder::new(&expected);
    assert_eq!(stub.u8(), Ok(1));
    assert_eq!(stub.u16(), Ok(2));
    assert_eq!(stub.u8(), Ok(3));
    assert_eq!(stub.u32(), Ok(4));
    assert_eq!(stub.i32(), Ok(-1));
    assert_eq!(stub.u64(), Ok(5));
    assert_eq!(stub.u8(), Ok(6));
    assert_eq!(stub.uuid(), Ok(uuid!("8a885d04-1ceb-11c9-9fe8-08002b104860")));
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn gaps_may_hold_anything() {
    let stub = bytes("01 fafafa 07000000");
    let mut stub = Decoder::new(&stub);
    assert_eq!((stub.u8(), stub.u32()), (Ok(1), Ok(7)));
}

/// From impacket 0.13.1: `NDRUniConformantVaryingArray` strings of two units, the terminator included.
#[test]
fn a_unique_string_is_a_referent_and_a_conformant_varying_string() {
    let stub = bytes(
        "00000200        # referent
         03000000        # maximum count
         00000000        # offset
         03000000        # actual count
         4300 4100 0000  # CA, terminator
         0000            # gap
         07000000",
    );
    let mut encoder = Encoder::new();
    encoder.unique_string(Some("CA"));
    encoder.u32(7);
    assert_eq!(encoder.into_bytes(), stub);
    let mut decoder = Decoder::new(&stub);
    assert_eq!(decoder.unique_string(3), Ok(Some("CA".to_owned())));
    assert_eq!(decoder.u32(), Ok(7));
}

#[test]
fn referents_count_up_by_four_and_null_is_zero() {
    let mut stub = Encoder::new();
    stub.referent();
    stub.null();
    stub.referent();
    stub.unique_string(None);
    assert_eq!(stub.into_bytes(), bytes("00000200 00000000 04000200 00000000"));
}

#[test]
fn strings_that_contradict_themselves_are_refused() {
    let cases = [
        ("00000000 01000000 01000000 0000", Error::Contradiction { at: 4, field: "offset", found: 1, expected: 0 }),
        (
            "01000000 00000000 02000000 41000000",
            Error::Contradiction { at: 8, field: "actual_count", found: 2, expected: 1 },
        ),
        ("ff000000 00000000 ff000000", Error::Limit { at: 8, claimed: 255, limit: 16 }),
        ("09000000 00000000 09000000 4100", Error::Truncated { at: 12, needed: 18, remaining: 2 }),
        ("02000000 00000000 02000000 00d8 0000", Error::Text { at: 12 }),
        ("04000000 00000000 04000000 4100 0000 4200 0000", Error::Text { at: 12 }),
        ("", Error::Truncated { at: 0, needed: 4, remaining: 0 }),
    ];
    for (stub, expected) in cases {
        assert_eq!(Decoder::new(&bytes(stub)).string(16), Err(expected), "{stub}");
    }
}

#[test]
fn terminators_may_be_missing_or_several() {
    for stub in ["01000000 00000000 01000000 4100", "04000000 00000000 04000000 4100 0000 0000 0000"] {
        assert_eq!(Decoder::new(&bytes(stub)).string(16), Ok("A".to_owned()), "{stub}");
    }
    assert_eq!(Decoder::new(&bytes("00000000 00000000 00000000")).string(16), Ok(String::new()));
}

#[test]
fn counts_are_believed_only_as_far_as_the_bytes_reach() {
    let stub = bytes("05000000 0102030405");
    assert_eq!(Decoder::new(&stub).conformant_bytes(5), Ok(&[1, 2, 3, 4, 5][..]));
    assert_eq!(Decoder::new(&stub).conformant_bytes(4), Err(Error::Limit { at: 0, claimed: 5, limit: 4 }));
    assert_eq!(Decoder::new(&stub).count(usize::MAX, 2), Err(Error::Truncated { at: 4, needed: 10, remaining: 5 }));
    let lie = bytes("ffffffff 00");
    assert_eq!(
        Decoder::new(&lie).count(usize::MAX, usize::MAX),
        Err(Error::Truncated { at: 4, needed: usize::MAX, remaining: 1 })
    );
}

#[test]
fn a_stub_can_be_written_behind_other_bytes() {
    let mut stub = Encoder::append_to(vec![0xEE; 3], 3);
    stub.u8(1);
    stub.u32(2);
    assert_eq!(stub.position(), 8);
    assert_eq!(stub.into_bytes(), bytes("eeeeee 01 000000 02000000"));

    // Behind the beginning of the same stub, which counts for alignment.
    let mut stub = Encoder::append_to(vec![0xEE, 0xEE, 1], 2);
    stub.u32(2);
    assert_eq!(stub.into_bytes(), bytes("eeee 01 000000 02000000"));
}

#[test]
fn the_rest_of_a_stub_keeps_its_alignment() {
    let stub = bytes("aa bb cc 00 07000000");
    assert_eq!(Decoder::at(&stub, 3).u32(), Ok(7));
    assert_eq!(Decoder::at(&stub, 99).remaining(), 0);
}

#[test]
fn counts_can_be_filled_in_later_and_large_values_in_place() {
    let mut stub = Encoder::append_to(vec![0xEE], 1);
    stub.u32(0);
    stub.bytes_mut(3).copy_from_slice(b"abc");
    stub.patch_u32(0, 3);
    stub.patch_u32(5, 9);
    assert_eq!(stub.into_bytes(), bytes("ee 03000000 616263"));
}

#[derive(Debug, Clone)]
enum Value {
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    I32(i32),
    Uuid(u128),
    Unique(Option<String>),
    Bytes(Vec<u8>),
}

fn value() -> impl Strategy<Value = Value> {
    let text = any::<String>().prop_map(|text| text.replace('\0', ""));
    prop_oneof![
        any::<u8>().prop_map(Value::U8),
        any::<u16>().prop_map(Value::U16),
        any::<u32>().prop_map(Value::U32),
        any::<u64>().prop_map(Value::U64),
        any::<i32>().prop_map(Value::I32),
        any::<u128>().prop_map(Value::Uuid),
        proptest::option::of(text).prop_map(Value::Unique),
        any::<Vec<u8>>().prop_map(Value::Bytes),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(values in proptest::collection::vec(value(), 0..20)) {
        let mut encoder = Encoder::new();
        for value in &values {
            match value {
                Value::U8(v) => encoder.u8(*v),
                Value::U16(v) => encoder.u16(*v),
                Value::U32(v) => encoder.u32(*v),
                Value::U64(v) => encoder.u64(*v),
                Value::I32(v) => encoder.i32(*v),
                Value::Uuid(v) => encoder.uuid(&Uuid::from_u128(*v)),
                Value::Unique(v) => encoder.unique_string(v.as_deref()),
                Value::Bytes(v) => encoder.conformant_bytes(v),
            }
        }
        let bytes = encoder.into_bytes();
        let mut decoder = Decoder::new(&bytes);
        for value in values {
            match value {
                Value::U8(v) => prop_assert_eq!(decoder.u8(), Ok(v)),
                Value::U16(v) => prop_assert_eq!(decoder.u16(), Ok(v)),
                Value::U32(v) => prop_assert_eq!(decoder.u32(), Ok(v)),
                Value::U64(v) => prop_assert_eq!(decoder.u64(), Ok(v)),
                Value::I32(v) => prop_assert_eq!(decoder.i32(), Ok(v)),
                Value::Uuid(v) => prop_assert_eq!(decoder.uuid(), Ok(Uuid::from_u128(v))),
                Value::Unique(v) => prop_assert_eq!(decoder.unique_string(1000), Ok(v)),
                Value::Bytes(v) => prop_assert_eq!(decoder.conformant_bytes(1000), Ok(&v[..])),
            }
        }
        prop_assert_eq!(decoder.remaining(), 0);
    }
}
