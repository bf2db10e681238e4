//! CERTTRANSBLOB, \[MS-CSRA\] 2.2.1.4: a length, and a pointer to as many bytes.

use dcerpc::ndr::{Decoder, Encoder};

use crate::{Error, limits};

/// Writes the structure; no bytes are a null pointer.
pub(crate) fn encode(bytes: &[u8], stub: &mut Encoder) {
    stub.u32(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    if bytes.is_empty() {
        stub.null();
    } else {
        stub.referent();
        stub.conformant_bytes(bytes);
    }
}

/// Reads the structure.
///
/// # Errors
/// [`Error::Ndr`] when it is cut short or longer than [`limits::BLOB`], [`Error::Value`] when the length and the size of
/// the array contradict each other.
pub(crate) fn decode<'a>(stub: &mut Decoder<'a>) -> Result<&'a [u8], Error> {
    let claimed = stub.u32()?;
    let bytes: &[u8] = if stub.referent()? { stub.conformant_bytes(limits::BLOB)? } else { &[] };
    if bytes.len() as u64 != u64::from(claimed) {
        return Err(Error::Value { field: "CERTTRANSBLOB.cb", found: claimed.into() });
    }
    Ok(bytes)
}
