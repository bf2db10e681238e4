//! The columns of the catalog, as far as they must be known to read what it says about itself.

use crate::catalog::column::{CodePage, Column, ColumnFlags, ColumnId, ColumnType, Storage};

/// A column of `MSysObjects` that this crate reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    ObjidTable,
    Type,
    Id,
    ColtypOrPgnoFdp,
    SpaceUsage,
    Flags,
    PagesOrLocale,
    RecordOffset,
    KeyMost,
    LvChunkMax,
    Name,
    TemplateTable,
    DefaultValue,
    KeyFldIds,
    VarSegMac,
    ConditionalColumns,
}

/// Where the columns of the catalog are in its records.
///
/// They begin as every version of ESE has had them (`rgcdescMSO`); what the catalog says about itself then replaces
/// them. Databases of old versions may lack rows about columns that newer versions added.
pub(super) struct Columns(Vec<(Field, Column)>);

const KNOWN: [(Field, &str, u32, ColumnType, u16); 16] = [
    (Field::ObjidTable, "ObjidTable", 1, ColumnType::Long, 4),
    (Field::Type, "Type", 2, ColumnType::Short, 8),
    (Field::Id, "Id", 3, ColumnType::Long, 10),
    (Field::ColtypOrPgnoFdp, "ColtypOrPgnoFDP", 4, ColumnType::Long, 14),
    (Field::SpaceUsage, "SpaceUsage", 5, ColumnType::Long, 18),
    (Field::Flags, "Flags", 6, ColumnType::Long, 22),
    (Field::PagesOrLocale, "PagesOrLocale", 7, ColumnType::Long, 26),
    (Field::RecordOffset, "RecordOffset", 9, ColumnType::Short, 31),
    (Field::KeyMost, "KeyMost", 11, ColumnType::UnsignedShort, 37),
    (Field::LvChunkMax, "LVChunkMax", 12, ColumnType::Long, 39),
    (Field::Name, "Name", 128, ColumnType::Text, 0),
    (Field::TemplateTable, "TemplateTable", 130, ColumnType::Text, 0),
    (Field::DefaultValue, "DefaultValue", 131, ColumnType::Binary, 0),
    (Field::KeyFldIds, "KeyFldIDs", 132, ColumnType::Binary, 0),
    (Field::VarSegMac, "VarSegMac", 133, ColumnType::Binary, 0),
    (Field::ConditionalColumns, "ConditionalColumns", 134, ColumnType::Binary, 0),
];

impl Columns {
    /// The columns as every version has had them.
    pub(super) fn known() -> Columns {
        let column = |(field, name, id, column_type, offset): (Field, &str, u32, ColumnType, u16)| {
            let storage = match column_type.size() {
                Some(size) => Storage::Fixed { offset, size },
                None => Storage::Variable,
            };
            let column = Column {
                name: name.to_owned(),
                id: ColumnId(id),
                column_type,
                storage,
                size: 0,
                flags: ColumnFlags::empty(),
                code_page: CodePage::default(),
                default: None,
            };
            (field, column)
        };
        Columns(KNOWN.map(column).to_vec())
    }

    /// Takes over what the catalog says about one of its columns.
    pub(super) fn learn(&mut self, column: Column) {
        if let Some((_, known)) = self.0.iter_mut().find(|(_, known)| known.name.eq_ignore_ascii_case(&column.name)) {
            *known = column;
        }
    }

    pub(super) fn get(&self, field: Field) -> Option<&Column> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, column)| column)
    }
}
