//! The catalog: MSysObjects, its shadow, and the objects in them.

use std::collections::BTreeMap;

use ese::log::RecordType;
use ese::page::PageFlags;

use super::engine::{Engine, Tree};
use super::key;
use super::record::{Record, utf16};
use super::row::{self, NumberedColumn, RECORD_HEADER, Stored};
use super::schema::{Column, ColumnKind, Index, Storage};
use super::space::{DATABASE, DATABASE_ROOT};
use super::transaction::Session;

const OBJECTS: Tree = system(4, 2, PageFlags::empty());
const SHADOW: Tree = system(24, 3, PageFlags::empty());
const NAMES: Tree = system(7, 4, PageFlags::INDEX);
const ROOTS: Tree = system(10, 5, PageFlags::INDEX);
const OBJECTS_PAGES: u32 = 20;
const SHADOW_PAGES: u32 = 5;
const INDEX_PAGES: u32 = 3;
/// The last number of an object that every database has.
const LAST_SYSTEM_OBJECT: u32 = 5;

const fn system(root: u32, objid: u32, kind: PageFlags) -> Tree {
    Tree { root, fdp: root, objid, unique: true, kind }
}

/// Columns of the catalog: name, type, storage.
const COLUMNS: [(&str, ColumnKind, Storage); 28] = [
    ("ObjidTable", ColumnKind::Long, Storage::Fixed),
    ("Type", ColumnKind::Short, Storage::Fixed),
    ("Id", ColumnKind::Long, Storage::Fixed),
    ("ColtypOrPgnoFDP", ColumnKind::Long, Storage::Fixed),
    ("SpaceUsage", ColumnKind::Long, Storage::Fixed),
    ("Flags", ColumnKind::Long, Storage::Fixed),
    ("PagesOrLocale", ColumnKind::Long, Storage::Fixed),
    ("RootFlag", ColumnKind::Bit, Storage::Fixed),
    ("RecordOffset", ColumnKind::Short, Storage::Fixed),
    ("LCMapFlags", ColumnKind::Long, Storage::Fixed),
    ("KeyMost", ColumnKind::UnsignedShort, Storage::Fixed),
    ("LVChunkMax", ColumnKind::Long, Storage::Fixed),
    ("Name", ColumnKind::Text, Storage::Variable),
    ("Stats", ColumnKind::Binary, Storage::Variable),
    ("TemplateTable", ColumnKind::Text, Storage::Variable),
    ("DefaultValue", ColumnKind::Binary, Storage::Variable),
    ("KeyFldIDs", ColumnKind::Binary, Storage::Variable),
    ("VarSegMac", ColumnKind::Binary, Storage::Variable),
    ("ConditionalColumns", ColumnKind::Binary, Storage::Variable),
    ("TupleLimits", ColumnKind::Binary, Storage::Variable),
    ("Version", ColumnKind::Binary, Storage::Variable),
    ("SortID", ColumnKind::Binary, Storage::Variable),
    ("CallbackData", ColumnKind::LongBinary, Storage::Tagged),
    ("CallbackDependencies", ColumnKind::LongBinary, Storage::Tagged),
    ("SeparateLV", ColumnKind::LongBinary, Storage::Tagged),
    ("SpaceHints", ColumnKind::LongBinary, Storage::Tagged),
    ("SpaceDeferredLVHints", ColumnKind::LongBinary, Storage::Tagged),
    ("LocaleName", ColumnKind::LongBinary, Storage::Tagged),
];

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ObjectKind {
    Table = 1,
    Column = 2,
    Index = 3,
    LongValue = 4,
}

/// One row of the catalog.
#[derive(Clone, Debug)]
pub(super) struct Object {
    table: u32,
    kind: ObjectKind,
    id: u32,
    name: String,
    values: BTreeMap<u32, Vec<u8>>,
}

/// Numbers of the columns that some objects have.
mod column {
    pub(super) const TYPE_OR_ROOT: u32 = 4;
    pub(super) const SPACE: u32 = 5;
    pub(super) const FLAGS: u32 = 6;
    pub(super) const PAGES_OR_LOCALE: u32 = 7;
    pub(super) const ROOT_FLAG: u32 = 8;
    pub(super) const OFFSET: u32 = 9;
    pub(super) const MAP_FLAGS: u32 = 10;
    pub(super) const PIECE: u32 = 12;
    pub(super) const NAME: u32 = 128;
    pub(super) const DEFAULT: u32 = 131;
    pub(super) const KEY: u32 = 132;
    pub(super) const LOCALE: u32 = 261;
}

impl Object {
    fn new(table: u32, kind: ObjectKind, id: u32, name: &str) -> Self {
        Object { table, kind, id, name: name.to_owned(), values: BTreeMap::new() }
    }

    fn with(mut self, column: u32, value: impl AsRef<[u8]>) -> Self {
        self.values.insert(column, value.as_ref().to_vec());
        self
    }

    fn long(self, column: u32, value: u32) -> Self {
        self.with(column, value.to_le_bytes())
    }

    /// A table.
    pub(super) fn table(id: u32, name: &str, root: u32, flags: u32, pages: u32) -> Self {
        Object::new(id, ObjectKind::Table, id, name)
            .long(column::TYPE_OR_ROOT, root)
            .long(column::SPACE, 80)
            .long(column::FLAGS, flags)
            .long(column::PAGES_OR_LOCALE, pages)
            .with(column::ROOT_FLAG, [0xFF])
    }

    /// With the size of the pieces of long values.
    pub(super) fn pieces(self, size: usize) -> Self {
        self.long(column::PIECE, size as u32)
    }

    /// A column of a table.
    pub(super) fn column(table: u32, definition: &Column, numbered: &NumberedColumn) -> Self {
        const AUTO_INCREMENT: u32 = 0x4;
        const MULTI_VALUED: u32 = 0x8;
        const DEFAULT: u32 = 0x10;
        const COMPRESSED: u32 = 0x1000;
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(definition.auto_increment, AUTO_INCREMENT)
            | flag(definition.multi_valued, MULTI_VALUED)
            | flag(definition.default.is_some(), DEFAULT)
            | flag(definition.compressed, COMPRESSED);
        let mut object = Object::new(table, ObjectKind::Column, numbered.number, &definition.name)
            .long(column::TYPE_OR_ROOT, definition.kind.number())
            .long(column::SPACE, definition.kind.size() as u32)
            .long(column::FLAGS, flags)
            .long(column::PAGES_OR_LOCALE, definition.code_page);
        if definition.storage == Storage::Fixed {
            object = object.with(column::OFFSET, (numbered.offset as u16).to_le_bytes());
        }
        match &definition.default {
            Some(default) => object.with(column::DEFAULT, default),
            None => object,
        }
    }

    /// An index of a table; `columns` are numbers, and whether they are descending.
    pub(super) fn index(table: u32, id: u32, root: u32, definition: &Index, columns: &[(u32, bool)]) -> Self {
        const UNIQUE: u32 = 0x1;
        const NULLS: u32 = 0xE;
        const PRIMARY: u32 = 0x20;
        const EXTENDED_COLUMNS: u32 = 0x1_0000;
        const DESCENDING: u16 = 0x40;
        let flags = EXTENDED_COLUMNS
            | NULLS
            | if definition.unique { UNIQUE } else { 0 }
            | if definition.primary { PRIMARY } else { 0 };
        let segment = |(number, descending): &(u32, bool)| {
            let flags = if *descending { DESCENDING } else { 0 };
            [flags.to_le_bytes(), (*number as u16).to_le_bytes()].concat()
        };
        Object::new(table, ObjectKind::Index, id, &definition.name)
            .long(column::TYPE_OR_ROOT, root)
            .long(column::SPACE, 80)
            .long(column::FLAGS, flags)
            .long(column::PAGES_OR_LOCALE, 0)
            .long(column::MAP_FLAGS, 0x3_0401)
            .with(column::KEY, columns.iter().flat_map(segment).collect::<Vec<u8>>())
            .with(column::LOCALE, &utf16("en-US")[..10])
    }

    /// The long values of a table.
    pub(super) fn long_values(table: u32, id: u32, root: u32) -> Self {
        Object::new(table, ObjectKind::LongValue, id, "LV")
            .long(column::TYPE_OR_ROOT, root)
            .long(column::SPACE, 100)
            .long(column::FLAGS, 0)
            .long(column::PAGES_OR_LOCALE, 1)
    }

    fn key(&self) -> Vec<u8> {
        [self.owner(), long_key(self.id)].concat()
    }

    fn owner(&self) -> Vec<u8> {
        let kind = key::segment(ColumnKind::Short, 0, Some(&(self.kind as u16).to_le_bytes()), false);
        [long_key(self.table), kind].concat()
    }

    fn record(&self, columns: &[NumberedColumn], small_pages: bool) -> Vec<u8> {
        let mut values = self.values.clone();
        values.insert(1, self.table.to_le_bytes().to_vec());
        values.insert(2, (self.kind as u16).to_le_bytes().to_vec());
        values.insert(3, self.id.to_le_bytes().to_vec());
        values.insert(column::NAME, self.name.as_bytes().to_vec());
        let values = values.into_iter().map(|(number, value)| (number, vec![Stored::Plain(value)])).collect();
        row::record(columns, &values, small_pages)
    }
}

fn long_key(number: u32) -> Vec<u8> {
    key::segment(ColumnKind::Long, 0, Some(&number.to_le_bytes()), false)
}

/// Gives columns their numbers, and fixed ones their places.
pub(super) fn numbered<'a>(columns: impl Iterator<Item = (ColumnKind, Storage)> + 'a) -> Vec<NumberedColumn> {
    let (mut fixed, mut variable, mut tagged, mut offset) = (0, 127, 255, RECORD_HEADER);
    columns
        .map(|(kind, storage)| {
            let counter = match storage {
                Storage::Fixed => &mut fixed,
                Storage::Variable => &mut variable,
                Storage::Tagged => &mut tagged,
            };
            *counter += 1;
            let number = *counter;
            let place = offset;
            if storage == Storage::Fixed {
                offset += kind.size();
            }
            NumberedColumn { number, kind, storage, offset: place }
        })
        .collect()
}

impl Engine {
    /// Creates a database and its first log: the catalog is there, and nothing else. Files of the logs have `segments`
    /// segments of 4096 bytes; 256 are 1 MiB, as AD CS has them. `path` is where the server has the database.
    #[must_use]
    pub fn create(format: super::Format, path: &str, seed: u64, segments: u16) -> Engine {
        Engine::create_at(format, path, seed, segments, 1)
    }

    /// The same, with another first generation of the logs.
    #[must_use]
    pub fn create_at(format: super::Format, path: &str, seed: u64, segments: u16, generation: u32) -> Engine {
        const FIRST_PAGES: u32 = 46;
        let mut engine = Engine::empty(format, path, seed, generation, segments);
        let session = Session(5);
        let init = Record::new(RecordType::INIT2).bytes(&engine.logs.parameters());
        let now = engine.clock.now();
        engine.append(init.bytes(&now.0));
        engine.log_create();
        engine.logs.pad(&mut engine.clock);
        engine.last_page = FIRST_PAGES;
        engine.append(Record::new(RecordType::EXTEND_DB).long(5).byte(1).long(FIRST_PAGES));
        engine.begin(session);
        engine.create_multiple(session.0, DATABASE, 0, FIRST_PAGES);
        engine.commit(session);
        engine.begin(session);
        engine.take_extent(session.0, DATABASE, OBJECTS_PAGES);
        engine.create_multiple(session.0, OBJECTS, DATABASE_ROOT, OBJECTS_PAGES);
        engine.take_extent(session.0, DATABASE, SHADOW_PAGES);
        engine.create_multiple(session.0, SHADOW, DATABASE_ROOT, SHADOW_PAGES);
        for index in [NAMES, ROOTS] {
            engine.take_extent(session.0, OBJECTS, INDEX_PAGES);
            engine.create_multiple(session.0, index, OBJECTS.root, INDEX_PAGES);
        }
        engine.header.last_object = LAST_SYSTEM_OBJECT;
        engine.describe_catalog(session);
        engine.commit(session);
        engine.logs.pad(&mut engine.clock);
        let version = Record::new(RecordType::SET_DB_VERSION).byte(1).long(engine.header.version);
        engine.append(version.long(format.update_major).long(format.update_minor));
        engine.append(Record::new(RecordType::CREATE_DB_FINISH).short(session.0.into()).byte(1));
        engine.logs_new_pages = format.logs_new_pages();
        engine
    }

    /// Inserts an object into the catalog and its shadow.
    pub(super) fn add_object(&mut self, session: Session, object: &Object) {
        let columns = catalog_columns();
        let small = self.format.layout().is_small();
        let (key, record) = (object.key(), object.record(&columns, small));
        let name = key::segment(ColumnKind::Text, 1252, Some(object.name.as_bytes()), false);
        self.begin(session);
        self.insert(session.0, OBJECTS, &key, &record, true);
        if object.kind == ObjectKind::Table {
            let flag = key::segment(ColumnKind::Bit, 0, Some(&[0xFF]), false);
            self.insert(session.0, ROOTS, &[flag, name.clone()].concat(), &key, true);
        }
        self.insert(session.0, NAMES, &[object.owner(), name].concat(), &key, true);
        self.commit(session);
        self.begin(session);
        self.insert(session.0, SHADOW, &key, &record, true);
        self.commit(session);
    }

    fn log_create(&mut self) {
        const UNICODE_AND_VERSION: u8 = 0x0C;
        let path = utf16(&self.path);
        let record = Record::new(RecordType::CREATE_DB)
            .short(5)
            .byte(1)
            .long(0x200)
            .long(0)
            .bytes(&self.header.signature.0)
            .short(path.len())
            .byte(UNICODE_AND_VERSION)
            .short(2)
            .short(0)
            .path(&self.path);
        let position = self.append(record);
        self.header.attach = position;
        self.logs.attachments = vec![ese::log::Attachment {
            dbid: 1,
            dbtime: 0,
            attach: position,
            consistent: ese::LogPosition::default(),
            signature: self.header.signature,
            path: self.path.clone(),
        }];
    }

    fn describe_catalog(&mut self, session: Session) {
        const SYSTEM: u32 = 0xC000_0000;
        let columns = catalog_columns();
        for (tree, name, pages) in
            [(OBJECTS, "MSysObjects", OBJECTS_PAGES), (SHADOW, "MSysObjectsShadow", SHADOW_PAGES)]
        {
            self.add_object(session, &Object::table(tree.objid, name, tree.root, SYSTEM, pages));
            for ((name, kind, _), numbered) in COLUMNS.iter().zip(&columns) {
                let mut definition = Column::new(name, *kind);
                definition.code_page = 1252;
                definition.storage = numbered.storage;
                // The catalog gives its own fixed columns all the same place; nobody asks.
                let numbered = NumberedColumn { offset: RECORD_HEADER, ..numbered.clone() };
                let object = Object::column(tree.objid, &definition, &numbered);
                self.add_object(session, &object);
            }
        }
        let index = |name: &str, primary: bool| Index { name: name.into(), columns: Vec::new(), primary, unique: true };
        for (tree, definition, columns) in [
            (OBJECTS, index("Id", true), [1, 2, 3].as_slice()),
            (NAMES, index("Name", false), &[1, 2, column::NAME]),
            (ROOTS, index("RootObjects", false), &[8, column::NAME]),
        ] {
            let columns: Vec<(u32, bool)> = columns.iter().map(|number| (*number, false)).collect();
            let object = Object::index(OBJECTS.objid, tree.objid, tree.root, &definition, &columns);
            self.add_object(session, &object);
        }
        let columns: Vec<(u32, bool)> = [1, 2, 3].into_iter().map(|number| (number, false)).collect();
        let object = Object::index(SHADOW.objid, SHADOW.objid, SHADOW.root, &index("Id", true), &columns);
        self.add_object(session, &object);
    }
}

fn catalog_columns() -> Vec<NumberedColumn> {
    numbered(COLUMNS.iter().map(|(_, kind, storage)| (*kind, *storage)))
}
