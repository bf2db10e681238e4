//! The header of a page.

use crate::bytes::Bytes;
use crate::page::PageFlags;
use crate::source::{ObjectId, PageNumber};

/// The first 40 bytes of a page (`PGHDR`).
///
/// | offset | size | field | name in ESE |
/// |---|---|---|---|
/// | 0 | 8 | checksum | `checksum` |
/// | 8 | 8 | time of the last change, counted by the database | `dbtimeDirtied` |
/// | 16 | 4 | page to the left on the same level, 0 = none | `pgnoPrev` |
/// | 20 | 4 | page to the right | `pgnoNext` |
/// | 24 | 4 | tree | `objidFDP` |
/// | 28 | 2 | free bytes | `cbFree` |
/// | 30 | 2 | free bytes that a roll-back may claim | `cbUncommittedFree` |
/// | 32 | 2 | where the free bytes begin, from the end of the page header | `ibMicFree` |
/// | 34 | 2 | bits 0–11: tags; bits 12–14: reserved tags, 0 in old formats | `itagState` |
/// | 36 | 4 | flags | `fFlags` |
///
/// Pages above 8 KiB go on (`PGHDR2`): at 40 three more checksums, at 64 the page number, at 68 twelve unused bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageHeader {
    /// The stored checksum.
    pub checksum: u64,
    /// Time of the last change, counted by the database.
    pub dbtime: u64,
    /// The page to the left on the same level of the tree.
    pub previous: Option<PageNumber>,
    /// The page to the right.
    pub next: Option<PageNumber>,
    /// The tree that the page belongs to.
    pub objid: ObjectId,
    /// Free bytes, gaps included.
    pub free: u16,
    /// Those of them that a roll-back may claim.
    pub uncommitted_free: u16,
    /// Where the free bytes behind all data begin, counted from the end of the page header.
    pub first_free: u16,
    /// Number of tags, reserved ones included: at most 4095.
    pub tag_count: u16,
    /// Number of reserved tags as stored: 0 in old formats, which have one.
    pub reserved_tags: u8,
    /// What the page is.
    pub flags: PageFlags,
}

const TAG_COUNT_MASK: u16 = 0x0fff;
const RESERVED_TAGS_MASK: u16 = 0x7000;
const RESERVED_TAGS_SHIFT: u32 = 12;

impl PageHeader {
    /// Size in bytes of what every page has.
    pub const SIZE: usize = 40;

    /// The most tags that a page can count.
    pub const MOST_TAGS: u16 = TAG_COUNT_MASK;

    /// The header at the start of `bytes`; `None` if they are too short.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<PageHeader> {
        let state = bytes.u16_at(34)?;
        Some(PageHeader {
            checksum: bytes.u64_at(0)?,
            dbtime: bytes.u64_at(8)?,
            previous: PageNumber::some(bytes.u32_at(16)?),
            next: PageNumber::some(bytes.u32_at(20)?),
            objid: ObjectId(bytes.u32_at(24)?),
            free: bytes.u16_at(28)?,
            uncommitted_free: bytes.u16_at(30)?,
            first_free: bytes.u16_at(32)?,
            tag_count: state & TAG_COUNT_MASK,
            reserved_tags: u8::try_from((state & RESERVED_TAGS_MASK) >> RESERVED_TAGS_SHIFT).ok()?,
            flags: PageFlags::from_bits_retain(bytes.u32_at(36)?),
        })
    }

    /// The header as bytes.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PageHeader::SIZE] {
        let number = |page: Option<PageNumber>| page.map_or(0, |PageNumber(number)| number).to_le_bytes();
        let state = (self.tag_count & TAG_COUNT_MASK)
            | ((u16::from(self.reserved_tags) << RESERVED_TAGS_SHIFT) & RESERVED_TAGS_MASK);
        let mut bytes = [0; PageHeader::SIZE];
        bytes[0..8].copy_from_slice(&self.checksum.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.dbtime.to_le_bytes());
        bytes[16..20].copy_from_slice(&number(self.previous));
        bytes[20..24].copy_from_slice(&number(self.next));
        bytes[24..28].copy_from_slice(&self.objid.0.to_le_bytes());
        bytes[28..30].copy_from_slice(&self.free.to_le_bytes());
        bytes[30..32].copy_from_slice(&self.uncommitted_free.to_le_bytes());
        bytes[32..34].copy_from_slice(&self.first_free.to_le_bytes());
        bytes[34..36].copy_from_slice(&state.to_le_bytes());
        bytes[36..40].copy_from_slice(&self.flags.bits().to_le_bytes());
        bytes
    }

    /// Number of tags before the first node: at least the external header.
    #[must_use]
    pub fn reserved_tag_count(&self) -> u16 {
        u16::from(self.reserved_tags).max(1)
    }
}
