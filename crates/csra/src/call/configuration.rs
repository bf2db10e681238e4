use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};

use super::{Answer, Call, decode_name};
use crate::variant::Variant;
use crate::{Error, blob, limits, opnum};

/// GetCAProperty, \[MS-CSRA\] 3.1.4.2.2: a property of the CA; see [`ca_property`](crate::ca_property).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetCaProperty {
    /// The CA, by any of its names.
    pub authority: Option<String>,
    /// Which property (PropId).
    pub id: i32,
    /// Which element of a property that has several; −1 is the newest of some.
    pub index: i32,
    /// 1 number, 3 bytes, 4 string (PropType).
    pub property_type: i32,
}

impl Call for GetCaProperty {
    const OPNUM: Opnum = opnum::GET_CA_PROPERTY;
    /// The value, in the form that belongs to the property and its type.
    type Reply = Vec<u8>;

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
        stub.i32(self.id);
        stub.i32(self.index);
        stub.i32(self.property_type);
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)?, id: stub.i32()?, index: stub.i32()?, property_type: stub.i32()? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<Vec<u8>, Error> {
        blob::decode(stub).map(<[u8]>::to_vec)
    }
}

impl Answer for GetCaProperty {
    fn encode_reply(value: &Vec<u8>, stub: &mut Encoder) {
        blob::encode(value, stub);
    }
}

/// GetConfigEntry, \[MS-CSRA\] 3.1.4.2.14: a value of the CA's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetConfigEntry {
    /// The CA, by any of its names; none means the configuration that is common to all.
    pub authority: Option<String>,
    /// The node below it, parts separated by backslashes. Empty for the CA itself; the specification does not want null, but
    /// some clients send it.
    pub node: Option<String>,
    /// The value's name; empty to list names.
    pub entry: String,
}

impl Call for GetConfigEntry {
    const OPNUM: Opnum = opnum::GET_CONFIG_ENTRY;
    /// The value.
    type Reply = Variant;

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
        stub.unique_string(self.node.as_deref());
        stub.string(&self.entry);
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)?, node: decode_name(stub)?, entry: stub.string(limits::NAME)? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<Variant, Error> {
        Variant::decode(stub)
    }
}

impl Answer for GetConfigEntry {
    fn encode_reply(value: &Variant, stub: &mut Encoder) {
        value.encode(stub);
    }

    /// VT_EMPTY: an initialised VARIANT is never a null pointer.
    fn encode_empty_reply(stub: &mut Encoder) {
        Variant::Empty.encode(stub);
    }
}
