//! Log records, byte by byte.

use ese::log::RecordType;

/// The bytes of a log record while they are put together.
#[derive(Clone, Debug)]
pub(super) struct Record(Vec<u8>);

impl Record {
    /// A record of this type, with nothing in it.
    pub(super) fn new(kind: RecordType) -> Self {
        Record(vec![kind.0])
    }

    /// Appends one byte.
    pub(super) fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Appends a 16-bit number.
    pub(super) fn short(self, number: usize) -> Self {
        self.bytes(&(number as u16).to_le_bytes())
    }

    /// Appends a 32-bit number.
    pub(super) fn long(self, number: u32) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Appends a 64-bit number.
    pub(super) fn quad(self, number: u64) -> Self {
        self.bytes(&number.to_le_bytes())
    }

    /// Appends bytes.
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Appends the UTF-16 code units of a path, with a NUL.
    pub(super) fn path(mut self, path: &str) -> Self {
        self.0.extend(utf16(path));
        self
    }

    /// What has been put together.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// A path in UTF-16, with a NUL.
pub(super) fn utf16(path: &str) -> Vec<u8> {
    path.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// Flags of records about a page (`fLRPage…`).
pub(super) mod flag {
    /// The operation has a version: it can be rolled back.
    pub(in super::super) const VERSIONED: u8 = 1;
    /// Keys of the tree are unique.
    pub(in super::super) const UNIQUE: u8 = 4;
    /// The tree is one of extents.
    pub(in super::super) const SPACE: u8 = 8;
}

/// A dbtime that says nothing: the record is part of a macro, or there is no such page.
pub(super) const NO_DBTIME: u64 = u64::MAX;
