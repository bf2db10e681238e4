//! B+ trees: tables, indexes and long values are trees of pages (`BT` of ESE).

mod cursor;

pub use cursor::{Cursor, Entry};

use crate::error::Error;
use crate::jet::JetError;
use crate::page::buffer::PageBuffer;
use crate::page::{Page, PageFlags, SpaceHeader};
use crate::source::{ObjectId, PageNumber, PageSource};

/// More levels than any tree has: a page holds at least two nodes, a database at most 2³¹ pages.
pub(crate) const DEPTH_LIMIT: usize = 32;

/// One B+ tree of a database.
///
/// The leaves hold the nodes in the order of their keys. An inner page has one node a child; its key is above every
/// key of that child and not above any key of the next one, and the key of its last node is empty.
#[derive(Debug)]
pub struct Tree<'s, S: ?Sized> {
    source: &'s S,
    root: PageNumber,
    objid: ObjectId,
    space: SpaceHeader,
}

impl<'s, S: PageSource + ?Sized> Tree<'s, S> {
    /// The tree with this root page and object number.
    ///
    /// # Errors
    /// [`Error::Read`], or [`Error::Page`] when the page is not the root page of that object.
    pub fn open(source: &'s S, root: PageNumber, objid: ObjectId) -> Result<Self, Error> {
        let mut buffer = PageBuffer::new(source.page_size());
        let page = buffer.load(source, root)?;
        check_root(&page, objid)?;
        let space = page.external_header()?.space;
        let space = space.ok_or_else(|| page.damage("no space header".to_owned(), JetError::BAD_PARENT_PAGE_LINK))?;
        Ok(Tree { source, root, objid, space })
    }

    /// Number of its root page.
    #[must_use]
    pub fn root(&self) -> PageNumber {
        self.root
    }

    /// Number of the object that its pages carry.
    #[must_use]
    pub fn objid(&self) -> ObjectId {
        self.objid
    }

    /// Where its pages come from.
    #[must_use]
    pub fn space(&self) -> &SpaceHeader {
        &self.space
    }

    /// Where its pages are read.
    #[must_use]
    pub fn source(&self) -> &'s S {
        self.source
    }

    /// A cursor before the first node.
    #[must_use]
    pub fn cursor(&self) -> Cursor<'s, S> {
        Cursor::new(self.source, self.root, self.objid)
    }
}

/// A page that carries the number of another tree.
fn foreign(page: &Page<'_>, objid: ObjectId) -> Error {
    let problem = format!("the page belongs to object {}, not to object {objid}", page.header().objid);
    page.damage(problem, JetError::BAD_PAGE_LINK)
}

/// Whether the page may be part of a tree: in use, and with children if it is no leaf.
pub(crate) fn check_used(page: &Page<'_>) -> Result<(), Error> {
    let unused = page.flags().intersects(PageFlags::EMPTY | PageFlags::PRE_INIT);
    if unused || (!page.is_leaf() && page.node_count() == 0) {
        return Err(page.damage("a page of a tree that is empty".to_owned(), JetError::BAD_PAGE_LINK));
    }
    Ok(())
}

/// Whether `page` is the root of the tree `objid`.
pub(crate) fn check_root(page: &Page<'_>, objid: ObjectId) -> Result<(), Error> {
    if page.header().objid != objid {
        return Err(foreign(page, objid));
    }
    if !page.is_root() {
        return Err(page.damage("not a root page".to_owned(), JetError::BAD_PARENT_PAGE_LINK));
    }
    Ok(())
}

/// Whether `child` may stand below `parent`: of the same tree, no root, one level down.
pub(crate) fn check_child(parent: &Page<'_>, child: &Page<'_>, objid: ObjectId) -> Result<(), Error> {
    if child.header().objid != objid {
        return Err(foreign(child, objid));
    }
    let misplaced = child.is_root()
        || child.is_leaf() != parent.flags().contains(PageFlags::PARENT_OF_LEAF)
        || (child.flags() ^ parent.flags()).contains(PageFlags::SPACE_TREE);
    if misplaced {
        let problem = format!("not a page that may stand below page {}", parent.number());
        return Err(child.damage(problem, JetError::BAD_PARENT_PAGE_LINK));
    }
    Ok(())
}
