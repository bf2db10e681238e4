//! Object references: how one process tells another about an object.

mod bindings;
mod reader;
mod standard;

use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

pub use bindings::{DualStringArray, SecurityBinding, StringBinding, TOWER_TCP};
pub use standard::StdObjRef;

use crate::{Error, limits};
use reader::Reader;

/// OBJREF, \[MS-DCOM\] 2.2.18: an interface of an object, as bytes. Little-endian whatever the data representation.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | signature: `MEOW` |
/// | 4 | 4 | flags: 1 standard, 4 custom |
/// | 8 | 16 | iid |
/// | 24 | – | u_objref: by flags |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjRef {
    /// The interface that was marshaled.
    pub iid: Uuid,
    /// How, and what is needed to get at it.
    pub form: Form,
}

/// The part of an [`ObjRef`] that depends on how the object is marshaled (u_objref).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// OBJREF_STANDARD, \[MS-DCOM\] 2.2.18.4: the object stays where it is and is called there.
    Standard {
        /// Which object, and how many references the receiver holds.
        reference: StdObjRef,
        /// Where the object resolver of its machine listens; bindings without endpoints.
        resolver: DualStringArray,
    },
    /// OBJREF_CUSTOM, \[MS-DCOM\] 2.2.18.6: the object travels as bytes that `clsid` understands.
    Custom {
        /// The marshaler.
        clsid: Uuid,
        /// What it wrote, at most [`limits::OBJREF`] bytes.
        data: Vec<u8>,
    },
}

impl ObjRef {
    /// `MEOW`.
    const SIGNATURE: u32 = 0x574F_454D;
    const STANDARD: u32 = 1;
    const CUSTOM: u32 = 4;

    /// The bytes, as they go into an MInterfacePointer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&Self::SIGNATURE.to_le_bytes());
        let flags = match &self.form {
            Form::Standard { .. } => Self::STANDARD,
            Form::Custom { .. } => Self::CUSTOM,
        };
        bytes.extend_from_slice(&flags.to_le_bytes());
        bytes.extend_from_slice(&self.iid.to_bytes_le());
        match &self.form {
            Form::Standard { reference, resolver } => {
                reference.append_to(&mut bytes);
                resolver.append_to(&mut bytes);
            }
            Form::Custom { clsid, data } => {
                bytes.extend_from_slice(&clsid.to_bytes_le());
                bytes.extend_from_slice(&0_u32.to_le_bytes()); // cbExtension
                // Receivers must ignore it; Windows and impacket write the size of the data and eight.
                let reserved = data.len() as u32 + 8;
                bytes.extend_from_slice(&reserved.to_le_bytes());
                bytes.extend_from_slice(data);
            }
        }
        bytes
    }

    /// Reads an object reference. Bytes behind a standard one are ignored; a custom one takes all that are there.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Value`] for another signature or another form (handlers and envoy contexts have no
    /// use here).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new("OBJREF", bytes);
        let signature = reader.u32()?;
        if signature != Self::SIGNATURE {
            return Err(Error::Value { field: "OBJREF.signature", found: signature.into() });
        }
        let flags = reader.u32()?;
        let iid = reader.uuid()?;
        let form = match flags {
            Self::STANDARD => Form::Standard {
                reference: StdObjRef::read(&mut reader)?,
                resolver: DualStringArray::read(&mut reader)?,
            },
            Self::CUSTOM => {
                let clsid = reader.uuid()?;
                let _extension = reader.u32()?;
                let _reserved = reader.u32()?;
                Form::Custom { clsid, data: reader.rest().to_vec() }
            }
            _ => {
                return Err(Error::Value { field: "OBJREF.flags", found: flags.into() });
            }
        };
        Ok(Self { iid, form })
    }
}

/// MInterfacePointer, \[MS-DCOM\] 2.2.14, without the pointer to it: maximum count, size, bytes of an OBJREF.
pub(crate) fn encode_interface_pointer(objref: &[u8], stub: &mut Encoder) {
    let size = objref.len() as u32;
    stub.u32(size);
    stub.u32(size);
    stub.bytes(objref);
}

/// The bytes of an MInterfacePointer.
pub(crate) fn decode_interface_pointer<'a>(stub: &mut Decoder<'a>) -> Result<&'a [u8], Error> {
    let maximum = stub.u32()?;
    let size = stub.count(limits::OBJREF, 1)?;
    if size as u64 != u64::from(maximum) {
        return Err(Error::Value { field: "MInterfacePointer.ulCntData", found: size as u64 });
    }
    Ok(stub.bytes(size)?)
}
