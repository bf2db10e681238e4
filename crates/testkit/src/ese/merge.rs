//! Merges of pages, logged as one macro; and trees that lose their last node.

use ese::PageNumber;
use ese::log::RecordType;
use ese::page::{NodeFlags, PageFlags, Tag};

use super::engine::{Engine, Spot, Tree, stored};
use super::record::{NO_DBTIME, Record};

/// `MERGETYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A leaf without nodes leaves the tree.
    EmptyPage = 1,
    /// All nodes go to the right neighbour.
    FullRight = 2,
}

/// Flags of a merge (`fLRMerge…`).
const DELETE_NODE: u8 = 2;
const EMPTY_PAGE: u8 = 4;

impl Engine {
    /// Joins leaves with their right neighbours where both fit one page, up to `most` times, in the tree of the rows of a
    /// table. Returns how often that was done.
    pub fn merge_leaves(&mut self, session: super::Session, table: super::TableId, most: usize) -> usize {
        let tree = self.tables[table.0].tree;
        let mut merged = 0;
        for leaf in self.leaves(tree) {
            if merged < most && self.merge_right(session.0, tree, leaf) {
                merged += 1;
            }
        }
        merged
    }

    /// Takes a leaf whose only node is deleted out of the tree. Returns whether that was possible.
    pub(super) fn merge_empty(&mut self, session: u16, tree: Tree, path: &[(u32, usize)]) -> bool {
        let [.., (parent, line), (leaf, _)] = *path else { return false };
        let pointers = &self.page(parent).nodes;
        match pointers.len() {
            1 if path.len() == 2 => self.empty_tree(session, tree, leaf),
            1 => return false,
            count => {
                // The last pointer of an inner page that is not the last has a key, which its parent repeats.
                if line + 1 == count && !(pointers[line].suffix.is_empty() && pointers[line].prefix == 0) {
                    return false;
                }
                self.merge(session, tree, Spot { page: parent, line }, leaf, Kind::EmptyPage);
            }
        }
        true
    }

    fn merge_right(&mut self, session: u16, tree: Tree, leaf: u32) -> bool {
        let image = self.page(leaf);
        let Some(key) = image.key(0) else { return false };
        let gone = |line: &usize| image.nodes[*line].flags.contains(NodeFlags::DELETED);
        let wanted = |line: usize| {
            let data: &[u8] = if tree.keys_are_enough() { &[] } else { &image.nodes[line].data };
            self.is_in_use(tree, &image.key(line).unwrap_or_default(), data)
        };
        if (0..image.nodes.len()).filter(gone).any(wanted) {
            return false;
        }
        let place = self.seek(tree, &key, &self.page(leaf).nodes[0].data.clone());
        let [.., (parent, line), (found, _)] = *place.path else { return false };
        let Some(PageNumber(right)) = self.page(leaf).next else { return false };
        if found != leaf || line + 1 >= self.page(parent).nodes.len() {
            return false;
        }
        let prefix = self.page(right).prefix();
        let size = |(key, data, flags): &(Vec<u8>, Vec<u8>, NodeFlags)| {
            let claimed = self.longest_before(tree, key).saturating_sub(data.len());
            stored(prefix, key, data, *flags).size() + Tag::SIZE + claimed
        };
        let moved: usize = self.moved(leaf).iter().map(size).sum();
        if !self.has_room(right, moved) {
            return false;
        }
        self.merge(session, tree, Spot { page: parent, line }, leaf, Kind::FullRight);
        true
    }

    /// The nodes that a merge takes along: deleted ones that nobody can want back stay behind.
    fn moved(&self, leaf: u32) -> Vec<(Vec<u8>, Vec<u8>, NodeFlags)> {
        let image = self.page(leaf);
        let lines = image.nodes.iter().enumerate().filter(|(_, node)| !node.flags.contains(NodeFlags::DELETED));
        lines.map(|(line, node)| (image.key(line).unwrap_or_default(), node.data.clone(), node.flags)).collect()
    }

    fn merge(&mut self, session: u16, tree: Tree, parent: Spot, leaf: u32, kind: Kind) {
        let image = self.page(leaf).clone();
        let moved = if kind == Kind::FullRight { self.moved(leaf) } else { Vec::new() };
        let neighbour = |page: Option<PageNumber>| page.map_or(0, |PageNumber(page)| page);
        let (left, right) = (neighbour(image.previous), neighbour(image.next));
        let mut changed = vec![parent.page, leaf];
        changed.extend([left, right].into_iter().filter(|page| *page != 0));
        for page in &changed {
            self.mark(*page);
        }
        let after = self.next_dbtime();
        let before = |engine: &Engine, page: u32| if page == 0 { NO_DBTIME } else { engine.page(page).dbtime };
        self.append(Record::new(RecordType::MACRO_BEGIN).short(session.into()).quad(after));
        let times = (before(self, parent.page), after);
        let record = self
            .page_record(RecordType::MERGE2, session, tree, parent, false, times)
            .long(0)
            .quad(NO_DBTIME)
            .long(0)
            .quad(NO_DBTIME)
            .long(0)
            .quad(NO_DBTIME)
            .long(tree.fdp)
            .long(tree.objid)
            .short(0)
            .short(0)
            .short(0)
            .short(0)
            .byte(DELETE_NODE)
            .byte(0)
            .short(0)
            .long(0)
            .long(0);
        self.append(record);
        let size: usize = moved.iter().map(|(key, data, _)| 2 + key.len() + data.len()).sum();
        let (flags, before_image) =
            if kind == Kind::FullRight { self.before_image(leaf, after) } else { (0, Vec::new()) };
        let record = self
            .page_record(RecordType::MERGE2, session, tree, Spot { page: leaf, line: 0 }, false, (image.dbtime, after))
            .long(right)
            .quad(before(self, right))
            .long(left)
            .quad(before(self, left))
            .long(parent.page)
            .quad(times.0)
            .long(tree.fdp)
            .long(tree.objid)
            .short(size)
            .short(size)
            .short(0)
            .short(0)
            .byte(EMPTY_PAGE)
            .byte(kind as u8)
            .short(0)
            .long(flags)
            .long(before_image.len() as u32)
            .bytes(&before_image);
        self.append(record);
        self.append(Record::new(RecordType::MACRO_COMMIT).short(session.into()).quad(after));
        let numbers: Vec<u8> = changed.iter().flat_map(|page| page.to_le_bytes()).collect();
        self.append(Record::new(RecordType::MACRO_INFO).long(numbers.len() as u32).bytes(&numbers));

        let pointers = &mut self.page_mut(parent.page).nodes;
        pointers.remove(parent.line);
        if parent.line == pointers.len() {
            // The last pointer has no key, whichever it is.
            pointers[parent.line - 1] = stored(&[], &[], &pointers[parent.line - 1].data, NodeFlags::empty());
        }
        if right != 0 {
            let target = self.page_mut(right);
            let nodes: Vec<_> =
                moved.iter().map(|(key, data, flags)| stored(target.prefix(), key, data, *flags)).collect();
            target.nodes.splice(0..0, nodes);
            target.previous = image.previous;
        }
        if left != 0 {
            self.page_mut(left).next = image.next;
        }
        let empty = self.page_mut(leaf);
        empty.reserved[0].clear();
        empty.nodes.clear();
        empty.flags.insert(PageFlags::EMPTY);
        for page in changed {
            self.page_mut(page).dbtime = after;
        }
        self.give_page(session, tree, leaf);
    }

    /// The last leaf of a tree loses its last node: the root is a leaf again (`EmptyTree`).
    fn empty_tree(&mut self, session: u16, tree: Tree, leaf: u32) {
        self.mark(leaf);
        let image = self.page(leaf);
        let list = [&image.dbtime.to_le_bytes()[..], &leaf.to_le_bytes(), &image.flags.bits().to_le_bytes()].concat();
        let times = self.touch(tree.root);
        let spot = Spot { page: tree.root, line: 0 };
        let record = self.node_record(RecordType::EMPTY_TREE, session, tree, spot, 0, times);
        self.append(record.short(list.len()).bytes(&list));
        let empty = self.page_mut(leaf);
        empty.reserved[0].clear();
        empty.nodes.clear();
        empty.flags.insert(PageFlags::EMPTY);
        empty.dbtime = times.1;
        let root = self.page_mut(tree.root);
        root.nodes.clear();
        root.flags.remove(PageFlags::PARENT_OF_LEAF);
        root.flags.insert(PageFlags::LEAF);
        self.give_page(session, tree, leaf);
    }
}
