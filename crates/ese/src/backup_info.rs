//! `BKINFO`: what a database remembers of a backup.

use crate::bytes::Bytes;
use crate::moment::LogTime;
use crate::position::LogPosition;

/// What the header and the trailer of a database say about one backup, `BKINFO` (24 bytes).
///
/// | offset | field |
/// |---|---|
/// | 0 | LGPOS where the logs stood when it began |
/// | 8 | LOGTIME when it began |
/// | 16 | u32 first generation that it needs |
/// | 20 | u32 last generation that it needs; 0 in the header of a copy, the trailer has it |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BackupInfo {
    /// Where the logs stood when the backup began.
    pub mark: LogPosition,
    /// When it began.
    pub marked: LogTime,
    /// First log generation that it needs; 0: there was no such backup.
    pub low: u32,
    /// Last log generation that it needs.
    pub high: u32,
}

impl BackupInfo {
    /// The bytes of `BKINFO`.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        bytes[..8].copy_from_slice(&self.mark.to_bytes());
        bytes[8..16].copy_from_slice(&self.marked.0);
        bytes[16..20].copy_from_slice(&self.low.to_le_bytes());
        bytes[20..].copy_from_slice(&self.high.to_le_bytes());
        bytes
    }

    pub(crate) fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        Some(BackupInfo {
            mark: LogPosition::at(bytes, offset)?,
            marked: LogTime::at(bytes, offset + 8)?,
            low: bytes.u32_at(offset + 16)?,
            high: bytes.u32_at(offset + 20)?,
        })
    }
}
