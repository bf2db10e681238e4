//! Indexes.

use bitflags::bitflags;

use crate::catalog::ColumnId;
use crate::catalog::table::TreeRoot;

bitflags! {
    /// What is special about an index (`IDBFLAG`, and in the upper half `IDXFLAG`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct IndexFlags: u32 {
        /// No two rows have the same key.
        const UNIQUE = 0x1;
        /// Rows whose key is all null are in it.
        const ALLOW_ALL_NULLS = 0x2;
        /// Rows whose first key column is null are in it.
        const ALLOW_FIRST_NULL = 0x4;
        /// Rows with some null key columns are in it.
        const ALLOW_SOME_NULLS = 0x8;
        /// Key columns are never null.
        const NO_NULL_SEGMENT = 0x10;
        /// The rows themselves are in the order of this index.
        const PRIMARY = 0x20;
        /// A locale was given.
        const LOCALE_SET = 0x40;
        /// A key column has several values.
        const MULTI_VALUED = 0x80;
        /// Of a template.
        const TEMPLATE = 0x100;
        /// Of a template, in a table that was derived from it.
        const DERIVED = 0x200;
        /// A key column is Unicode text.
        const LOCALIZED_TEXT = 0x400;
        /// Null sorts behind all values.
        const SORT_NULLS_HIGH = 0x800;
        /// Every combination of the values of several columns is in it.
        const CROSS_PRODUCT = 0x2000;
        /// Keys are never cut.
        const DISALLOW_TRUNCATION = 0x4000;
        /// Values of several columns at the same place belong together.
        const NESTED_TABLE = 0x8000;
        /// Key columns are stored as column ids.
        const EXTENDED_COLUMNS = 0x1_0000;
        /// GUIDs are in the order of .NET.
        const DOT_NET_GUID = 0x2_0000;
        /// Not yet filled.
        const DEFERRED_POPULATE = 0x4_0000;
        const _ = !0;
    }
}

/// A column of the key of an index (`IDXSEG`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IndexSegment {
    /// Which column.
    pub column: ColumnId,
    /// Whether the greatest value comes first.
    pub descending: bool,
}

/// An index of a table (`IDB`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    pub(super) name: String,
    pub(super) tree: TreeRoot,
    pub(super) flags: IndexFlags,
    pub(super) segments: Vec<IndexSegment>,
    pub(super) key_most: u16,
    pub(super) variable_segment_most: u16,
    pub(super) conditional: bool,
}

impl Index {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its tree; for the primary index that of the table.
    #[must_use]
    pub fn tree(&self) -> TreeRoot {
        self.tree
    }

    /// What is special about it.
    #[must_use]
    pub fn flags(&self) -> IndexFlags {
        self.flags
    }

    /// Whether the rows of the table are in its order.
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.flags.contains(IndexFlags::PRIMARY)
    }

    /// The columns of its key.
    #[must_use]
    pub fn segments(&self) -> &[IndexSegment] {
        &self.segments
    }

    /// The most bytes that a key has; longer ones are cut.
    #[must_use]
    pub fn key_most(&self) -> u16 {
        self.key_most
    }

    /// The most bytes that a text or binary column has in a key; longer ones are cut.
    #[must_use]
    pub fn variable_segment_most(&self) -> u16 {
        self.variable_segment_most
    }

    /// Whether it leaves out rows by the values of other columns.
    #[must_use]
    pub fn is_conditional(&self) -> bool {
        self.conditional
    }

    /// The columns in the bytes of a catalog row: four bytes each (flags, unused, id) or, in old formats, the id as a
    /// signed number that is negative for a descending column.
    pub(super) fn parse_segments(bytes: &[u8], flags: IndexFlags) -> Option<Vec<IndexSegment>> {
        const OF_TEMPLATE: u8 = 0x80;
        const DESCENDING: u8 = 0x40;
        if flags.contains(IndexFlags::EXTENDED_COLUMNS) {
            let (segments, rest) = bytes.as_chunks();
            let segment = |[flags, _, low, high]: &[u8; 4]| IndexSegment {
                column: ColumnId(
                    u32::from(u16::from_le_bytes([*low, *high]))
                        | if flags & OF_TEMPLATE != 0 { ColumnId::TEMPLATE } else { 0 },
                ),
                descending: flags & DESCENDING != 0,
            };
            return rest.is_empty().then(|| segments.iter().map(segment).collect());
        }
        let (segments, rest) = bytes.as_chunks();
        let segment = |id: &[u8; 2]| {
            let id = i16::from_le_bytes(*id);
            IndexSegment { column: ColumnId(id.unsigned_abs().into()), descending: id < 0 }
        };
        rest.is_empty().then(|| segments.iter().map(segment).collect())
    }
}
