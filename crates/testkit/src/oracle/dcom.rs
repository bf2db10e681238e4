//! Oracles of `dcom`: what must hold for any bytes.

use std::fmt::Debug;

use dcerpc::ndr::{Decoder, Encoder};
use dcom::activation::{ClientDetails, PropertiesIn, PropertiesOut, RemoteActivationReply, RemoteCreateInstance};
use dcom::object_exporter::{ComplexPing, ComplexPingReply, ResolveOxid, ResolveOxidReply, ServerAlive2Reply};
use dcom::objref::{DualStringArray, ObjRef};
use dcom::rem_unknown::{
    RemAddRefReply, RemQueryInterface, RemQueryInterface2, RemQueryInterface2Reply, RemQueryInterfaceReply,
    RemReferences,
};
use dcom::remote_activation::{self, RemoteActivation};
use dcom::{Error, OrpcThat, OrpcThis, ids, limits};

use super::Oracle;

/// Corpus name and oracle of every fuzz target of `dcom`.
pub const ORACLES: &[Oracle] = &[
    ("dcom_activation_in", activation_in),
    ("dcom_activation_out", activation_out),
    ("dcom_dual_string_array", dual_string_array),
    ("dcom_object_exporter", object_exporter),
    ("dcom_objref", objref),
    ("dcom_orpc", orpc),
    ("dcom_rem_unknown", rem_unknown),
    ("dcom_remote_activation", remote_activation),
];

/// What was accepted says the same when it is written and read again; the value is returned for more to be asserted.
fn survives<T: PartialEq + Debug>(
    data: &[u8],
    decode: impl Fn(&mut Decoder<'_>) -> Result<T, Error>,
    encode: impl Fn(&T, &mut Encoder),
) -> Option<T> {
    let value = decode(&mut Decoder::new(data)).ok()?;
    let mut stub = Encoder::new();
    encode(&value, &mut stub);
    let encoded = stub.into_bytes();
    let mut stub = Decoder::new(&encoded);
    assert_eq!(decode(&mut stub).as_ref(), Ok(&value));
    assert_eq!(stub.remaining(), 0);
    Some(value)
}

/// The headers leave what follows aligned to eight, however many extensions they have.
fn orpc(data: &[u8]) {
    if let Some(this) = survives(data, OrpcThis::decode, OrpcThis::encode) {
        assert!(this.extensions.len() <= limits::EXTENSIONS);
        let mut stub = Encoder::new();
        this.encode(&mut stub);
        assert_eq!(stub.position() % 8, 0);
    }
    if let Some(that) = survives(data, OrpcThat::decode, OrpcThat::encode) {
        assert!(that.extensions.iter().all(|extent| extent.data.len() <= limits::EXTENSION));
    }
}

/// References keep their meaning, and so do the blobs in those that carry an activation.
fn objref(data: &[u8]) {
    let Ok(reference) = ObjRef::from_bytes(data) else { return };
    let encoded = reference.to_bytes();
    assert_eq!(ObjRef::from_bytes(&encoded).as_ref(), Ok(&reference));
    if let Ok(properties) = PropertiesIn::decode(&reference) {
        assert!((1..=limits::INTERFACES).contains(&properties.interfaces.len()));
        assert_eq!(PropertiesIn::decode(&properties.encode(CLIENT)).as_ref(), Ok(&properties));
    }
    if let Ok(properties) = PropertiesOut::decode(&reference) {
        assert_eq!(PropertiesOut::decode(&properties.encode()).as_ref(), Ok(&properties));
    }
}

/// Bindings keep their meaning, and an address that comes apart goes together again.
fn dual_string_array(data: &[u8]) {
    let Some(bindings) = survives(data, DualStringArray::decode, DualStringArray::encode) else { return };
    for binding in bindings.string_bindings() {
        assert_ne!(binding.tower_id(), 0);
        if let Some((host, port)) = binding.tcp_address() {
            assert!(binding.address().starts_with(host));
            assert_eq!(port.is_some(), binding.address().ends_with(']'));
        }
    }
}

const CLIENT: ClientDetails<'_> = ClientDetails { server_name: "ca", context_id: ids::IID_UNKNOWN };

fn activation_in(data: &[u8]) {
    survives(data, RemoteCreateInstance::decode, |request, stub| request.encode(CLIENT, stub));
}

fn activation_out(data: &[u8]) {
    survives(data, RemoteActivationReply::decode, RemoteActivationReply::encode);
}

/// Requests and replies of the old activation.
fn remote_activation(data: &[u8]) {
    survives(data, RemoteActivation::decode, RemoteActivation::encode);
    survives(data, remote_activation::RemoteActivationReply::decode, remote_activation::RemoteActivationReply::encode);
}

/// Every request and reply: nothing says which one the bytes are.
fn object_exporter(data: &[u8]) {
    survives(data, ResolveOxid::decode, ResolveOxid::encode);
    survives(data, ResolveOxidReply::decode, ResolveOxidReply::encode);
    survives(data, ResolveOxidReply::decode2, ResolveOxidReply::encode2);
    survives(data, ComplexPing::decode, ComplexPing::encode);
    survives(data, ComplexPingReply::decode, ComplexPingReply::encode);
    survives(data, ServerAlive2Reply::decode, ServerAlive2Reply::encode);
}

/// Every request and reply: nothing says which one the bytes are.
fn rem_unknown(data: &[u8]) {
    survives(data, RemQueryInterface::decode, RemQueryInterface::encode);
    survives(data, RemQueryInterfaceReply::decode, RemQueryInterfaceReply::encode);
    survives(data, RemQueryInterface2::decode, RemQueryInterface2::encode);
    survives(data, RemQueryInterface2Reply::decode, RemQueryInterface2Reply::encode);
    survives(data, RemReferences::decode, RemReferences::encode);
    survives(data, RemAddRefReply::decode, RemAddRefReply::encode);
}
