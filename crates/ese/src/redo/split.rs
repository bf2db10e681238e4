//! Splits: a page gives nodes to a new page on its right, on every level that has to grow.

use std::collections::BTreeMap;

use super::error::Fault;
use super::node::{PREFIX_OVERHEAD, common, compressed, key_of, set_header};
use super::record::{Fields, NodeRecord, PageRecord};
use super::session::{Undo, Version};
use super::{Applied, Redo, preimage};
use crate::log::RecordType;
use crate::page::{NodeFlags, PageFlags, PageHeader, PageImage, StoredNode};
use crate::source::{ObjectId, PageNumber, PageSource};

/// One level of a split, `LRSPLITNEW`, 110 bytes and what follows.
///
/// | offset | field | offset | field |
/// |---|---|---|---|
/// | 0 | [`PageRecord`] of the page that is split | 76 | u32 flags of the new page |
/// | 32 | u32 new page; 0: the page only gets a key | 80 | u32 flags of the split page |
/// | 36 | u32 page to the right | 84 | i16 uncommitted free bytes of the split page |
/// | 40 | u64 its counter before | 86 | i16 of the new page |
/// | 48 | u32 parent | 88 | i32 node whose key is the prefix of the split page, or -1 |
/// | 52 | u64 its counter before | 92 | i32 the same of the new page, counted from the first that moves |
/// | 60 | u32 root of the tree | 96 | u16 length of the old prefix of the split page |
/// | 64 | u32 object | 98 | u16 length of its new prefix |
/// | 68 | u8 0 vertical, 1 right, 2 append | 100 | u16 length of the key for the parent |
/// | 69 | u8 operation: 0 none, 1 insert, 2 replace, 3 flag insert and replace | 102 | u32 form of the page before |
/// | 70 | u16 node of the operation | 106 | u32 length of the page before |
/// | 72 | u16 first node that moves | 110 | key, old prefix, new prefix, page before |
/// | 74 | u16 nodes, with the operation | | |
struct Level<'r> {
    page: PageRecord,
    new: Option<PageNumber>,
    right: Option<(PageNumber, u64)>,
    objid: ObjectId,
    kind: u8,
    operation: u8,
    operation_line: usize,
    split_line: usize,
    lines: usize,
    new_flags: PageFlags,
    split_flags: PageFlags,
    uncommitted: [u16; 2],
    has_prefix: bool,
    new_prefix_line: Option<usize>,
    prefix: &'r [u8],
    parent_key: &'r [u8],
    before_form: u32,
    before: &'r [u8],
}

const VERTICAL: u8 = 0;
const RIGHT: u8 = 1;
const APPEND: u8 = 2;

const NONE: u8 = 0;
const INSERT: u8 = 1;
const REPLACE: u8 = 2;
const FLAG_INSERT_AND_REPLACE: u8 = 3;

/// The operation on a leaf for which room had to be made.
struct Operation<'r> {
    node: NodeRecord,
    key: &'r [u8],
    data: &'r [u8],
    second_version: u32,
}

/// What the operation of a split replaced.
struct Replaced {
    key: Vec<u8>,
    data: Vec<u8>,
}

/// A node on its way, with its whole key.
struct Line {
    flags: NodeFlags,
    key: Vec<u8>,
    data: Vec<u8>,
}

impl<S: PageSource> Redo<S> {
    /// Applies the records of one split, the root first, to all pages at once.
    pub(super) fn split(&mut self, records: &[Vec<u8>], dbtime: u64) -> Result<Applied, Fault> {
        let mut levels = Vec::new();
        let mut operation = None;
        for record in records {
            match RecordType(record.byte(0)?) {
                RecordType::SPLIT2 => levels.push(Level::parse(record)?),
                kind => operation = Operation::parse(kind, record)?.or(operation),
            }
        }
        let Some(leaf) = levels.last() else { return Ok(Applied::NotAPage) };
        self.saw(dbtime, leaf.objid.0);
        let mut pages = Pages { after: dbtime, images: BTreeMap::new() };
        let mut version = None;
        for (index, level) in levels.iter().enumerate() {
            let child = levels.get(index + 1).filter(|child| child.new.is_some());
            let Some(new) = level.new else {
                if let Some(child) = child {
                    self.insert_pointer(level, child, &mut pages)?;
                }
                continue;
            };
            // What is put on this level: the node of the operation, or the pointer to the page that was split below.
            let (key, data) = match (child, &operation) {
                (Some(child), _) => (child.parent_key, child.page.page.0.to_le_bytes().to_vec()),
                (None, Some(operation)) => (operation.key, operation.data.to_vec()),
                (None, None) => (&[][..], Vec::new()),
            };
            let versioned = operation.as_ref().is_some_and(|operation| operation.node.page.is_versioned())
                && level.new_flags.contains(PageFlags::LEAF);
            let new_content = NewContent { key, data: &data, versioned };
            let replaced = self.split_level(level, new, &new_content, child, &mut pages)?;
            if let (None, Some(operation)) = (child, &operation) {
                version = Some((operation, replaced));
            }
        }
        let changed = !pages.images.is_empty();
        self.overlay.put(pages.images.into_values())?;
        if let Some((operation, replaced)) = version {
            self.remember_operation(leaf.operation, operation, replaced);
        }
        Ok(if changed { Applied::Changed } else { Applied::Already })
    }

    /// Splits one page; gives back key and old data of the node that the operation replaces.
    fn split_level(
        &self,
        level: &Level<'_>,
        new: PageNumber,
        content: &NewContent<'_>,
        child: Option<&Level<'_>>,
        pages: &mut Pages,
    ) -> Result<Option<Replaced>, Fault> {
        let number = level.page.page;
        let mut redo_source = self.overlay.needs(number, level.page.before, pages.after)?;
        let redo_new = self.overlay.needs_new(new, pages.after)?;
        if !redo_source && !redo_new {
            self.fix_right(level, new, pages)?;
            return Ok(None);
        }
        let mut source = if redo_source { Some(self.overlay.image(number)?.into_owned()) } else { None };
        if source.is_none() && level.needs_page_before() {
            // The page was written after the split, and the new one was not: begin again from what it was.
            if level.before.is_empty() {
                return Err(Fault::page(
                    number,
                    "the page is newer than its split, and the record has not what it was",
                ));
            }
            let layout = self.overlay.layout();
            source = Some(preimage::decode(level.before, level.before_form, number, layout, level.page.before)?);
            redo_source = true;
        }
        let (lines, replaced) = level.line_up(source.as_ref(), content)?;
        let (kept, moved) = lines.split_at(level.split_line.min(lines.len()));

        if redo_new {
            let mut image = self.overlay.empty(new, level.objid, level.new_flags, pages.after);
            if let Some(line) = level.new_prefix_line {
                let key = moved.get(line).map(|line| line.key.clone());
                set_header(&mut image, key.ok_or(Fault::Record("the prefix of the new page is none of its keys"))?);
            }
            let prefix = image.prefix().to_vec();
            image.nodes = moved.iter().map(|line| compressed(line.flags, &line.key, &line.data, &prefix)).collect();
            if level.new_flags.contains(PageFlags::LEAF) {
                image.uncommitted_free = level.uncommitted[1];
                image.previous = (level.kind != VERTICAL).then_some(number);
                image.next = level.right.filter(|_| level.kind != VERTICAL).map(|(right, _)| right);
            }
            pages.images.insert(new, image);
        }
        if let Some(mut image) = source.filter(|_| redo_source) {
            image.dbtime = pages.after;
            if level.kind == VERTICAL {
                image.flags = level.split_flags | PageFlags::NEW_CHECKSUM_FORMAT;
            }
            if level.kind != APPEND {
                level.set_kept(&mut image, kept);
            }
            if level.new_flags.contains(PageFlags::LEAF) {
                image.uncommitted_free = level.uncommitted[0];
            }
            if level.kind == VERTICAL {
                let pointer = StoredNode { data: new.0.to_le_bytes().to_vec(), ..StoredNode::default() };
                image.nodes.insert(0, pointer);
            } else if level.new_flags.contains(PageFlags::LEAF) {
                image.next = Some(new);
            }
            pages.images.insert(number, image);
        }
        if let Some(child) = child.and_then(|child| child.new) {
            self.point_behind(level, new, child, pages)?;
        }
        self.fix_right(level, new, pages)?;
        Ok(replaced)
    }

    /// The pointer behind the one that was inserted leads to the new child now.
    fn point_behind(
        &self,
        level: &Level<'_>,
        new: PageNumber,
        child: PageNumber,
        pages: &mut Pages,
    ) -> Result<(), Fault> {
        let next = level.operation_line + 1;
        let (number, line) = match next.checked_sub(level.split_line) {
            Some(line) => (new, line),
            None => (level.page.page, next),
        };
        let Some(image) = pages.images.get_mut(&number) else { return Ok(()) };
        let node = image.nodes.get_mut(line);
        node.ok_or_else(|| Fault::page(number, format!("there is no node {line} for the new child")))?.data =
            child.0.to_le_bytes().to_vec();
        Ok(())
    }

    /// The leaf to the right learns about its new neighbour.
    fn fix_right(&self, level: &Level<'_>, new: PageNumber, pages: &mut Pages) -> Result<(), Fault> {
        let Some((right, before)) = level.right else { return Ok(()) };
        if self.overlay.needs(right, before, pages.after)? {
            let mut image = self.overlay.image(right)?.into_owned();
            if level.kind != VERTICAL && level.new_flags.contains(PageFlags::LEAF) {
                image.previous = Some(new);
            }
            image.dbtime = pages.after;
            pages.images.insert(right, image);
        }
        Ok(())
    }

    /// The page above the highest split gets the key between the two halves.
    fn insert_pointer(&self, level: &Level<'_>, child: &Level<'_>, pages: &mut Pages) -> Result<(), Fault> {
        let number = level.page.page;
        let Some(new_child) = child.new else { return Ok(()) };
        if !self.overlay.needs(number, level.page.before, pages.after)? {
            return Ok(());
        }
        let mut image = self.overlay.image(number)?.into_owned();
        let mut at = 0;
        // The last key has no bytes, and is above all.
        while at + 1 < image.nodes.len() && key_of(&image, at)?.as_slice() < child.parent_key {
            at += 1;
        }
        let split = child.page.page.0.to_le_bytes();
        if image.nodes.get(at).is_none_or(|node| node.data != split) {
            return Err(Fault::page(number, format!("node {at} does not lead to page {}", child.page.page)));
        }
        let prefix = image.prefix().to_vec();
        image.nodes[at].data = new_child.0.to_le_bytes().to_vec();
        image.nodes.insert(at, compressed(NodeFlags::empty(), child.parent_key, &split, &prefix));
        image.dbtime = pages.after;
        pages.images.insert(number, image);
        Ok(())
    }

    fn remember_operation(&mut self, kind: u8, operation: &Operation<'_>, replaced: Option<Replaced>) {
        if !operation.node.page.is_versioned() {
            return;
        }
        let node = &operation.node;
        let session = self.session(node.page.session);
        if kind != REPLACE {
            session.remember(Version::of(node, operation.key, operation.data, Undo::Insert));
        }
        if let Some(Replaced { key, data }) = replaced.filter(|_| kind != INSERT) {
            let number = if kind == REPLACE { node.version } else { operation.second_version };
            let version = Version::of(node, &key, &data, Undo::Replace(data.clone()));
            session.remember(Version { number, ..version });
        }
    }
}

/// The pages that a split or a merge changes, until all of them are known.
struct Pages {
    after: u64,
    images: BTreeMap<PageNumber, PageImage>,
}

/// What a level gets besides the nodes that it has.
struct NewContent<'a> {
    key: &'a [u8],
    data: &'a [u8],
    versioned: bool,
}

impl<'r> Level<'r> {
    fn parse(record: &'r [u8]) -> Result<Self, Fault> {
        let (old, new, key) = (record.short(96)?, record.short(98)?, record.short(100)?);
        let before = record.long(106)? as usize;
        let index = |offset: usize| -> Result<Option<usize>, Fault> {
            Ok(usize::try_from(record.long(offset)?.cast_signed()).ok())
        };
        let right = PageNumber::some(record.long(36)?);
        Ok(Level {
            page: PageRecord::parse(record)?,
            new: PageNumber::some(record.long(32)?),
            right: right.map(|right| Ok::<_, Fault>((right, record.wide(40)?))).transpose()?,
            objid: ObjectId(record.long(64)?),
            kind: record.byte(68)?,
            operation: record.byte(69)?,
            operation_line: record.short(70)?,
            split_line: record.short(72)?,
            lines: record.short(74)?,
            new_flags: PageFlags::from_bits_retain(record.long(76)?),
            split_flags: PageFlags::from_bits_retain(record.long(80)?),
            uncommitted: [record.short(84)? as u16, record.short(86)? as u16],
            has_prefix: index(88)?.is_some(),
            new_prefix_line: index(92)?,
            parent_key: record.slice(110, key)?,
            prefix: record.slice(110 + key + old, new)?,
            before_form: record.long(102)?,
            before: record.slice(110 + key + old + new, before)?,
        })
    }

    /// Whether nodes of the old page move (`FBTISplitPageBeforeImageRequired`).
    fn needs_page_before(&self) -> bool {
        match self.kind {
            APPEND => false,
            RIGHT => {
                self.operation != INSERT || self.split_line != self.operation_line || self.split_line + 1 != self.lines
            }
            _ => true,
        }
    }

    /// All nodes of both pages in order, the operation done. Without the old page, only the node of the operation: then
    /// it is the only one on the new page.
    fn line_up(
        &self,
        source: Option<&PageImage>,
        content: &NewContent<'_>,
    ) -> Result<(Vec<Line>, Option<Replaced>), Fault> {
        let version = if content.versioned { NodeFlags::VERSION } else { NodeFlags::empty() };
        let inserted = || Line { flags: version, key: content.key.to_vec(), data: content.data.to_vec() };
        let Some(source) = source else {
            // What is left of it has as many nodes as the record says, and none of them is looked at.
            if self.operation_line != self.split_line || self.operation_line > PageHeader::MOST_TAGS.into() {
                return Err(Fault::Record("the node of the split is not the one that moves"));
            }
            let mut lines: Vec<Line> = Vec::new();
            lines.resize_with(self.operation_line, || Line { flags: version, key: Vec::new(), data: Vec::new() });
            lines.push(inserted());
            return Ok((lines, None));
        };
        let number = self.page.page;
        if source.objid != self.objid {
            let problem = format!("the page belongs to object {}, the record to object {}", source.objid, self.objid);
            return Err(Fault::page(number, problem));
        }
        let added = usize::from(self.operation == INSERT);
        if source.nodes.len() + added != self.lines {
            let problem = format!("the page has {} nodes, the record speaks of {}", source.nodes.len(), self.lines);
            return Err(Fault::page(number, problem));
        }
        if self.operation > FLAG_INSERT_AND_REPLACE || (self.operation != NONE && self.operation_line >= self.lines) {
            return Err(Fault::Record("the operation of the split is none, or at no node"));
        }
        let mut lines = Vec::with_capacity(self.lines);
        let mut replaced = None;
        let mut from = 0;
        for to in 0..self.lines {
            if self.operation == INSERT && to == self.operation_line {
                lines.push(inserted());
                continue;
            }
            let Some(node) = source.nodes.get(from) else { break };
            let key = key_of(source, from)?;
            from += 1;
            let mut line = Line { flags: node.flags, key, data: node.data.clone() };
            if self.operation != NONE && to == self.operation_line {
                let data = std::mem::replace(&mut line.data, content.data.to_vec());
                replaced = Some(Replaced { key: line.key.clone(), data });
                line.flags |= version;
                if self.operation == FLAG_INSERT_AND_REPLACE {
                    line.flags -= NodeFlags::DELETED;
                }
            }
            lines.push(line);
        }
        Ok((lines, replaced))
    }

    /// The nodes that stay, under the new prefix.
    fn set_kept(&self, image: &mut PageImage, kept: &[Line]) {
        let prefix = if self.has_prefix { self.prefix } else { &[] };
        if !image.flags.contains(PageFlags::ROOT) {
            set_header(image, prefix.to_vec());
        } else if image.flags.contains(PageFlags::SPACE_TREE) && !prefix.is_empty() {
            let old = image.reserved.first().cloned().unwrap_or_default();
            let buffer = old.get(..16).unwrap_or(&old);
            set_header(image, [buffer, prefix].concat());
        }
        image.nodes = kept
            .iter()
            .map(|line| {
                let shared = match common(prefix, &line.key) {
                    shared if shared > PREFIX_OVERHEAD => shared,
                    _ => 0,
                };
                StoredNode {
                    flags: line.flags - NodeFlags::COMPRESSED,
                    prefix: u16::try_from(shared).unwrap_or_default(),
                    suffix: line.key.get(shared..).unwrap_or_default().to_vec(),
                    data: line.data.clone(),
                }
            })
            .collect();
    }
}

impl<'r> Operation<'r> {
    /// Insert, FlagInsertAndReplaceData and Replace records as they come with a split; nothing for other records.
    fn parse(kind: RecordType, record: &'r [u8]) -> Result<Option<Self>, Fault> {
        let (key_at, key, data) = match kind {
            RecordType::INSERT => (50, record.short(44)? + record.short(46)?, record.short(48)?),
            RecordType::FLAG_INSERT_AND_REPLACE_DATA => (52, record.short(44)?, record.short(46)?),
            RecordType::REPLACE => (50, 0, record.short(48)?),
            _ => return Ok(None),
        };
        Ok(Some(Operation {
            node: NodeRecord::parse(record)?,
            key: record.slice(key_at, key)?,
            data: record.slice(key_at + key, data)?,
            second_version: if kind == RecordType::FLAG_INSERT_AND_REPLACE_DATA { record.long(48)? } else { 0 },
        }))
    }
}
