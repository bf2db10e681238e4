//! A page that can be changed.

use super::{Layout, Node, NodeFlags, Page, PageFlags, PageHeader, Tag};
use crate::checksum;
use crate::error::Error;
use crate::jet::JetError;
use crate::source::{ObjectId, PageNumber};

/// One page, taken apart so that it can be changed, and put together again.
///
/// Nodes keep the form they are stored in: how much of the key is in the external header is part of a page, and records
/// of the log refer to it. The free space is not part of it: it is counted when the page is put together, with the data
/// in the order of the tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageImage {
    /// Its number in the database.
    pub number: PageNumber,
    /// How pages of this size are laid out.
    pub layout: Layout,
    /// Time of its last change, counted by the database.
    pub dbtime: u64,
    /// The page to the left on the same level of the tree.
    pub previous: Option<PageNumber>,
    /// The page to the right.
    pub next: Option<PageNumber>,
    /// The tree that it belongs to.
    pub objid: ObjectId,
    /// What it is.
    pub flags: PageFlags,
    /// Free bytes that a roll-back may claim.
    pub uncommitted_free: u16,
    /// Number of reserved tags as stored: 0 in old formats, which have one.
    pub reserved_tags: u8,
    /// What the reserved tags point at; the first is the external header.
    pub reserved: Vec<Vec<u8>>,
    /// The nodes in the order of their tags.
    pub nodes: Vec<StoredNode>,
}

/// A node as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredNode {
    /// What is special about it. Never [`NodeFlags::COMPRESSED`]: that follows from the prefix.
    pub flags: NodeFlags,
    /// Bytes of its key that are in the external header.
    pub prefix: u16,
    /// The rest of its key.
    pub suffix: Vec<u8>,
    /// A record on a leaf, the number of a child page elsewhere.
    pub data: Vec<u8>,
}

/// What the 13 bits of a length can say.
const KEY_MOST: usize = 0x1fff;

impl StoredNode {
    /// Bytes that it takes on a page, without its tag.
    #[must_use]
    pub fn size(&self) -> usize {
        2 + if self.prefix > 0 { 2 } else { 0 } + self.suffix.len() + self.data.len()
    }

    fn of(node: &Node<'_>) -> Self {
        StoredNode {
            flags: node.flags - NodeFlags::COMPRESSED,
            prefix: u16::try_from(node.key.prefix.len()).unwrap_or(u16::MAX),
            suffix: node.key.suffix.to_vec(),
            data: node.data.to_vec(),
        }
    }
}

impl PageImage {
    /// An empty page: no nodes, an empty external header, no neighbours.
    #[must_use]
    pub fn new(number: PageNumber, layout: Layout, objid: ObjectId, flags: PageFlags, dbtime: u64) -> Self {
        PageImage {
            number,
            layout,
            dbtime,
            previous: None,
            next: None,
            objid,
            flags,
            uncommitted_free: 0,
            reserved_tags: 0,
            reserved: vec![Vec::new()],
            nodes: Vec::new(),
        }
    }

    /// Takes a page apart.
    ///
    /// # Errors
    /// [`Error::Page`]: a tag or a node of the page is damaged.
    pub fn of(page: &Page<'_>) -> Result<Self, Error> {
        let header = page.header();
        let mut image = PageImage {
            reserved_tags: header.reserved_tags,
            previous: header.previous,
            next: header.next,
            uncommitted_free: header.uncommitted_free,
            reserved: Vec::new(),
            ..PageImage::new(page.number(), page.layout(), header.objid, header.flags, header.dbtime)
        };
        // Tags that overlap would let a page hold many times its size.
        let overlap = || page.damage("the tags overlap".to_owned(), JetError::PAGE_TAG_CORRUPTED);
        let mut room = page.layout().data_size();
        for index in 0..usize::from(header.reserved_tag_count().min(header.tag_count)) {
            let (_, line) = page.line(index)?;
            room = room.checked_sub(line.len()).ok_or_else(overlap)?;
            image.reserved.push(line.to_vec());
        }
        for node in page.nodes() {
            let node = StoredNode::of(&node?);
            room = room.checked_sub(node.size()).ok_or_else(overlap)?;
            image.nodes.push(node);
        }
        Ok(image)
    }

    /// Bytes of the external header that keys of this page begin with.
    #[must_use]
    pub fn prefix(&self) -> &[u8] {
        let line = self.reserved.first().map_or(&[][..], Vec::as_slice);
        match (self.flags.contains(PageFlags::ROOT), self.flags.contains(PageFlags::SPACE_TREE)) {
            (false, _) => line,
            (true, true) => line.get(super::space_header::SPLIT_BUFFER..).unwrap_or_default(),
            (true, false) => &[],
        }
    }

    /// The whole key of a node; `None` when there is no such node, or the external header is too short for it.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<Vec<u8>> {
        let node = self.nodes.get(index)?;
        let prefix = self.prefix().get(..usize::from(node.prefix))?;
        Some([prefix, &node.suffix].concat())
    }

    /// Free bytes, as the header of the page counts them. `None`: there is more on the page than it has room for.
    #[must_use]
    pub fn free(&self) -> Option<usize> {
        let tags = self.reserved.len() + self.nodes.len();
        let used = self.reserved.iter().map(Vec::len).sum::<usize>()
            + self.nodes.iter().map(StoredNode::size).sum::<usize>()
            + tags * Tag::SIZE;
        self.layout.data_size().checked_sub(used)
    }

    /// Why no page can hold all this; `None` when one can.
    #[must_use]
    pub fn problem(&self) -> Option<&'static str> {
        let tags = self.reserved.len() + self.nodes.len();
        let prefix = self.prefix().len();
        if !self.nodes.is_empty() && self.reserved.len() != usize::from(self.reserved_tags.max(1)) {
            Some("there are nodes on a page without an external header")
        } else if tags > usize::from(PageHeader::MOST_TAGS) {
            Some("there are more nodes than a page has tags")
        } else if self.nodes.iter().any(|node| node.suffix.len() > KEY_MOST || usize::from(node.prefix) > prefix) {
            Some("a key is longer than a node can say")
        } else if self.free().is_none() {
            Some("there is more on the page than it has room for")
        } else {
            None
        }
    }

    /// Puts the page together, and seals it.
    ///
    /// # Errors
    /// [`Error::Page`] (−357): see [`problem`](Self::problem).
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let error = |problem: &str| Error::Page {
            page: self.number,
            problem: problem.to_owned(),
            code: JetError::PAGE_TAG_CORRUPTED,
        };
        if let Some(problem) = self.problem() {
            return Err(error(problem));
        }
        let too_much = || error("there is more on the page than it has room for");
        let free = self.free().ok_or_else(too_much)?;
        let mut bytes = vec![0; self.layout.page_size()];
        let mut at = 0;
        let mut tag = 0;
        let mut place = |flags: NodeFlags, line: &[u8]| -> Option<()> {
            let start = self.layout.header_size() + at;
            bytes.get_mut(start..start + line.len())?.copy_from_slice(line);
            let entry = Tag { offset: u16::try_from(at).ok()?, size: u16::try_from(line.len()).ok()?, flags };
            tag += 1;
            let end = bytes.len() - (tag - 1) * Tag::SIZE;
            bytes.get_mut(end.checked_sub(Tag::SIZE)?..end)?.copy_from_slice(&entry.to_bytes(self.layout));
            at += line.len();
            Some(())
        };
        for line in &self.reserved {
            place(NodeFlags::empty(), line).ok_or_else(too_much)?;
        }
        for node in &self.nodes {
            let mut flags = node.flags;
            flags.set(NodeFlags::COMPRESSED, node.prefix > 0);
            let mut line = Vec::with_capacity(node.size());
            if node.prefix > 0 {
                line.extend(node.prefix.to_le_bytes());
            }
            line.extend(u16::try_from(node.suffix.len()).map_err(|_| too_much())?.to_le_bytes());
            line.extend(&node.suffix);
            line.extend(&node.data);
            if !self.layout.is_small() {
                // On large pages the flags are the upper bits of the first number of the node.
                line[1] |= flags.bits() << 5;
            }
            place(flags, &line).ok_or_else(too_much)?;
        }
        let header = PageHeader {
            checksum: 0,
            dbtime: self.dbtime,
            previous: self.previous,
            next: self.next,
            objid: self.objid,
            free: u16::try_from(free).map_err(|_| too_much())?,
            uncommitted_free: self.uncommitted_free.min(u16::try_from(free).map_err(|_| too_much())?),
            first_free: u16::try_from(at).map_err(|_| too_much())?,
            tag_count: u16::try_from(tag).map_err(|_| too_much())?,
            reserved_tags: self.reserved_tags,
            flags: self.flags,
        };
        bytes[..PageHeader::SIZE].copy_from_slice(&header.to_bytes());
        if !self.layout.is_small() {
            bytes[64..68].copy_from_slice(&self.number.0.to_le_bytes());
        }
        checksum::seal_page(&mut bytes, self.number);
        Ok(bytes)
    }
}
