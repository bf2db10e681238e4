use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use crate::objref::DualStringArray;
use crate::{ComVersion, Error, ErrorStatus, Ipid, Oxid, limits};

/// The request of IObjectExporter::ResolveOxid and ResolveOxid2, \[MS-DCOM\] 3.1.2.5.1.1 and 3.1.2.5.1.5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOxid {
    /// The exporter that is looked for.
    pub oxid: Oxid,
    /// Tower identifiers of the protocols that the client speaks.
    pub protocol_sequences: Vec<u16>,
}

impl ResolveOxid {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        let count = self.protocol_sequences.len();
        stub.u64(self.oxid.0);
        stub.u16(count as u16);
        stub.u32(count as u32);
        for sequence in &self.protocol_sequences {
            stub.u16(*sequence);
        }
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short or names too many protocols, [`Error::Value`] when the counts contradict.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let oxid = Oxid(stub.u64()?);
        let claimed = stub.u16()?;
        let count = stub.count(limits::PROTOCOL_SEQUENCES, 2)?;
        if count != usize::from(claimed) {
            return Err(Error::Value { field: "cRequestedProtseqs", found: claimed.into() });
        }
        Ok(Self { oxid, protocol_sequences: (0..count).map(|_| stub.u16()).collect::<Result<_, _>>()? })
    }
}

/// The reply of ResolveOxid and ResolveOxid2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveOxidReply {
    /// The exporter, or why it is not known: [`ErrorStatus::INVALID_OXID`] or [`ErrorStatus::ACCESS_DENIED`].
    pub result: Result<Resolved, ErrorStatus>,
}

/// Where an exporter listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Its bindings, with endpoints.
    pub bindings: DualStringArray,
    /// Its Remote Unknown.
    pub rem_unknown: Ipid,
    /// The lowest authentication level that it takes.
    pub authentication_hint: u32,
    /// Its version. ResolveOxid does not carry it: [`ComVersion::OLDEST`] is read.
    pub version: ComVersion,
}

impl ResolveOxidReply {
    /// Writes the reply of ResolveOxid.
    pub fn encode(&self, stub: &mut Encoder) {
        self.encode_common(stub);
        self.encode_status(stub);
    }

    /// Writes the reply of ResolveOxid2.
    pub fn encode2(&self, stub: &mut Encoder) {
        self.encode_common(stub);
        let version = self.result.as_ref().map_or(ComVersion { major: 0, minor: 0 }, |found| found.version);
        version.encode(stub);
        self.encode_status(stub);
    }

    /// Reads the reply of ResolveOxid.
    ///
    /// # Errors
    /// [`Error`] when it is cut short, or succeeds without bindings.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Self::decode_with(stub, |_| Ok(ComVersion::OLDEST))
    }

    /// Reads the reply of ResolveOxid2.
    ///
    /// # Errors
    /// [`Error`] when it is cut short, or succeeds without bindings.
    pub fn decode2(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Self::decode_with(stub, ComVersion::decode)
    }

    fn encode_common(&self, stub: &mut Encoder) {
        match &self.result {
            Ok(found) => {
                stub.referent(); // ppdsaOxidBindings
                found.bindings.encode(stub);
                stub.uuid(&found.rem_unknown.0);
                stub.u32(found.authentication_hint);
            }
            Err(_) => {
                stub.null();
                stub.uuid(&Uuid::nil());
                stub.u32(0);
            }
        }
    }

    fn encode_status(&self, stub: &mut Encoder) {
        stub.u32(self.result.as_ref().err().map_or(0, |status| status.0));
    }

    fn decode_with<'a>(
        stub: &mut Decoder<'a>,
        version: impl FnOnce(&mut Decoder<'a>) -> Result<ComVersion, Error>,
    ) -> Result<Self, Error> {
        let bindings = if stub.referent()? { Some(DualStringArray::decode(stub)?) } else { None };
        let rem_unknown = Ipid(stub.uuid()?);
        let authentication_hint = stub.u32()?;
        let version = version(stub)?;
        let result = match (ErrorStatus(stub.u32()?), bindings) {
            (ErrorStatus::OK, Some(bindings)) => Ok(Resolved { bindings, rem_unknown, authentication_hint, version }),
            (ErrorStatus::OK, None) => return Err(Error::Null("ppdsaOxidBindings")),
            (status, _) => Err(status),
        };
        Ok(Self { result })
    }
}
