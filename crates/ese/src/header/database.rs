//! `DBFILEHDR`: the header of a database.

use super::{DatabaseState, PAGE_SIZES};
use crate::backup_info::BackupInfo;
use crate::bytes::{Bytes, put};
use crate::checksum;
use crate::error::Error;
use crate::jet::JetError;
use crate::moment::LogTime;
use crate::position::LogPosition;
use crate::signature::Signature;

/// The header of a database, `DBFILEHDR`. It fills the first page of the file; the second page holds a copy.
///
/// | offset | field | offset | field |
/// |---|---|---|---|
/// | 0 | checksum | 236 | page size; 0 means 4096 |
/// | 4 | magic 0x89ABCDEF | 296, 300 | first and last generation that recovery needs |
/// | 8 | version | 316 | snapshot backup |
/// | 12 | attribute: 0 database | 348 | creation time of the last generation |
/// | 16 | dbtime | 416 | last generation with changes |
/// | 24 | signature of the database | 420 | last copy backup |
/// | 52 | state | 444 | last differential backup |
/// | 56, 64 | consistent: position, time | 536 | generation that is being replayed |
/// | 72, 80 | attach: time, position | 640 | first generation that consistency needs |
/// | 88, 96 | detach: time, position | 644 | update version, minor |
/// | 108 | signature of the logs | 648 | engine format version |
/// | 136 | last full backup | 667 | file type: 1 database |
/// | 160 | last incremental backup | 672 | creation time of the last generation that recovery needs |
/// | 184 | this backup | | |
/// | 212 | last object number | | |
/// | 216–228 | version of the operating system | | |
/// | 232 | update version, major | | |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseHeader {
    /// Version of the format, 0x620 since 2001.
    pub version: u32,
    /// Major update of the version: 0x14 Server 2012 R2, 0xB4 Server 2022, 0x122 Server 2025.
    pub update_major: u32,
    /// Minor update.
    pub update_minor: u32,
    /// 0 for a database.
    pub attribute: u32,
    /// Counter of changes; no page has a higher one once the database is closed.
    pub dbtime: u64,
    /// Which database.
    pub signature: Signature,
    /// How it was left.
    pub state: DatabaseState,
    /// Where the logs stood when it was closed in order; zero while it is dirty.
    pub consistent: LogPosition,
    /// When it was closed in order.
    pub consistent_time: LogTime,
    /// When it was attached.
    pub attach_time: LogTime,
    /// Where the logs stood then.
    pub attach: LogPosition,
    /// When it was detached.
    pub detach_time: LogTime,
    /// Where the logs stood then.
    pub detach: LogPosition,
    /// Number of the attachment: the `dbid` of its log records.
    pub dbid: u32,
    /// Which run of logs.
    pub log_signature: Signature,
    /// The last full backup after which logs were deleted.
    pub full_backup: BackupInfo,
    /// The last incremental backup.
    pub incremental_backup: BackupInfo,
    /// The backup of which this file is a copy; its `low` is 0 in every other file.
    pub this_backup: BackupInfo,
    /// The snapshot of which this file is a copy.
    pub snapshot: BackupInfo,
    /// The last full backup without truncation.
    pub copy_backup: BackupInfo,
    /// The last object number that was given away.
    pub last_object: u32,
    /// Major and minor version, build and service pack of the operating system.
    pub system: [u32; 4],
    /// Page size in bytes.
    pub page_size: usize,
    /// First log generation that recovery needs; 0: none.
    pub required_low: u32,
    /// Last log generation that recovery needs; 0: none.
    pub required_high: u32,
    /// Last log generation that holds changes of this database.
    pub committed_high: u32,
    /// First log generation that consistency needs.
    pub consistent_low: u32,
    /// Creation time of the last log.
    pub high_created: LogTime,
    /// Creation time of the last log that recovery needs; only in newer formats.
    pub required_high_created: LogTime,
    /// The engine format version that created or upgraded it.
    pub engine_version: u32,
    /// 1 for a database.
    pub file_type: u32,
}

/// Which of the two headers was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderCopy {
    /// Both are sound.
    Both,
    /// Only the first is sound.
    First,
    /// Only the second is sound.
    Second,
}

/// Finds the header of a database in the first bytes of its file, as `ErrUtilReadShadowedHeader` does: the first copy,
/// and the second when the first is damaged. 64 KiB are enough for every page size.
///
/// # Errors
/// [`JetError::DATABASE_CORRUPTED`] when the bytes are no database, or both copies are damaged;
/// [`Error::Unsupported`] for a version that nobody has seen.
pub fn read_header(start: &[u8]) -> Result<(DatabaseHeader, HeaderCopy), Error> {
    let copy = |page: Option<&[u8]>| {
        let page = page?;
        let header = DatabaseHeader::parse(page)?;
        (header.page_size == page.len() && checksum::header_is_sound(page)).then_some(header)
    };
    for size in PAGE_SIZES {
        let first = copy(start.get(..size));
        let second = copy(start.get(size..2 * size));
        let (header, which) = match (first, second) {
            (Some(header), Some(_)) => (header, HeaderCopy::Both),
            (Some(header), None) => (header, HeaderCopy::First),
            (None, Some(header)) => (header, HeaderCopy::Second),
            (None, None) => continue,
        };
        if header.version != DatabaseHeader::VERSION {
            return Err(Error::Unsupported { what: format!("database version {:#x}", header.version) });
        }
        return Ok((header, which));
    }
    let problem = if start.u32_at(4) == Some(checksum::SEED) {
        "both copies of the database header are damaged"
    } else {
        "this is no ESE database"
    };
    Err(Error::Damaged { problem: problem.to_owned(), code: JetError::DATABASE_CORRUPTED })
}

impl DatabaseHeader {
    /// The version that every supported database has.
    pub const VERSION: u32 = 0x620;

    /// Update version from which pages of every size may have reserved tags (Server 2025).
    pub const RESERVED_TAGS: u32 = 0x10E;

    /// Reads the fields; sums are not looked at. `None`: too short, no database, or a page size that cannot be.
    #[must_use]
    pub fn parse(page: &[u8]) -> Option<Self> {
        if page.u32_at(4)? != checksum::SEED {
            return None;
        }
        let page_size = match page.u32_at(236)? {
            0 => 4096,
            size => usize::try_from(size).ok()?,
        };
        if !PAGE_SIZES.contains(&page_size) || page.len() < 748 {
            return None;
        }
        Some(DatabaseHeader {
            version: page.u32_at(8)?,
            attribute: page.u32_at(12)?,
            dbtime: page.u64_at(16)?,
            signature: Signature::at(page, 24)?,
            state: page.u32_at(52)?.into(),
            consistent: LogPosition::at(page, 56)?,
            consistent_time: LogTime::at(page, 64)?,
            attach_time: LogTime::at(page, 72)?,
            attach: LogPosition::at(page, 80)?,
            detach_time: LogTime::at(page, 88)?,
            detach: LogPosition::at(page, 96)?,
            dbid: page.u32_at(104)?,
            log_signature: Signature::at(page, 108)?,
            full_backup: BackupInfo::at(page, 136)?,
            incremental_backup: BackupInfo::at(page, 160)?,
            this_backup: BackupInfo::at(page, 184)?,
            last_object: page.u32_at(212)?,
            system: [page.u32_at(216)?, page.u32_at(220)?, page.u32_at(224)?, page.u32_at(228)?],
            update_major: page.u32_at(232)?,
            page_size,
            required_low: page.u32_at(296)?,
            required_high: page.u32_at(300)?,
            snapshot: BackupInfo::at(page, 316)?,
            high_created: LogTime::at(page, 348)?,
            committed_high: page.u32_at(416)?,
            copy_backup: BackupInfo::at(page, 420)?,
            consistent_low: page.u32_at(640)?,
            update_minor: page.u32_at(644)?,
            engine_version: page.u32_at(648)?,
            file_type: page.u32_at(667)?,
            required_high_created: LogTime::at(page, 672)?,
        })
    }

    /// Writes the fields over a header page and seals it. What this type does not know stays as it is; the page has
    /// [`page_size`](Self::page_size) bytes.
    pub fn write_to(&self, page: &mut [u8]) {
        put(page, 4, &checksum::SEED.to_le_bytes());
        put(page, 8, &self.version.to_le_bytes());
        put(page, 12, &self.attribute.to_le_bytes());
        put(page, 16, &self.dbtime.to_le_bytes());
        put(page, 24, &self.signature.0);
        put(page, 52, &self.state.number().to_le_bytes());
        put(page, 56, &self.consistent.to_bytes());
        put(page, 64, &self.consistent_time.0);
        put(page, 72, &self.attach_time.0);
        put(page, 80, &self.attach.to_bytes());
        put(page, 88, &self.detach_time.0);
        put(page, 96, &self.detach.to_bytes());
        put(page, 104, &self.dbid.to_le_bytes());
        put(page, 108, &self.log_signature.0);
        put(page, 136, &self.full_backup.to_bytes());
        put(page, 160, &self.incremental_backup.to_bytes());
        put(page, 184, &self.this_backup.to_bytes());
        put(page, 212, &self.last_object.to_le_bytes());
        for (offset, number) in (216..).step_by(4).zip(self.system) {
            put(page, offset, &number.to_le_bytes());
        }
        put(page, 232, &self.update_major.to_le_bytes());
        put(page, 236, &u32::try_from(self.page_size).unwrap_or_default().to_le_bytes());
        put(page, 296, &self.required_low.to_le_bytes());
        put(page, 300, &self.required_high.to_le_bytes());
        put(page, 316, &self.snapshot.to_bytes());
        put(page, 348, &self.high_created.0);
        put(page, 416, &self.committed_high.to_le_bytes());
        put(page, 420, &self.copy_backup.to_bytes());
        put(page, 640, &self.consistent_low.to_le_bytes());
        put(page, 644, &self.update_minor.to_le_bytes());
        put(page, 648, &self.engine_version.to_le_bytes());
        put(page, 667, &self.file_type.to_le_bytes());
        put(page, 672, &self.required_high_created.0);
        checksum::seal_header(page);
    }
}
