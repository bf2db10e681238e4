use dcom::objref::{DualStringArray, Form, ObjRef, SecurityBinding, StdObjRef, StringBinding};
use dcom::{Error, Ipid, Oid, Oxid};
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::{check_round_trip, hex, objrefs, std_objrefs};

const IID: Uuid = uuid!("7fe0d935-dda6-443f-85d0-1cfb58fe41dd");

fn standard() -> ObjRef {
    ObjRef {
        iid: IID,
        form: Form::Standard {
            reference: StdObjRef {
                flags: StdObjRef::NO_PING,
                public_references: 5,
                oxid: Oxid(0x0102_0304_0506_0708),
                oid: Oid(0x1112_1314_1516_1718),
                ipid: Ipid(uuid!("00000001-0002-0003-0004-000000000005")),
            },
            resolver: DualStringArray::new(
                vec![StringBinding::tcp("ca", None).unwrap()],
                vec![SecurityBinding::new(10, String::new()).unwrap()],
            )
            .unwrap(),
        },
    }
}

const STANDARD: &str = "
    4d454f57                          # signature
    01000000                          # flags: standard
    35d9e07fa6dd3f4485d01cfb58fe41dd  # iid
    00100000                          # std.flags: SORF_NOPING
    05000000                          # std.cPublicRefs
    0807060504030201                  # std.oxid
    1817161514131211                  # std.oid
    01000000020003000004000000000005  # std.ipid
    0900 0500                         # wNumEntries, wSecurityOffset
    0700 6300 6100 0000               # TCP, 'ca'
    0000                              # end of string bindings
    0a00 ffff 0000                    # NTLM, no principal name
    0000                              # end of security bindings
";

#[test]
fn a_standard_reference_is_laid_out_as_specified() {
    assert_eq!(standard().to_bytes(), hex(STANDARD));
    assert_eq!(ObjRef::from_bytes(&hex(STANDARD)), Ok(standard()));
}

#[test]
fn a_custom_reference_takes_all_that_follows() {
    let bytes = hex("
        4d454f57                          # signature
        04000000                          # flags: custom
        35d9e07fa6dd3f4485d01cfb58fe41dd  # iid
        3803000000000000c000000000000046  # clsid
        00000000                          # cbExtension
        0b000000                          # reserved: size of the data and 8
        616263                            # pObjectData
    ");
    let reference = ObjRef {
        iid: IID,
        form: Form::Custom { clsid: uuid!("00000338-0000-0000-c000-000000000046"), data: b"abc".to_vec() },
    };
    assert_eq!(reference.to_bytes(), bytes);
    assert_eq!(ObjRef::from_bytes(&bytes), Ok(reference));
}

#[test]
fn another_signature_or_form_is_refused() {
    let mut bytes = hex(STANDARD);
    bytes[0] = b'm';
    assert_eq!(ObjRef::from_bytes(&bytes), Err(Error::Value { field: "OBJREF.signature", found: 0x574F_456D }));
    for flags in [0, 2, 5, 8] {
        let mut bytes = hex(STANDARD);
        bytes[4] = flags;
        assert_eq!(ObjRef::from_bytes(&bytes), Err(Error::Value { field: "OBJREF.flags", found: flags.into() }));
    }
}

#[test]
fn bytes_behind_a_standard_reference_are_ignored() {
    let mut bytes = hex(STANDARD);
    bytes.extend_from_slice(&[0xFA; 6]);
    assert_eq!(ObjRef::from_bytes(&bytes), Ok(standard()));
}

proptest! {
    #[test]
    fn references_survive(reference in objrefs()) {
        let bytes = reference.to_bytes();
        prop_assert_eq!(&ObjRef::from_bytes(&bytes).unwrap(), &reference);
        if matches!(reference.form, Form::Standard { .. }) {
            for length in 0..bytes.len() {
                prop_assert!(ObjRef::from_bytes(&bytes[..length]).is_err());
            }
        }
    }

    #[test]
    fn standard_references_survive_as_ndr(reference in std_objrefs()) {
        check_round_trip(&reference, StdObjRef::encode, StdObjRef::decode)?;
    }

    #[test]
    fn any_bytes_are_a_reference_or_an_error(bytes: Vec<u8>, flags in 0_u8..9) {
        let mut bytes = [b"MEOW\x00\x00\x00\x00".as_slice(), &bytes].concat();
        bytes[4] = flags;
        if let Ok(reference) = ObjRef::from_bytes(&bytes) {
            prop_assert_eq!(ObjRef::from_bytes(&reference.to_bytes()).unwrap(), reference);
        }
    }
}
