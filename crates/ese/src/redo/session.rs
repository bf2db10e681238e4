//! Sessions: which transaction did what, and what it replaced.

use std::collections::HashMap;

use super::error::Fault;
use super::record::{Fields, NodeRecord};
use super::{Applied, Redo};
use crate::log::RecordType;
use crate::source::{ObjectId, PageNumber, PageSource};

/// One session of the server (`PIB`): at most one transaction, with nested levels, and the macros that are under way.
#[derive(Debug, Default)]
pub(super) struct Session {
    level: u8,
    /// The changes in their order; one that was taken back leaves its place empty.
    versions: Vec<Option<Version>>,
    /// Where the change with a number is.
    places: HashMap<(u32, ObjectId), usize>,
    pub(super) macros: Vec<Macro>,
}

/// Records that take effect together.
#[derive(Debug)]
pub(super) struct Macro {
    /// The counter of changes that all pages get.
    pub(super) dbtime: u64,
    pub(super) records: Vec<Vec<u8>>,
}

/// A change that can be taken back (`RCE`).
#[derive(Clone, Debug)]
pub(super) struct Version {
    /// Its number; a record of undo names it.
    pub(super) number: u32,
    /// Level of the transaction that it belongs to.
    pub(super) level: u8,
    /// Root of the tree.
    pub(super) root: PageNumber,
    /// Object number of the tree.
    pub(super) objid: ObjectId,
    /// Key of the node.
    pub(super) key: Vec<u8>,
    /// Data that belongs to the bookmark of the node, in a tree whose keys are not unique.
    pub(super) bookmark_data: Option<Vec<u8>>,
    /// What has to be done.
    pub(super) undo: Undo,
}

/// How a change is taken back.
#[derive(Clone, Debug)]
pub(super) enum Undo {
    /// Inserted: mark it as deleted.
    Insert,
    /// Marked as deleted: take the mark away.
    FlagDelete,
    /// Replaced: put this data back.
    Replace(Vec<u8>),
    /// Added to a number of the data: subtract it.
    Delta { offset: usize, delta: i64, wide: bool },
}

impl Session {
    pub(super) fn is_open(&self) -> bool {
        self.level > 0
    }

    /// The changes of the open transaction, the last one first.
    pub(super) fn backwards(&self) -> impl Iterator<Item = &Version> {
        self.versions.iter().rev().flatten()
    }

    /// Remembers a change of the open transaction.
    pub(super) fn remember(&mut self, version: Version) {
        let name = (version.number, version.objid);
        if self.is_open() && !self.places.contains_key(&name) {
            self.places.insert(name, self.versions.len());
            self.versions.push(Some(Version { level: version.level.min(self.level), ..version }));
        }
    }

    /// Takes out the change with this number.
    pub(super) fn forget(&mut self, number: u32, objid: ObjectId, key: &[u8]) -> Option<Version> {
        let place = *self.places.get(&(number, objid))?;
        let version = self.versions.get_mut(place)?.take_if(|version| version.key == key)?;
        self.places.remove(&(number, objid));
        Some(version)
    }

    fn commit_to(&mut self, level: u8) {
        self.level = self.level.min(level);
        if level == 0 {
            self.versions.clear();
            self.places.clear();
            return;
        }
        // Levels only rise towards the end.
        for version in self.versions.iter_mut().rev() {
            match version {
                Some(version) if version.level > level => version.level = level,
                Some(_) => break,
                None => {}
            }
        }
    }

    fn roll_back_to(&mut self, level: u8) {
        self.level = self.level.min(level);
        // Records of undo came before; what is left was never on a page.
        while self.versions.last().is_some_and(|last| last.as_ref().is_none_or(|version| version.level > level)) {
            if let Some(version) = self.versions.pop().flatten() {
                self.places.remove(&(version.number, version.objid));
            }
        }
    }
}

impl Version {
    /// The change of a record about the node with this bookmark.
    pub(super) fn of(record: &NodeRecord, key: &[u8], data: &[u8], undo: Undo) -> Self {
        Version {
            number: record.version,
            level: record.page.level,
            root: record.root,
            objid: record.objid,
            key: key.to_vec(),
            bookmark_data: (!record.page.is_unique()).then(|| data.to_vec()),
            undo,
        }
    }
}

impl<S: PageSource> Redo<S> {
    pub(super) fn transaction(&mut self, kind: RecordType, record: &[u8]) -> Result<Applied, Fault> {
        let number = u16::try_from(record.short(1)?).unwrap_or_default();
        let session = self.sessions.entry(number).or_default();
        match kind {
            RecordType::BEGIN | RecordType::BEGIN0 | RecordType::BEGIN_DT => {
                let levels = record.byte(3)?;
                let (from, count) = (levels & 0xF, levels >> 4);
                // A nested transaction of which the beginning is not in these logs is in the pages already.
                if session.is_open() || from == 0 {
                    session.level = session.level.max(from + count);
                }
            }
            RecordType::REFRESH => {
                session.commit_to(0);
                session.level = 1;
            }
            RecordType::COMMIT | RecordType::COMMIT0 => {
                let level = record.byte(3)?;
                if session.is_open() && level == 0 {
                    self.progress.committed += 1;
                }
                session.commit_to(level);
            }
            _ => {
                let levels = record.byte(3)?;
                session.roll_back_to(session.level.saturating_sub(levels));
            }
        }
        Ok(Applied::NotAPage)
    }

    pub(super) fn session(&mut self, number: u16) -> &mut Session {
        self.sessions.entry(number).or_default()
    }
}
