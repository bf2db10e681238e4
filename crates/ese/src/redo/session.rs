//! Sessions: which transaction did what, and what it replaced.

use super::error::Fault;
use super::record::{Fields, NodeRecord};
use super::{Applied, Redo};
use crate::log::RecordType;
use crate::source::{ObjectId, PageNumber, PageSource};

/// One session of the server (`PIB`): at most one transaction, with nested levels, and the macros that are under way.
#[derive(Debug, Default)]
pub(super) struct Session {
    level: u8,
    pub(super) versions: Vec<Version>,
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

    /// Remembers a change of the open transaction.
    pub(super) fn remember(&mut self, version: Version) {
        let known = self
            .versions
            .iter()
            .any(|known| known.number == version.number && known.key == version.key && known.objid == version.objid);
        if self.is_open() && !known {
            self.versions.push(Version { level: version.level.min(self.level), ..version });
        }
    }

    /// Takes out the change with this number.
    pub(super) fn forget(&mut self, number: u32, objid: ObjectId, key: &[u8]) -> Option<Version> {
        let at = self
            .versions
            .iter()
            .rposition(|version| version.number == number && version.objid == objid && version.key == key)?;
        Some(self.versions.remove(at))
    }

    fn commit_to(&mut self, level: u8) {
        self.level = self.level.min(level);
        if level == 0 {
            self.versions.clear();
        }
        for version in &mut self.versions {
            version.level = version.level.min(level);
        }
    }

    fn roll_back_to(&mut self, level: u8) {
        self.level = self.level.min(level);
        // Records of undo came before; what is left was never on a page.
        self.versions.retain(|version| version.level <= level);
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
                session.level = 1;
                session.versions.clear();
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
