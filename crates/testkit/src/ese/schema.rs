//! Definitions of tables, as a test writes them down.

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns. Numbers are given in this order, separately for fixed, variable and tagged ones.
    pub columns: Vec<Column>,
    /// Its indexes; at most one is primary.
    pub indexes: Vec<Index>,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Where in a record its values are.
    pub storage: Storage,
    /// 1200 for UTF-16, 1252 or 20127 for bytes; text alone has one.
    pub code_page: u32,
    /// The value of rows that were written before the column had one, or without it.
    pub default: Option<Vec<u8>>,
    /// Whether a row can have several values; tagged columns alone can.
    pub multi_valued: bool,
    /// Whether the engine counts it up.
    pub auto_increment: bool,
    /// Whether values are compressed where that saves space; long values alone can be.
    pub compressed: bool,
}

/// What the values of a column are (`JET_coltyp`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// 0 or 1.
    Bit,
    /// A byte.
    UnsignedByte,
    /// 16 bits, signed.
    Short,
    /// 32 bits, signed.
    Long,
    /// 64 bits, signed.
    Currency,
    /// A floating-point number of 32 bits.
    Single,
    /// A floating-point number of 64 bits.
    Double,
    /// 64 bits; AD CS keeps a FILETIME there.
    DateTime,
    /// Up to 255 bytes.
    Binary,
    /// Up to 255 bytes of text.
    Text,
    /// Any number of bytes.
    LongBinary,
    /// Text of any length.
    LongText,
    /// 32 bits.
    UnsignedLong,
    /// 64 bits, signed.
    LongLong,
    /// A GUID.
    Guid,
    /// 16 bits.
    UnsignedShort,
}

/// Where in a record the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// At a fixed place.
    Fixed,
    /// Behind the fixed ones, up to 255 bytes.
    Variable,
    /// Behind those, only when there is a value.
    Tagged,
}

/// An index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// Names of the columns that are its key; in front of a descending one is a minus sign.
    pub columns: Vec<String>,
    /// Whether the rows are kept in its order.
    pub primary: bool,
    /// Whether keys are unique.
    pub unique: bool,
}

impl Table {
    /// A table without columns.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Table { name: name.to_owned(), columns: Vec::new(), indexes: Vec::new() }
    }

    /// With one more column.
    #[must_use]
    pub fn column(mut self, column: Column) -> Self {
        self.columns.push(column);
        self
    }

    /// With a primary index.
    #[must_use]
    pub fn primary(self, name: &str, columns: &[&str]) -> Self {
        self.with_index(name, columns, true, true)
    }

    /// With a secondary index.
    #[must_use]
    pub fn index(self, name: &str, columns: &[&str], unique: bool) -> Self {
        self.with_index(name, columns, false, unique)
    }

    fn with_index(mut self, name: &str, columns: &[&str], primary: bool, unique: bool) -> Self {
        let columns = columns.iter().map(|column| (*column).to_owned()).collect();
        self.indexes.push(Index { name: name.to_owned(), columns, primary, unique });
        self
    }
}

impl Column {
    /// A column in the storage that its kind suggests: fixed, variable up to 255 bytes, tagged for long values.
    #[must_use]
    pub fn new(name: &str, kind: ColumnKind) -> Self {
        let storage = match kind {
            ColumnKind::Binary | ColumnKind::Text => Storage::Variable,
            ColumnKind::LongBinary | ColumnKind::LongText => Storage::Tagged,
            _ => Storage::Fixed,
        };
        let code_page = if kind.is_text() { 1200 } else { 0 };
        Column {
            name: name.to_owned(),
            kind,
            storage,
            code_page,
            default: None,
            multi_valued: false,
            auto_increment: false,
            compressed: false,
        }
    }

    /// Text in another code page than UTF-16.
    #[must_use]
    pub fn code_page(self, code_page: u32) -> Self {
        Column { code_page, ..self }
    }

    /// Only in records that have a value.
    #[must_use]
    pub fn tagged(self) -> Self {
        Column { storage: Storage::Tagged, ..self }
    }

    /// Tagged, with any number of values.
    #[must_use]
    pub fn multi_valued(self) -> Self {
        Column { multi_valued: true, ..self.tagged() }
    }

    /// With a default value.
    #[must_use]
    pub fn default_value(self, value: &[u8]) -> Self {
        Column { default: Some(value.to_vec()), ..self }
    }

    /// Compressed where that saves space.
    #[must_use]
    pub fn compressed(self) -> Self {
        Column { compressed: true, ..self }
    }

    /// Counted up by the engine.
    #[must_use]
    pub fn auto_increment(self) -> Self {
        Column { auto_increment: true, ..self }
    }
}

impl ColumnKind {
    /// `JET_coltyp…`.
    pub(super) fn number(self) -> u32 {
        match self {
            ColumnKind::Bit => 1,
            ColumnKind::UnsignedByte => 2,
            ColumnKind::Short => 3,
            ColumnKind::Long => 4,
            ColumnKind::Currency => 5,
            ColumnKind::Single => 6,
            ColumnKind::Double => 7,
            ColumnKind::DateTime => 8,
            ColumnKind::Binary => 9,
            ColumnKind::Text => 10,
            ColumnKind::LongBinary => 11,
            ColumnKind::LongText => 12,
            ColumnKind::UnsignedLong => 14,
            ColumnKind::LongLong => 15,
            ColumnKind::Guid => 16,
            ColumnKind::UnsignedShort => 17,
        }
    }

    /// Bytes of a value; 255 at most for short ones of any length, 0 for long values.
    pub(super) fn size(self) -> usize {
        match self {
            ColumnKind::Bit | ColumnKind::UnsignedByte => 1,
            ColumnKind::Short | ColumnKind::UnsignedShort => 2,
            ColumnKind::Long | ColumnKind::UnsignedLong | ColumnKind::Single => 4,
            ColumnKind::Currency | ColumnKind::Double | ColumnKind::DateTime | ColumnKind::LongLong => 8,
            ColumnKind::Guid => 16,
            ColumnKind::Binary | ColumnKind::Text => 255,
            ColumnKind::LongBinary | ColumnKind::LongText => 0,
        }
    }

    /// Whether values can be kept outside of the record.
    pub(super) fn is_long(self) -> bool {
        matches!(self, ColumnKind::LongBinary | ColumnKind::LongText)
    }

    /// Whether values are text.
    pub(super) fn is_text(self) -> bool {
        matches!(self, ColumnKind::Text | ColumnKind::LongText)
    }
}
