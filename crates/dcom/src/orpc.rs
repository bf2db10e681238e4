//! What comes before the parameters of every object call and reply.

use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use crate::{CausalityId, ComVersion, Error, Hresult, limits};

/// ORPCTHIS, \[MS-DCOM\] 2.2.13.3: before the \[in\] parameters of every object call and activation request.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | version: major u16, minor u16 |
/// | 4 | 4 | flags |
/// | 8 | 4 | reserved1 |
/// | 12 | 16 | cid |
/// | 28 | 4 | extensions: pointer to ORPC_EXTENT_ARRAY |
///
/// The size with and without extensions is a multiple of eight, so that what follows may be read as a stub of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrpcThis {
    /// What the client speaks: the lower of its own and the server's version.
    pub version: ComVersion,
    /// 0 in object calls; Windows sends 1 in activation requests, where it means nothing.
    pub flags: u32,
    /// The chain of calls that this one belongs to.
    pub causality_id: CausalityId,
    /// Data outside of the method's signature; none of it is used here.
    pub extensions: Vec<OrpcExtent>,
}

impl OrpcThis {
    /// Size without extensions, in bytes.
    pub const SIZE: usize = 4 /* version */ + 4 /* flags */ + 4 /* reserved1 */ + 16 /* cid */ + 4 /* extensions */;

    /// For a call to a server that speaks `version`, in a causality chain of its own.
    #[must_use]
    pub fn new(version: ComVersion, causality_id: CausalityId) -> Self {
        Self { version, flags: 0, causality_id, extensions: Vec::new() }
    }

    /// What a server that speaks `server` requires of an object call, \[MS-DCOM\] 3.1.1.5.4, in the order given there.
    ///
    /// # Errors
    /// [`Hresult::VERSION_MISMATCH`] for a client that is newer, [`Hresult::INVALID_HEADER`] when flags is not zero.
    pub fn accept_call(&self, server: ComVersion) -> Result<(), Hresult> {
        server.accept(self.version)?;
        if self.flags != 0 {
            return Err(Hresult::INVALID_HEADER);
        }
        Ok(())
    }

    /// Writes the structure; the parameters follow.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.align(4);
        self.version.encode(stub);
        stub.u32(self.flags);
        stub.u32(0); // reserved1
        stub.uuid(&self.causality_id.0);
        encode_extensions(&self.extensions, stub);
    }

    /// Reads the structure; the parameters follow.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short, or has more extensions than [`limits::EXTENSIONS`].
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        stub.align(4)?;
        let version = ComVersion::decode(stub)?;
        let flags = stub.u32()?;
        let _reserved1 = stub.u32()?;
        let causality_id = CausalityId(stub.uuid()?);
        Ok(Self { version, flags, causality_id, extensions: decode_extensions(stub)? })
    }
}

/// ORPCTHAT, \[MS-DCOM\] 2.2.13.4: before the \[out\] parameters of every object reply and activation reply.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | flags |
/// | 4 | 4 | extensions: pointer to ORPC_EXTENT_ARRAY |
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrpcThat {
    /// Without meaning.
    pub flags: u32,
    /// Data outside of the method's signature; none of it is used here.
    pub extensions: Vec<OrpcExtent>,
}

impl OrpcThat {
    /// Size without extensions, in bytes.
    pub const SIZE: usize = 4 /* flags */ + 4 /* extensions */;

    /// Writes the structure; the parameters follow.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u32(self.flags);
        encode_extensions(&self.extensions, stub);
    }

    /// Reads the structure; the parameters follow.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short, or has more extensions than [`limits::EXTENSIONS`].
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { flags: stub.u32()?, extensions: decode_extensions(stub)? })
    }
}

/// ORPC_EXTENT, \[MS-DCOM\] 2.2.13.1: bytes whose form a GUID names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrpcExtent {
    /// Names the form of the data.
    pub id: Uuid,
    /// At most [`limits::EXTENSION`] bytes; padded to a multiple of eight on the wire.
    pub data: Vec<u8>,
}

/// Pointer to ORPC_EXTENT_ARRAY, \[MS-DCOM\] 2.2.13.2; null without extensions.
fn encode_extensions(extensions: &[OrpcExtent], stub: &mut Encoder) {
    if extensions.is_empty() {
        stub.null();
        return;
    }
    let slots = extensions.len().next_multiple_of(2);
    stub.referent();
    stub.u32(extensions.len() as u32);
    stub.u32(0); // reserved
    stub.referent();
    stub.u32(slots as u32);
    for _ in extensions {
        stub.referent();
    }
    for _ in extensions.len()..slots {
        stub.null();
    }
    for extent in extensions {
        let padded = extent.data.len().next_multiple_of(8);
        stub.u32(padded as u32);
        stub.uuid(&extent.id);
        stub.u32(extent.data.len() as u32);
        stub.bytes(&extent.data);
        stub.bytes_mut(padded - extent.data.len());
    }
}

fn decode_extensions(stub: &mut Decoder<'_>) -> Result<Vec<OrpcExtent>, Error> {
    if !stub.referent()? {
        return Ok(Vec::new());
    }
    let _size = stub.u32()?; // the non-null pointers say the same
    let _reserved = stub.u32()?;
    if !stub.referent()? {
        return Ok(Vec::new());
    }
    let slots = stub.count(limits::EXTENSIONS, 4)?;
    let mut present = 0;
    for _ in 0..slots {
        present += usize::from(stub.referent()?);
    }
    let mut extensions = Vec::with_capacity(present);
    for _ in 0..present {
        let padded = stub.u32()? as usize;
        let id = stub.uuid()?;
        let size = stub.count(limits::EXTENSION, 1)?;
        let bytes = stub.bytes(padded)?;
        let data = bytes.get(..size).ok_or(Error::Value { field: "ORPC_EXTENT.size", found: size as u64 })?;
        extensions.push(OrpcExtent { id, data: data.to_vec() });
    }
    Ok(extensions)
}
