//! Records that change one node, or the external header of one page.

use super::error::Fault;
use super::record::{Fields, NodeRecord};
use super::session::{Undo, Version};
use super::{Applied, Redo, diff};
use crate::log::RecordType;
use crate::page::{NodeFlags, PageFlags, PageImage, StoredNode};
use crate::source::{PageNumber, PageSource};

/// Prefixes are worth their two bytes only above this length (`cbPrefixOverhead`).
pub(super) const PREFIX_OVERHEAD: usize = 2;

/// Numbers of the operations in records of undo (`OPER`).
const OPERATION_INSERT: usize = 1;
const OPERATION_REPLACE: usize = 2;
const OPERATION_FLAG_DELETE: usize = 3;

impl<S: PageSource> Redo<S> {
    pub(super) fn node_record(&mut self, kind: RecordType, record: &[u8]) -> Result<Applied, Fault> {
        let node = NodeRecord::parse(record)?;
        if !self.is_ours(node.page.dbid) {
            return Ok(Applied::NotAPage);
        }
        if kind != RecordType::UNDO_INFO && self.store_in_macro(node.page.session, node.page.after, record) {
            return Ok(Applied::NotAPage);
        }
        if kind == RecordType::UNDO_INFO {
            return self.undo_info(&node, record);
        }
        self.saw(node.page.after, node.objid.0);
        let needed = self.overlay.needs(node.page.page, node.page.before, node.page.after)?;
        match kind {
            RecordType::INSERT => self.insert(&node, record, needed)?,
            RecordType::FLAG_INSERT => self.flag_insert(&node, record, needed, false)?,
            RecordType::FLAG_INSERT_AND_REPLACE_DATA => self.flag_insert(&node, record, needed, true)?,
            RecordType::FLAG_DELETE => self.flag_delete(&node, needed)?,
            RecordType::REPLACE | RecordType::REPLACE_D => self.replace(&node, kind, record, needed)?,
            RecordType::DELETE => self.delete(&node, needed)?,
            RecordType::DELTA | RecordType::DELTA64 => self.delta(&node, kind, record, needed)?,
            RecordType::UNDO => self.undo(&node, record, needed)?,
            RecordType::SET_EXTERNAL_HEADER => self.set_external_header(&node, record, needed)?,
            _ => return self.empty_tree(&node, record, needed),
        }
        Ok(if needed { Applied::Changed } else { Applied::Already })
    }

    /// `LRINSERT`: 44 suffix length, 46 prefix length, 48 data length, 50 prefix, suffix, data.
    fn insert(&mut self, node: &NodeRecord, record: &[u8], needed: bool) -> Result<(), Fault> {
        let (suffix, prefix, data) = (record.short(44)?, record.short(46)?, record.short(48)?);
        let key = record.slice(50, prefix + suffix)?;
        let data = record.slice(50 + prefix + suffix, data)?;
        if needed {
            let stored = StoredNode {
                flags: version_flag(node),
                prefix: u16::try_from(prefix).unwrap_or_default(),
                suffix: key.get(prefix..).unwrap_or_default().to_vec(),
                data: data.to_vec(),
            };
            let at = usize::from(node.page.line);
            self.overlay.modify(node.page.page, record.len(), |image| {
                insert_checked(image, at, stored, key)?;
                image.dbtime = node.page.after;
                Ok(())
            })?;
        }
        if node.page.is_versioned() {
            let version = Version::of(node, key, data, Undo::Insert);
            self.session(node.page.session).remember(version);
        }
        Ok(())
    }

    /// `LRFLAGINSERT`: 44 key length, 46 data length, 48 key, data. `LRFLAGINSERTANDREPLACEDATA`: the same, with the
    /// number of a second version at 48, and the key at 52.
    fn flag_insert(&mut self, node: &NodeRecord, record: &[u8], needed: bool, replace: bool) -> Result<(), Fault> {
        let start = if replace { 52 } else { 48 };
        let (key_size, data_size) = (record.short(44)?, record.short(46)?);
        let key = record.slice(start, key_size)?;
        let data = record.slice(start + key_size, data_size)?;
        let mut old = None;
        if needed {
            old = Some(self.overlay.modify(node.page.page, record.len(), |image| {
                let at = check_key(image, node, node.page.is_versioned().then_some(key))?;
                let stored = &mut image.nodes[at];
                if !stored.flags.contains(NodeFlags::DELETED) {
                    return Err(Fault::page(
                        node.page.page,
                        format!("node {at} is not deleted, and is inserted again"),
                    ));
                }
                stored.flags -= NodeFlags::DELETED;
                stored.flags |= version_flag(node);
                let old = if replace { std::mem::replace(&mut stored.data, data.to_vec()) } else { Vec::new() };
                image.dbtime = node.page.after;
                Ok(old)
            })?);
        }
        if node.page.is_versioned() {
            let version = Version::of(node, key, data, Undo::Insert);
            let second = record.long(48);
            let session = self.session(node.page.session);
            session.remember(version);
            if let Some(old) = old.filter(|_| replace) {
                let version = Version { number: second?, ..Version::of(node, key, data, Undo::Replace(old)) };
                session.remember(version);
            }
        }
        Ok(())
    }

    fn flag_delete(&mut self, node: &NodeRecord, needed: bool) -> Result<(), Fault> {
        if !needed {
            // The content before it comes with a record of its own.
            return Ok(());
        }
        let (key, data) = self.overlay.modify(node.page.page, 0, |image| {
            let at = check_key(image, node, None)?;
            let key = key_of(image, at)?;
            let stored = &mut image.nodes[at];
            if stored.flags.contains(NodeFlags::DELETED) {
                return Err(Fault::page(node.page.page, format!("node {at} is deleted already")));
            }
            stored.flags |= NodeFlags::DELETED | version_flag(node);
            let data = stored.data.clone();
            image.dbtime = node.page.after;
            Ok((key, data))
        })?;
        if node.page.is_versioned() {
            let version = Version::of(node, &key, &data, Undo::FlagDelete);
            self.session(node.page.session).remember(version);
        }
        Ok(())
    }

    /// `LRREPLACE`: 44 length, highest bit: wide differences; 46 old length, 48 new length, 50 data or differences.
    fn replace(&mut self, node: &NodeRecord, kind: RecordType, record: &[u8], needed: bool) -> Result<(), Fault> {
        if !needed {
            return Ok(());
        }
        let (size, old_size, new_size) = (record.short(44)?, record.short(46)?, record.short(48)?);
        let content = record.slice(50, size & 0x7FFF)?;
        let limit = self.overlay.layout().page_size();
        let (key, old) = self.overlay.modify(node.page.page, record.len(), |image| {
            let at = check_key(image, node, None)?;
            let key = key_of(image, at)?;
            let stored = &mut image.nodes[at];
            if old_size != 0 && stored.data.len() != old_size {
                let problem =
                    format!("node {at} has {} bytes of data, the record replaces {old_size}", stored.data.len());
                return Err(Fault::page(node.page.page, problem));
            }
            let new = if kind == RecordType::REPLACE_D {
                diff::apply(&stored.data, content, size & 0x8000 != 0, limit)?
            } else {
                content.to_vec()
            };
            if new.len() != new_size {
                return Err(Fault::Record("the new data has not the length that the record says"));
            }
            stored.flags |= version_flag(node);
            let old = std::mem::replace(&mut stored.data, new);
            image.dbtime = node.page.after;
            Ok((key, old))
        })?;
        if node.page.is_versioned() {
            let version = Version::of(node, &key, &old, Undo::Replace(old.clone()));
            self.session(node.page.session).remember(version);
        }
        Ok(())
    }

    fn delete(&mut self, node: &NodeRecord, needed: bool) -> Result<(), Fault> {
        if !needed {
            return Ok(());
        }
        self.overlay.modify(node.page.page, 0, |image| {
            let at = check_key(image, node, None)?;
            image.nodes.remove(at);
            image.dbtime = node.page.after;
            Ok(())
        })
    }

    /// `LRDELTA`: 44 key length, 46 length of the bookmark's data, 48 i32 (Delta64: i64), u16 offset, key, data.
    fn delta(&mut self, node: &NodeRecord, kind: RecordType, record: &[u8], needed: bool) -> Result<(), Fault> {
        let wide = kind == RecordType::DELTA64;
        let (key_size, data_size) = (record.short(44)?, record.short(46)?);
        let (delta, at) =
            if wide { (record.wide(48)?.cast_signed(), 56) } else { (i64::from(record.long(48)?.cast_signed()), 52) };
        let offset = record.short(at)?;
        let key = record.slice(at + 2, key_size)?;
        let data = record.slice(at + 2 + key_size, data_size)?;
        if needed {
            self.overlay.modify(node.page.page, record.len(), |image| {
                let at = check_key(image, node, Some(key))?;
                add(&mut image.nodes[at].data, offset, delta, wide)
                    .ok_or_else(|| Fault::page(node.page.page, format!("node {at} has no number at {offset}")))?;
                image.nodes[at].flags |= version_flag(node);
                image.dbtime = node.page.after;
                Ok(())
            })?;
        }
        if node.page.is_versioned() {
            let version = Version::of(node, key, data, Undo::Delta { offset, delta, wide });
            self.session(node.page.session).remember(version);
        }
        Ok(())
    }

    /// `LRUNDO`: 44 key length, 46 length of the bookmark's data, 48 operation, 50 level, 51 key, data.
    fn undo(&mut self, node: &NodeRecord, record: &[u8], needed: bool) -> Result<(), Fault> {
        let key = record.slice(51, record.short(44)?)?;
        let version = self.session(node.page.session).forget(node.version, node.objid, key);
        if !needed {
            return Ok(());
        }
        let Some(version) = version else {
            return Err(Fault::Record("the record takes back a change that is not in the logs"));
        };
        self.overlay.modify(node.page.page, usize::MAX, |image| {
            let at = check_key(image, node, Some(key))?;
            take_back(&mut image.nodes[at], &version.undo)
                .ok_or_else(|| Fault::page(node.page.page, format!("node {at} has not what is to be taken back")))?;
            image.dbtime = node.page.after;
            Ok(())
        })
    }

    /// `LRUNDOINFO`: 44 key length, 46 length of the bookmark's data, 48 operation, 54 length of the content before,
    /// 56 key, bookmark's data, content.
    fn undo_info(&mut self, node: &NodeRecord, record: &[u8]) -> Result<Applied, Fault> {
        let (key_size, data_size, old_size) = (record.short(44)?, record.short(46)?, record.short(54)?);
        let key = record.slice(56, key_size)?;
        let data = record.slice(56 + key_size, data_size)?;
        let old = record.slice(56 + key_size + data_size, old_size)?;
        let undo = match record.short(48)? {
            OPERATION_INSERT => Undo::Insert,
            OPERATION_REPLACE => Undo::Replace(old.to_vec()),
            OPERATION_FLAG_DELETE => Undo::FlagDelete,
            _ => return Err(Fault::Record("the record keeps the content before an unknown operation")),
        };
        let version = Version::of(node, key, data, undo);
        self.session(node.page.session).remember(version);
        Ok(Applied::NotAPage)
    }

    /// `LRSETEXTERNALHEADER`: 44 length, 46 the header.
    fn set_external_header(&mut self, node: &NodeRecord, record: &[u8], needed: bool) -> Result<(), Fault> {
        if !needed {
            return Ok(());
        }
        let header = record.slice(46, record.short(44)?)?;
        self.overlay.modify(node.page.page, record.len(), |image| {
            let in_use = image.nodes.iter().map(|node| usize::from(node.prefix)).max().unwrap_or_default();
            if !image.flags.intersects(PageFlags::ROOT | PageFlags::SPACE_TREE) && in_use > header.len() {
                let problem = "the new external header is shorter than the prefixes of the keys".to_owned();
                return Err(Fault::Page(node.page.page, problem));
            }
            set_header(image, header.to_vec());
            image.dbtime = node.page.after;
            Ok(())
        })
    }

    /// `LREMPTYTREE`: 44 length of the list, 46 `EMPTYPAGE`s: u64 counter before, u32 page, u32 flags.
    fn empty_tree(&mut self, node: &NodeRecord, record: &[u8], needed: bool) -> Result<Applied, Fault> {
        const ENTRY: usize = 16;
        let list = record.slice(46, record.short(44)?)?;
        let mut images = Vec::new();
        for entry in list.chunks_exact(ENTRY) {
            let page = PageNumber(entry.long(8)?);
            if self.overlay.needs(page, entry.wide(0)?, node.page.after)? {
                let mut image = self.overlay.take(page)?;
                empty(&mut image);
                image.dbtime = node.page.after;
                images.push(image);
            }
        }
        if needed {
            let mut image = self.overlay.take(node.page.page)?;
            image.nodes.clear();
            image.flags = (image.flags - PageFlags::PARENT_OF_LEAF) | PageFlags::LEAF;
            image.dbtime = node.page.after;
            images.push(image);
        }
        let changed = !images.is_empty();
        self.overlay.put(images)?;
        Ok(if changed { Applied::Changed } else { Applied::Already })
    }
}

/// Takes all nodes off a page (`NDEmptyPage`).
pub(super) fn empty(image: &mut PageImage) {
    if !image.flags.contains(PageFlags::ROOT) {
        set_header(image, Vec::new());
    }
    image.nodes.clear();
    image.flags |= PageFlags::EMPTY;
}

/// Replaces the external header.
pub(super) fn set_header(image: &mut PageImage, header: Vec<u8>) {
    match image.reserved.first_mut() {
        Some(first) => *first = header,
        None => image.reserved.push(header),
    }
}

/// Does to a node what takes a change back; `None` when the node does not have it.
pub(super) fn take_back(node: &mut StoredNode, undo: &Undo) -> Option<()> {
    match undo {
        Undo::Insert => node.flags |= NodeFlags::DELETED,
        Undo::FlagDelete => node.flags -= NodeFlags::DELETED,
        Undo::Replace(old) => node.data.clone_from(old),
        Undo::Delta { offset, delta, wide } => add(&mut node.data, *offset, delta.wrapping_neg(), *wide)?,
    }
    Some(())
}

/// The length of what two keys begin with.
pub(super) fn common(one: &[u8], other: &[u8]) -> usize {
    one.iter().zip(other).take_while(|(one, other)| one == other).count()
}

/// A node with this key, with as much of it in the prefix as pays.
pub(super) fn compressed(flags: NodeFlags, key: &[u8], data: &[u8], prefix: &[u8]) -> StoredNode {
    let common = match common(prefix, key) {
        common if common > PREFIX_OVERHEAD => common,
        _ => 0,
    };
    StoredNode {
        flags: flags - NodeFlags::COMPRESSED,
        prefix: u16::try_from(common).unwrap_or_default(),
        suffix: key.get(common..).unwrap_or_default().to_vec(),
        data: data.to_vec(),
    }
}

pub(super) fn key_of(image: &PageImage, at: usize) -> Result<Vec<u8>, Fault> {
    image.key(at).ok_or_else(|| Fault::page(image.number, format!("the key of node {at} is damaged")))
}

fn version_flag(node: &NodeRecord) -> NodeFlags {
    if node.page.is_versioned() { NodeFlags::VERSION } else { NodeFlags::empty() }
}

/// The index of the node that a record names, when it is there and has the key.
fn check_key(image: &PageImage, node: &NodeRecord, key: Option<&[u8]>) -> Result<usize, Fault> {
    let at = usize::from(node.page.line);
    if at >= image.nodes.len() {
        let problem = format!("there is no node {at}, the page has {}", image.nodes.len());
        return Err(Fault::page(image.number, problem));
    }
    if image.objid != node.objid {
        let problem = format!("the page belongs to object {}, the record to object {}", image.objid, node.objid);
        return Err(Fault::page(image.number, problem));
    }
    if let Some(key) = key
        && key_of(image, at)? != key
    {
        return Err(Fault::page(image.number, format!("node {at} has another key than the record")));
    }
    Ok(at)
}

/// Inserts a node where the order of the keys allows it.
fn insert_checked(image: &mut PageImage, at: usize, node: StoredNode, key: &[u8]) -> Result<(), Fault> {
    if at > image.nodes.len() {
        let problem = format!("there is no place {at} for a node, the page has {}", image.nodes.len());
        return Err(Fault::page(image.number, problem));
    }
    if node.suffix.len() > 0x1FFF {
        return Err(Fault::Record("the new key is longer than a node can say"));
    }
    let prefix = image.prefix().get(..usize::from(node.prefix));
    if prefix.is_none_or(|prefix| !key.starts_with(prefix)) {
        return Err(Fault::page(image.number, "the external header does not hold the prefix of the new key"));
    }
    // On an inner page the last key has no bytes, and is above all.
    let last_is_open = !image.flags.contains(PageFlags::LEAF);
    let position = |at: usize| -> Result<(Vec<u8>, &[u8]), Fault> { Ok((key_of(image, at)?, &image.nodes[at].data)) };
    let new = (key.to_vec(), node.data.as_slice());
    let non_unique = image.flags.contains(PageFlags::NON_UNIQUE_KEYS);
    let ordered = |one: &(Vec<u8>, &[u8]), other: &(Vec<u8>, &[u8])| {
        one.0 < other.0 || (one.0 == other.0 && non_unique && one.1 <= other.1)
    };
    let low = at.checked_sub(1).map(position).transpose()?;
    let high = if at < image.nodes.len() { Some(position(at)?) } else { None };
    let open = |entry: &(Vec<u8>, &[u8])| last_is_open && entry.0.is_empty();
    if low.is_some_and(|low| !ordered(&low, &new) && !open(&new))
        || high.is_some_and(|high| !ordered(&new, &high) && !open(&high))
    {
        return Err(Fault::page(image.number, format!("the new key does not belong at node {at}")));
    }
    image.nodes.insert(at, node);
    Ok(())
}

fn add(data: &mut [u8], offset: usize, delta: i64, wide: bool) -> Option<()> {
    if wide {
        let place: &mut [u8] = data.get_mut(offset..offset.checked_add(8)?)?;
        let old = i64::from_le_bytes(place.try_into().ok()?);
        place.copy_from_slice(&old.wrapping_add(delta).to_le_bytes());
    } else {
        let place: &mut [u8] = data.get_mut(offset..offset.checked_add(4)?)?;
        let old = i32::from_le_bytes(place.try_into().ok()?);
        let delta = i32::try_from(delta).ok()?;
        place.copy_from_slice(&old.wrapping_add(delta).to_le_bytes());
    }
    Some(())
}
