//! Compressed values (`CDataCompressor` of ESE).
//!
//! The first byte says how: the upper five bits are the scheme, the lower three belong to it.
//!
//! | scheme | name | what follows |
//! |---|---|---|
//! | 1 | 7-bit ASCII | characters of 7 bits, lowest bits first; the lower three bits of the first byte are the bits used of the last one, less one |
//! | 2 | 7-bit Unicode | the same, for 16-bit characters below 128 |
//! | 3 | XPRESS | 16-bit size of the result, then the plain LZ77 variant of \[MS-XCA\] 2.3 |
//! | 4 | scrubbed | a fill byte: the value was overwritten after it was deleted |
//! | 5, 6, 7 | XPRESS9, XPRESS10, LZ4 | not read here |

mod seven_bit;
mod xpress;

/// Why a value cannot be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CompressionError {
    /// The bytes are not what their scheme demands.
    Corrupt,
    /// The value was overwritten after it was deleted.
    Scrubbed,
    /// A scheme that is not read here: its name.
    Unsupported(&'static str),
}

/// Decompresses one value, or one chunk of a long value. The result has at most 64 KiB, or not quite three times as
/// many bytes as `bytes`.
///
/// # Errors
/// [`CompressionError`]
pub fn decompress(bytes: &[u8]) -> Result<Vec<u8>, CompressionError> {
    let (header, rest) = bytes.split_first().ok_or(CompressionError::Corrupt)?;
    let parameter = header & 0x7;
    let result = match header >> 3 {
        1 => seven_bit::unpack(rest, parameter, |character| [character]),
        2 => seven_bit::unpack(rest, parameter, |character| [character, 0]),
        3 => rest.split_first_chunk().and_then(|(size, rest)| xpress::decode(rest, u16::from_le_bytes(*size).into())),
        4 => return Err(CompressionError::Scrubbed),
        5 => return Err(CompressionError::Unsupported("XPRESS9 compression")),
        6 => return Err(CompressionError::Unsupported("XPRESS10 compression")),
        7 => return Err(CompressionError::Unsupported("LZ4 compression")),
        _ => None,
    };
    result.ok_or(CompressionError::Corrupt)
}
