//! `LGPOS`: a place in the logs.

use std::fmt;

use crate::bytes::Bytes;

/// A place in the logs, `LGPOS` (8 bytes: u16 byte, u16 segment, u32 generation). Ordered by generation, segment, byte.
///
/// Shown as ESE shows it: generation, segment and byte in hexadecimal, `00000005:0003:01D5`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition {
    /// The log file.
    pub generation: u32,
    /// The segment (v8: 4096 bytes) or sector (v7) in the file, counted with the header.
    pub segment: u16,
    /// The byte in the segment.
    pub byte: u16,
}

impl LogPosition {
    /// Where it is in the file of its generation, in bytes.
    #[must_use]
    pub fn offset(self, segment_size: usize) -> u64 {
        u64::from(self.segment) * segment_size as u64 + u64::from(self.byte)
    }

    /// The eight bytes of `LGPOS`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let mut bytes = [0; 8];
        bytes[..2].copy_from_slice(&self.byte.to_le_bytes());
        bytes[2..4].copy_from_slice(&self.segment.to_le_bytes());
        bytes[4..].copy_from_slice(&self.generation.to_le_bytes());
        bytes
    }

    pub(crate) fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        let bytes: [u8; 8] = bytes.array(offset)?;
        Some(LogPosition {
            byte: u16::from_le_bytes([bytes[0], bytes[1]]),
            segment: u16::from_le_bytes([bytes[2], bytes[3]]),
            generation: u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        })
    }
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08X}:{:04X}:{:04X}", self.generation, self.segment, self.byte)
    }
}

impl fmt::Debug for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
