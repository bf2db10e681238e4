use csra::Error;
use csra::call::{Answer, Call, CallError, GetCaProperty};

use crate::support::{encoded, hex, vector};

fn call() -> GetCaProperty {
    GetCaProperty { authority: None, id: 12, index: -1, property_type: 3 }
}

fn finish(reply: &str) -> Result<Vec<u8>, CallError> {
    call().finish(&hex(reply))
}

#[test]
fn a_blob_is_a_length_and_a_pointer_to_as_many_bytes() {
    let value = b"hello".to_vec();
    let bytes = encoded(|stub| {
        GetCaProperty::encode_reply(&value, stub);
        stub.u32(0);
    });
    let expected = hex("
        05000000                # cb
        00000200                # pb
        05000000 68656c6c6f     # maximum count, 'hello'
        000000                  # gap
        00000000                # HRESULT
    ");
    assert_eq!(bytes, expected);
    assert_eq!(call().finish(&bytes), Ok(value));
}

#[test]
fn a_blob_of_impacket_is_read() {
    assert_eq!(call().finish(&vector("get_ca_property_reply")), Ok(b"hello".to_vec()));
}

#[test]
fn an_empty_blob_is_zero_and_null() {
    assert_eq!(encoded(|stub| GetCaProperty::encode_reply(&Vec::new(), stub)), [0; 8]);
    assert_eq!(finish("00000000 00000000 00000000"), Ok(Vec::new()));
}

#[test]
fn a_length_that_is_not_the_size_of_the_array_is_refused() {
    let contradictory = [
        "04000000 00000200 05000000 68656c6c6f 000000 00000000",
        "06000000 00000200 05000000 68656c6c6f 000000 00000000",
        "05000000 00000000 00000000",
    ];
    for reply in contradictory {
        assert!(matches!(finish(reply), Err(CallError::Malformed(Error::Value { field: "CERTTRANSBLOB.cb", .. }))));
    }
}

#[test]
fn a_length_beyond_the_stub_is_refused() {
    assert!(matches!(finish("ffffff00 00000200 ffffff00 00000000"), Err(CallError::Malformed(Error::Ndr(_)))));
}
