//! Walking over the nodes of a tree.

use crate::error::Error;
use crate::jet::JetError;
use crate::page::buffer::PageBuffer;
use crate::page::{Node, Page};
use crate::source::{ObjectId, PageNumber, PageSource};
use crate::tree::{DEPTH_LIMIT, check_child, check_root, check_used};

/// A place in a tree, between two nodes of its leaves.
///
/// It goes by the parent pages and compares the links between the leaves with them, so that a lost or stale page is an
/// error and never a gap. Nodes that are marked as deleted are passed over. Nodes that are marked as versioned are
/// returned: which transaction changed them is known in memory alone, and the mark stays behind after a commit. In a
/// database that was not closed in order they may belong to a transaction that never ended.
///
/// It keeps one page a level, and never visits more pages than the database has.
#[derive(Debug)]
pub struct Cursor<'s, S: ?Sized> {
    source: &'s S,
    root: PageNumber,
    objid: ObjectId,
    /// From the root to a leaf; those behind `depth` wait for their next use.
    levels: Vec<Level>,
    /// Levels in use: 0 before the first node.
    depth: usize,
    visited: u32,
    failed: bool,
}

#[derive(Debug)]
struct Level {
    buffer: PageBuffer,
    /// On an inner page the child below, on a leaf the node that comes next.
    index: usize,
}

/// A node, and where it is.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The node.
    pub node: Node<'a>,
    /// Its page.
    pub page: Page<'a>,
}

enum Place<'k> {
    First,
    Key(&'k [u8]),
}

impl<'s, S: PageSource + ?Sized> Cursor<'s, S> {
    pub(super) fn new(source: &'s S, root: PageNumber, objid: ObjectId) -> Self {
        Cursor { source, root, objid, levels: Vec::new(), depth: 0, visited: 0, failed: false }
    }

    /// Goes before the first node.
    pub fn rewind(&mut self) {
        self.depth = 0;
        self.failed = false;
    }

    /// Goes before the first node whose key is not below `key`.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`].
    pub fn seek(&mut self, key: &[u8]) -> Result<(), Error> {
        self.rewind();
        let found = self.descend(&Place::Key(key));
        self.failed = found.is_err();
        found
    }

    /// The next node; `None` behind the last one, and after an error.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::Page`].
    #[allow(clippy::should_implement_trait, reason = "what it returns borrows from the cursor")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>, Error> {
        if self.failed {
            return Ok(None);
        }
        match self.advance() {
            Ok(Some(index)) => self.entry(index).map(Some),
            Ok(None) => Ok(None),
            Err(error) => {
                self.failed = true;
                Err(error)
            }
        }
    }

    /// The node with exactly this key.
    ///
    /// # Errors
    /// As [`next`](Self::next).
    pub fn find(&mut self, key: &[u8]) -> Result<Option<Entry<'_>>, Error> {
        self.seek(key)?;
        Ok(self.next()?.filter(|entry| entry.node.key.cmp_bytes(key).is_eq()))
    }

    fn entry(&self, index: usize) -> Result<Entry<'_>, Error> {
        let page = self.page(self.depth.saturating_sub(1))?;
        Ok(Entry { node: page.node(index)?, page })
    }

    /// Steps over the next node that exists; its index on the leaf.
    fn advance(&mut self) -> Result<Option<usize>, Error> {
        if self.depth == 0 {
            self.descend(&Place::First)?;
        }
        loop {
            let Some(leaf) = self.levels.get_mut(self.depth.saturating_sub(1)) else { return Ok(None) };
            let Some(page) = leaf.buffer.page() else { return Ok(None) };
            if leaf.index >= page.node_count() {
                if !self.next_leaf()? {
                    return Ok(None);
                }
                continue;
            }
            let index = leaf.index;
            leaf.index += 1;
            if !page.node(index)?.is_deleted() {
                return Ok(Some(index));
            }
        }
    }

    /// From the last level that is in use down to a leaf.
    fn descend(&mut self, place: &Place<'_>) -> Result<(), Error> {
        if self.depth == 0 {
            self.visited = 0;
            self.load(self.root)?;
            check_root(&self.page(0)?, self.objid)?;
            self.enter(place)?;
        }
        while let parent = self.page(self.depth.saturating_sub(1))?
            && !parent.is_leaf()
        {
            let bad = |problem| parent.damage(problem, JetError::BAD_PARENT_PAGE_LINK);
            let index = self.levels.get(self.depth - 1).map_or(0, |level| level.index);
            let child = parent.node(index)?.child().ok_or_else(|| bad(format!("node {index} names no child page")))?;
            if self.depth >= DEPTH_LIMIT {
                return Err(bad(format!("more than {DEPTH_LIMIT} levels")));
            }
            self.load(child)?;
            check_child(&self.page(self.depth - 1)?, &self.page(self.depth)?, self.objid)?;
            self.enter(place)?;
        }
        Ok(())
    }

    /// Takes the page that was just read into the path.
    fn enter(&mut self, place: &Place<'_>) -> Result<(), Error> {
        let page = self.page(self.depth)?;
        check_used(&page)?;
        let index = match place {
            Place::First => 0,
            Place::Key(key) if page.is_leaf() => page.lower_bound(key)?,
            Place::Key(key) => page.child_for(key)?,
        };
        if let Some(level) = self.levels.get_mut(self.depth) {
            level.index = index;
        }
        self.depth += 1;
        Ok(())
    }

    /// Goes to the leaf to the right of this one; whether there is one.
    fn next_leaf(&mut self) -> Result<bool, Error> {
        let left = self.page(self.depth.saturating_sub(1))?;
        let (left, link) = (left.number(), left.header().next);
        let Some(above) = self.turn()? else {
            return match link {
                None => Ok(false),
                Some(next) => Err(bad_link(left, format!("the last leaf links to page {next}"))),
            };
        };
        self.depth = above;
        self.descend(&Place::First)?;
        let right = self.page(self.depth.saturating_sub(1))?;
        if link != Some(right.number()) {
            let named = link.map_or_else(|| "no page".to_owned(), |page| format!("page {page}"));
            return Err(bad_link(left, format!("links to {named}, its parent to page {}", right.number())));
        }
        if right.header().previous != Some(left) {
            return Err(bad_link(right.number(), format!("does not link back to page {left}")));
        }
        Ok(true)
    }

    /// Moves the lowest inner page that has one to its next child; the number of levels above that child.
    fn turn(&mut self) -> Result<Option<usize>, Error> {
        for above in (1..self.depth).rev() {
            let count = self.page(above - 1)?.node_count();
            if let Some(level) = self.levels.get_mut(above - 1)
                && level.index + 1 < count
            {
                level.index += 1;
                return Ok(Some(above));
            }
        }
        Ok(None)
    }

    /// Reads a page for the level behind those in use.
    fn load(&mut self, number: PageNumber) -> Result<(), Error> {
        if self.visited > self.source.last_page().0 {
            return Err(self.broken("the tree has more pages than the database"));
        }
        self.visited += 1;
        if self.levels.len() <= self.depth {
            self.levels.push(Level { buffer: PageBuffer::new(self.source.page_size()), index: 0 });
        }
        match self.levels.get_mut(self.depth) {
            Some(level) => level.buffer.load(self.source, number).map(|_| ()),
            None => Err(self.broken("the cursor lost its place")),
        }
    }

    fn page(&self, level: usize) -> Result<Page<'_>, Error> {
        let page = self.levels.get(level).and_then(|level| level.buffer.page());
        page.ok_or_else(|| self.broken("the cursor lost its place"))
    }

    fn broken(&self, problem: &str) -> Error {
        Error::Page { page: self.root, problem: problem.to_owned(), code: JetError::BAD_PARENT_PAGE_LINK }
    }
}

fn bad_link(page: PageNumber, problem: String) -> Error {
    Error::Page { page, problem, code: JetError::BAD_PAGE_LINK }
}
