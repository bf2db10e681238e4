//! Header of a log file.

use crate::bytes::{Fields, put};
use crate::{Digest, Generation, Lsn, PAGE_SIZE, Signature, Timestamp};

use super::{LogDamage, WalPosition};

/// Bytes of the header; the first record follows.
pub const HEADER_SIZE: usize = 4096;

/// First 4096 bytes of a log file, little-endian.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | magic `CERTLOG\0` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | page size, 4096 |
/// | 16 | 16 | signature of the database |
/// | 32 | 4 | generation |
/// | 36 | 4 | flags: 1 = first generation of the signature, 2 = the database was empty before it |
/// | 40 | 8 | creation time |
/// | 48 | 8 | creation time of the previous generation, 0 when first |
/// | 56 | 32 | SHA-256 of the previous generation, 0 when first |
/// | 88 | 8 | number of the first page image (LSN) |
/// | 96 | 4 | pages of the database before it |
/// | 100 | 8 | salts of the write-ahead log |
/// | 108 | 4 | frames of it that are in earlier generations |
/// | 112 | 8 | SQLite's checksum up to there |
/// | 120 | 8 | time of the last commit before |
/// | 128 | 3964 | zero |
/// | 4092 | 4 | CRC-32 of bytes 0..4092 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Identity of the database that the log belongs to.
    pub signature: Signature,
    /// Number of the generation, also in the file name of a closed log.
    pub generation: Generation,
    /// No generation precedes this one under the same signature.
    pub first: bool,
    /// The database was empty: this generation and those after it hold all of it.
    pub origin: bool,
    /// When the file was created.
    pub created: Timestamp,
    /// When the generation before was created.
    pub previous_created: Timestamp,
    /// SHA-256 of the whole generation before.
    pub previous_digest: Digest,
    /// Number of the first page image.
    pub first_lsn: Lsn,
    /// Pages of the database before the first page image.
    pub pages: u32,
    /// Where in SQLite's write-ahead log the first page image was.
    pub wal: WalPosition,
    /// Time of the last commit before the first page image.
    pub last_commit: Timestamp,
}

impl Header {
    /// The bytes of the file.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_SIZE] {
        let mut bytes = [0; HEADER_SIZE];
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, VERSION.to_le_bytes());
        put(&mut bytes, 12, (PAGE_SIZE as u32).to_le_bytes());
        put(&mut bytes, 16, self.signature.0);
        put(&mut bytes, 32, self.generation.0.to_le_bytes());
        put(&mut bytes, 36, (u32::from(self.first) | u32::from(self.origin) << 1).to_le_bytes());
        put(&mut bytes, 40, self.created.0.to_le_bytes());
        put(&mut bytes, 48, self.previous_created.0.to_le_bytes());
        put(&mut bytes, 56, self.previous_digest.0);
        put(&mut bytes, 88, self.first_lsn.0.to_le_bytes());
        put(&mut bytes, 96, self.pages.to_le_bytes());
        put(&mut bytes, 100, self.wal.salts);
        put(&mut bytes, 108, self.wal.frame.to_le_bytes());
        put(&mut bytes, 112, self.wal.checksum[0].to_le_bytes());
        put(&mut bytes, 116, self.wal.checksum[1].to_le_bytes());
        put(&mut bytes, 120, self.last_commit.0.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..CHECKSUM_AT]);
        put(&mut bytes, CHECKSUM_AT, crc.to_le_bytes());
        bytes
    }

    /// Reads the header.
    ///
    /// # Errors
    /// [`LogDamage::NotALog`], [`LogDamage::Checksum`], [`LogDamage::Unsupported`] in that order; [`LogDamage::Field`] for
    /// generation 0, unknown flags, and bytes that must be zero.
    pub fn decode(bytes: &[u8; HEADER_SIZE]) -> Result<Self, LogDamage> {
        let fields = Fields(bytes);
        let magic: [u8; 8] = fields.array(0);
        if magic != MAGIC {
            return Err(LogDamage::NotALog { found: hex::encode(magic) });
        }
        let (stored, computed) = (fields.u32(CHECKSUM_AT), crc32fast::hash(&bytes[..CHECKSUM_AT]));
        if stored != computed {
            return Err(LogDamage::Checksum { stored, computed });
        }
        for (field, at, expected) in [("version", 8, VERSION), ("page size", 12, PAGE_SIZE as u32)] {
            let found = fields.u32(at);
            if found != expected {
                return Err(LogDamage::Unsupported { field, found, expected });
            }
        }
        let generation = Generation(fields.u32(32));
        if generation.0 == 0 {
            return Err(LogDamage::Field { field: "generation", found: 0, expected: 1 });
        }
        let flags = fields.u32(36);
        if flags & !3 != 0 {
            return Err(LogDamage::Field { field: "flags", found: flags.into(), expected: (flags & 3).into() });
        }
        if let Some(byte) = bytes[RESERVED_AT..CHECKSUM_AT].iter().find(|byte| **byte != 0) {
            return Err(LogDamage::Field { field: "reserved byte", found: (*byte).into(), expected: 0 });
        }
        Ok(Self {
            signature: Signature(fields.array(16)),
            generation,
            first: flags & 1 != 0,
            origin: flags & 2 != 0,
            created: Timestamp(fields.u64(40)),
            previous_created: Timestamp(fields.u64(48)),
            previous_digest: Digest(fields.array(56)),
            first_lsn: Lsn(fields.u64(88)),
            pages: fields.u32(96),
            wal: WalPosition {
                salts: fields.array(100),
                frame: fields.u32(108),
                checksum: [fields.u32(112), fields.u32(116)],
            },
            last_commit: Timestamp(fields.u64(120)),
        })
    }

    /// The checksum in the last four bytes; it seeds that of the first record.
    pub(crate) fn seed(bytes: &[u8; HEADER_SIZE]) -> u32 {
        Fields(bytes).u32(CHECKSUM_AT)
    }
}

const MAGIC: [u8; 8] = *b"CERTLOG\0";
const VERSION: u32 = 1;
const RESERVED_AT: usize = 128;
const CHECKSUM_AT: usize = HEADER_SIZE - 4;
