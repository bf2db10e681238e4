//! `LGFILEHDR`: the header of a log.

use crate::bytes::{Bytes, put};
use crate::checksum;
use crate::moment::LogTime;
use crate::position::LogPosition;
use crate::signature::Signature;

/// The header of a log file, `LGFILEHDR`, 4096 bytes.
///
/// | offset | field | offset | field |
/// |---|---|---|---|
/// | 0 | checksum | 44 | signature of this run of logs |
/// | 4 | generation | 72 | `DBMS_PARAM`, 567 bytes: two paths and the settings of the engine |
/// | 8 | u16 sector size | 639 | flags: 1 reserve log, 2 circular logging, 4 circular logging before |
/// | 10 | u16 sectors of the header | 640 | where the checkpoint was |
/// | 12 | u16 sectors of the file | 648 | version, update minor |
/// | 14 | u16 page size of the databases; 0 means 4096 | 653 | u64 sum over the segments of the previous log |
/// | 16 | creation time | 661 | engine format version |
/// | 24 | creation time of the previous generation | 667 | file type: 3 log |
/// | 32, 36, 40 | version: major, minor, update major | 671 | attached databases, 2048 bytes |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogHeader {
    /// The generation, from 1.
    pub generation: u32,
    /// Sector size: 4096 in version 8, 512 before.
    pub sector_size: u16,
    /// Sectors of the header.
    pub header_sectors: u16,
    /// Sectors of the file, with the header.
    pub sectors: u16,
    /// Page size of the databases.
    pub page_size: usize,
    /// When the file was created.
    pub created: LogTime,
    /// When the previous generation was created; none in the first.
    pub previous_created: LogTime,
    /// Version: major, minor, update major, update minor.
    pub version: [u32; 4],
    /// Which run of logs.
    pub signature: Signature,
    /// Directory of the checkpoint and directory of the logs, as the server wrote them; for information.
    pub paths: [String; 2],
    /// 1 reserve log, 2 circular logging, 4 circular logging in an earlier generation.
    pub flags: u8,
    /// Where the checkpoint was when this file was created.
    pub checkpoint: LogPosition,
    /// Exclusive or of the sums of all segments of the previous generation; from update minor 13 on.
    pub previous_segments: u64,
    /// The engine format version.
    pub engine_version: u32,
    /// 3 for a log.
    pub file_type: u32,
    /// The databases that were attached when the file was created.
    pub attachments: Vec<Attachment>,
}

/// A database that was attached when a log was created, `ATTACHINFO`.
///
/// | offset | field |
/// |---|---|
/// | 0 | u8 number of the database in the log records; 0 ends the list |
/// | 1 | u8 flags: 0x20 the name is UTF-16 |
/// | 2 | u16 bytes of the name |
/// | 4 | u64 dbtime |
/// | 12 | u32 last object number |
/// | 16 | u32 largest size in pages |
/// | 20, 28 | LGPOS of attach, of the last consistent state |
/// | 36 | signature of the database |
/// | 64 | the name, terminated |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Number of the database in the log records.
    pub dbid: u8,
    /// Its counter of changes.
    pub dbtime: u64,
    /// Where it was attached.
    pub attach: LogPosition,
    /// Where it was last consistent.
    pub consistent: LogPosition,
    /// Which database.
    pub signature: Signature,
    /// Its path on the server.
    pub path: String,
}

const ATTACHMENTS: std::ops::Range<usize> = 671..671 + 2048;
const ATTACHMENT_FIXED: usize = 64;
const UNICODE_NAMES: u8 = 0x20;
const PATH_SIZE: usize = 261;

impl LogHeader {
    /// Update minor from which a header has the sum over the segments of its predecessor.
    pub const PREVIOUS_SEGMENTS: u32 = 13;

    /// Reads a header that fits its sum. `None`: damaged, or no log.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..super::SEGMENT_SIZE)?;
        if !checksum::header_is_sound(bytes) || bytes.u32_at(667)? != 3 {
            return None;
        }
        let header = LogHeader {
            generation: bytes.u32_at(4)?,
            sector_size: bytes.u16_at(8)?,
            header_sectors: bytes.u16_at(10)?,
            sectors: bytes.u16_at(12)?,
            page_size: match bytes.u16_at(14)? {
                0 => 4096,
                size => size.into(),
            },
            created: LogTime::at(bytes, 16)?,
            previous_created: LogTime::at(bytes, 24)?,
            version: [bytes.u32_at(32)?, bytes.u32_at(36)?, bytes.u32_at(40)?, bytes.u32_at(648)?],
            signature: Signature::at(bytes, 44)?,
            paths: [text(bytes, 72), text(bytes, 72 + PATH_SIZE)],
            flags: bytes.u8_at(639)?,
            checkpoint: LogPosition::at(bytes, 640)?,
            previous_segments: bytes.u64_at(653)?,
            engine_version: bytes.u32_at(661)?,
            file_type: bytes.u32_at(667)?,
            attachments: attachments(bytes.get(ATTACHMENTS)?),
        };
        let shape = match header.version[0] {
            8.. => header.sector_size == 4096 && header.header_sectors == 1,
            _ => header.sector_size >= 512 && header.sector_size <= 4096 && header.sector_size.is_power_of_two(),
        };
        (shape && header.generation != 0 && header.sectors > header.header_sectors).then_some(header)
    }

    /// Bytes that the file must have.
    #[must_use]
    pub fn file_size(&self) -> u64 {
        u64::from(self.sectors) * u64::from(self.sector_size)
    }

    /// Whether this is the sector format of Windows 7 and before.
    #[must_use]
    pub fn is_legacy(&self) -> bool {
        self.version[0] < 8
    }

    /// The 4096 bytes, sealed. Names of databases are written in UTF-16; attachments that find no room are left out.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; super::SEGMENT_SIZE];
        put(&mut bytes, 4, &self.generation.to_le_bytes());
        put(&mut bytes, 8, &self.sector_size.to_le_bytes());
        put(&mut bytes, 10, &self.header_sectors.to_le_bytes());
        put(&mut bytes, 12, &self.sectors.to_le_bytes());
        put(&mut bytes, 14, &u16::try_from(self.page_size).unwrap_or_default().to_le_bytes());
        put(&mut bytes, 16, &self.created.0);
        put(&mut bytes, 24, &self.previous_created.0);
        for (offset, number) in [32, 36, 40, 648].into_iter().zip(self.version) {
            put(&mut bytes, offset, &number.to_le_bytes());
        }
        put(&mut bytes, 44, &self.signature.0);
        for (offset, path) in [72, 72 + PATH_SIZE].into_iter().zip(&self.paths) {
            let path = path.as_bytes();
            put(&mut bytes, offset, path.get(..PATH_SIZE - 1).unwrap_or(path));
        }
        put(&mut bytes, 639, &[self.flags]);
        put(&mut bytes, 640, &self.checkpoint.to_bytes());
        put(&mut bytes, 653, &self.previous_segments.to_le_bytes());
        put(&mut bytes, 661, &self.engine_version.to_le_bytes());
        put(&mut bytes, 667, &self.file_type.to_le_bytes());
        let mut at = ATTACHMENTS.start;
        for attachment in &self.attachments {
            let encoded = attachment.to_bytes();
            if at + encoded.len() >= ATTACHMENTS.end {
                break;
            }
            put(&mut bytes, at, &encoded);
            at += encoded.len();
        }
        checksum::seal_header(&mut bytes);
        bytes
    }
}

impl Attachment {
    fn to_bytes(&self) -> Vec<u8> {
        let name: Vec<u8> = self.path.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let mut bytes = vec![0; ATTACHMENT_FIXED];
        put(&mut bytes, 0, &[self.dbid, UNICODE_NAMES]);
        put(&mut bytes, 2, &u16::try_from(name.len()).unwrap_or_default().to_le_bytes());
        put(&mut bytes, 4, &self.dbtime.to_le_bytes());
        put(&mut bytes, 20, &self.attach.to_bytes());
        put(&mut bytes, 28, &self.consistent.to_bytes());
        put(&mut bytes, 36, &self.signature.0);
        bytes.extend(name);
        bytes
    }
}

/// The list of databases, up to the first entry that does not fit.
fn attachments(mut bytes: &[u8]) -> Vec<Attachment> {
    let mut list = Vec::new();
    while let Some((attachment, rest)) = attachment(bytes) {
        list.push(attachment);
        bytes = rest;
    }
    list
}

fn attachment(bytes: &[u8]) -> Option<(Attachment, &[u8])> {
    let dbid = bytes.u8_at(0).filter(|dbid| *dbid != 0)?;
    let unicode = bytes.u8_at(1)? & UNICODE_NAMES != 0;
    let end = ATTACHMENT_FIXED + usize::from(bytes.u16_at(2)?);
    let name = bytes.get(ATTACHMENT_FIXED..end)?;
    let path = if unicode {
        let units: Vec<u16> = name.as_chunks::<2>().0.iter().map(|unit| u16::from_le_bytes(*unit)).collect();
        String::from_utf16_lossy(units.split(|unit| *unit == 0).next().unwrap_or_default())
    } else {
        String::from_utf8_lossy(name.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
    };
    let attachment = Attachment {
        dbid,
        dbtime: bytes.u64_at(4)?,
        attach: LogPosition::at(bytes, 20)?,
        consistent: LogPosition::at(bytes, 28)?,
        signature: Signature::at(bytes, 36)?,
        path,
    };
    Some((attachment, bytes.get(end..)?))
}

fn text(bytes: &[u8], offset: usize) -> String {
    let path = bytes.get(offset..offset + PATH_SIZE).unwrap_or_default();
    String::from_utf8_lossy(path.split(|byte| *byte == 0).next().unwrap_or_default()).into_owned()
}
