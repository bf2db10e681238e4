//! Where pages come from: every tree owns extents, and gives pages and extents of them away.
//!
//! A tree begins with one extent and a bit map of its free pages in the external header of the root. When these are used
//! up, it turns into one with two trees of extents, owned and available; further extents come from its parent: an index
//! from its table, a table from the database, the database from the file. Trees of extents never grow beyond their root
//! here, because extents double.

use ese::ObjectId;
use ese::log::RecordType;
use ese::page::{ExternalHeader, NodeFlags, PageFlags, Space, SpaceHeader};

use super::engine::{Engine, Spot, Tree, stored};
use super::record::{NO_DBTIME, Record};

/// Root page of the database itself.
pub(super) const DATABASE_ROOT: u32 = 1;
const NON_UNIQUE: u8 = 2;
const MULTIPLE: u8 = 1;
/// Zeros in front of the prefix on the root of a tree of extents (`SPLIT_BUFFER`).
const SPLIT_BUFFER: [u8; 16] = [0; 16];
/// Pages by which the file grows at least.
const GROWTH: u32 = 64;

/// The tree of all trees.
pub(super) const DATABASE: Tree =
    Tree { root: DATABASE_ROOT, fdp: DATABASE_ROOT, objid: 1, unique: true, kind: PageFlags::empty() };

impl Engine {
    /// Creates a tree with two trees of extents behind its root (`CreateMultipleExtentFDP`).
    pub(super) fn create_multiple(&mut self, session: u16, tree: Tree, parent: u32, pages: u32) {
        let (owned, available) = (tree.root + 1, tree.root + 2);
        let after = self.new_root(session, tree, 3);
        let spot = Spot { page: tree.root, line: 0 };
        let record = self
            .page_record(RecordType::CREATE_MULTIPLE_EXTENT_FDP, session, tree, spot, false, (NO_DBTIME, after))
            .long(tree.objid)
            .long(owned)
            .long(available)
            .long(parent)
            .long(pages)
            .long(page_flags(tree).bits());
        self.append(record);
        let header = header_bytes(pages, parent, tree.unique, MULTIPLE, owned);
        self.put_root(tree, tree.root, header, after);
        self.put_extents(tree, owned, &[(tree.root + pages - 1, pages)], after);
        self.put_extents(tree, available, &[(tree.root + pages - 1, pages - 3)], after);
    }

    /// Creates a tree in an extent of its parent, with a bit map (`CreateSingleExtentFDP`).
    pub(super) fn create_single(&mut self, session: u16, tree: Tree, parent: u32, pages: u32) {
        let after = self.new_root(session, tree, 1);
        let spot = Spot { page: tree.root, line: 0 };
        let record = self
            .page_record(RecordType::CREATE_SINGLE_EXTENT_FDP, session, tree, spot, false, (NO_DBTIME, after))
            .long(tree.objid)
            .long(parent)
            .long(pages)
            .long(page_flags(tree).bits());
        self.append(record);
        let free = ((1u64 << (pages - 1).min(32)) - 1) as u32;
        self.put_root(tree, tree.root, header_bytes(pages, parent, tree.unique, 0, free), after);
    }

    /// Takes one page for a tree.
    pub(super) fn take_page(&mut self, session: u16, tree: Tree) -> u32 {
        let owner = Tree { root: tree.fdp, ..tree };
        let (page, _) = self.take_extent(session, owner, 1);
        self.log_new_page(session, page, tree.objid);
        page
    }

    /// Takes consecutive pages out of what a tree owns; first page and number.
    pub(super) fn take_extent(&mut self, session: u16, owner: Tree, pages: u32) -> (u32, u32) {
        loop {
            let header = self.space_header(owner);
            match header.space {
                Space::Single { available } => {
                    let mask = if pages >= 32 { u32::MAX } else { (1 << pages) - 1 };
                    let fits = |bit: &u32| (available >> bit) & mask == mask && bit + pages <= 32;
                    if let Some(bit) = (0..32).find(fits) {
                        self.set_free(session, owner, header, available & !(mask << bit));
                        return (owner.root + 1 + bit, pages);
                    }
                    self.convert(session, owner, header, pages);
                }
                Space::Multiple { available, .. } => {
                    let tree = Tree { root: available.0, ..owner };
                    if let Some((line, last, free)) = self.find_extent(tree, pages) {
                        let spot = Spot { page: tree.root, line };
                        if free > pages {
                            self.overwrite(session, tree, spot, &(free - pages).to_le_bytes(), false, false);
                        } else if self.page(tree.root).nodes.len() > 1 {
                            self.erase(session, tree, spot);
                        } else {
                            self.flag_delete(session, tree, spot, false);
                        }
                        return (last + 1 - free, pages);
                    }
                    self.grow(session, owner, header, pages);
                }
            }
        }
    }

    /// Gives a page back to its tree.
    pub(super) fn give_page(&mut self, session: u16, tree: Tree, page: u32) {
        let owner = Tree { root: tree.fdp, ..tree };
        let header = self.space_header(owner);
        match header.space {
            Space::Single { available } => {
                self.set_free(session, owner, header, available | 1 << (page - owner.root - 1));
            }
            Space::Multiple { available, .. } => {
                let tree = Tree { root: available.0, ..owner };
                self.insert(session, tree, &page.to_be_bytes(), &1u32.to_le_bytes(), false);
            }
        }
    }

    #[expect(clippy::expect_used, reason = "the root of every tree was made here")]
    pub(super) fn space_header(&self, owner: Tree) -> SpaceHeader {
        let header = ExternalHeader::parse(&self.page(owner.root).reserved[0]);
        header.and_then(|header| header.space).expect("the root of a tree")
    }

    /// The parent of a tree, and its root page as a tree to take extents from.
    fn parent(&self, header: SpaceHeader) -> Option<Tree> {
        let root = header.parent?.0;
        let image = self.page(root);
        let ObjectId(objid) = image.objid;
        let kind = image.flags & (PageFlags::INDEX | PageFlags::LONG_VALUE);
        let unique = !image.flags.contains(PageFlags::NON_UNIQUE_KEYS);
        Some(Tree { root, fdp: root, objid, unique, kind })
    }

    /// Sets the bit map of the free pages of a tree with one extent.
    fn set_free(&mut self, session: u16, owner: Tree, header: SpaceHeader, free: u32) {
        let parent = header.parent.map_or(0, |page| page.0);
        let data = header_bytes(header.extent, parent, owner.unique, 0, free);
        let data = self.around(owner, &data);
        self.set_external_header(session, owner, owner.root, &data);
    }

    /// The external header of a tree with another space header in it.
    fn around(&self, owner: Tree, space: &[u8]) -> Vec<u8> {
        let old = &self.page(owner.root).reserved[0];
        if old.len() == SpaceHeader::SIZE {
            return space.to_vec();
        }
        [&old[..1], space, &old[1 + SpaceHeader::SIZE..]].concat()
    }

    /// One extent becomes two trees of extents in a second one (`ConvertFDP`).
    fn convert(&mut self, session: u16, owner: Tree, header: SpaceHeader, pages: u32) {
        let Some(parent) = self.parent(header) else { return };
        let Space::Single { available } = header.space else { return };
        let second = (pages + 2).max(header.extent).max(8);
        let (first, second) = self.take_extent(session, parent, second);
        for page in [first, first + 1] {
            self.log_new_page(session, page, owner.objid);
        }
        for page in [owner.root, first, first + 1] {
            self.mark(page);
        }
        let after = self.next_dbtime();
        let before = self.page(owner.root).dbtime;
        let checks = self.page(owner.root).flags;
        let flags = checks - PageFlags::ROOT - PageFlags::LEAF - PageFlags::PARENT_OF_LEAF;
        let record = self
            .page_record(
                RecordType::CONVERT_FDP,
                session,
                owner,
                Spot { page: owner.root, line: 0 },
                false,
                (before, after),
            )
            .long(owner.objid)
            .long(first)
            .long(first + 1)
            .long(parent.root)
            .long(first)
            .long(header.extent)
            .long(second)
            .long(available)
            .long(flags.bits());
        self.append(record);
        let space = header_bytes(header.extent, parent.root, owner.unique, MULTIPLE, first);
        let space = self.around(owner, &space);
        let root = self.page_mut(owner.root);
        root.reserved[0] = space;
        root.dbtime = after;
        let primary = (owner.root + header.extent - 1, header.extent);
        self.put_extents(owner, first, &[primary, (first + second - 1, second)], after);
        let mut free = free_runs(owner.root, header.extent, available);
        free.push((first + second - 1, second - 2));
        self.put_extents(owner, first + 1, &free, after);
    }

    /// A tree with two trees of extents gets one more from its parent; the database from the file.
    fn grow(&mut self, session: u16, owner: Tree, header: SpaceHeader, pages: u32) {
        let Space::Multiple { owned, available } = header.space else { return };
        let owned_tree = Tree { root: owned.0, ..owner };
        let (last, count) = match self.parent(header) {
            None => {
                let count = pages.max(GROWTH).max(self.last_page / 2);
                self.last_page += count;
                let record = Record::new(RecordType::EXTEND_DB).long(5).byte(1).long(self.last_page);
                self.append(record);
                (self.last_page, count)
            }
            Some(parent) => {
                let have: u32 = self.extents(owned_tree).iter().map(|(_, count)| count).sum();
                let (first, count) = self.take_extent(session, parent, pages.max(have));
                (first + count - 1, count)
            }
        };
        self.insert(session, owned_tree, &last.to_be_bytes(), &count.to_le_bytes(), false);
        let available = Tree { root: available.0, ..owner };
        self.insert(session, available, &last.to_be_bytes(), &count.to_le_bytes(), false);
    }

    /// The extents of a tree of extents: last page and number.
    fn extents(&self, tree: Tree) -> Vec<(u32, u32)> {
        let image = self.page(tree.root);
        let extent = |line: usize| {
            let last = image.key(line).and_then(|key| key.try_into().ok()).map_or(0, u32::from_be_bytes);
            let count = image.nodes[line].data.as_slice().try_into().map_or(0, u32::from_le_bytes);
            let deleted = image.nodes[line].flags.contains(NodeFlags::DELETED);
            (last, if deleted { 0 } else { count })
        };
        (0..image.nodes.len()).map(extent).collect()
    }

    fn find_extent(&self, tree: Tree, pages: u32) -> Option<(usize, u32, u32)> {
        let extents = self.extents(tree).into_iter().enumerate();
        extents.map(|(line, (last, free))| (line, last, free)).find(|(_, _, free)| *free >= pages)
    }

    /// A new root comes into use, with the pages that belong to it; the dbtime of its record.
    fn new_root(&mut self, session: u16, tree: Tree, pages: u32) -> u64 {
        for page in tree.root..tree.root + pages {
            self.log_new_page(session, page, tree.objid);
        }
        for page in tree.root..tree.root + pages {
            self.mark(page);
        }
        self.next_dbtime()
    }

    /// A page comes into use: newer formats say so in the log.
    fn log_new_page(&mut self, session: u16, page: u32, objid: u32) {
        if self.logs_new_pages {
            self.mark(page);
            let after = self.next_dbtime();
            let record = Record::new(RecordType::NEW_PAGE).short(session.into()).byte(1).long(page).long(objid);
            self.append(record.quad(after));
        }
    }

    fn put_root(&mut self, tree: Tree, page: u32, header: Vec<u8>, dbtime: u64) {
        let flags = page_flags(tree) | PageFlags::ROOT | PageFlags::LEAF;
        let mut image = self.new_page(page, tree, flags, dbtime);
        image.reserved[0] = header;
        self.pages.insert(page, image);
    }

    fn put_extents(&mut self, tree: Tree, page: u32, extents: &[(u32, u32)], dbtime: u64) {
        let flags = page_flags(tree) | PageFlags::ROOT | PageFlags::LEAF | PageFlags::SPACE_TREE;
        let mut image = self.new_page(page, tree, flags, dbtime);
        image.reserved[0] = SPLIT_BUFFER.to_vec();
        let mut extents = extents.to_vec();
        extents.sort_unstable();
        for (last, count) in extents.into_iter().filter(|(_, count)| *count > 0) {
            image.nodes.push(stored(&[], &last.to_be_bytes(), &count.to_le_bytes(), NodeFlags::empty()));
        }
        self.pages.insert(page, image);
    }
}

/// What all pages of a tree are.
pub(super) fn page_flags(tree: Tree) -> PageFlags {
    tree.kind | if tree.unique { PageFlags::empty() } else { PageFlags::NON_UNIQUE_KEYS }
}

fn header_bytes(extent: u32, parent: u32, unique: bool, flags: u8, last: u32) -> Vec<u8> {
    let flags = flags | if unique { 0 } else { NON_UNIQUE };
    [extent, parent, flags.into(), last].into_iter().flat_map(u32::to_le_bytes).collect()
}

/// The free pages of a first extent, as runs: last page and number.
fn free_runs(root: u32, extent: u32, available: u32) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for bit in 0..extent.saturating_sub(1) {
        let page = root + 1 + bit;
        let free = bit >= 32 || available >> bit & 1 != 0;
        match runs.last_mut() {
            Some((last, count)) if free && *last + 1 == page => (*last, *count) = (page, *count + 1),
            _ if free => runs.push((page, 1)),
            _ => {}
        }
    }
    runs
}
