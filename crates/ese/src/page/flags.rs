//! Flags of a page.

use bitflags::bitflags;

bitflags! {
    /// What a page is (`fFlags` of `PGHDR`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct PageFlags: u32 {
        /// The root of a tree.
        const ROOT = 0x1;
        /// A leaf: its nodes hold records.
        const LEAF = 0x2;
        /// An inner page whose children are leaves.
        const PARENT_OF_LEAF = 0x4;
        /// Emptied, and not yet given back.
        const EMPTY = 0x8;
        /// Touched by a repair tool.
        const REPAIR = 0x10;
        /// Of a tree of extents.
        const SPACE_TREE = 0x20;
        /// Of a secondary index.
        const INDEX = 0x40;
        /// Of a tree of long values.
        const LONG_VALUE = 0x80;
        /// Keys alone are not unique: data is part of the order.
        const NON_UNIQUE_KEYS = 0x400;
        /// Tagged columns are in the newer form.
        const NEW_RECORD_FORMAT = 0x800;
        /// The checksum is XOR and ECC.
        const NEW_CHECKSUM_FORMAT = 0x2000;
        /// Deleted content was overwritten.
        const SCRUBBED = 0x4000;
        /// Two bits: the [`FlushType`].
        const FLUSH_TYPE = 0x1_8000;
        /// Allocated, and not yet used.
        const PRE_INIT = 0x2_0000;
        /// Reverted to before its tree was deleted.
        const FDP_DELETE = 0x4_0000;
        // Bits that are not named here are kept.
        const _ = !0;
    }
}

impl PageFlags {
    /// The kind of the last write.
    #[must_use]
    pub fn flush_type(self) -> FlushType {
        match self.intersection(PageFlags::FLUSH_TYPE).bits() >> 15 {
            1 => FlushType::Rock,
            2 => FlushType::Paper,
            3 => FlushType::Scissors,
            _ => FlushType::Unknown,
        }
    }
}

/// Changes from one write of a page to the next (`PageFlushType`): a flush map that remembers it notices a lost write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FlushType {
    /// Not recorded.
    Unknown,
    /// `pgftRockWrite`.
    Rock,
    /// `pgftPaperWrite`.
    Paper,
    /// `pgftScissorsWrite`.
    Scissors,
}
