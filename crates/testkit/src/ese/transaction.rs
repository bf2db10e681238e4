//! Sessions and their transactions.

use ese::LogPosition;
use ese::log::RecordType;
use ese::page::NodeFlags;

use super::engine::{Engine, Spot, Tree};
use super::record::{NO_DBTIME, Record, flag};
use super::table::RowChange;

/// A session: who does something. Transactions of several sessions can be open at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub u16);

impl Session {
    /// The session of background work.
    pub const BACKGROUND: Session = Session(3);
}

/// A session with an open transaction.
#[derive(Clone, Debug)]
pub(super) struct SessionState {
    pub(super) level: u8,
    /// Number of the transaction, `trxBegin0`.
    pub(super) begun: u32,
    pub(super) started: LogPosition,
    pub(super) undo: Vec<Undo>,
    pub(super) rows: Vec<RowChange>,
}

/// What a roll-back has to take back.
#[derive(Clone, Debug)]
pub(super) struct Undo {
    pub(super) tree: Tree,
    pub(super) key: Vec<u8>,
    /// Part of the bookmark in trees whose keys are not unique.
    pub(super) data: Vec<u8>,
    pub(super) version: u32,
    pub(super) level: u8,
    pub(super) step: UndoStep,
    /// Whether the log has what the page said before (`UndoInfo`).
    pub(super) logged: bool,
}

/// What was done to a node.
#[derive(Clone, Debug)]
pub(super) enum UndoStep {
    /// `operInsert`.
    Insert,
    /// `operReplace`, with the data before.
    Replace(Vec<u8>),
    /// `operFlagDelete`.
    FlagDelete,
    /// `operDelta`: where in the data, and how much was added.
    Delta(usize, i32),
}

impl UndoStep {
    fn number(&self) -> usize {
        match self {
            UndoStep::Insert => 1,
            UndoStep::Replace(_) => 2,
            UndoStep::FlagDelete => 3,
            UndoStep::Delta(..) => 4,
        }
    }
}

impl Engine {
    /// Begins a transaction, or one within the open one.
    pub fn begin(&mut self, session: Session) {
        let level = self.sessions.get(&session.0).map_or(0, |state| state.level);
        if level == 0 {
            let begun = self.next_transaction();
            let record = Record::new(RecordType::BEGIN0).short(session.0.into()).byte(0x10).long(begun);
            let started = self.logs.position();
            self.append(record);
            let state = SessionState { level: 1, begun, started, undo: Vec::new(), rows: Vec::new() };
            self.sessions.insert(session.0, state);
            return;
        }
        self.append(Record::new(RecordType::BEGIN).short(session.0.into()).byte(0x10 | level));
        self.set_level(session, level + 1);
    }

    /// Commits the innermost transaction of a session.
    ///
    /// # Panics
    /// When none is open.
    pub fn commit(&mut self, session: Session) {
        let level = self.sessions[&session.0].level - 1;
        if level > 0 {
            self.append(Record::new(RecordType::COMMIT).short(session.0.into()).byte(level));
            self.set_level(session, level);
            for undo in self.sessions.get_mut(&session.0).into_iter().flat_map(|state| &mut state.undo) {
                undo.level = undo.level.min(level);
            }
            return;
        }
        let end = self.next_transaction();
        self.append(Record::new(RecordType::COMMIT0).short(session.0.into()).byte(0).long(end));
        let Some(state) = self.sessions.remove(&session.0) else { return };
        for undo in state.undo {
            if matches!(undo.step, UndoStep::FlagDelete) {
                self.garbage.push((undo.tree, undo.key, undo.data));
            }
        }
        for change in state.rows {
            change.commit(&mut self.tables);
        }
    }

    /// Rolls the whole transaction of a session back, and logs every step of that.
    ///
    /// # Panics
    /// When none is open.
    pub fn roll_back(&mut self, session: Session) {
        while self.sessions[&session.0].level > 1 {
            self.commit(session);
        }
        let mut undo = self.sessions[&session.0].undo.clone();
        while let Some(undo) = undo.pop() {
            let spot = self.locate(&undo);
            if !undo.logged && matches!(undo.step, UndoStep::Replace(_) | UndoStep::FlagDelete) && self.random.coin() {
                // A page that was written meanwhile needs it; it does no harm at other times.
                self.log_undo_info(session.0, &undo, spot.page);
            }
            let times = self.touch(spot.page);
            let tree = undo.tree;
            let mut record = self.page_record(RecordType::UNDO, session.0, tree, spot, false, times);
            record = record.long(undo.version).long(tree.fdp).long(tree.objid);
            record = record.short(undo.key.len()).short(undo.data.len()).short(undo.step.number()).byte(undo.level);
            self.append(record.bytes(&undo.key).bytes(&undo.data));
            let node = &mut self.page_mut(spot.page).nodes[spot.line];
            match &undo.step {
                UndoStep::Insert => node.flags.insert(NodeFlags::DELETED),
                UndoStep::FlagDelete => node.flags.remove(NodeFlags::DELETED),
                UndoStep::Replace(data) => node.data.clone_from(data),
                UndoStep::Delta(offset, amount) => self.adjust(spot, *offset, -amount),
            }
            if matches!(undo.step, UndoStep::Insert) {
                self.garbage.push((undo.tree, undo.key, undo.data));
            }
        }
        self.append(Record::new(RecordType::ROLLBACK).short(session.0.into()).byte(1));
        self.sessions.remove(&session.0);
    }

    /// Removes deleted nodes of transactions that are over, as the clean-up of versions does. Returns how many.
    pub fn clean_up(&mut self) -> usize {
        let garbage = std::mem::take(&mut self.garbage);
        if garbage.is_empty() {
            return 0;
        }
        let session = Session::BACKGROUND;
        self.begin(session);
        let mut erased = 0;
        for (tree, key, data) in garbage {
            if self.is_in_use(tree, &key, &data) {
                continue;
            }
            let place = self.seek(tree, &key, &data);
            let spot = place.spot();
            if place.found && self.page(spot.page).nodes[spot.line].flags.contains(NodeFlags::DELETED) {
                // A page keeps one node: an empty one would have to leave the tree.
                if self.page(spot.page).nodes.len() > 1 || place.path.len() == 1 {
                    self.erase(session.0, tree, spot);
                    erased += 1;
                } else {
                    erased += usize::from(self.merge_empty(session.0, tree, &place.path));
                }
            }
        }
        self.commit(session);
        erased
    }

    /// Whether an open transaction could still roll a node back.
    pub(super) fn is_in_use(&self, tree: Tree, key: &[u8], data: &[u8]) -> bool {
        self.sessions
            .values()
            .flat_map(|state| &state.undo)
            .any(|undo| undo.tree == tree && undo.key == key && undo.data == data)
    }

    /// Logs what the nodes of a page said before open transactions changed them: from then on the page may be written.
    pub(super) fn log_undo_infos(&mut self, page: u32) {
        let sessions: Vec<u16> = self.sessions.keys().copied().collect();
        for session in sessions {
            for index in 0..self.sessions[&session].undo.len() {
                let undo = self.sessions[&session].undo[index].clone();
                let needed = matches!(undo.step, UndoStep::Replace(_) | UndoStep::FlagDelete) && !undo.logged;
                if needed && self.locate(&undo).page == page {
                    self.log_undo_info(session, &undo, page);
                    if let Some(state) = self.sessions.get_mut(&session) {
                        state.undo[index].logged = true;
                    }
                }
            }
        }
    }

    fn log_undo_info(&mut self, session: u16, undo: &Undo, page: u32) {
        let before: &[u8] = if let UndoStep::Replace(data) = &undo.step { data } else { &[] };
        let begun = self.sessions[&session].begun;
        let record = Record::new(RecordType::UNDO_INFO)
            .short(session.into())
            .byte(1)
            .long(page)
            .quad(NO_DBTIME)
            .quad(NO_DBTIME)
            .long(begun)
            .byte(undo.level)
            .short(0)
            .byte(if undo.tree.unique { flag::UNIQUE } else { 0 })
            .long(undo.version)
            .long(undo.tree.fdp)
            .long(undo.tree.objid)
            .short(undo.key.len())
            .short(undo.data.len())
            .short(undo.step.number())
            .short(before.len())
            .short(0)
            .short(before.len())
            .bytes(&undo.key)
            .bytes(&undo.data)
            .bytes(before);
        self.append(record);
    }

    fn locate(&self, undo: &Undo) -> Spot {
        self.seek(undo.tree, &undo.key, &undo.data).spot()
    }

    fn set_level(&mut self, session: Session, level: u8) {
        if let Some(state) = self.sessions.get_mut(&session.0) {
            state.level = level;
        }
    }
}
