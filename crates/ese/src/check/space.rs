//! The extents of a tree: those it owns, and those of them that are free.

use crate::bytes::Bytes;
use crate::jet::JetError;
use crate::page::Node;
use crate::source::PageNumber;

/// Pages that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) last: PageNumber,
    pub(super) count: u32,
}

impl Extent {
    /// The extent in a node of a space tree; `None` when it is none.
    ///
    /// The key is the last page, big-endian, 4 bytes; of extents in a pool a byte comes first: bit 7 set, the pool in
    /// the lower three bits (1 = for pages that shall follow each other, 2 = behind the end of the file). The data is the number of pages.
    pub(super) fn parse(node: &Node<'_>) -> Option<Extent> {
        const POOL: u8 = 0x80;
        let key = node.key.to_vec();
        let last = match key.len() {
            4 => u32::from_be_bytes(key.array(0)?),
            5 if key.u8_at(0)? & POOL != 0 => u32::from_be_bytes(key.array(1)?),
            _ => return None,
        };
        let count = <[u8; 4]>::try_from(node.data).map(u32::from_le_bytes).ok()?;
        (count <= last).then_some(Extent { last: PageNumber(last), count })
    }

    /// Its first page, if it has pages.
    pub(super) fn first(self) -> Option<PageNumber> {
        let first = self.last.0.checked_sub(self.count.checked_sub(1)?)?;
        Some(PageNumber(first))
    }
}

/// The code for a damaged tree of extents.
pub(super) fn code(owned: bool) -> JetError {
    if owned { JetError::SP_OWN_EXT_CORRUPTED } else { JetError::SP_AVAIL_EXT_CORRUPTED }
}
