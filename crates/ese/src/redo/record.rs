//! The fixed parts that log records share.

use super::error::Fault;
use crate::bytes::Bytes;
use crate::source::{ObjectId, PageNumber};

const SHORT: Fault = Fault::Record("the record is too short for its kind");

/// What every record about a page begins with, `LRPAGE_`, 32 bytes.
///
/// | offset | field | offset | field |
/// |---|---|---|---|
/// | 0 | u8 type | 16 | u64 counter before |
/// | 1 | u16 session | 24 | u32 number of the transaction |
/// | 3 | u8 database | 28 | u8 level of the transaction |
/// | 4 | u32 page | 29 | u16 node |
/// | 8 | u64 counter after | 31 | u8 flags |
#[derive(Clone, Copy, Debug)]
pub(super) struct PageRecord {
    pub(super) session: u16,
    pub(super) dbid: u8,
    pub(super) page: PageNumber,
    pub(super) after: u64,
    pub(super) before: u64,
    pub(super) level: u8,
    pub(super) line: u16,
    pub(super) flags: u8,
}

impl PageRecord {
    pub(super) fn parse(record: &[u8]) -> Result<Self, Fault> {
        let parse = || {
            Some(PageRecord {
                session: record.u16_at(1)?,
                dbid: record.u8_at(3)?,
                page: PageNumber(record.u32_at(4)?),
                after: record.u64_at(8)?,
                before: record.u64_at(16)?,
                level: record.u8_at(28)?,
                line: record.u16_at(29)?,
                flags: record.u8_at(31)?,
            })
        };
        parse().ok_or(SHORT)
    }

    /// Whether the change can be taken back: it belongs to a transaction.
    pub(super) fn is_versioned(&self) -> bool {
        self.flags & 1 != 0
    }

    /// Whether the keys of the tree are unique.
    pub(super) fn is_unique(&self) -> bool {
        self.flags & 4 != 0
    }
}

/// What every record about a node begins with, `LRNODE_`, 44 bytes.
///
/// | offset | field |
/// |---|---|
/// | 0 | [`PageRecord`] |
/// | 32 | u32 number of the version |
/// | 36 | u32 root page of the tree |
/// | 40 | u32 object number of the tree |
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeRecord {
    pub(super) page: PageRecord,
    pub(super) version: u32,
    pub(super) root: PageNumber,
    pub(super) objid: ObjectId,
}

impl NodeRecord {
    pub(super) fn parse(record: &[u8]) -> Result<Self, Fault> {
        let parse = || Some((record.u32_at(32)?, PageNumber(record.u32_at(36)?), ObjectId(record.u32_at(40)?)));
        let (version, root, objid) = parse().ok_or(SHORT)?;
        Ok(NodeRecord { page: PageRecord::parse(record)?, version, root, objid })
    }
}

/// Reads fields behind the shared part; everything that is missing is the same fault.
pub(super) trait Fields {
    fn byte(&self, offset: usize) -> Result<u8, Fault>;
    fn short(&self, offset: usize) -> Result<usize, Fault>;
    fn long(&self, offset: usize) -> Result<u32, Fault>;
    fn wide(&self, offset: usize) -> Result<u64, Fault>;
    /// `size` bytes at `offset`.
    fn slice(&self, offset: usize, size: usize) -> Result<&[u8], Fault>;
}

impl Fields for [u8] {
    fn byte(&self, offset: usize) -> Result<u8, Fault> {
        self.u8_at(offset).ok_or(SHORT)
    }

    fn short(&self, offset: usize) -> Result<usize, Fault> {
        self.u16_at(offset).map(usize::from).ok_or(SHORT)
    }

    fn long(&self, offset: usize) -> Result<u32, Fault> {
        self.u32_at(offset).ok_or(SHORT)
    }

    fn wide(&self, offset: usize) -> Result<u64, Fault> {
        self.u64_at(offset).ok_or(SHORT)
    }

    fn slice(&self, offset: usize, size: usize) -> Result<&[u8], Fault> {
        offset.checked_add(size).and_then(|end| self.get(offset..end)).ok_or(SHORT)
    }
}
