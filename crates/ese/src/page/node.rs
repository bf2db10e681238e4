//! Nodes: what a page of a tree consists of.

use bitflags::bitflags;

use crate::bytes::Bytes;
use crate::page::Key;
use crate::source::PageNumber;

bitflags! {
    /// What is special about a node (`fND…`): three bits.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct NodeFlags: u8 {
        /// A transaction changed it. Without the version store, which is in memory alone, this says nothing on disk.
        const VERSION = 0x1;
        /// It no longer exists; its bytes are still there.
        const DELETED = 0x2;
        /// Its key begins with bytes of the external header.
        const COMPRESSED = 0x4;
    }
}

impl NodeFlags {
    const SHIFT: u32 = 13;

    /// The flags at the start of a node of a large page.
    #[must_use]
    pub fn of_line(line: &[u8]) -> NodeFlags {
        line.u16_at(0).map_or(NodeFlags::empty(), NodeFlags::of_high_bits)
    }

    pub(crate) fn of_high_bits(number: u16) -> NodeFlags {
        NodeFlags::from_bits_truncate((number >> Self::SHIFT).to_le_bytes()[0])
    }

    /// The flags where they are stored: the upper three bits of a 16-bit number.
    #[must_use]
    pub fn to_high_bits(self) -> u16 {
        u16::from(self.bits()) << Self::SHIFT
    }
}

/// One node of a page (`KEYDATAFLAGS`).
///
/// | size | field | when |
/// |---|---|---|
/// | 2 | length of the prefix, 13 bits | [`NodeFlags::COMPRESSED`] |
/// | 2 | length of the suffix, 13 bits | always |
/// | | suffix | |
/// | | data | |
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// What is special about it.
    pub flags: NodeFlags,
    /// Its key.
    pub key: Key<'a>,
    /// A record on a leaf, the number of a child page elsewhere.
    pub data: &'a [u8],
}

const KEY_MASK: u16 = 0x1fff;

impl<'a> Node<'a> {
    /// The node in `line`; `prefix` is the external header of its page. `None` when its sizes do not fit.
    #[must_use]
    pub fn parse(flags: NodeFlags, line: &'a [u8], prefix: &'a [u8]) -> Option<Node<'a>> {
        let (prefix, line) = if flags.contains(NodeFlags::COMPRESSED) {
            let (size, rest) = (line.u16_at(0)? & KEY_MASK, line.get(2..)?);
            (prefix.get(..usize::from(size))?, rest)
        } else {
            (&[][..], line)
        };
        let size = usize::from(line.u16_at(0)? & KEY_MASK);
        let (suffix, data) = line.get(2..)?.split_at_checked(size)?;
        Some(Node { flags, key: Key { prefix, suffix }, data })
    }

    /// Whether it no longer exists.
    #[must_use]
    pub fn is_deleted(&self) -> bool {
        self.flags.contains(NodeFlags::DELETED)
    }

    /// The child page that a node of an inner page names; `None` when its data is no page number.
    #[must_use]
    pub fn child(&self) -> Option<PageNumber> {
        let number = <[u8; 4]>::try_from(self.data).ok()?;
        PageNumber::some(u32::from_le_bytes(number))
    }
}
