use dcerpc::ndr::{Decoder, Encoder};

use super::Reader;
use crate::{Error, Ipid, Oid, Oxid};

/// STDOBJREF, \[MS-DCOM\] 2.2.18.1: which interface of which object, and how many references to it.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | flags |
/// | 4 | 4 | cPublicRefs |
/// | 8 | 8 | oxid |
/// | 16 | 8 | oid |
/// | 24 | 16 | ipid |
///
/// The bytes are the same inside an OBJREF and as NDR, where the structure is aligned to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StdObjRef {
    /// 0 or [`NO_PING`](Self::NO_PING).
    pub flags: u32,
    /// Public references that the receiver now holds, and releases one day.
    pub public_references: u32,
    /// The exporter that the object lives in.
    pub oxid: Oxid,
    /// The object.
    pub oid: Oid,
    /// The interface: what calls are addressed to.
    pub ipid: Ipid,
}

impl StdObjRef {
    /// SORF_NOPING: the receiver does not have to ping the object to keep it alive.
    pub const NO_PING: u32 = 0x1000;

    /// Size in bytes.
    pub const SIZE: usize = 4 /* flags */ + 4 /* cPublicRefs */ + 8 /* oxid */ + 8 /* oid */ + 16 /* ipid */;

    /// The structure that stands beside an error code, where it means nothing.
    pub(crate) const NIL: Self =
        Self { flags: 0, public_references: 0, oxid: Oxid(0), oid: Oid(0), ipid: Ipid(uuid::Uuid::nil()) };

    /// Writes it as NDR.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.align(8);
        stub.u32(self.flags);
        stub.u32(self.public_references);
        stub.u64(self.oxid.0);
        stub.u64(self.oid.0);
        stub.uuid(&self.ipid.0);
    }

    /// Reads it as NDR.
    ///
    /// # Errors
    /// [`Error::Ndr`] at the end of the stub.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        stub.align(8)?;
        Ok(Self {
            flags: stub.u32()?,
            public_references: stub.u32()?,
            oxid: Oxid(stub.u64()?),
            oid: Oid(stub.u64()?),
            ipid: Ipid(stub.uuid()?),
        })
    }

    pub(super) fn append_to(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&self.flags.to_le_bytes());
        bytes.extend_from_slice(&self.public_references.to_le_bytes());
        bytes.extend_from_slice(&self.oxid.0.to_le_bytes());
        bytes.extend_from_slice(&self.oid.0.to_le_bytes());
        bytes.extend_from_slice(&self.ipid.0.to_bytes_le());
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self {
            flags: reader.u32()?,
            public_references: reader.u32()?,
            oxid: Oxid(reader.u64()?),
            oid: Oid(reader.u64()?),
            ipid: Ipid(reader.uuid()?),
        })
    }
}
