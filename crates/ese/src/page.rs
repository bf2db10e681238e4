//! One page of a database: header, tags, nodes (`CPAGE` and `NODE` of ESE).
//!
//! Everything here borrows from the bytes of the page and looks at no checksum.

pub(crate) mod buffer;
mod check;
mod flags;
mod header;
mod image;
mod key;
mod layout;
mod node;
mod space_header;
mod tag;

pub use flags::{FlushType, PageFlags};
pub use header::PageHeader;
pub use image::{PageImage, StoredNode};
pub use key::Key;
pub use layout::Layout;
pub use node::{Node, NodeFlags};
pub use space_header::{ExternalHeader, Space, SpaceHeader};
pub use tag::Tag;

use crate::error::Error;
use crate::jet::JetError;
use crate::source::PageNumber;

/// One page of a B+ tree (`CPAGE`).
///
/// | where | what |
/// |---|---|
/// | 0 | [`PageHeader`], 40 bytes, 80 on pages above 8 KiB |
/// | after the header | data of the tags, in any order, with gaps |
/// | … | free |
/// | end of the page | [`Tag`]s of 4 bytes that grow towards the front; the reserved tags come first, then one a [`Node`] |
///
/// The first reserved tag is the external header: the prefix that the keys of the page share, or on the root page of a
/// tree its [`ExternalHeader`].
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    number: PageNumber,
    header: PageHeader,
    layout: Layout,
    // INVARIANT: layout.page_size() bytes, and all tags that the header counts lie behind the page header.
    bytes: &'a [u8],
}

impl<'a> Page<'a> {
    /// The page in `bytes`, which is as long as a page.
    ///
    /// # Errors
    /// [`Error::Page`]: no page size, a page that was never written (−1019), more tags than the page has room for.
    pub fn new(number: PageNumber, bytes: &'a [u8]) -> Result<Page<'a>, Error> {
        let damage = |problem: String, code| Error::Page { page: number, problem, code };
        let layout = Layout::of(bytes.len())
            .ok_or_else(|| damage(format!("{} bytes are no page", bytes.len()), JetError::PAGE_SIZE_MISMATCH))?;
        let header = PageHeader::parse(bytes)
            .ok_or_else(|| damage("the page has no header".to_owned(), JetError::PAGE_SIZE_MISMATCH))?;
        if bytes.iter().all(|byte| *byte == 0) {
            return Err(damage("the page was never written".to_owned(), JetError::PAGE_NOT_INITIALIZED));
        }
        if header.tag_count != 0 && header.tag_count < header.reserved_tag_count() {
            let (count, reserved) = (header.tag_count, header.reserved_tag_count());
            return Err(damage(format!("{count} tags, {reserved} of them reserved"), JetError::PAGE_TAG_CORRUPTED));
        }
        if usize::from(header.tag_count) * Tag::SIZE > layout.data_size() {
            return Err(damage(format!("{} tags do not fit a page", header.tag_count), JetError::PAGE_TAG_CORRUPTED));
        }
        Ok(Page { number, header, layout, bytes })
    }

    /// Its number in the database.
    #[must_use]
    pub fn number(&self) -> PageNumber {
        self.number
    }

    /// Its header.
    #[must_use]
    pub fn header(&self) -> &PageHeader {
        &self.header
    }

    /// How pages of this size are laid out.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// All its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Its flags.
    #[must_use]
    pub fn flags(&self) -> PageFlags {
        self.header.flags
    }

    /// Whether it is a leaf: its nodes hold records.
    #[must_use]
    pub fn is_leaf(&self) -> bool {
        self.flags().contains(PageFlags::LEAF)
    }

    /// Whether it is the root of a tree.
    #[must_use]
    pub fn is_root(&self) -> bool {
        self.flags().contains(PageFlags::ROOT)
    }

    /// Number of its nodes.
    #[must_use]
    pub fn node_count(&self) -> usize {
        usize::from(self.header.tag_count.saturating_sub(self.header.reserved_tag_count()))
    }

    /// The tag at `index`, reserved tags included; `None` behind the last.
    #[must_use]
    pub fn tag(&self, index: usize) -> Option<Tag> {
        if index >= usize::from(self.header.tag_count) {
            return None;
        }
        let at = self.bytes.len().checked_sub((index + 1) * Tag::SIZE)?;
        Tag::parse(self.bytes.get(at..)?, self.layout)
    }

    /// What the tag at `index` points at, with the flags of a node.
    ///
    /// # Errors
    /// [`Error::Page`] (−357): no such tag, or its bytes do not lie between header and tags.
    pub fn line(&self, index: usize) -> Result<(NodeFlags, &'a [u8]), Error> {
        let tag = self
            .tag(index)
            .ok_or_else(|| self.damage(format!("there is no tag {index}"), JetError::PAGE_TAG_CORRUPTED))?;
        if tag.size == 0 {
            return Ok((NodeFlags::empty(), &[]));
        }
        let start = self.layout.header_size() + usize::from(tag.offset);
        let end = start + usize::from(tag.size);
        let tags = self.bytes.len() - usize::from(self.header.tag_count) * Tag::SIZE;
        let line = self.bytes.get(start..end).filter(|_| end <= tags).ok_or_else(|| {
            let Tag { offset, size, .. } = tag;
            let problem = format!("tag {index} points outside of the data: {size} bytes at {offset}");
            self.damage(problem, JetError::PAGE_TAG_CORRUPTED)
        })?;
        Ok((if self.layout.is_small() { tag.flags } else { NodeFlags::of_line(line) }, line))
    }

    /// The node at `index`, from 0 to [`node_count`](Self::node_count).
    ///
    /// # Errors
    /// [`Error::Page`]: as [`line`](Self::line) (−357), or sizes within the node that do not fit it (−358).
    pub fn node(&self, index: usize) -> Result<Node<'a>, Error> {
        let (flags, line) = self.line(index + usize::from(self.header.reserved_tag_count()))?;
        let prefix = if flags.contains(NodeFlags::COMPRESSED) { self.prefix()? } else { &[] };
        Node::parse(flags, line, prefix)
            .ok_or_else(|| self.damage(format!("the sizes of node {index} do not fit it"), JetError::NODE_CORRUPTED))
    }

    /// All nodes in the order of their keys.
    pub fn nodes(&self) -> impl Iterator<Item = Result<Node<'a>, Error>> + use<'a> {
        let page = *self;
        (0..page.node_count()).map(move |index| page.node(index))
    }

    /// The bytes that compressed keys of this page begin with.
    ///
    /// # Errors
    /// As [`line`](Self::line).
    pub fn prefix(&self) -> Result<&'a [u8], Error> {
        if self.header.tag_count == 0 {
            return Ok(&[]);
        }
        let (_, line) = self.line(0)?;
        Ok(match (self.is_root(), self.flags().contains(PageFlags::SPACE_TREE)) {
            (false, _) => line,
            (true, true) => line.get(space_header::SPLIT_BUFFER..).unwrap_or_default(),
            (true, false) => &[],
        })
    }

    /// The external header of the root page of a tree that is no space tree.
    ///
    /// # Errors
    /// [`Error::Page`]: not such a page (−338), or not such a header (−358).
    pub fn external_header(&self) -> Result<ExternalHeader, Error> {
        if !self.is_root() || self.flags().contains(PageFlags::SPACE_TREE) || self.header.tag_count == 0 {
            return Err(self.damage("not the root of a tree".to_owned(), JetError::BAD_PARENT_PAGE_LINK));
        }
        ExternalHeader::parse(self.line(0)?.1)
            .ok_or_else(|| self.damage("the space header is damaged".to_owned(), JetError::NODE_CORRUPTED))
    }

    /// Index of the first node whose key is not below `key`, by the order of the keys on the page; the last node of an
    /// inner page is above every key.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    pub fn lower_bound(&self, key: &[u8]) -> Result<usize, Error> {
        self.partition(|node| node.key.cmp_bytes(key).is_lt())
    }

    /// Index of the child to follow on an inner page: the first node whose key is above `key`.
    ///
    /// # Errors
    /// As [`node`](Self::node).
    pub fn child_for(&self, key: &[u8]) -> Result<usize, Error> {
        self.partition(|node| node.key.cmp_bytes(key).is_le())
    }

    fn partition(&self, below: impl Fn(&Node<'a>) -> bool) -> Result<usize, Error> {
        // The last key of an inner page has no bytes and is greater than all.
        let (mut low, mut high) = (0, self.node_count().saturating_sub(usize::from(!self.is_leaf())));
        while low < high {
            let middle = low + (high - low) / 2;
            if below(&self.node(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    pub(crate) fn damage(&self, problem: String, code: JetError) -> Error {
        Error::Page { page: self.number, problem, code }
    }
}
