//! Last page of a database copy in a backup set.

use std::fs::File;
use std::io;

use crate::bytes::{Fields, put};
use crate::platform::PositionedFile;
use crate::{Generation, Lsn, PAGE_SIZE, Signature, Timestamp};

/// What a backup session sends behind the pages of the database: which logs the copy needs, and whether it is whole.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | magic `CERTCPY\0` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | page size, 4096 |
/// | 16 | 16 | signature of the database |
/// | 32 | 8 | pages before this one |
/// | 40 | 4 | first generation that the copy needs |
/// | 44 | 4 | generation that was open when the copy ended |
/// | 48 | 8 | last page image in the logs when the copy began |
/// | 56 | 8 | last page image in the logs when the copy ended; replay must go at least this far |
/// | 64 | 8 | time when the backup began |
/// | 72 | 8 | time when the copy ended |
/// | 80 | 4 | CRC-32 of the pages before |
/// | 84 | 4008 | zero |
/// | 4092 | 4 | CRC-32 of bytes 0..4092 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trailer {
    /// Identity of the database.
    pub signature: Signature,
    /// Pages before the trailer.
    pub pages: u64,
    /// First generation that the copy needs.
    pub low: Generation,
    /// Generation that was open when the copy ended.
    pub high: Generation,
    /// Last page image in the logs when the copy began.
    pub begin_lsn: Lsn,
    /// Last page image in the logs when the copy ended.
    pub end_lsn: Lsn,
    /// When the backup began.
    pub began: Timestamp,
    /// When the copy ended.
    pub ended: Timestamp,
    /// CRC-32 of the pages.
    pub checksum: u32,
}

impl Trailer {
    /// The page.
    #[must_use]
    pub fn encode(&self) -> [u8; PAGE_SIZE] {
        let mut bytes = [0; PAGE_SIZE];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, VERSION.to_le_bytes());
        put(&mut bytes, 12, (PAGE_SIZE as u32).to_le_bytes());
        put(&mut bytes, 16, self.signature.0);
        put(&mut bytes, 32, self.pages.to_le_bytes());
        put(&mut bytes, 40, self.low.0.to_le_bytes());
        put(&mut bytes, 44, self.high.0.to_le_bytes());
        put(&mut bytes, 48, self.begin_lsn.0.to_le_bytes());
        put(&mut bytes, 56, self.end_lsn.0.to_le_bytes());
        put(&mut bytes, 64, self.began.0.to_le_bytes());
        put(&mut bytes, 72, self.ended.0.to_le_bytes());
        put(&mut bytes, 80, self.checksum.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CHECKSUM_AT]);
        put(&mut bytes, CHECKSUM_AT, crc.to_le_bytes());
        bytes
    }

    /// Reads the page; `None` when it is not a trailer, or damaged.
    #[must_use]
    pub fn decode(bytes: &[u8; PAGE_SIZE]) -> Option<Self> {
        let fields = Fields(bytes);
        let valid = fields.array(0) == MAGIC
            && fields.u32(8) == VERSION
            && fields.u32(12) == PAGE_SIZE as u32
            && fields.u32(CHECKSUM_AT) == crc32fast::hash(&bytes[..CHECKSUM_AT])
            && bytes[RESERVED_AT..CHECKSUM_AT].iter().all(|byte| *byte == 0);
        let trailer = Self {
            signature: Signature(fields.array(16)),
            pages: fields.u64(32),
            low: Generation(fields.u32(40)),
            high: Generation(fields.u32(44)),
            begin_lsn: Lsn(fields.u64(48)),
            end_lsn: Lsn(fields.u64(56)),
            began: Timestamp(fields.u64(64)),
            ended: Timestamp(fields.u64(72)),
            checksum: fields.u32(80),
        };
        (valid && trailer.low.0 > 0 && trailer.low <= trailer.high && trailer.begin_lsn <= trailer.end_lsn)
            .then_some(trailer)
    }

    /// The trailer at the end of a file.
    pub(crate) fn of_file(file: &File) -> io::Result<Option<Self>> {
        let length = file.metadata()?.len();
        let Some(at) = length.checked_sub(PAGE_SIZE as u64).filter(|at| at.is_multiple_of(PAGE_SIZE as u64)) else {
            return Ok(None);
        };
        let mut bytes = [0; PAGE_SIZE];
        file.read_exact_at(&mut bytes, at)?;
        Ok(Self::decode(&bytes).filter(|trailer| trailer.pages.checked_mul(PAGE_SIZE as u64) == Some(at)))
    }
}

const MAGIC: [u8; 8] = *b"CERTCPY\0";
const VERSION: u32 = 1;
const RESERVED_AT: usize = 84;
const CHECKSUM_AT: usize = PAGE_SIZE - 4;
