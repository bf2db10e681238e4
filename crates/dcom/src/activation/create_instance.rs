use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};

use super::{ClientDetails, PropertiesIn, PropertiesOut};
use crate::objref::{ObjRef, decode_interface_pointer, encode_interface_pointer};
use crate::{Error, Hresult, OrpcThat, OrpcThis};

/// The request of IRemoteSCMActivator::RemoteCreateInstance, \[MS-DCOM\] 3.1.2.5.2.3.3.
///
/// Unlike in an object call, ORPCTHIS is an explicit parameter here; the stub starts with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteCreateInstance {
    /// Version and causality of the client.
    pub this: OrpcThis,
    /// What it asks for.
    pub properties: PropertiesIn,
}

impl RemoteCreateInstance {
    /// Its number.
    pub const OPNUM: Opnum = Opnum(4);
    /// The number of RemoteGetClassObject, which asks for the class factory and has the same reply.
    pub const GET_CLASS_OBJECT: Opnum = Opnum(3);

    /// Writes the whole stub.
    pub fn encode(&self, client: ClientDetails<'_>, stub: &mut Encoder) {
        self.this.encode(stub);
        stub.null(); // pUnkOuter
        stub.referent(); // pActProperties
        encode_interface_pointer(&self.properties.encode(client).to_bytes(), stub);
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error`] as for [`PropertiesIn::decode`]; [`Error::Null`] without properties.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let this = OrpcThis::decode(stub)?;
        if stub.referent()? {
            // pUnkOuter must be null and must be ignored.
            decode_interface_pointer(stub)?;
        }
        if !stub.referent()? {
            return Err(Error::Null("pActProperties"));
        }
        let objref = ObjRef::from_bytes(decode_interface_pointer(stub)?)?;
        Ok(Self { this, properties: PropertiesIn::decode(&objref)? })
    }
}

/// The reply of RemoteCreateInstance and RemoteGetClassObject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteActivationReply {
    /// Before the parameters.
    pub that: OrpcThat,
    /// The object, or why there is none.
    pub result: Result<PropertiesOut, Hresult>,
}

impl RemoteActivationReply {
    /// A reply without extensions.
    #[must_use]
    pub fn new(result: Result<PropertiesOut, Hresult>) -> Self {
        Self { that: OrpcThat::default(), result }
    }

    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        self.that.encode(stub);
        match &self.result {
            Ok(properties) => {
                stub.referent(); // ppActProperties
                encode_interface_pointer(&properties.encode().to_bytes(), stub);
                stub.u32(Hresult::OK.0);
            }
            Err(code) => {
                stub.null();
                stub.u32(code.0);
            }
        }
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error`] as for [`PropertiesOut::decode`]; [`Error::Null`] when the call succeeded without properties.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let that = OrpcThat::decode(stub)?;
        let properties = if stub.referent()? { Some(decode_interface_pointer(stub)?) } else { None };
        let result = match (Hresult(stub.u32()?), properties) {
            (Hresult::OK, Some(bytes)) => Ok(PropertiesOut::decode(&ObjRef::from_bytes(bytes)?)?),
            (Hresult::OK, None) => return Err(Error::Null("ppActProperties")),
            (code, _) => Err(code),
        };
        Ok(Self { that, result })
    }
}
