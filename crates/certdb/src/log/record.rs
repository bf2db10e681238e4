//! Records of a log file.

use crate::bytes::{Fields, put};
use crate::{Lsn, PAGE_SIZE, Timestamp};

use super::{LogDamage, WalPosition};

/// Bytes that every record starts with; a page image or padding may follow.
pub(crate) const RECORD_SIZE: usize = 64;

/// One record. All start with 64 bytes, little-endian:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | CRC-32 of the rest of the record, seeded with the CRC of the record before (of the header, for the first) |
/// | 4 | 1 | type: 1 page image, 2 sync note, 3 end mark |
/// | 5 | 3 | zero |
/// | 8 | 8 | LSN: of this page image, or of the next one |
/// | 16 | 20 | place in the write-ahead log behind this record: salts (8), frames (4), checksum (8) |
/// | 36 | 4 | page number \| length of the padding \| transactions in the file |
/// | 40 | 4 | pages of the database after the commit, 0 inside a transaction \| zero \| page images in the file |
/// | 44 | 4 | zero |
/// | 48 | 8 | time of the commit, 0 inside a transaction \| time of the note \| time of the first commit in the file |
/// | 56 | 8 | zero \| zero \| time of the last commit in the file |
///
/// A page image has 4096 more bytes, a sync note as many zero bytes as bring its end to a multiple of 4096 in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A page as a transaction left it.
    Page(PageImage),
    /// Everything before is on the disk; a checkpoint may follow.
    Sync(SyncNote),
    /// The generation is complete; nothing follows.
    End(EndMark),
}

/// A page as a transaction left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImage {
    /// Number of the image in the run of all logs.
    pub lsn: Lsn,
    /// Place in the write-ahead log behind the frame that it was taken from.
    pub wal: WalPosition,
    /// Page number, from 1.
    pub page: u32,
    /// Pages of the database after the commit; 0 in all images but the last of a transaction.
    pub commit_pages: u32,
    /// Time of the commit; 0 in all images but the last of a transaction.
    pub time: Timestamp,
    /// The 4096 bytes of the page.
    pub image: Vec<u8>,
}

/// Written and synced before each checkpoint: no page reaches the database file before its image is durable here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SyncNote {
    /// Number of the next page image.
    pub next_lsn: Lsn,
    /// Place in the write-ahead log up to which its frames are in the logs.
    pub wal: WalPosition,
    /// When the note was written.
    pub time: Timestamp,
    /// Zero bytes that follow.
    pub padding: u32,
}

/// Last record of a closed generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMark {
    /// Number of the first page image of the next generation.
    pub next_lsn: Lsn,
    /// Place in the write-ahead log up to which its frames are in the logs.
    pub wal: WalPosition,
    /// Transactions in the file.
    pub transactions: u32,
    /// Page images in the file.
    pub images: u32,
    /// Time of the first commit in the file, 0 when there is none.
    pub first_commit: Timestamp,
    /// Time of the last commit in the file, 0 when there is none.
    pub last_commit: Timestamp,
}

impl Record {
    /// Appends the bytes of the record; `seed` is the checksum of the record before. Returns the checksum of this one.
    pub(crate) fn encode(&self, seed: u32, into: &mut Vec<u8>) -> u32 {
        let mut bytes = [0; RECORD_SIZE];
        let (kind, lsn, wal) = match self {
            Self::Page(page) => (PAGE, page.lsn, page.wal),
            Self::Sync(note) => (SYNC, note.next_lsn, note.wal),
            Self::End(end) => (END, end.next_lsn, end.wal),
        };
        bytes[4] = kind;
        put(&mut bytes, 8, lsn.0.to_le_bytes());
        put(&mut bytes, 16, wal.salts);
        put(&mut bytes, 24, wal.frame.to_le_bytes());
        put(&mut bytes, 28, wal.checksum[0].to_le_bytes());
        put(&mut bytes, 32, wal.checksum[1].to_le_bytes());
        let mut padding = 0;
        let mut image: &[u8] = &[];
        match self {
            Self::Page(page) => {
                put(&mut bytes, 36, page.page.to_le_bytes());
                put(&mut bytes, 40, page.commit_pages.to_le_bytes());
                put(&mut bytes, 48, page.time.0.to_le_bytes());
                image = &page.image;
            }
            Self::Sync(note) => {
                padding = note.padding as usize;
                put(&mut bytes, 36, note.padding.to_le_bytes());
                put(&mut bytes, 48, note.time.0.to_le_bytes());
            }
            Self::End(end) => {
                put(&mut bytes, 36, end.transactions.to_le_bytes());
                put(&mut bytes, 40, end.images.to_le_bytes());
                put(&mut bytes, 48, end.first_commit.0.to_le_bytes());
                put(&mut bytes, 56, end.last_commit.0.to_le_bytes());
            }
        }
        let start = into.len();
        into.extend_from_slice(&bytes);
        into.extend_from_slice(image);
        into.resize(into.len() + padding, 0);
        let checksum = checksum(seed, &into[start + 4..], &[]);
        put(&mut into[start..], 0, checksum.to_le_bytes());
        checksum
    }

    /// Bytes that follow the first 64 of a record at `offset` in the file.
    pub(crate) fn body_size(head: &[u8; RECORD_SIZE], offset: u64) -> Result<usize, LogDamage> {
        match head[4] {
            PAGE => Ok(PAGE_SIZE),
            END => Ok(0),
            SYNC => {
                let (found, expected) = (Fields(head).u32(36), padding(offset));
                if found != expected {
                    return Err(LogDamage::Field {
                        field: "length of the padding",
                        found: found.into(),
                        expected: expected.into(),
                    });
                }
                Ok(expected as usize)
            }
            found => Err(LogDamage::RecordType { found }),
        }
    }

    /// Reads a record whose body has the length that [`Record::body_size`] gave. Returns it with its checksum.
    pub(crate) fn decode(seed: u32, head: &[u8; RECORD_SIZE], body: Vec<u8>) -> Result<(Self, u32), LogDamage> {
        let fields = Fields(head);
        let (stored, computed) = (fields.u32(0), checksum(seed, &head[4..], &body));
        if stored != computed {
            return Err(LogDamage::Checksum { stored, computed });
        }
        let lsn = Lsn(fields.u64(8));
        let wal =
            WalPosition { salts: fields.array(16), frame: fields.u32(24), checksum: [fields.u32(28), fields.u32(32)] };
        let zero: &[std::ops::Range<usize>] = match head[4] {
            PAGE => &[5..8, 44..48, 56..64],
            SYNC => &[5..8, 40..48, 56..64],
            _ => &[5..8, 44..48],
        };
        let padding: &[u8] = if head[4] == SYNC { &body } else { &[] };
        if let Some(byte) = zero.iter().flat_map(|range| &head[range.clone()]).chain(padding).find(|byte| **byte != 0) {
            return Err(LogDamage::Field { field: "reserved byte", found: (*byte).into(), expected: 0 });
        }
        let record = match head[4] {
            PAGE => {
                let (page, commit_pages) = (fields.u32(36), fields.u32(40));
                if page == 0 {
                    return Err(LogDamage::Field { field: "page number", found: 0, expected: 1 });
                }
                Self::Page(PageImage { lsn, wal, page, commit_pages, time: Timestamp(fields.u64(48)), image: body })
            }
            SYNC => {
                Self::Sync(SyncNote { next_lsn: lsn, wal, time: Timestamp(fields.u64(48)), padding: fields.u32(36) })
            }
            END => Self::End(EndMark {
                next_lsn: lsn,
                wal,
                transactions: fields.u32(36),
                images: fields.u32(40),
                first_commit: Timestamp(fields.u64(48)),
                last_commit: Timestamp(fields.u64(56)),
            }),
            found => return Err(LogDamage::RecordType { found }),
        };
        Ok((record, stored))
    }
}

/// Padding of a sync note that starts at `offset`: its end, and so all that is synced with it, fills whole blocks. What is
/// appended later shares no block with it that a torn write could damage.
pub(crate) fn padding(offset: u64) -> u32 {
    let end = offset % BLOCK + RECORD_SIZE as u64;
    u32::try_from(end.next_multiple_of(BLOCK) - end).unwrap_or(0)
}

const PAGE: u8 = 1;
const SYNC: u8 = 2;
const END: u8 = 3;
const BLOCK: u64 = 4096;

fn checksum(seed: u32, head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(seed);
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}
