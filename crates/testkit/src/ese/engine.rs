//! The engine: pages in memory and on disk, the counters, and the change of one node with its log record.

use std::collections::BTreeMap;

use ese::header::{DatabaseHeader, DatabaseState};
use ese::log::RecordType;
use ese::page::{NodeFlags, PageFlags, PageImage, StoredNode};
use ese::{BackupInfo, LogPosition, LogTime, ObjectId, PageNumber, Signature};

use super::clock::Clock;
use super::format::Format;
use super::log::Logs;
use super::record::{Record, flag};
use super::table::TableState;
use super::transaction::{SessionState, Undo, UndoStep};
use crate::random::Random;

/// A small engine for one database and its logs, in memory. The same calls make the same bytes.
#[derive(Clone, Debug)]
pub struct Engine {
    pub(super) format: Format,
    pub(super) path: String,
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) logs: Logs,
    pub(super) header: DatabaseHeader,
    pub(super) pages: BTreeMap<u32, PageImage>,
    /// Pages as they were last written: what a backup reads.
    pub(super) disk: BTreeMap<u32, Vec<u8>>,
    /// Pages that were changed since, with a place in the logs before the first change.
    pub(super) dirty: BTreeMap<u32, LogPosition>,
    pub(super) sessions: BTreeMap<u16, SessionState>,
    pub(super) tables: Vec<TableState>,
    /// Deleted nodes of committed transactions, whose bytes are still there.
    pub(super) garbage: Vec<(Tree, Vec<u8>, Vec<u8>)>,
    pub(super) last_page: u32,
    /// Whether pages that come into use are logged: not before the database has its version.
    pub(super) logs_new_pages: bool,
    dbtime: u64,
    next_transaction: u32,
    next_version: u32,
}

/// Names one B+ tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tree {
    /// Its root page.
    pub(super) root: u32,
    /// Root page of the tree whose extents it keeps; itself, when it is no tree of extents.
    pub(super) fdp: u32,
    pub(super) objid: u32,
    /// Whether keys of the tree at `fdp` are unique; those of its trees of extents always are.
    pub(super) unique: bool,
    /// INDEX, LONG_VALUE or nothing.
    pub(super) kind: PageFlags,
}

impl Tree {
    pub(super) fn is_space(self) -> bool {
        self.root != self.fdp
    }

    /// Whether the key alone tells nodes apart; otherwise the data is part of the order.
    pub(super) fn keys_are_enough(self) -> bool {
        self.unique || self.is_space()
    }

    fn flags(self, versioned: bool) -> u8 {
        (if versioned { flag::VERSIONED } else { 0 })
            | (if self.unique { flag::UNIQUE } else { 0 })
            | (if self.is_space() { flag::SPACE } else { 0 })
    }
}

/// Where a node is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) page: u32,
    pub(super) line: usize,
}

/// Keys share more than this with the prefix of their page, or nothing (`cbPrefixOverhead`).
const PREFIX_OVERHEAD: usize = 2;

/// How many bytes of `key` are taken from `prefix`.
pub(super) fn shared(prefix: &[u8], key: &[u8]) -> usize {
    let common = prefix.iter().zip(key).take_while(|(a, b)| a == b).count();
    if common > PREFIX_OVERHEAD { common } else { 0 }
}

/// A node as a page with this prefix stores it.
pub(super) fn stored(prefix: &[u8], key: &[u8], data: &[u8], flags: NodeFlags) -> StoredNode {
    let common = shared(prefix, key);
    let mut flags = flags;
    flags.set(NodeFlags::COMPRESSED, common > 0);
    StoredNode { flags, prefix: common as u16, suffix: key[common..].to_vec(), data: data.to_vec() }
}

impl Engine {
    pub(super) fn empty(format: Format, path: &str, seed: u64, first_generation: u32, segments: u16) -> Engine {
        let mut clock = Clock::new();
        let mut random = Random::new(seed);
        let mut signature = || {
            let mut bytes = [0; 28];
            bytes[..4].copy_from_slice(&(random.next_u64() as u32).to_le_bytes());
            bytes[4..12].copy_from_slice(&clock.now().0);
            Signature(bytes)
        };
        let (database, run) = (signature(), signature());
        let directory = path.rsplit_once('\\').map_or("", |(directory, _)| directory);
        let logs = Logs::new(format, run, &format!("{directory}\\"), first_generation, segments, &mut clock);
        let header = DatabaseHeader {
            version: DatabaseHeader::VERSION,
            update_major: format.update_major,
            update_minor: format.update_minor,
            attribute: 0,
            dbtime: 0,
            signature: database,
            state: DatabaseState::Dirty,
            consistent: LogPosition::default(),
            consistent_time: LogTime::NONE,
            attach_time: clock.now(),
            attach: LogPosition::default(),
            detach_time: LogTime::NONE,
            detach: LogPosition::default(),
            dbid: 1,
            log_signature: run,
            full_backup: BackupInfo::default(),
            incremental_backup: BackupInfo::default(),
            this_backup: BackupInfo::default(),
            snapshot: BackupInfo::default(),
            copy_backup: BackupInfo::default(),
            last_object: 0,
            system: format.system,
            page_size: format.page_size,
            required_low: first_generation,
            required_high: first_generation,
            committed_high: first_generation,
            consistent_low: first_generation,
            high_created: LogTime::NONE,
            required_high_created: LogTime::NONE,
            engine_version: format.engine_version,
            file_type: 1,
        };
        Engine {
            format,
            path: path.to_owned(),
            clock,
            random,
            logs,
            header,
            pages: BTreeMap::new(),
            disk: BTreeMap::new(),
            dirty: BTreeMap::new(),
            sessions: BTreeMap::new(),
            tables: Vec::new(),
            garbage: Vec::new(),
            last_page: 0,
            logs_new_pages: false,
            dbtime: 0x40,
            next_transaction: 4,
            next_version: 1,
        }
    }

    /// Its format.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The log generation that is being written.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.logs.generation()
    }

    /// The pages as they are in memory: what recovery from a backup has to arrive at, but for roll-backs.
    #[must_use]
    pub fn pages(&self) -> &BTreeMap<u32, PageImage> {
        &self.pages
    }

    pub(super) fn page(&self, number: u32) -> &PageImage {
        &self.pages[&number]
    }

    #[expect(
        clippy::expect_used,
        reason = "trees name pages that exist; a test that finds another finds a mistake here"
    )]
    pub(super) fn page_mut(&mut self, number: u32) -> &mut PageImage {
        self.pages.get_mut(&number).expect("a page that a tree names")
    }

    pub(super) fn next_dbtime(&mut self) -> u64 {
        self.dbtime += 1;
        self.dbtime
    }

    pub(super) fn dbtime(&self) -> u64 {
        self.dbtime
    }

    pub(super) fn next_transaction(&mut self) -> u32 {
        self.next_transaction += 4;
        self.next_transaction - 4
    }

    pub(super) fn next_version(&mut self) -> u32 {
        self.next_version += 2;
        self.next_version - 2
    }

    pub(super) fn next_object(&mut self) -> u32 {
        self.header.last_object += 1;
        self.header.last_object
    }

    /// An empty page of a tree; it is not in memory yet.
    pub(super) fn new_page(&self, number: u32, tree: Tree, flags: PageFlags, dbtime: u64) -> PageImage {
        let flags = flags | PageFlags::NEW_RECORD_FORMAT | PageFlags::NEW_CHECKSUM_FORMAT;
        let layout = self.format.layout();
        let mut image = PageImage::new(PageNumber(number), layout, ObjectId(tree.objid), flags, dbtime);
        image.reserved_tags = self.format.reserved_tags();
        image
    }

    pub(super) fn append(&mut self, record: Record) -> LogPosition {
        self.logs.append(&record.finish(), &mut self.clock)
    }

    /// Notes that a page is about to change, before the record of the change is written.
    pub(super) fn mark(&mut self, page: u32) {
        let position = self.logs.position();
        self.dirty.entry(page).or_insert(position);
    }

    /// The part that all records about a page begin with (`LRPAGE_`).
    pub(super) fn page_record(
        &self,
        kind: RecordType,
        session: u16,
        tree: Tree,
        spot: Spot,
        versioned: bool,
        (before, after): (u64, u64),
    ) -> Record {
        let state = &self.sessions[&session];
        Record::new(kind)
            .short(session.into())
            .byte(1)
            .long(spot.page)
            .quad(after)
            .quad(before)
            .long(state.begun)
            .byte(state.level)
            .short(spot.line)
            .byte(tree.flags(versioned))
    }

    /// The part that all records about a node begin with (`LRNODE_`).
    pub(super) fn node_record(
        &self,
        kind: RecordType,
        session: u16,
        tree: Tree,
        spot: Spot,
        version: u32,
        times: (u64, u64),
    ) -> Record {
        self.page_record(kind, session, tree, spot, version != 0, times).long(version).long(tree.fdp).long(tree.objid)
    }

    /// A new dbtime for a page: before and after.
    pub(super) fn touch(&mut self, page: u32) -> (u64, u64) {
        self.mark(page);
        let after = self.next_dbtime();
        let before = std::mem::replace(&mut self.page_mut(page).dbtime, after);
        (before, after)
    }

    pub(super) fn version(&mut self, versioned: bool) -> u32 {
        if versioned { self.next_version() } else { 0 }
    }

    /// Inserts a node where there is room for it.
    pub(super) fn put(&mut self, session: u16, tree: Tree, spot: Spot, key: &[u8], data: &[u8], versioned: bool) {
        let version = self.version(versioned);
        let flags = if versioned { NodeFlags::VERSION } else { NodeFlags::empty() };
        let node = stored(self.page(spot.page).prefix(), key, data, flags);
        let times = self.touch(spot.page);
        let (prefix, suffix) = key.split_at(usize::from(node.prefix));
        let record = self
            .node_record(RecordType::INSERT, session, tree, spot, version, times)
            .short(suffix.len())
            .short(prefix.len())
            .short(data.len())
            .bytes(key)
            .bytes(data);
        self.append(record);
        self.page_mut(spot.page).nodes.insert(spot.line, node);
        self.remember(session, tree, key, data, version, UndoStep::Insert);
    }

    /// Makes a deleted node exist again, with other data if the tree is unique.
    pub(super) fn revive(&mut self, session: u16, tree: Tree, spot: Spot, key: &[u8], data: &[u8], versioned: bool) {
        let version = self.version(versioned);
        let old = self.page(spot.page).nodes[spot.line].data.clone();
        let times = self.touch(spot.page);
        if tree.keys_are_enough() {
            let replaced = self.version(versioned);
            let record = self
                .node_record(RecordType::FLAG_INSERT_AND_REPLACE_DATA, session, tree, spot, version, times)
                .short(key.len())
                .short(data.len())
                .long(replaced)
                .bytes(key)
                .bytes(data);
            self.append(record);
            self.remember(session, tree, key, data, version, UndoStep::Insert);
            self.remember(session, tree, key, data, replaced, UndoStep::Replace(old));
        } else {
            let record = self
                .node_record(RecordType::FLAG_INSERT, session, tree, spot, version, times)
                .short(key.len())
                .short(data.len())
                .bytes(key)
                .bytes(data);
            self.append(record);
            self.remember(session, tree, key, data, version, UndoStep::Insert);
        }
        let node = &mut self.page_mut(spot.page).nodes[spot.line];
        node.data = data.to_vec();
        node.flags.remove(NodeFlags::DELETED);
        node.flags.set(NodeFlags::VERSION, node.flags.contains(NodeFlags::VERSION) || versioned);
    }

    /// Replaces the data of a node where there is room for it: the whole of it, or what differs.
    pub(super) fn overwrite(&mut self, session: u16, tree: Tree, spot: Spot, data: &[u8], versioned: bool, diff: bool) {
        let version = self.version(versioned);
        let key = self.key(spot);
        let old = self.page(spot.page).nodes[spot.line].data.clone();
        let times = self.touch(spot.page);
        let wide = !self.format.layout().is_small();
        let difference = if diff { super::diff::difference(&old, data, wide) } else { None };
        let (kind, size, bytes) = match &difference {
            Some(difference) => {
                let wide = if wide { 0x8000 } else { 0 };
                (RecordType::REPLACE_D, difference.len() | wide, difference.as_slice())
            }
            None => (RecordType::REPLACE, data.len(), data),
        };
        let record = self
            .node_record(kind, session, tree, spot, version, times)
            .short(size)
            .short(old.len())
            .short(data.len())
            .bytes(bytes);
        self.append(record);
        let node = &mut self.page_mut(spot.page).nodes[spot.line];
        node.data = data.to_vec();
        node.flags.set(NodeFlags::VERSION, node.flags.contains(NodeFlags::VERSION) || versioned);
        self.remember(session, tree, &key, &old, version, UndoStep::Replace(old.clone()));
    }

    /// Adds to a number within the data of a node, which is how references to long values are counted.
    pub(super) fn add(&mut self, session: u16, tree: Tree, spot: Spot, offset: usize, amount: i32) {
        let version = self.next_version();
        let key = self.key(spot);
        let times = self.touch(spot.page);
        let record = self
            .node_record(RecordType::DELTA, session, tree, spot, version, times)
            .short(key.len())
            .short(0)
            .long(amount as u32)
            .short(offset)
            .bytes(&key);
        self.append(record);
        self.page_mut(spot.page).nodes[spot.line].flags.insert(NodeFlags::VERSION);
        self.adjust(spot, offset, amount);
        self.remember(session, tree, &key, &[], version, UndoStep::Delta(offset, amount));
    }

    pub(super) fn adjust(&mut self, spot: Spot, offset: usize, amount: i32) {
        let data = &mut self.page_mut(spot.page).nodes[spot.line].data;
        let number = &mut data[offset..offset + 4];
        let value = number.try_into().map_or(0, i32::from_le_bytes).wrapping_add(amount);
        number.copy_from_slice(&value.to_le_bytes());
    }

    /// Marks a node as deleted.
    pub(super) fn flag_delete(&mut self, session: u16, tree: Tree, spot: Spot, versioned: bool) {
        let version = self.version(versioned);
        let key = self.key(spot);
        let times = self.touch(spot.page);
        let record = self.node_record(RecordType::FLAG_DELETE, session, tree, spot, version, times);
        self.append(record);
        let node = &mut self.page_mut(spot.page).nodes[spot.line];
        node.flags.insert(NodeFlags::DELETED);
        node.flags.set(NodeFlags::VERSION, node.flags.contains(NodeFlags::VERSION) || versioned);
        let data = node.data.clone();
        self.remember(session, tree, &key, &data, version, UndoStep::FlagDelete);
    }

    /// Removes a node.
    pub(super) fn erase(&mut self, session: u16, tree: Tree, spot: Spot) {
        let times = self.touch(spot.page);
        let record = self.node_record(RecordType::DELETE, session, tree, spot, 0, times);
        self.append(record);
        self.page_mut(spot.page).nodes.remove(spot.line);
    }

    /// Sets the external header of a page.
    pub(super) fn set_external_header(&mut self, session: u16, tree: Tree, page: u32, data: &[u8]) {
        let times = self.touch(page);
        let record = self
            .node_record(RecordType::SET_EXTERNAL_HEADER, session, tree, Spot { page, line: 0 }, 0, times)
            .short(data.len())
            .bytes(data);
        self.append(record);
        self.page_mut(page).reserved[0] = data.to_vec();
    }

    #[expect(clippy::expect_used, reason = "lines come from a search in the same page")]
    pub(super) fn key(&self, spot: Spot) -> Vec<u8> {
        self.page(spot.page).key(spot.line).expect("a line of the page")
    }

    fn remember(&mut self, session: u16, tree: Tree, key: &[u8], data: &[u8], version: u32, step: UndoStep) {
        if version == 0 {
            return;
        }
        let bookmark = if tree.keys_are_enough() { Vec::new() } else { data.to_vec() };
        if let Some(state) = self.sessions.get_mut(&session) {
            let level = state.level;
            state.undo.push(Undo { tree, key: key.to_vec(), data: bookmark, version, level, step, logged: false });
        }
    }
}
