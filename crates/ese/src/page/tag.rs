//! Tags: where the parts of a page are.

use crate::bytes::Bytes;
use crate::page::{Layout, NodeFlags};

/// Where a part of a page is (`TAG`).
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | size: 13 bits on small pages, 15 on large ones |
/// | 2 | 2 | offset from the end of the page header, as wide; on small pages bits 13–15 are the flags of the node |
///
/// On large pages the flags are the upper three bits of the second byte that the tag points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// From the end of the page header, in bytes.
    pub offset: u16,
    /// In bytes.
    pub size: u16,
    /// Empty on large pages: see [`NodeFlags::of_line`].
    pub flags: NodeFlags,
}

impl Tag {
    /// Size of a tag in bytes.
    pub const SIZE: usize = 4;

    /// The tag at the start of `bytes`; `None` if they are too short.
    #[must_use]
    pub fn parse(bytes: &[u8], layout: Layout) -> Option<Tag> {
        let (size, offset) = (bytes.u16_at(0)?, bytes.u16_at(2)?);
        let flags = if layout.is_small() { NodeFlags::of_high_bits(offset) } else { NodeFlags::empty() };
        Some(Tag { offset: offset & layout.tag_mask(), size: size & layout.tag_mask(), flags })
    }

    /// The tag as bytes. On large pages the flags are not in it.
    #[must_use]
    pub fn to_bytes(self, layout: Layout) -> [u8; Tag::SIZE] {
        let flags = if layout.is_small() { self.flags.to_high_bits() } else { 0 };
        let [a, b] = (self.size & layout.tag_mask()).to_le_bytes();
        let [c, d] = ((self.offset & layout.tag_mask()) | flags).to_le_bytes();
        [a, b, c, d]
    }
}
