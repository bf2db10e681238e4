use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use crate::objref::{Form, ObjRef};
use crate::{Error, limits};

/// Size of what precedes the body of a serialised type, \[MS-RPCE\] 2.2.6.
const TYPE_HEADER: usize = 8 /* common type header */ + 8 /* private header */;

/// Size of what precedes the CustomHeader of a blob.
const BLOB_HEADER: usize = 4 /* dwSize */ + 4 /* dwReserved */;

/// destCtx of the CustomHeader: MSHCTX_DIFFERENTMACHINE. Receivers ignore it.
const DIFFERENT_MACHINE: u32 = 2;

/// The properties of a blob: what identifies the form of each, and its body as NDR.
pub(super) struct Properties<'a>(Vec<(Uuid, &'a [u8])>);

impl<'a> Properties<'a> {
    /// The first property of that form, ready to be read.
    ///
    /// # Errors
    /// [`Error::MissingProperty`] with `name` when there is none.
    pub(super) fn find(&self, clsid: Uuid, name: &'static str) -> Result<Decoder<'a>, Error> {
        self.0
            .iter()
            .find(|(found, _)| *found == clsid)
            .map(|(_, body)| Decoder::new(body))
            .ok_or(Error::MissingProperty(name))
    }
}

/// The object reference that carries an activation properties blob with `properties`, \[MS-DCOM\] 2.2.22.
pub(super) fn encode(iid: Uuid, clsid: Uuid, properties: &[(Uuid, Vec<u8>)]) -> ObjRef {
    let serialised: Vec<Vec<u8>> = properties.iter().map(|(_, body)| serialise(body)).collect();
    let total_of_properties: usize = serialised.iter().map(Vec::len).sum();
    let header_size = serialise(&custom_header(properties, &serialised, 0, 0)).len();
    let total_size = header_size + total_of_properties;
    let header = custom_header(properties, &serialised, header_size, total_size);

    let mut data = Vec::with_capacity(BLOB_HEADER + total_size);
    data.extend_from_slice(&(total_size as u32).to_le_bytes());
    data.extend_from_slice(&0_u32.to_le_bytes()); // dwReserved
    data.extend_from_slice(&serialise(&header));
    for property in &serialised {
        data.extend_from_slice(property);
    }
    ObjRef { iid, form: Form::Custom { clsid, data } }
}

/// The properties in an object reference that `expected` wrote. Sizes rule; padding between and behind is ignored.
///
/// # Errors
/// [`Error::Identifier`] when someone else wrote it, [`Error::Ndr`], [`Error::Truncated`], and [`Error::Value`] for another
/// form of reference and for a blob with no or too many properties.
pub(super) fn decode(objref: &ObjRef, expected: Uuid) -> Result<Properties<'_>, Error> {
    let Form::Custom { clsid, data } = &objref.form else {
        return Err(Error::Value { field: "OBJREF.flags of activation properties", found: 1 });
    };
    if *clsid != expected {
        return Err(Error::Identifier { field: "class of activation properties", found: *clsid });
    }
    let blob = data.get(BLOB_HEADER..).ok_or(Error::Truncated {
        structure: "activation properties",
        needed: BLOB_HEADER,
        remaining: data.len(),
    })?;
    let mut header = Decoder::new(body(blob)?);
    let _total_size = header.u32()?;
    let header_size = header.u32()? as usize;
    let _reserved = header.u32()?;
    let _destination = header.u32()?;
    let count = header.u32()?;
    let _class_info = header.uuid()?;
    let (clsids, sizes) = (header.referent()?, header.referent()?);
    let _reserved = header.referent()?;
    if !clsids || !sizes {
        return Err(Error::Null("CustomHeader.pclsid or pSizes"));
    }
    let mut identifiers = Vec::new();
    for _ in 0..same_count(count, header.count(limits::PROPERTIES, 16)?)? {
        identifiers.push(header.uuid()?);
    }
    let mut rest = blob.get(header_size..).ok_or(Error::Truncated {
        structure: "activation properties",
        needed: header_size,
        remaining: blob.len(),
    })?;
    same_count(count, header.count(limits::PROPERTIES, 4)?)?;
    let mut properties = Vec::with_capacity(identifiers.len());
    for clsid in identifiers {
        let size = header.u32()? as usize;
        let (property, behind) = rest.split_at_checked(size).ok_or(Error::Truncated {
            structure: "activation properties",
            needed: size,
            remaining: rest.len(),
        })?;
        rest = behind;
        // One that is not a serialised type is of no kind that anyone here reads.
        if let Ok(body) = body(property) {
            properties.push((clsid, body));
        }
    }
    Ok(Properties(properties))
}

fn custom_header(
    properties: &[(Uuid, Vec<u8>)],
    serialised: &[Vec<u8>],
    header_size: usize,
    total_size: usize,
) -> Vec<u8> {
    let count = properties.len() as u32;
    let mut header = Encoder::new();
    header.u32(total_size as u32);
    header.u32(header_size as u32);
    header.u32(0); // dwReserved
    header.u32(DIFFERENT_MACHINE);
    header.u32(count);
    header.uuid(&Uuid::nil()); // classInfoClsid
    header.referent();
    header.referent();
    header.null(); // pdwReserved
    header.u32(count);
    for (clsid, _) in properties {
        header.uuid(clsid);
    }
    header.u32(count);
    for property in serialised {
        header.u32(property.len() as u32);
    }
    header.into_bytes()
}

/// A body behind its headers, padded to a multiple of eight: Type Serialization Version 1, \[MS-RPCE\] 2.2.6.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | Version: 1 |
/// | 1 | 1 | Endianness: 0x10 little |
/// | 2 | 2 | CommonHeaderLength: 8 |
/// | 4 | 4 | Filler: 0xCCCCCCCC |
/// | 8 | 4 | ObjectBufferLength: of the padded body |
/// | 12 | 4 | Filler: 0 |
fn serialise(body: &[u8]) -> Vec<u8> {
    let padded = body.len().next_multiple_of(8);
    let mut bytes = Vec::with_capacity(TYPE_HEADER + padded);
    bytes.extend_from_slice(&[0x01, 0x10, 0x08, 0x00, 0xCC, 0xCC, 0xCC, 0xCC]);
    bytes.extend_from_slice(&(padded as u32).to_le_bytes());
    bytes.extend_from_slice(&0_u32.to_le_bytes());
    bytes.extend_from_slice(body);
    bytes.resize(TYPE_HEADER + padded, 0);
    bytes
}

/// The body of a serialised type; it starts at a multiple of eight, so that it may be read as a stub of its own.
fn body(bytes: &[u8]) -> Result<&[u8], Error> {
    let mut header = Decoder::new(bytes);
    let common = header.bytes(4)?;
    if common != [0x01, 0x10, 0x08, 0x00] {
        return Err(Error::Value {
            field: "common type header",
            found: u64::from(u32::from_be_bytes([common[0], common[1], common[2], common[3]])),
        });
    }
    let _filler = header.u32()?;
    let length = header.u32()? as usize;
    let _filler = header.u32()?;
    Ok(header.bytes(length)?)
}

/// Checks that the array has as many elements as the structure says, and at least one.
fn same_count(claimed: u32, found: usize) -> Result<usize, Error> {
    if found == 0 || claimed as usize != found {
        return Err(Error::Value { field: "CustomHeader.cIfs", found: claimed.into() });
    }
    Ok(found)
}
