//! VARIANT: the value of a configuration entry.

use dcerpc::ndr::{Decoder, Encoder};

use crate::{Error, limits};

/// VARIANT, \[MS-OAUT\] 2.2.29, as far as GetConfigEntry returns it (\[MS-CSRA\] 3.1.4.2.14).
///
/// On the wire, a pointer to (aligned to 8):
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | clSize: of everything, in units of eight bytes |
/// | 4 | 4 | rpcReserved |
/// | 8 | 2 | vt |
/// | 10 | 6 | wReserved1 to 3 |
/// | 16 | 4 | discriminant: vt, or 0x2000 for any array |
/// | 20 | – | the value, or a pointer to it |
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variant {
    /// VT_EMPTY: no value.
    Empty,
    /// VT_I4: a REG_DWORD.
    I4(i32),
    /// VT_BSTR: a REG_SZ.
    Bstr(String),
    /// VT_ARRAY | VT_BSTR: a REG_MULTI_SZ.
    BstrArray(Vec<String>),
    /// VT_ARRAY | VT_UI1: a REG_BINARY.
    Bytes(Vec<u8>),
}

const VT_EMPTY: u16 = 0;
const VT_NULL: u16 = 1;
const VT_I4: u16 = 3;
const VT_BSTR: u16 = 8;
const VT_UI1: u16 = 17;
const VT_ARRAY: u16 = 0x2000;

/// SAFEARRAY.fFeatures: an array of BSTR, \[MS-OAUT\] 2.2.9 (FADF_BSTR).
const FEATURE_BSTR: u16 = 0x0100;
/// SAFEARRAY.fFeatures: the type of the elements is in cLocks (FADF_HAVEVARTYPE).
const FEATURE_HAS_TYPE: u16 = 0x0080;

/// SAFEARRAYUNION discriminant of an array of BSTR, \[MS-OAUT\] 2.2.30.9.
const SF_BSTR: u32 = VT_BSTR as u32;
/// SAFEARRAYUNION discriminant of an array of octets: VT_I1, whether they are signed or not.
const SF_I1: u32 = 16;

/// cBytes of a BSTR that is null rather than empty, \[MS-OAUT\] 2.2.23.1.
const NULL_BSTR: u32 = 0xFFFF_FFFF;

impl Variant {
    /// The type on the wire, \[MS-OAUT\] 2.2.7.
    #[must_use]
    pub fn vt(&self) -> u16 {
        match self {
            Self::Empty => VT_EMPTY,
            Self::I4(_) => VT_I4,
            Self::Bstr(_) => VT_BSTR,
            Self::BstrArray(_) => VT_ARRAY | VT_BSTR,
            Self::Bytes(_) => VT_ARRAY | VT_UI1,
        }
    }

    /// Writes `[out, ref] VARIANT*`: the pointer that VARIANT itself is, and the value behind it.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.referent();
        stub.align(8);
        let start = stub.position();
        stub.u32(0); // clSize, once it is known
        stub.u32(0); // rpcReserved
        stub.u16(self.vt());
        for _ in 0..3 {
            stub.u16(0); // wReserved1 to 3
        }
        let discriminant = match self {
            Self::BstrArray(_) | Self::Bytes(_) => VT_ARRAY,
            _ => self.vt(),
        };
        stub.u32(discriminant.into());
        match self {
            Self::Empty => {}
            Self::I4(value) => stub.i32(*value),
            Self::Bstr(value) => {
                stub.referent();
                encode_bstr(value, stub);
            }
            Self::BstrArray(values) => {
                encode_array_header(FEATURE_BSTR, 4 /* a pointer */, VT_BSTR, SF_BSTR, values.len(), stub);
                stub.u32(count(values.len()));
                for _ in values {
                    stub.referent();
                }
                for value in values {
                    encode_bstr(value, stub);
                }
            }
            Self::Bytes(bytes) => {
                encode_array_header(0, 1, VT_UI1, SF_I1, bytes.len(), stub);
                stub.conformant_bytes(bytes);
            }
        }
        let size = (stub.position() - start).div_ceil(8);
        stub.patch_u32(start, count(size));
    }

    /// Reads `[out, ref] VARIANT*`. A null pointer is read as [`Variant::Empty`], and so is VT_NULL.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short or above the limits, [`Error::Value`] for other types and for counts that
    /// contradict each other, [`Error::Null`] for arrays that are not there.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        if !stub.referent()? {
            return Ok(Self::Empty);
        }
        stub.align(8)?;
        let _size = stub.u32()?;
        let _reserved = stub.u32()?;
        let vt = stub.u16()?;
        let _reserved = stub.bytes(3 * 2)?;
        let discriminant = stub.u32()?;
        let expected = if vt & VT_ARRAY != 0 { VT_ARRAY } else { vt };
        if discriminant != u32::from(expected) {
            return Err(Error::Value { field: "VARIANT discriminant", found: discriminant.into() });
        }
        match vt {
            VT_EMPTY | VT_NULL => Ok(Self::Empty),
            VT_I4 => Ok(Self::I4(stub.i32()?)),
            VT_BSTR => {
                let present = stub.referent()?;
                decode_bstr(present, stub).map(Self::Bstr)
            }
            _ if vt == VT_ARRAY | VT_BSTR => decode_strings(stub),
            _ if vt == VT_ARRAY | VT_UI1 => decode_bytes(stub),
            _ => Err(Error::Value { field: "VARIANT.vt", found: vt.into() }),
        }
    }
}

/// FLAGGED_WORD_BLOB, \[MS-OAUT\] 2.2.23.1, behind the pointer that a BSTR is.
fn encode_bstr(value: &str, stub: &mut Encoder) {
    let units = value.encode_utf16().count();
    stub.u32(count(units)); // maximum count of asData
    stub.u32(count(2 * units)); // cBytes
    stub.u32(count(units)); // clSize
    for unit in value.encode_utf16() {
        stub.u16(unit);
    }
}

/// A BSTR; one that is null, either way, is read as an empty string.
fn decode_bstr(present: bool, stub: &mut Decoder<'_>) -> Result<String, Error> {
    if !present {
        return Ok(String::new());
    }
    let maximum = stub.u32()?;
    let bytes = stub.u32()?;
    let units = stub.count(limits::VARIANT_ELEMENTS, 2)?;
    if units as u64 != u64::from(maximum) {
        return Err(Error::Value { field: "FLAGGED_WORD_BLOB.clSize", found: units as u64 });
    }
    let consistent = match bytes {
        NULL_BSTR => units == 0,
        _ => bytes as u64 == 2 * units as u64,
    };
    if !consistent {
        return Err(Error::Value { field: "FLAGGED_WORD_BLOB.cBytes", found: bytes.into() });
    }
    let at = stub.position();
    let units: Vec<u16> =
        stub.bytes(2 * units)?.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16(&units).map_err(|_| dcerpc::ndr::Error::Text { at }.into())
}

/// The pointer to a SAFEARRAY of one dimension, \[MS-OAUT\] 2.2.30.10, up to the pointer to its elements, which follow.
fn encode_array_header(
    features: u16,
    element_size: u32,
    element_type: u16,
    kind: u32,
    elements: usize,
    stub: &mut Encoder,
) {
    stub.referent(); // PSAFEARRAY
    stub.referent(); // SAFEARRAY
    stub.u32(1); // maximum count of rgsabound
    stub.u16(1); // cDims
    stub.u16(features | FEATURE_HAS_TYPE);
    stub.u32(element_size);
    stub.u32(u32::from(element_type) << 16); // cLocks
    stub.u32(kind);
    stub.u32(count(elements));
    stub.referent(); // elements
    stub.u32(count(elements)); // rgsabound[0].cElements
    stub.i32(0); // rgsabound[0].lLbound
}

/// Reads what [`encode_array_header`] writes, and returns the number of elements that follow.
fn decode_array_header(kind: u32, stub: &mut Decoder<'_>) -> Result<usize, Error> {
    if !stub.referent()? || !stub.referent()? {
        return Err(Error::Null("VARIANT.parray"));
    }
    let bounds = stub.u32()?;
    let dimensions = stub.u16()?;
    if dimensions != 1 || bounds != 1 {
        return Err(Error::Value { field: "SAFEARRAY.cDims", found: dimensions.into() });
    }
    let _features = stub.u16()?;
    let _element_size = stub.u32()?;
    let _locks = stub.u32()?;
    let found = stub.u32()?;
    if found != kind {
        return Err(Error::Value { field: "SAFEARRAY.sfType", found: found.into() });
    }
    let claimed = stub.u32()?;
    let present = stub.referent()?;
    let bound = stub.u32()?;
    let _lower_bound = stub.i32()?;
    if bound != claimed {
        return Err(Error::Value { field: "SAFEARRAYBOUND.cElements", found: bound.into() });
    }
    let elements = match present {
        true => stub.u32()?,
        false => 0,
    };
    if elements != claimed {
        return Err(Error::Value { field: "SAFEARRAY elements", found: elements.into() });
    }
    let limit = limits::VARIANT_ELEMENTS;
    usize::try_from(elements)
        .ok()
        .filter(|elements| *elements <= limit)
        .ok_or(Error::Value { field: "SAFEARRAY elements", found: elements.into() })
}

fn decode_strings(stub: &mut Decoder<'_>) -> Result<Variant, Error> {
    let elements = decode_array_header(SF_BSTR, stub)?;
    if elements > limits::VARIANT_STRINGS {
        return Err(Error::Value { field: "SAFEARRAY elements", found: elements as u64 });
    }
    let mut present = Vec::new();
    for _ in 0..elements {
        present.push(stub.referent()?);
    }
    let mut strings = Vec::with_capacity(present.len());
    for present in present {
        strings.push(decode_bstr(present, stub)?);
    }
    Ok(Variant::BstrArray(strings))
}

fn decode_bytes(stub: &mut Decoder<'_>) -> Result<Variant, Error> {
    let elements = decode_array_header(SF_I1, stub)?;
    Ok(Variant::Bytes(stub.bytes(elements)?.to_vec()))
}

fn count(elements: usize) -> u32 {
    u32::try_from(elements).unwrap_or(u32::MAX)
}
