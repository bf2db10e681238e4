//! Values of every kind, and what holds for every codec.

use std::fmt::Debug;
use std::path::Path;

use dcerpc::ndr::{Decoder, Encoder};
use dcom::activation::{ActivatedInterface, PropertiesOut, ScmReply};
use dcom::objref::{DualStringArray, Form, ObjRef, SecurityBinding, StdObjRef, StringBinding};
use dcom::{CausalityId, ComVersion, Error, Hresult, Ipid, Oid, OrpcExtent, OrpcThat, OrpcThis, Oxid};
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

/// The bytes of `tests/data/<name>.hex`; its README says where they come from.
pub(crate) fn vector(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.hex"));
    hex(&std::fs::read_to_string(path).unwrap())
}

/// Bytes from hexadecimal with white space anywhere, and `#` comments to the end of a line.
pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: String = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or(""))
        .flat_map(str::chars)
        .filter(|character| !character.is_whitespace())
        .collect();
    hex::decode(digits).unwrap()
}

pub(crate) fn encoded(encode: impl FnOnce(&mut Encoder)) -> Vec<u8> {
    let mut stub = Encoder::new();
    encode(&mut stub);
    stub.into_bytes()
}

/// Decodes what was encoded, with nothing left over; and no part of it decodes.
pub(crate) fn check_round_trip<T: PartialEq + Debug>(
    value: &T,
    encode: impl Fn(&T, &mut Encoder),
    decode: impl Fn(&mut Decoder<'_>) -> Result<T, Error>,
) -> Result<(), TestCaseError> {
    let bytes = encoded(|stub| encode(value, stub));
    let mut stub = Decoder::new(&bytes);
    prop_assert_eq!(&decode(&mut stub).unwrap(), value);
    prop_assert_eq!(stub.remaining(), 0);
    for length in 0..bytes.len() {
        prop_assert!(decode(&mut Decoder::new(&bytes[..length])).is_err());
    }
    Ok(())
}

pub(crate) fn uuids() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

pub(crate) fn versions() -> impl Strategy<Value = ComVersion> {
    any::<(u16, u16)>().prop_map(|(major, minor)| ComVersion { major, minor })
}

pub(crate) fn failures() -> impl Strategy<Value = Hresult> {
    (0x8000_0000..=u32::MAX).prop_map(Hresult)
}

fn extents() -> impl Strategy<Value = OrpcExtent> {
    (uuids(), vec(any::<u8>(), 0..20)).prop_map(|(id, data)| OrpcExtent { id, data })
}

pub(crate) fn these() -> impl Strategy<Value = OrpcThis> {
    (versions(), any::<u32>(), uuids(), vec(extents(), 0..4)).prop_map(|(version, flags, causality_id, extensions)| {
        OrpcThis { version, flags, causality_id: CausalityId(causality_id), extensions }
    })
}

pub(crate) fn those() -> impl Strategy<Value = OrpcThat> {
    (any::<u32>(), vec(extents(), 0..4)).prop_map(|(flags, extensions)| OrpcThat { flags, extensions })
}

/// Names of hosts and principals, characters outside of the BMP included.
fn names() -> impl Strategy<Value = String> {
    vec(any::<char>().prop_filter("NUL", |c| *c != '\0'), 0..12).prop_map(|characters| characters.into_iter().collect())
}

pub(crate) fn bindings() -> impl Strategy<Value = DualStringArray> {
    let strings = (1..=u16::MAX, names()).prop_map(|(tower, address)| StringBinding::new(tower, address).unwrap());
    let securities =
        (1..=u16::MAX, names()).prop_map(|(service, principal)| SecurityBinding::new(service, principal).unwrap());
    (vec(strings, 0..4), vec(securities, 0..4))
        .prop_map(|(strings, securities)| DualStringArray::new(strings, securities).unwrap())
}

pub(crate) fn std_objrefs() -> impl Strategy<Value = StdObjRef> {
    (any::<(u32, u32, u64, u64)>(), uuids()).prop_map(|((flags, public_references, oxid, oid), ipid)| StdObjRef {
        flags,
        public_references,
        oxid: Oxid(oxid),
        oid: Oid(oid),
        ipid: Ipid(ipid),
    })
}

pub(crate) fn objrefs() -> impl Strategy<Value = ObjRef> {
    let forms = prop_oneof![
        (std_objrefs(), bindings()).prop_map(|(reference, resolver)| Form::Standard { reference, resolver }),
        (uuids(), vec(any::<u8>(), 0..40)).prop_map(|(clsid, data)| Form::Custom { clsid, data }),
    ];
    (uuids(), forms).prop_map(|(iid, form)| ObjRef { iid, form })
}

pub(crate) fn scm_replies() -> impl Strategy<Value = ScmReply> {
    (any::<u64>(), bindings(), uuids(), any::<u32>(), versions()).prop_map(
        |(oxid, bindings, rem_unknown, authentication_hint, version)| ScmReply {
            oxid: Oxid(oxid),
            bindings,
            rem_unknown: Ipid(rem_unknown),
            authentication_hint,
            version,
        },
    )
}

pub(crate) fn results<T: Debug>(values: impl Strategy<Value = T>) -> impl Strategy<Value = Result<T, Hresult>> {
    prop_oneof![values.prop_map(Ok), failures().prop_map(Err)]
}

pub(crate) fn properties_out() -> impl Strategy<Value = PropertiesOut> {
    let interfaces = (uuids(), results(objrefs())).prop_map(|(iid, result)| ActivatedInterface { iid, result });
    (vec(interfaces, 1..4), scm_replies()).prop_map(|(interfaces, exporter)| PropertiesOut { interfaces, exporter })
}
