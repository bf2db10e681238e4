//! Tables.

use std::sync::Arc;

use bitflags::bitflags;

use crate::catalog::{Column, ColumnId, Index};
use crate::source::{ObjectId, PageNumber};

bitflags! {
    /// What is special about a table (`JET_bitObject…`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct TableFlags: u32 {
        /// Columns of derived tables are tagged.
        const NO_FIXED_VAR_COLUMNS_IN_DERIVED_TABLES = 0x0400_0000;
        /// Made from a template: it has the columns and indexes of that table and its own.
        const DERIVED = 0x1000_0000;
        /// Tables may be made from it.
        const TEMPLATE = 0x2000_0000;
        /// No column can be added.
        const FIXED_DDL = 0x4000_0000;
        /// Of the system.
        const SYSTEM = 0x8000_0000;
        const _ = !0;
    }
}

/// Where a tree is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TreeRoot {
    /// The number that its pages carry.
    pub objid: ObjectId,
    /// Its root page.
    pub page: PageNumber,
}

/// One table.
#[derive(Clone, Debug)]
pub struct Table {
    pub(super) name: String,
    pub(super) tree: TreeRoot,
    pub(super) flags: TableFlags,
    pub(super) template: Option<String>,
    pub(super) template_columns: Arc<[Column]>,
    pub(super) columns: Vec<Column>,
    pub(super) indexes: Vec<Index>,
    pub(super) long_values: Option<TreeRoot>,
    pub(super) long_value_chunk: u32,
}

impl Table {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tree of its rows.
    #[must_use]
    pub fn tree(&self) -> TreeRoot {
        self.tree
    }

    /// What is special about it.
    #[must_use]
    pub fn flags(&self) -> TableFlags {
        self.flags
    }

    /// Name of the table that it was derived from.
    #[must_use]
    pub fn template(&self) -> Option<&str> {
        self.template.as_deref()
    }

    /// Its columns, those of its template first, in the order of their ids.
    pub fn columns(&self) -> impl Iterator<Item = &Column> {
        self.template_columns.iter().chain(&self.columns)
    }

    /// The column with this name; case does not matter.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns().find(|column| column.name().eq_ignore_ascii_case(name))
    }

    /// The column with this id.
    #[must_use]
    pub fn column_by_id(&self, id: ColumnId) -> Option<&Column> {
        let among =
            if id.is_of_template() && self.template.is_some() { &self.template_columns } else { &self.columns[..] };
        among.iter().find(|column| column.id.fid() == id.fid())
    }

    /// Its indexes, the primary one included if it has one.
    #[must_use]
    pub fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    /// The index with this name; case does not matter.
    #[must_use]
    pub fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.name().eq_ignore_ascii_case(name))
    }

    /// The index in whose order its rows are; `None` when they are in the order of their insertion.
    #[must_use]
    pub fn primary_index(&self) -> Option<&Index> {
        self.indexes.iter().find(|index| index.is_primary())
    }

    /// The tree of its long values, if it ever had one.
    #[must_use]
    pub fn long_values(&self) -> Option<TreeRoot> {
        self.long_values
    }

    /// Size of the chunks of its long values in bytes, before compression.
    #[must_use]
    pub fn long_value_chunk(&self) -> u32 {
        self.long_value_chunk
    }
}
