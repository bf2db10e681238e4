//! The external header of a root page: whose pages the tree owns.

use crate::bytes::Bytes;
use crate::source::PageNumber;

/// Size of the reserve (`SPLIT_BUFFER`) in front of the prefix on the root of a space tree.
pub(super) const SPLIT_BUFFER: usize = 16;

/// What the first reserved tag of a root page holds.
///
/// Old formats store the [`SpaceHeader`] alone, 16 bytes. Newer ones begin with a byte of flags: 1 = a space header
/// follows, 2 = a number of 8 bytes follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalHeader {
    /// Where the pages of the tree come from.
    pub space: Option<SpaceHeader>,
    /// The highest number that an auto-increment column of the table has given out.
    pub auto_increment: Option<u64>,
}

impl ExternalHeader {
    /// The external header in `bytes`; `None` when it is not one.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<ExternalHeader> {
        if bytes.len() == SpaceHeader::SIZE {
            return Some(ExternalHeader { space: SpaceHeader::parse(bytes), auto_increment: None });
        }
        let flags = bytes.u8_at(0)?;
        let mut at = 1;
        let mut header = ExternalHeader { space: None, auto_increment: None };
        if flags & 0x1 != 0 {
            header.space = Some(SpaceHeader::parse(bytes.get(at..)?)?);
            at += SpaceHeader::SIZE;
        }
        if flags & 0x2 != 0 {
            header.auto_increment = Some(bytes.u64_at(at)?);
        }
        Some(header)
    }
}

/// Where the pages of a tree come from (`SPACE_HEADER`).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | pages of the first extent, or of the last one given out (flag 4) |
/// | 4 | 4 | root page of the tree that gave the pages, 0 for the database itself |
/// | 8 | 4 | flags: 1 = more than one extent, 2 = keys are not unique, 4 = second version |
/// | 12 | 4 | bit map of the free pages behind the root, or the root page of the tree of owned extents |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceHeader {
    /// Pages of the first extent, or of the last one given out.
    pub extent: u32,
    /// Root page of the tree that gave the pages; `None` for the database itself.
    pub parent: Option<PageNumber>,
    /// Whether the keys of the tree are not unique.
    pub non_unique: bool,
    /// How its pages are accounted for.
    pub space: Space,
}

/// How the pages of a tree are accounted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// One extent of up to 32 pages, the root among them.
    Single {
        /// Bit `n` is set: page root + 1 + `n` is free.
        available: u32,
    },
    /// Two trees.
    Multiple {
        /// Root of the tree of owned extents.
        owned: PageNumber,
        /// Root of the tree of available extents: always the page behind.
        available: PageNumber,
    },
}

impl SpaceHeader {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// The space header at the start of `bytes`; `None` if they are too short.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<SpaceHeader> {
        let (flags, last) = (bytes.u8_at(8)?, bytes.u32_at(12)?);
        let space = if flags & 0x1 != 0 {
            Space::Multiple { owned: PageNumber(last), available: PageNumber(last.wrapping_add(1)) }
        } else {
            Space::Single { available: last }
        };
        Some(SpaceHeader {
            extent: bytes.u32_at(0)?,
            parent: PageNumber::some(bytes.u32_at(4)?),
            non_unique: flags & 0x2 != 0,
            space,
        })
    }
}
