//! B+ trees: searching, and changes that find their place themselves.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use ese::page::{NodeFlags, PageFlags, PageImage, Tag};

use super::engine::{Engine, Spot, Tree, stored};
use super::split::Operation;
use super::transaction::{Undo, UndoStep};

/// The way from the root to a place on a leaf.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Pages with the line that was followed, or, on the leaf, that was found.
    pub(super) path: Vec<(u32, usize)>,
    /// Whether the node is there; otherwise it would go to that line.
    pub(super) found: bool,
}

impl Place {
    #[expect(clippy::expect_used, reason = "every search ends on a leaf")]
    pub(super) fn spot(&self) -> Spot {
        let (page, line) = *self.path.last().expect("a leaf");
        Spot { page, line }
    }
}

impl Engine {
    /// Finds a node, or the place where it belongs.
    pub(super) fn seek(&self, tree: Tree, key: &[u8], data: &[u8]) -> Place {
        let bookmark = if tree.keys_are_enough() { key.to_vec() } else { [key, data].concat() };
        let mut path = Vec::new();
        let mut page = tree.root;
        loop {
            let image = self.page(page);
            if image.flags.contains(PageFlags::LEAF) {
                let order = |line: usize| leaf_order(image, line, key, data, tree.keys_are_enough());
                let line = (0..image.nodes.len()).find(|line| order(*line).is_ge()).unwrap_or(image.nodes.len());
                path.push((page, line));
                return Place { path, found: line < image.nodes.len() && order(line).is_eq() };
            }
            let last = image.nodes.len() - 1;
            let above = |line: &usize| image.key(*line).is_some_and(|separator| separator > bookmark);
            let line = (0..last).find(above).unwrap_or(last);
            path.push((page, line));
            page = child(image, line);
        }
    }

    /// Inserts a node; one that is marked as deleted comes back to life. Returns false when it exists.
    pub(super) fn insert(&mut self, session: u16, tree: Tree, key: &[u8], data: &[u8], versioned: bool) -> bool {
        loop {
            let place = self.seek(tree, key, data);
            let spot = place.spot();
            if place.found {
                let node = &self.page(spot.page).nodes[spot.line];
                if !node.flags.contains(NodeFlags::DELETED) {
                    return false;
                }
                if self.has_room(spot.page, data.len().saturating_sub(node.data.len())) {
                    self.revive(session, tree, spot, key, data, versioned);
                    return true;
                }
                self.split(session, tree, &place.path, Operation::None);
                continue;
            }
            let size = stored(self.page(spot.page).prefix(), key, data, NodeFlags::empty()).size();
            if self.has_room(spot.page, size + Tag::SIZE) {
                self.put(session, tree, spot, key, data, versioned);
                return true;
            }
            if self.split(session, tree, &place.path, Operation::Insert { key, data, versioned }) {
                return true;
            }
        }
    }

    /// Replaces the data of a node that exists.
    pub(super) fn replace(&mut self, session: u16, tree: Tree, key: &[u8], data: &[u8], versioned: bool, diff: bool) {
        loop {
            let place = self.seek(tree, key, &[]);
            let spot = place.spot();
            let old = self.page(spot.page).nodes[spot.line].data.len();
            if self.has_room(spot.page, data.len().saturating_sub(old)) {
                return self.overwrite(session, tree, spot, data, versioned, diff);
            }
            if self.split(session, tree, &place.path, Operation::Replace { data, versioned }) {
                return;
            }
        }
    }

    /// Marks a node that exists as deleted.
    pub(super) fn delete(&mut self, session: u16, tree: Tree, key: &[u8], data: &[u8], versioned: bool) {
        let spot = self.seek(tree, key, data).spot();
        self.flag_delete(session, tree, spot, versioned);
    }

    /// The data of a node, deleted or not.
    pub(super) fn data(&self, tree: Tree, key: &[u8]) -> Option<Vec<u8>> {
        let place = self.seek(tree, key, &[]);
        let spot = place.spot();
        place.found.then(|| self.page(spot.page).nodes[spot.line].data.clone())
    }

    /// The leaves of a tree, from left to right.
    pub(super) fn leaves(&self, tree: Tree) -> Vec<u32> {
        self.pages_below(tree.root)
            .into_iter()
            .filter(|page| self.page(*page).flags.contains(PageFlags::LEAF))
            .collect()
    }

    /// A page and all below it.
    pub(super) fn pages_below(&self, page: u32) -> Vec<u32> {
        let image = self.page(page);
        let mut pages = vec![page];
        if !image.flags.contains(PageFlags::LEAF) {
            pages.extend((0..image.nodes.len()).flat_map(|line| self.pages_below(child(image, line))));
        }
        pages
    }

    /// How many levels a tree has.
    pub(super) fn depth(&self, tree: Tree) -> usize {
        let (mut page, mut depth) = (self.page(tree.root), 1);
        while !page.flags.contains(PageFlags::LEAF) {
            page = self.page(child(page, 0));
            depth += 1;
        }
        depth
    }

    /// Whether bytes fit a page without those that a roll-back may claim.
    pub(super) fn has_room(&self, page: u32, bytes: usize) -> bool {
        self.page(page).free().is_some_and(|free| free >= bytes + self.spoken_for(page))
    }

    /// Bytes of a page that roll-backs may claim: nodes that open transactions have made shorter.
    fn spoken_for(&self, page: u32) -> usize {
        let objid = self.page(page).objid.0;
        let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
        for (undo, before) in self.replaced().filter(|(undo, _)| undo.tree.objid == objid) {
            let spot = self.seek(undo.tree, &undo.key, &[]).spot();
            if spot.page == page {
                let length = longest.entry(spot.line).or_default();
                *length = before.max(*length);
            }
        }
        let nodes = &self.page(page).nodes;
        longest.into_iter().map(|(line, length)| length.saturating_sub(nodes[line].data.len())).sum()
    }

    /// Bytes that the data of a node may have after a roll-back, if that is more than it has now.
    pub(super) fn longest_before(&self, tree: Tree, key: &[u8]) -> usize {
        let same = self.replaced().filter(|(undo, _)| undo.tree == tree && undo.key == key);
        same.map(|(_, before)| before).max().unwrap_or_default()
    }

    /// What open transactions have replaced, with the number of bytes before.
    fn replaced(&self) -> impl Iterator<Item = (&Undo, usize)> {
        self.sessions.values().flat_map(|session| &session.undo).filter_map(|undo| match &undo.step {
            UndoStep::Replace(before) => Some((undo, before.len())),
            _ => None,
        })
    }
}

/// The page that a line of an inner page names.
pub(super) fn child(image: &PageImage, line: usize) -> u32 {
    <[u8; 4]>::try_from(image.nodes[line].data.as_slice()).map_or(0, u32::from_le_bytes)
}

fn leaf_order(image: &PageImage, line: usize, key: &[u8], data: &[u8], unique: bool) -> Ordering {
    let order = image.key(line).as_deref().unwrap_or_default().cmp(key);
    if unique { order } else { order.then_with(|| image.nodes[line].data.as_slice().cmp(data)) }
}
