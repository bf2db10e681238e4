//! Long values that are not in their record: each table has one tree for them (`LV` of ESE).

use std::io;

use crate::bytes::Bytes;
use crate::catalog;
use crate::compression::{CompressionError, decompress};
use crate::error::Error;
use crate::jet::JetError;
use crate::source::PageSource;
use crate::tree::{Entry, Tree};

/// Number of a long value (`LvId`): 31 bits, or in newer formats 63 bits with the highest bit set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LongValueId(u64);

/// The bit of the newer form.
const WIDE: u64 = 1 << 63;

impl LongValueId {
    /// The id in a record: 4 or 8 bytes; `None` when it is neither.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<LongValueId> {
        let id = match bytes.len() {
            4 => bytes.u32_at(0)?.into(),
            8 => bytes.u64_at(0)?,
            _ => return None,
        };
        let valid = if bytes.len() == 8 { id & WIDE != 0 } else { id != 0 && id >> 31 == 0 };
        valid.then_some(LongValueId(id))
    }

    /// The id in a key of the tree, and what follows it there: nothing, or the offset of a chunk.
    fn split(key: &[u8]) -> Option<(LongValueId, Option<u32>)> {
        let (id, rest) = if key.first()? & 0x80 != 0 {
            let (id, rest) = key.split_first_chunk()?;
            (u64::from_be_bytes(*id), rest)
        } else {
            let (id, rest) = key.split_first_chunk()?;
            (u32::from_be_bytes(*id).into(), rest)
        };
        let offset = match rest.len() {
            0 => None,
            _ => Some(u32::from_be_bytes(rest.try_into().ok()?)),
        };
        Some((LongValueId(id), offset))
    }

    fn key(self) -> Vec<u8> {
        match u32::try_from(self.0) {
            Ok(id) => id.to_be_bytes().to_vec(),
            Err(_) => self.0.to_be_bytes().to_vec(),
        }
    }

    /// The number itself.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// The root node of a long value.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 4 | how many rows refer to it; all bits set: half deleted |
/// | 4 | 4 | size in bytes |
/// | 8 | 1 | flags, may be missing: 1 = encrypted |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongValueHeader {
    /// How many rows refer to it.
    pub references: u32,
    /// Size in bytes, before compression.
    pub size: u32,
    /// Whether its chunks are encrypted.
    pub encrypted: bool,
}

impl LongValueHeader {
    /// References of a long value whose deletion has begun.
    pub const HALF_DELETED: u32 = u32::MAX;

    fn parse(bytes: &[u8]) -> Option<LongValueHeader> {
        let flags = match bytes.len() {
            8 => 0,
            9 => bytes.u8_at(8)?,
            _ => return None,
        };
        Some(LongValueHeader { references: bytes.u32_at(0)?, size: bytes.u32_at(4)?, encrypted: flags & 0x1 != 0 })
    }
}

/// A node of the tree of long values.
///
/// The key of a root node is the id, that of a chunk the id and the offset of the chunk within the value, all
/// big-endian.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LongValueNode<'a> {
    Root(LongValueId, LongValueHeader),
    Chunk { id: LongValueId, offset: u32, data: &'a [u8] },
}

impl<'a> LongValueNode<'a> {
    pub(crate) fn parse(entry: &Entry<'a>) -> Result<LongValueNode<'a>, Error> {
        let broken = || entry.page.damage("no node of a long value".to_owned(), JetError::LV_CORRUPTED);
        let mut key = Vec::with_capacity(12);
        entry.node.key.copy_to(&mut key);
        let (id, offset) = LongValueId::split(&key).ok_or_else(broken)?;
        match offset {
            None => Ok(LongValueNode::Root(id, LongValueHeader::parse(entry.node.data).ok_or_else(broken)?)),
            Some(offset) => Ok(LongValueNode::Chunk { id, offset, data: entry.node.data }),
        }
    }
}

/// The long values of one table.
#[derive(Debug)]
pub struct LongValues<'s, S: ?Sized> {
    tree: Tree<'s, S>,
    chunk: u32,
}

impl<'s, S: PageSource + ?Sized> LongValues<'s, S> {
    /// The long values of `table`; `None` if it never had any.
    ///
    /// # Errors
    /// As [`Tree::open`].
    pub fn open(source: &'s S, table: &catalog::Table) -> Result<Option<LongValues<'s, S>>, Error> {
        let Some(root) = table.long_values() else { return Ok(None) };
        let tree = Tree::open(source, root.page, root.objid)?;
        Ok(Some(LongValues { tree, chunk: table.long_value_chunk() }))
    }

    /// Their tree.
    #[must_use]
    pub fn tree(&self) -> &Tree<'s, S> {
        &self.tree
    }

    /// How many rows refer to a long value, and its size.
    ///
    /// # Errors
    /// [`Error::Read`], [`Error::Page`], or [`Error::Damaged`] (−1526) when there is none with this id.
    pub fn header(&self, id: LongValueId) -> Result<LongValueHeader, Error> {
        match self.tree.cursor().find(&id.key())? {
            Some(entry) => match LongValueNode::parse(&entry)? {
                LongValueNode::Root(_, header) => Ok(header),
                LongValueNode::Chunk { .. } => Err(missing(id)),
            },
            None => Err(missing(id)),
        }
    }

    /// Writes a long value, chunk by chunk; how many bytes it has.
    ///
    /// # Errors
    /// As [`header`](Self::header); [`Error::Write`]; [`Error::Damaged`] when chunks are missing or cannot be
    /// decompressed; [`Error::Unsupported`] for encrypted values and for schemes of compression that are not read here.
    pub fn copy(&self, id: LongValueId, output: &mut (impl io::Write + ?Sized)) -> Result<u32, Error> {
        let mut cursor = self.tree.cursor();
        let header = match cursor.find(&id.key())? {
            Some(entry) => match LongValueNode::parse(&entry)? {
                LongValueNode::Root(_, header) => header,
                LongValueNode::Chunk { .. } => return Err(missing(id)),
            },
            None => return Err(missing(id)),
        };
        if header.encrypted {
            return Err(Error::Unsupported { what: "an encrypted long value".to_owned() });
        }
        let mut seen = 0;
        while let Some(entry) = cursor.next()? {
            let LongValueNode::Chunk { id: found, offset, data } = LongValueNode::parse(&entry)? else { break };
            if found != id {
                break;
            }
            if offset != seen {
                return Err(broken(id, format_args!("a chunk at {offset} follows {seen} bytes")));
            }
            seen += chunk(id, header, self.chunk, offset, data, |bytes| {
                output.write_all(bytes).map_err(|source| Error::Write { source })
            })?;
        }
        if seen != header.size {
            return Err(broken(id, format_args!("it has {seen} bytes of {}", header.size)));
        }
        Ok(seen)
    }

    /// The bytes of a long value that has at most `limit`.
    ///
    /// # Errors
    /// As [`copy`](Self::copy); [`Error::Unsupported`] above the limit.
    pub fn read(&self, id: LongValueId, limit: u32) -> Result<Vec<u8>, Error> {
        let size = self.header(id)?.size;
        if size > limit {
            return Err(Error::Unsupported { what: format!("a value of {size} bytes in memory") });
        }
        let mut bytes = Vec::new();
        self.copy(id, &mut bytes)?;
        Ok(bytes)
    }
}

/// Hands the content of one chunk to `visit`; how many bytes that is.
///
/// A chunk that is shorter than its place in the value says is compressed (`FLVCompressedChunk`).
pub(crate) fn chunk(
    id: LongValueId,
    header: LongValueHeader,
    chunk_size: u32,
    offset: u32,
    data: &[u8],
    visit: impl FnOnce(&[u8]) -> Result<(), Error>,
) -> Result<u32, Error> {
    let rest = header.size.saturating_sub(offset);
    let expected = rest.min(chunk_size) as usize;
    let decompressed;
    let bytes = if data.len() < expected {
        decompressed = decompress(data).map_err(|error| match error {
            CompressionError::Corrupt => decompression_failed(id),
            CompressionError::Scrubbed => broken(id, format_args!("it was overwritten after it was deleted")),
            CompressionError::Unsupported(what) => Error::Unsupported { what: what.to_owned() },
        })?;
        &decompressed[..]
    } else {
        data
    };
    match u32::try_from(bytes.len()) {
        Ok(size) if size <= rest => visit(bytes).map(|()| size),
        _ => Err(broken(id, format_args!("a chunk of {} bytes where {rest} are left", bytes.len()))),
    }
}

fn missing(id: LongValueId) -> Error {
    broken(id, format_args!("it does not exist"))
}

fn decompression_failed(id: LongValueId) -> Error {
    let problem = format!("long value {:#x}: a chunk cannot be decompressed", id.number());
    Error::Damaged { problem, code: JetError::DECOMPRESSION_FAILED }
}

fn broken(id: LongValueId, problem: std::fmt::Arguments<'_>) -> Error {
    Error::Damaged { problem: format!("long value {:#x}: {problem}", id.number()), code: JetError::LV_CORRUPTED }
}
