use dcerpc::ndr::{Decoder, Encoder};

use crate::objref::DualStringArray;
use crate::{ComVersion, Error, ErrorStatus};

/// The reply of IObjectExporter::ServerAlive2, \[MS-DCOM\] 3.1.2.5.1.6; answered to anyone, the request is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAlive2Reply {
    /// Version of the object resolver.
    pub version: ComVersion,
    /// Where it listens; bindings without endpoints.
    pub bindings: DualStringArray,
    /// Success, in a conforming server.
    pub status: ErrorStatus,
}

impl ServerAlive2Reply {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        self.version.encode(stub);
        stub.referent(); // ppdsaOrBindings
        self.bindings.encode(stub);
        stub.u32(0); // pReserved
        stub.u32(self.status.0);
    }

    /// Reads the whole stub. A null pointer instead of bindings is read as no bindings.
    ///
    /// # Errors
    /// [`Error`] when it is cut short or the bindings are malformed.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let version = ComVersion::decode(stub)?;
        let bindings = if stub.referent()? { DualStringArray::decode(stub)? } else { DualStringArray::default() };
        let _reserved = stub.u32()?;
        Ok(Self { version, bindings, status: ErrorStatus(stub.u32()?) })
    }
}
