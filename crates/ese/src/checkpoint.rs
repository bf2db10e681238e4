//! `CHECKPOINT`: the checkpoint file of a server.

use crate::bytes::Bytes;
use crate::checksum;
use crate::position::LogPosition;
use crate::signature::Signature;

/// A checkpoint file (`edb.chk`): where recovery of the server would start. It is not part of a backup set.
///
/// Two copies of 4096 bytes:
///
/// | offset | field |
/// |---|---|
/// | 0 | checksum |
/// | 4 | LGPOS of the checkpoint of the last full backup |
/// | 12 | LGPOS of the checkpoint |
/// | 20 | signature of the logs |
/// | 667 | file type: 4 checkpoint |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Where recovery starts.
    pub position: LogPosition,
    /// Where it started at the last full backup.
    pub last_full_backup: LogPosition,
    /// Which run of logs.
    pub log_signature: Signature,
}

const COPY_SIZE: usize = 4096;
const FILE_TYPE: u32 = 4;

impl Checkpoint {
    /// Reads the first sound copy of a file. `None`: both are damaged, or it is no checkpoint.
    #[must_use]
    pub fn parse(file: &[u8]) -> Option<Self> {
        file.chunks_exact(COPY_SIZE).take(2).find_map(|copy| {
            let sound = checksum::header_is_sound(copy) && copy.u32_at(667)? == FILE_TYPE;
            sound.then_some(())?;
            Some(Checkpoint {
                last_full_backup: LogPosition::at(copy, 4)?,
                position: LogPosition::at(copy, 12)?,
                log_signature: Signature::at(copy, 20)?,
            })
        })
    }
}
