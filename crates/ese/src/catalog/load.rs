//! From the rows of the catalog to tables.

use std::collections::HashMap;
use std::sync::Arc;

use crate::bytes::Bytes;
use crate::catalog::bootstrap::{Columns, Field};
use crate::catalog::column::{CodePage, Column, ColumnFlags, ColumnId, ColumnType, Storage};
use crate::catalog::index::{Index, IndexFlags};
use crate::catalog::table::{Table, TableFlags, TreeRoot};
use crate::catalog::{CATALOG_OBJID, CATALOG_ROOT, Catalog, folded};
use crate::error::Error;
use crate::jet::JetError;
use crate::record::{Record, Stored};
use crate::source::{ObjectId, PageNumber, PageSource};
use crate::text;
use crate::tree::{Entry, Tree};

// What a row of the catalog describes (`SYSOBJ`).
const TABLE: u16 = 1;
const COLUMN: u16 = 2;
const INDEX: u16 = 3;
const LONG_VALUE: u16 = 4;

/// The copy of the catalog.
const SHADOW_OBJID: ObjectId = ObjectId(3);

/// Where the first fixed column of a record is.
const FIRST_OFFSET: u16 = 4;

/// Ids of tagged columns begin here.
const FIRST_TAGGED: u16 = 256;
const FIRST_VARIABLE: u16 = 128;

/// Length of keys where the catalog does not say (`JET_cbKeyMost_OLD`).
const KEY_MOST_DEFAULT: u16 = 255;

pub(super) fn load<S: PageSource + ?Sized>(source: &S) -> Result<Catalog, Error> {
    let tree = Tree::open(source, CATALOG_ROOT, CATALOG_OBJID)?;
    let columns = about_itself(&tree)?;
    let mut building = Building { chunk: default_chunk(source.page_size()), tables: Vec::new(), orphans: Vec::new() };
    let mut cursor = tree.cursor();
    while let Some(entry) = cursor.next()? {
        building.take(&Row::new(&columns, &entry)?)?;
    }
    building.finish()
}

/// The columns of the catalog, after the catalog was asked. Its own rows are the first ones.
fn about_itself<S: PageSource + ?Sized>(tree: &Tree<'_, S>) -> Result<Columns, Error> {
    let known = Columns::known();
    let mut own = Vec::new();
    let mut cursor = tree.cursor();
    while let Some(entry) = cursor.next()? {
        let row = Row::new(&known, &entry)?;
        let objid = ObjectId(row.number(Field::ObjidTable)?);
        if objid > CATALOG_OBJID {
            break;
        }
        if objid == CATALOG_OBJID && row.kind()? == COLUMN {
            own.extend(row.column()?);
        }
    }
    pack(&mut own);
    let mut learnt = Columns::known();
    own.into_iter().for_each(|column| learnt.learn(column));
    Ok(learnt)
}

/// Puts fixed columns one behind the other. The rows of the catalog about itself do not say where its columns are.
fn pack(columns: &mut [Column]) {
    let mut end = FIRST_OFFSET;
    for column in columns {
        if let Storage::Fixed { offset, size } = &mut column.storage {
            *offset = end;
            end = end.saturating_add(*size);
        }
    }
}

/// Size of the chunks of long values where the catalog does not say (`JET_paramLVChunkSizeMost`).
fn default_chunk(page_size: usize) -> u32 {
    match page_size {
        32_768 => 8150,
        16_384 => 4050,
        // 42: what a chunk needs beside its data; 40: the page header.
        small => u32::try_from(small).unwrap_or(0).saturating_sub(42 + 40),
    }
}

struct Building {
    chunk: u32,
    tables: Vec<Table>,
    orphans: Vec<(ObjectId, String)>,
}

impl Building {
    fn take(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let objid = ObjectId(row.number(Field::ObjidTable)?);
        let kind = row.kind()?;
        if kind == TABLE {
            self.tables.push(row.table(self.chunk)?);
            return Ok(());
        }
        // The rows of a table follow that of the table itself.
        let Some(table) = self.tables.last_mut().filter(|table| table.tree.objid == objid) else {
            self.orphans.push((objid, row.text(Field::Name)?));
            return Ok(());
        };
        match kind {
            COLUMN => table.columns.extend(row.column()?),
            INDEX => table.indexes.push(row.index()?),
            LONG_VALUE => table.long_values = Some(row.tree()?),
            // Functions that the application registered, and trees of former versions.
            _ => {}
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Catalog, Error> {
        let mut templates: HashMap<String, Arc<[Column]>> = HashMap::new();
        for template in self.tables.iter().filter_map(|table| table.template.as_deref()).map(folded) {
            let Some(table) = self.tables.iter().find(|table| folded(&table.name) == template) else {
                return Err(damaged(format!("the template {template} does not exist")));
            };
            templates.entry(template).or_insert_with(|| table.columns.iter().map(Column::of_template).collect());
        }
        for table in &mut self.tables {
            if [CATALOG_OBJID, SHADOW_OBJID].contains(&table.tree.objid) {
                pack(&mut table.columns);
            }
            if let Some(columns) = table.template.as_deref().and_then(|template| templates.get(&folded(template))) {
                table.template_columns = Arc::clone(columns);
            }
        }
        Ok(Catalog::new(self.tables, self.orphans))
    }
}

/// A row of the catalog.
struct Row<'a> {
    columns: &'a Columns,
    record: Record<'a>,
    page: PageNumber,
}

impl<'a> Row<'a> {
    fn new(columns: &'a Columns, entry: &Entry<'a>) -> Result<Row<'a>, Error> {
        let record = Record::parse(entry.node.data, &entry.page).ok_or_else(|| {
            entry.page.damage("a row of the catalog is no record".to_owned(), JetError::CATALOG_CORRUPTED)
        })?;
        Ok(Row { columns, record, page: entry.page.number() })
    }

    fn table(&self, chunk: u32) -> Result<Table, Error> {
        let flags = TableFlags::from_bits_retain(self.number(Field::Flags)?);
        let chunk = self.optional_number(Field::LvChunkMax)?.filter(|size| *size != 0).unwrap_or(chunk);
        Ok(Table {
            name: self.text(Field::Name)?,
            tree: self.tree()?,
            flags,
            template: self.optional_text(Field::TemplateTable)?,
            template_columns: Arc::new([]),
            columns: Vec::new(),
            indexes: Vec::new(),
            long_values: None,
            long_value_chunk: chunk,
        })
    }

    /// The column; `None` when it was deleted.
    fn column(&self) -> Result<Option<Column>, Error> {
        let name = self.text(Field::Name)?;
        let id = ColumnId(self.number(Field::Id)?);
        let code = self.number(Field::ColtypOrPgnoFdp)?;
        if code == 0 {
            return Ok(None);
        }
        let column_type = ColumnType::of(code)
            .ok_or_else(|| Error::Unsupported { what: format!("the type {code} of column {name}") })?;
        let size = self.number(Field::SpaceUsage)?;
        let flags = ColumnFlags::from_bits_retain(self.number(Field::Flags)?);
        let storage = match id.fid() {
            0 => return Err(self.damaged(format!("column {name} has no id"))),
            1..FIRST_VARIABLE => {
                let size = column_type.size().or_else(|| u16::try_from(size).ok());
                match (self.optional_number(Field::RecordOffset)?.map(u16::try_from), size) {
                    (Some(Ok(offset)), Some(size)) => Storage::Fixed { offset, size },
                    _ => return Err(self.damaged(format!("column {name} has no place in records"))),
                }
            }
            FIRST_VARIABLE..FIRST_TAGGED => Storage::Variable,
            FIRST_TAGGED.. => Storage::Tagged,
        };
        let has_default = flags.contains(ColumnFlags::DEFAULT) && !flags.contains(ColumnFlags::USER_DEFINED_DEFAULT);
        let default = if has_default { self.bytes(Field::DefaultValue)?.map(<[u8]>::to_vec) } else { None };
        let [low, high, ..] = self.number(Field::PagesOrLocale)?.to_le_bytes();
        let code_page = CodePage(if column_type.is_text() { u16::from_le_bytes([low, high]) } else { 0 });
        Ok(Some(Column { name, id, column_type, storage, size, flags, code_page, default }))
    }

    fn index(&self) -> Result<Index, Error> {
        let name = self.text(Field::Name)?;
        let flags = IndexFlags::from_bits_retain(self.number(Field::Flags)?);
        let segments = Index::parse_segments(self.bytes(Field::KeyFldIds)?.unwrap_or_default(), flags)
            .ok_or_else(|| self.damaged(format!("the key of index {name}")))?;
        let length = |field, default| {
            let length = self.optional_number(field)?.and_then(|length| u16::try_from(length).ok());
            Ok::<u16, Error>(length.unwrap_or(default))
        };
        let key_most = length(Field::KeyMost, KEY_MOST_DEFAULT)?;
        let variable_segment_most = length(Field::VarSegMac, key_most)?;
        let conditional = self.bytes(Field::ConditionalColumns)?.is_some_and(|columns| !columns.is_empty());
        Ok(Index { name, tree: self.tree()?, flags, segments, key_most, variable_segment_most, conditional })
    }

    /// The tree that the row describes.
    fn tree(&self) -> Result<TreeRoot, Error> {
        let (objid, page) = (self.number(Field::Id)?, self.number(Field::ColtypOrPgnoFdp)?);
        Ok(TreeRoot { objid: ObjectId(objid), page: PageNumber(page) })
    }

    fn kind(&self) -> Result<u16, Error> {
        let kind = self.number(Field::Type)?;
        u16::try_from(kind).map_err(|_| self.damaged(format!("a row of type {kind}")))
    }

    fn number(&self, field: Field) -> Result<u32, Error> {
        self.optional_number(field)?.ok_or_else(|| self.damaged(format!("a row has no {field:?}")))
    }

    fn optional_number(&self, field: Field) -> Result<Option<u32>, Error> {
        let Some(bytes) = self.bytes(field)? else { return Ok(None) };
        let number = match bytes.len() {
            2 => bytes.u16_at(0).map(u32::from),
            4 => bytes.u32_at(0),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.damaged(format!("{field:?} is no number")))
    }

    fn text(&self, field: Field) -> Result<String, Error> {
        self.optional_text(field)?.ok_or_else(|| self.damaged(format!("a row has no {field:?}")))
    }

    fn optional_text(&self, field: Field) -> Result<Option<String>, Error> {
        Ok(self.bytes(field)?.filter(|bytes| !bytes.is_empty()).map(|bytes| text::decode(bytes, CodePage::ENGLISH)))
    }

    fn bytes(&self, field: Field) -> Result<Option<&'a [u8]>, Error> {
        let column = self.columns.get(field).ok_or_else(|| self.damaged(format!("no column {field:?}")))?;
        match self.record.untagged(column) {
            Some(Stored::Value(bytes)) => Ok(Some(bytes)),
            Some(Stored::Null | Stored::Absent) => Ok(None),
            None => Err(self.damaged(format!("{field:?} is not in its record"))),
        }
    }

    fn damaged(&self, problem: String) -> Error {
        let problem = format!("the catalog is damaged: {problem}");
        Error::Page { page: self.page, problem, code: JetError::CATALOG_CORRUPTED }
    }
}

fn damaged(problem: String) -> Error {
    Error::Damaged { problem: format!("the catalog is damaged: {problem}"), code: JetError::CATALOG_CORRUPTED }
}
