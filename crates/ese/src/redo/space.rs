//! Records that allocate pages and make the roots of trees.

use super::error::Fault;
use super::record::{Fields, PageRecord};
use super::{Applied, Redo, node};
use crate::bytes::Bytes;
use crate::page::{NodeFlags, PageFlags, PageImage, StoredNode};
use crate::source::{ObjectId, PageNumber, PageSource};

/// Pages that a bit map can account for (`cpgSmallSpaceAvailMost`).
const BIT_MAP: u32 = 32;

/// Size of the empty header of the root of a space tree (`SPLIT_BUFFER`).
const SPLIT_BUFFER: usize = 16;

const MULTIPLE: u32 = 1;
const NON_UNIQUE: u32 = 2;

impl<S: PageSource> Redo<S> {
    /// `LRNEWPAGE`: 1 session, 3 database, 4 page, 8 object, 12 u64 counter after.
    pub(super) fn new_page(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let (page, objid, after) = (PageNumber(record.long(4)?), ObjectId(record.long(8)?), record.wide(12)?);
        if !self.is_ours(record.byte(3)?) {
            return Ok(Applied::NotAPage);
        }
        let session = u16::try_from(record.short(1)?).unwrap_or_default();
        if self.store_in_macro(session, after, record) {
            return Ok(Applied::NotAPage);
        }
        self.saw(after, objid.0);
        if !self.overlay.needs_new(page, after)? {
            return Ok(Applied::Already);
        }
        let image = self.overlay.pre_init(page, objid, after);
        self.overlay.put([image])?;
        Ok(Applied::Changed)
    }

    /// `LRCREATESEFDP`: 32 object, 36 root that gives the pages, 40 pages of the extent, 44 flags.
    pub(super) fn create_single_extent(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let page = PageRecord::parse(record)?;
        if !self.is_ours(page.dbid) {
            return Ok(Applied::NotAPage);
        }
        let (objid, parent) = (ObjectId(record.long(32)?), record.long(36)?);
        let (extent, flags) = (record.long(40)?, PageFlags::from_bits_retain(record.long(44)?));
        self.saw(page.after, objid.0);
        if !self.overlay.needs_new(page.page, page.after)? {
            return Ok(Applied::Already);
        }
        let flags = flags | PageFlags::ROOT | PageFlags::LEAF;
        let mut image = self.overlay.empty(page.page, objid, flags, page.after);
        let available = if extent > BIT_MAP {
            u32::MAX
        } else {
            1_u32.checked_shl(extent.saturating_sub(1)).map_or(u32::MAX, |bit| bit - 1)
        };
        let flags = if page.is_unique() { 0 } else { NON_UNIQUE };
        set_space_header(&mut image, [extent, parent, flags, available]);
        self.overlay.put([image])?;
        Ok(Applied::Changed)
    }

    /// `LRCREATEMEFDP`: 32 object, 36 and 40 roots of owned and available extents, 44 root that gives the pages, 48 pages
    /// of the extent, 52 flags.
    pub(super) fn create_multiple_extent(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let page = PageRecord::parse(record)?;
        if !self.is_ours(page.dbid) {
            return Ok(Applied::NotAPage);
        }
        let (objid, owned, available) = (ObjectId(record.long(32)?), record.long(36)?, record.long(40)?);
        let (parent, extent) = (record.long(44)?, record.long(48)?);
        let flags = PageFlags::from_bits_retain(record.long(52)?);
        self.saw(page.after, objid.0);
        let last = page.page.0.saturating_add(extent).saturating_sub(1);
        let mut images = Vec::new();
        let root = flags | PageFlags::ROOT | PageFlags::LEAF;
        if self.overlay.needs_new(page.page, page.after)? {
            let mut image = self.overlay.empty(page.page, objid, root, page.after);
            let flags = if page.is_unique() { MULTIPLE } else { MULTIPLE | NON_UNIQUE };
            set_space_header(&mut image, [extent, parent, flags, owned]);
            images.push(image);
        }
        for (number, pages) in [(owned, extent), (available, extent.saturating_sub(3))] {
            let number = PageNumber(number);
            if self.overlay.needs_new(number, page.after)? {
                let mut image = self.overlay.empty(number, objid, root | PageFlags::SPACE_TREE, page.after);
                set_extents(&mut image, &[(last, pages)]);
                images.push(image);
            }
        }
        let changed = !images.is_empty();
        self.overlay.put(images)?;
        Ok(if changed { Applied::Changed } else { Applied::Already })
    }

    /// `LRCONVERTFDP`: 32 object, 36 and 40 roots of owned and available extents, 44 root that gives the pages, 48 first
    /// page of the second extent, 52 and 56 pages of the first and the second, 60 bit map, 64 flags.
    pub(super) fn convert_extent(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let page = PageRecord::parse(record)?;
        if !self.is_ours(page.dbid) {
            return Ok(Applied::NotAPage);
        }
        let (objid, owned, available) = (ObjectId(record.long(32)?), record.long(36)?, record.long(40)?);
        let (parent, second) = (record.long(44)?, record.long(48)?);
        let (first_size, second_size) = (record.long(52)?, record.long(56)?);
        let (bits, flags) = (record.long(60)?, PageFlags::from_bits_retain(record.long(64)?));
        self.saw(page.after, objid.0);
        let root = page.page.0;
        let (first_last, second_last) = (last_of(root, first_size), last_of(second, second_size));
        let mut images = Vec::new();
        if self.overlay.needs(page.page, page.before, page.after)? {
            let mut image = self.overlay.take(page.page)?;
            let flags = if page.is_unique() { MULTIPLE } else { MULTIPLE | NON_UNIQUE };
            set_space_header(&mut image, [first_size, parent, flags, second]);
            image.dbtime = page.after;
            images.push(image);
        }
        let flags = flags | PageFlags::ROOT | PageFlags::LEAF | PageFlags::SPACE_TREE;
        if self.overlay.needs_new(PageNumber(owned), page.after)? {
            let mut image = self.overlay.empty(PageNumber(owned), objid, flags, page.after);
            set_extents(&mut image, &[(first_last, first_size), (second_last, second_size)]);
            images.push(image);
        }
        if self.overlay.needs_new(PageNumber(available), page.after)? {
            let mut image = self.overlay.empty(PageNumber(available), objid, flags, page.after);
            let mut extents = free_extents(root, first_size, bits);
            // The roots of the two space trees are the first pages of the second extent.
            extents.push((second_last, second_size.saturating_sub(2)));
            set_extents(&mut image, &extents);
            images.push(image);
        }
        let changed = !images.is_empty();
        self.overlay.put(images)?;
        Ok(if changed { Applied::Changed } else { Applied::Already })
    }
}

fn last_of(first: u32, pages: u32) -> u32 {
    first.saturating_add(pages).saturating_sub(1)
}

/// The free pages behind the root of a tree with one extent, as runs of last page and length (`SPIConvertCalcExtents`).
fn free_extents(root: u32, size: u32, bits: u32) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let behind = size.saturating_sub(1);
    for page in (0..BIT_MAP).filter(|bit| bits & (1 << bit) != 0).map(|bit| root.saturating_add(1 + bit)) {
        match runs.last_mut() {
            Some((last, length)) if last.checked_add(1) == Some(page) => {
                *last = page;
                *length += 1;
            }
            _ => runs.push((page, 1)),
        }
    }
    if behind > BIT_MAP {
        // Pages that the bit map does not reach are free.
        let (last, rest) = (root.saturating_add(behind), behind - BIT_MAP);
        match runs.last_mut() {
            Some((end, length)) if *end == last - rest => {
                *end = last;
                *length += rest;
            }
            _ => runs.push((last, rest)),
        }
    }
    runs
}

/// Writes `SPACE_HEADER`: pages, parent, flags, bit map or root of the owned extents. What newer formats keep beside it in
/// the external header stays.
fn set_space_header(image: &mut PageImage, fields: [u32; 4]) {
    const SIZE: usize = 16;
    const PRESENT: u8 = 1;
    let fields: Vec<u8> = fields.into_iter().flat_map(u32::to_le_bytes).collect();
    let old = image.reserved.first().cloned().unwrap_or_default();
    let header = match old.u8_at(0) {
        Some(_) if old.len() == SIZE => fields,
        None => fields,
        Some(present) => {
            let behind = if present & PRESENT != 0 { 1 + SIZE } else { 1 };
            [&[present | PRESENT], fields.as_slice(), old.get(behind..).unwrap_or_default()].concat()
        }
    };
    node::set_header(image, header);
}

/// Fills the root of a space tree: a node an extent, the last page as key, the number of pages as data.
fn set_extents(image: &mut PageImage, extents: &[(u32, u32)]) {
    node::set_header(image, vec![0; SPLIT_BUFFER]);
    let mut extents: Vec<_> = extents.iter().filter(|(_, pages)| *pages > 0).collect();
    extents.sort_unstable();
    image.nodes = extents
        .into_iter()
        .map(|(last, pages)| StoredNode {
            flags: NodeFlags::empty(),
            prefix: 0,
            suffix: last.to_be_bytes().to_vec(),
            data: pages.to_le_bytes().to_vec(),
        })
        .collect();
}
