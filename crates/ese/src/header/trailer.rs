//! `PATCHHDR`: the trailer page of a backup copy.

use crate::backup_info::BackupInfo;
use crate::bytes::{Bytes, put};
use crate::checksum;
use crate::moment::LogTime;
use crate::signature::Signature;

/// The last page of a backup copy of a database, `PATCHHDR`: what was known when the copy was done. One page, of which
/// 156 bytes are used.
///
/// | offset | field |
/// |---|---|
/// | 0 | checksum, as in a header |
/// | 40 | [`BackupInfo`], with the last generation that the copy needs |
/// | 64 | signature of the database |
/// | 92 | signature of the logs |
/// | 120, 124 | first and last generation that recovery needs |
/// | 128 | last generation with changes |
/// | 132, 140 | LOGTIME of the last two |
///
/// Everything from 120 on is zero in older formats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// The backup.
    pub backup: BackupInfo,
    /// Which database.
    pub signature: Signature,
    /// Which run of logs.
    pub log_signature: Signature,
    /// First generation that recovery needs.
    pub required_low: u32,
    /// Last generation that recovery needs.
    pub required_high: u32,
    /// Last generation with changes.
    pub committed_high: u32,
    /// Creation time of the last generation that recovery needs.
    pub required_high_created: LogTime,
    /// Creation time of the last generation with changes.
    pub committed_high_created: LogTime,
}

impl Trailer {
    /// Reads a trailer page. `None`: it is damaged, or it is none.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Self> {
        // A page of zeros fits no sum: the sum of nothing is the seed.
        if !checksum::header_is_sound(page) {
            return None;
        }
        Some(Trailer {
            backup: BackupInfo::at(page, 40)?,
            signature: Signature::at(page, 64)?,
            log_signature: Signature::at(page, 92)?,
            required_low: page.u32_at(120)?,
            required_high: page.u32_at(124)?,
            committed_high: page.u32_at(128)?,
            required_high_created: LogTime::at(page, 132)?,
            committed_high_created: LogTime::at(page, 140)?,
        })
    }

    /// The page, sealed.
    #[must_use]
    pub fn to_page(&self, page_size: usize) -> Vec<u8> {
        let mut page = vec![0; page_size];
        put(&mut page, 40, &self.backup.to_bytes());
        put(&mut page, 64, &self.signature.0);
        put(&mut page, 92, &self.log_signature.0);
        put(&mut page, 120, &self.required_low.to_le_bytes());
        put(&mut page, 124, &self.required_high.to_le_bytes());
        put(&mut page, 128, &self.committed_high.to_le_bytes());
        put(&mut page, 132, &self.required_high_created.0);
        put(&mut page, 140, &self.committed_high_created.0);
        checksum::seal_header(&mut page);
        page
    }
}
