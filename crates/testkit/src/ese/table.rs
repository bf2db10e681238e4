//! Tables: rows in, rows changed, rows out; with all indexes, and with the truth beside it.

use std::collections::BTreeMap;

use ese::page::PageFlags;

use super::catalog::{Object, numbered};
use super::engine::{Engine, Tree};
use super::key;
use super::row::{self, NumberedColumn, Row, Stored};
use super::schema::{ColumnKind, Index, Storage, Table};
use super::space::{DATABASE, DATABASE_ROOT};
use super::transaction::Session;

/// A table of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableId(pub(super) usize);

/// What the engine knows of a table.
#[derive(Clone, Debug)]
pub(super) struct TableState {
    pub(super) definition: Table,
    pub(super) columns: Vec<NumberedColumn>,
    pub(super) tree: Tree,
    indexes: Vec<(Index, Tree)>,
    pub(super) long_values: Option<Tree>,
    pub(super) next_long_value: u64,
    next_number: u32,
    rows: BTreeMap<Vec<u8>, StoredRow>,
}

/// A row, and the form in which its values are stored.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredRow {
    pub(super) row: Row,
    pub(super) values: BTreeMap<u32, Vec<Stored>>,
}

/// What a transaction does to a row.
#[derive(Clone, Debug)]
pub(super) struct RowChange {
    table: TableId,
    key: Vec<u8>,
    after: Option<StoredRow>,
}

impl RowChange {
    pub(super) fn commit(self, tables: &mut [TableState]) {
        let rows = &mut tables[self.table.0].rows;
        match self.after {
            Some(row) => rows.insert(self.key, row),
            None => rows.remove(&self.key),
        };
    }
}

/// Names a row: the key of the primary index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowKey(Vec<u8>);

/// Most bytes of a key (`cbKeyMostDefault`).
const LONGEST_KEY: usize = 255;
/// Pages of the first extent of a table.
const FIRST_PAGES: u32 = 8;

impl Engine {
    /// Creates a table and its indexes, within a transaction of its own.
    pub fn create_table(&mut self, definition: Table) -> TableId {
        let session = Session(6);
        self.begin(session);
        let columns = numbered(definition.columns.iter().map(|column| (column.kind, column.storage)));
        let objid = self.next_object();
        let (root, pages) = self.take_extent(session.0, DATABASE, FIRST_PAGES);
        let tree = Tree { root, fdp: root, objid, unique: true, kind: PageFlags::empty() };
        self.create_single(session.0, tree, DATABASE_ROOT, pages);
        let piece = self.format.long_value_piece();
        self.add_object(session, &Object::table(objid, &definition.name, root, 0, pages).pieces(piece));
        for (column, numbered) in definition.columns.iter().zip(&columns) {
            self.add_object(session, &Object::column(objid, column, numbered));
        }
        let id = TableId(self.tables.len());
        self.tables.push(TableState {
            definition: definition.clone(),
            columns,
            tree,
            indexes: Vec::new(),
            long_values: None,
            next_long_value: 0,
            next_number: 0,
            rows: BTreeMap::new(),
        });
        for index in definition.indexes {
            let segments: Vec<(u32, bool)> = index
                .columns
                .iter()
                .map(|name| self.segment(id, name))
                .map(|(at, down)| (self.tables[id.0].columns[at].number, down))
                .collect();
            let mut index_tree = tree;
            if !index.primary {
                index_tree = self.create_branch(session, id, index.unique, PageFlags::INDEX);
            }
            let object = Object::index(objid, index_tree.objid, index_tree.root, &index, &segments);
            self.add_object(session, &object);
            if !index.primary {
                self.tables[id.0].indexes.push((index, index_tree));
            }
        }
        self.commit(session);
        id
    }

    /// Inserts a row. The column that counts up gets its number.
    ///
    /// # Panics
    /// When the session has no transaction, the table no such column, or the key of the row is taken.
    pub fn insert_row(&mut self, session: Session, table: TableId, row: Row) -> RowKey {
        self.begin(session);
        let row = self.number(table, row);
        let values = self.store(session, table, &row);
        let stored = StoredRow { row, values };
        let key = self.primary_key(table, &stored.row);
        let tree = self.tables[table.0].tree;
        let record = self.record(table, &stored);
        assert!(self.insert(session.0, tree, &key, &record, true), "the key of the row is taken");
        for (index_key, index_tree) in self.index_keys(table, &stored.row) {
            assert!(self.insert(session.0, index_tree, &index_key, &key, true), "the key of an index is taken");
        }
        self.note(session, table, &key, Some(stored));
        self.commit(session);
        RowKey(key)
    }

    /// Sets values of a row; an empty list of values means NULL. The key of the primary index stays.
    ///
    /// # Panics
    /// When the session has no transaction, or there is no such row.
    pub fn update_row(&mut self, session: Session, table: TableId, key: &RowKey, changes: Row) {
        self.begin(session);
        let before = self.current(session, table, &key.0);
        let mut after = before.clone();
        let new = self.store(session, table, &changes);
        for (name, value) in changes {
            let (at, _) = self.segment(table, &name);
            let number = self.tables[table.0].columns[at].number;
            if let Some(old) = after.values.remove(&number) {
                self.release(session, table, &old);
            }
            if let Some(value) = new.get(&number) {
                after.values.insert(number, value.clone());
            }
            after.row.insert(name, value);
        }
        after.row.retain(|_, values| !values.is_empty());
        let tree = self.tables[table.0].tree;
        let record = self.record(table, &after);
        let diff = self.random.coin();
        self.replace(session.0, tree, &key.0, &record, true, diff);
        let old_keys = self.index_keys(table, &before.row);
        for (new, old) in self.index_keys(table, &after.row).into_iter().zip(old_keys) {
            if new != old {
                self.delete(session.0, old.1, &old.0, &key.0, true);
                self.insert(session.0, new.1, &new.0, &key.0, true);
            }
        }
        self.note(session, table, &key.0, Some(after));
        self.commit(session);
    }

    /// Deletes a row with its long values.
    ///
    /// # Panics
    /// When the session has no transaction, or there is no such row.
    pub fn delete_row(&mut self, session: Session, table: TableId, key: &RowKey) {
        self.begin(session);
        let row = self.current(session, table, &key.0);
        for (index_key, tree) in self.index_keys(table, &row.row) {
            self.delete(session.0, tree, &index_key, &key.0, true);
        }
        for values in row.values.values() {
            self.release(session, table, values);
        }
        let tree = self.tables[table.0].tree;
        self.delete(session.0, tree, &key.0, &[], true);
        self.note(session, table, &key.0, None);
        self.commit(session);
    }

    /// The committed rows of a table, in the order of the primary index.
    pub fn rows(&self, table: TableId) -> impl Iterator<Item = &Row> {
        self.tables[table.0].rows.values().map(|stored| &stored.row)
    }

    /// The committed row with a key.
    #[must_use]
    pub fn row(&self, table: TableId, key: &RowKey) -> Option<&Row> {
        self.tables[table.0].rows.get(&key.0).map(|stored| &stored.row)
    }

    /// All tables, in the order in which they were created.
    pub fn tables(&self) -> impl Iterator<Item = (TableId, &Table)> {
        self.tables.iter().enumerate().map(|(index, state)| (TableId(index), &state.definition))
    }

    /// How many levels the tree of the rows has, and how many leaves.
    #[must_use]
    pub fn shape(&self, table: TableId) -> (usize, usize) {
        let tree = self.tables[table.0].tree;
        (self.depth(tree), self.leaves(tree).len())
    }

    /// A tree of its own in the space of a table.
    pub(super) fn create_branch(&mut self, session: Session, table: TableId, unique: bool, kind: PageFlags) -> Tree {
        let owner = self.tables[table.0].tree;
        let objid = self.next_object();
        let (root, pages) = self.take_extent(session.0, owner, 1);
        let tree = Tree { root, fdp: root, objid, unique, kind };
        self.create_single(session.0, tree, owner.root, pages);
        tree
    }

    /// The tree of a secondary index.
    pub(super) fn index_tree(&self, table: TableId, name: &str) -> Option<Tree> {
        self.tables[table.0].indexes.iter().find(|(index, _)| index.name == name).map(|(_, tree)| *tree)
    }

    fn note(&mut self, session: Session, table: TableId, key: &[u8], after: Option<StoredRow>) {
        if let Some(state) = self.sessions.get_mut(&session.0) {
            state.rows.push(RowChange { table, key: key.to_vec(), after });
        }
    }

    /// The row as this session sees it.
    #[expect(clippy::expect_used, reason = "a test that changes a row that is not there is wrong")]
    fn current(&self, session: Session, table: TableId, key: &[u8]) -> StoredRow {
        let own = self.sessions[&session.0].rows.iter().rev().find(|change| change.table == table && change.key == key);
        let row = match own {
            Some(change) => change.after.clone(),
            None => self.tables[table.0].rows.get(key).cloned(),
        };
        row.expect("a row with this key")
    }

    fn number(&mut self, table: TableId, mut row: Row) -> Row {
        let state = &mut self.tables[table.0];
        state.next_number += 1;
        for column in state.definition.columns.iter().filter(|column| column.auto_increment) {
            row.entry(column.name.clone()).or_insert_with(|| vec![state.next_number.to_le_bytes().to_vec()]);
        }
        row
    }

    /// The index in the definition of the column that a key names, and whether the key is descending there.
    #[expect(clippy::expect_used, reason = "a test that names another column is wrong")]
    pub(super) fn segment(&self, table: TableId, name: &str) -> (usize, bool) {
        let columns = &self.tables[table.0].definition.columns;
        let place = |name: &str| columns.iter().position(|column| column.name == name);
        let descending = name.strip_prefix('-').and_then(place);
        let ascending = place(name);
        (ascending.or(descending).expect("a column of the table"), ascending.is_none())
    }

    fn primary_key(&self, table: TableId, row: &Row) -> Vec<u8> {
        let state = &self.tables[table.0];
        match state.definition.indexes.iter().find(|index| index.primary) {
            Some(index) => self.key_of(table, index, row),
            None => state.next_number.to_be_bytes().to_vec(),
        }
    }

    fn index_keys(&self, table: TableId, row: &Row) -> Vec<(Vec<u8>, Tree)> {
        let indexes = &self.tables[table.0].indexes;
        indexes.iter().map(|(index, tree)| (self.key_of(table, index, row), *tree)).collect()
    }

    fn key_of(&self, table: TableId, index: &Index, row: &Row) -> Vec<u8> {
        let mut bytes = Vec::new();
        for name in &index.columns {
            let (at, descending) = self.segment(table, name);
            let column = &self.tables[table.0].definition.columns[at];
            let value = row.get(&column.name).and_then(|values| values.first()).or(column.default.as_ref());
            bytes.extend(key::segment(column.kind, column.code_page, value.map(Vec::as_slice), descending));
        }
        bytes.truncate(LONGEST_KEY);
        bytes
    }

    fn record(&self, table: TableId, row: &StoredRow) -> Vec<u8> {
        row::record(&self.tables[table.0].columns, &row.values, self.format.layout().is_small())
    }
}

/// Whether values of a column may leave the record.
pub(super) fn can_be_separated(kind: ColumnKind, storage: Storage) -> bool {
    kind.is_long() && storage == Storage::Tagged
}
