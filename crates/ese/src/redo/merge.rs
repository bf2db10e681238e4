//! Merges: a page gives its nodes to a neighbour, or is empty, and leaves the tree.

use std::collections::BTreeMap;

use super::error::Fault;
use super::node::{compressed, empty, key_of};
use super::record::{Fields, PageRecord};
use super::{Applied, Redo, preimage};
use crate::page::{NodeFlags, PageImage};
use crate::source::{ObjectId, PageNumber, PageSource};

/// One level of a merge, `LRMERGENEW`, 96 bytes and what follows.
///
/// | offset | field | offset | field |
/// |---|---|---|---|
/// | 0 | [`PageRecord`]; its node is the pointer to the page below | 76 | u16 bytes that move |
/// | 32 | u32 page to the right | 78 | u16 bytes that move, with what is reserved |
/// | 36 | u64 its counter before | 80 | u16 uncommitted free bytes of the page that gets them |
/// | 44 | u32 page to the left | 82 | u16 first (left: last) node that moves |
/// | 48 | u64 its counter before | 84 | u8 flags: 1 the key changes, 2 the pointer goes, 4 the page is emptied |
/// | 56 | u32 parent | 85 | u8 kind |
/// | 60 | u64 its counter before | 86 | u16 length of the new key for the parent |
/// | 68 | u32 root of the tree | 88 | u32 form of the page before |
/// | 72 | u32 object | 92 | u32 length of the page before |
/// | | | 96 | key, page before |
struct Level<'r> {
    page: PageRecord,
    right: Option<(PageNumber, u64)>,
    left: Option<(PageNumber, u64)>,
    objid: ObjectId,
    uncommitted: u16,
    merge_line: usize,
    flags: u8,
    kind: u8,
    key: &'r [u8],
    before_form: u32,
    before: &'r [u8],
}

const KEY_CHANGE: u8 = 1;
const DELETE_NODE: u8 = 2;
const EMPTY_PAGE: u8 = 4;

const KIND_EMPTY_PAGE: u8 = 1;
const FULL_RIGHT: u8 = 2;
const PARTIAL_RIGHT: u8 = 3;
const FULL_LEFT: u8 = 5;
const PARTIAL_LEFT: u8 = 6;

impl<S: PageSource> Redo<S> {
    /// Applies the records of one merge, the root first, to all pages at once.
    pub(super) fn merge(&mut self, records: &[Vec<u8>], dbtime: u64) -> Result<Applied, Fault> {
        let levels = records.iter().map(|record| Level::parse(record)).collect::<Result<Vec<_>, _>>()?;
        let Some((leaf, inner)) = levels.split_last() else { return Ok(Applied::NotAPage) };
        if !matches!(leaf.kind, KIND_EMPTY_PAGE | FULL_RIGHT | PARTIAL_RIGHT | FULL_LEFT | PARTIAL_LEFT) {
            return Err(Fault::UnsupportedDetail("a merge of this kind"));
        }
        self.saw(dbtime, leaf.objid.0);
        let mut images = BTreeMap::new();
        for (index, level) in inner.iter().enumerate() {
            let child = levels.get(index + 1).map_or(leaf.page.page, |child| child.page.page);
            if self.overlay.needs(level.page.page, level.page.before, dbtime)? {
                let mut image = self.overlay.image(level.page.page)?.into_owned();
                level.change_pointer(&mut image, leaf, child)?;
                image.dbtime = dbtime;
                images.insert(image.number, image);
            }
        }
        self.merge_leaf(leaf, dbtime, &mut images)?;
        let changed = !images.is_empty();
        self.overlay.put(images.into_values())?;
        Ok(if changed { Applied::Changed } else { Applied::Already })
    }

    fn merge_leaf(
        &self,
        leaf: &Level<'_>,
        after: u64,
        images: &mut BTreeMap<PageNumber, PageImage>,
    ) -> Result<(), Fault> {
        let number = leaf.page.page;
        let mut source = if self.overlay.needs(number, leaf.page.before, after)? {
            Some(self.overlay.image(number)?.into_owned())
        } else {
            None
        };
        let neighbour = |side: Option<(PageNumber, u64)>| -> Result<Option<PageImage>, Fault> {
            let Some((page, before)) = side else { return Ok(None) };
            Ok(if self.overlay.needs(page, before, after)? {
                Some(self.overlay.image(page)?.into_owned())
            } else {
                None
            })
        };
        let (mut left, mut right) = (neighbour(leaf.left)?, neighbour(leaf.right)?);
        let moves = leaf.kind != KIND_EMPTY_PAGE;
        let to_the_left = matches!(leaf.kind, FULL_LEFT | PARTIAL_LEFT);
        let target = if to_the_left { &mut left } else { &mut right };
        if moves && target.is_some() && source.is_none() {
            // The page was written after the merge, and the one that gets its nodes was not.
            if leaf.before.is_empty() {
                return Err(Fault::page(
                    number,
                    "the page is newer than its merge, and the record has not what it was",
                ));
            }
            let layout = self.overlay.layout();
            source = Some(preimage::decode(leaf.before, leaf.before_form, number, layout, leaf.page.before)?);
        }
        if moves && let (Some(target), Some(source)) = (target.as_mut(), source.as_ref()) {
            leaf.move_nodes(source, target, to_the_left)?;
        }
        if let Some(image) = source.as_mut() {
            let end = image.nodes.len();
            match leaf.kind {
                PARTIAL_RIGHT => drop(image.nodes.drain(leaf.merge_line.min(end)..)),
                PARTIAL_LEFT => drop(image.nodes.drain(..(leaf.merge_line + 1).min(end))),
                _ => {}
            }
            if leaf.flags & EMPTY_PAGE != 0 {
                empty(image);
            }
        }
        if !matches!(leaf.kind, PARTIAL_RIGHT | PARTIAL_LEFT) {
            if let Some(image) = left.as_mut() {
                image.next = leaf.right.map(|(right, _)| right);
            }
            if let Some(image) = right.as_mut() {
                image.previous = leaf.left.map(|(left, _)| left);
            }
        }
        for mut image in [source, left, right].into_iter().flatten() {
            image.dbtime = after;
            images.insert(image.number, image);
        }
        Ok(())
    }
}

impl<'r> Level<'r> {
    fn parse(record: &'r [u8]) -> Result<Self, Fault> {
        let (key, before) = (record.short(86)?, record.long(92)? as usize);
        let side = |page: usize, before: usize| -> Result<_, Fault> {
            PageNumber::some(record.long(page)?).map(|page| Ok((page, record.wide(before)?))).transpose()
        };
        Ok(Level {
            page: PageRecord::parse(record)?,
            right: side(32, 36)?,
            left: side(44, 48)?,
            objid: ObjectId(record.long(72)?),
            uncommitted: u16::try_from(record.short(80)?).unwrap_or_default(),
            merge_line: record.short(82)?,
            flags: record.byte(84)?,
            kind: record.byte(85)?,
            key: record.slice(96, key)?,
            before_form: record.long(88)?,
            before: record.slice(96 + key, before)?,
        })
    }

    /// Moves the nodes that are not deleted to the neighbour.
    fn move_nodes(&self, source: &PageImage, target: &mut PageImage, to_the_left: bool) -> Result<(), Fault> {
        let count = source.nodes.len();
        let range = if to_the_left { 0..(self.merge_line + 1).min(count) } else { self.merge_line.min(count)..count };
        let prefix = target.prefix().to_vec();
        let mut moved = Vec::new();
        for at in range {
            let node = &source.nodes[at];
            if !node.flags.contains(NodeFlags::DELETED) {
                moved.push(compressed(node.flags, &key_of(source, at)?, &node.data, &prefix));
            }
        }
        let place = if to_the_left { target.nodes.len() } else { 0 };
        target.nodes.splice(place..place, moved);
        target.uncommitted_free = self.uncommitted;
        Ok(())
    }

    /// What a merge does to an inner page (`BTIPerformOneMerge`).
    fn change_pointer(&self, image: &mut PageImage, leaf: &Level<'_>, child: PageNumber) -> Result<(), Fault> {
        let at = usize::from(self.page.line);
        let number = image.number;
        if image.objid != self.objid {
            let problem = format!("the page belongs to object {}, the record to object {}", image.objid, self.objid);
            return Err(Fault::page(number, problem));
        }
        let no_node = || Fault::page(number, format!("node {at} does not lead to page {child}"));
        if image.nodes.get(at).is_none_or(|node| node.data != child.0.to_le_bytes()) {
            return Err(no_node());
        }
        let (delete, change) = (self.flags & DELETE_NODE != 0, self.flags & KEY_CHANGE != 0);
        if leaf.kind == FULL_LEFT && delete && change {
            let (left, _) = leaf.left.ok_or_else(no_node)?;
            image.nodes[at].data = left.0.to_le_bytes().to_vec();
            image.nodes.remove(at.checked_sub(1).ok_or_else(no_node)?);
        } else if delete {
            let last = key_of(image, at)?.is_empty();
            image.nodes.remove(at);
            if last && at > 0 {
                // The last key of an inner page has no bytes.
                change_key(image, at - 1, &[])?;
            }
        } else if change {
            let at = if leaf.kind == PARTIAL_LEFT { at.checked_sub(1).ok_or_else(no_node)? } else { at };
            change_key(image, at, leaf.key)?;
        }
        if self.flags & EMPTY_PAGE != 0 {
            empty(image);
        }
        Ok(())
    }
}

fn change_key(image: &mut PageImage, at: usize, key: &[u8]) -> Result<(), Fault> {
    let prefix = image.prefix().to_vec();
    let number = image.number;
    let node = image.nodes.get_mut(at).ok_or_else(|| Fault::page(number, format!("there is no node {at}")))?;
    *node = compressed(NodeFlags::empty(), key, &node.data, &prefix);
    Ok(())
}
