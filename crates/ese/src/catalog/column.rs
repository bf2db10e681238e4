//! Columns.

use std::fmt;

use bitflags::bitflags;

/// Number of a column (`JET_COLUMNID`): fixed columns from 1, variable ones from 128, tagged ones from 256; bit 31 says
/// that the template of the table has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u32);

impl ColumnId {
    /// The bit of a column of the template.
    pub const TEMPLATE: u32 = 0x8000_0000;

    /// Its number in records (`FID`).
    #[must_use]
    pub fn fid(self) -> u16 {
        let [low, high, ..] = self.0.to_le_bytes();
        u16::from_le_bytes([low, high])
    }

    /// Whether the template of the table has it.
    #[must_use]
    pub fn is_of_template(self) -> bool {
        self.0 & Self::TEMPLATE != 0
    }
}

macro_rules! column_types {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $size:expr;)*) => {
        /// What a column holds (`JET_coltyp…`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ColumnType {
            $($(#[$doc])* $variant,)*
        }

        impl ColumnType {
            /// The type with this number; `None` for 0, a deleted column, and unknown ones.
            #[must_use]
            pub fn of(code: u32) -> Option<ColumnType> {
                match code {
                    $($code => Some(ColumnType::$variant),)*
                    _ => None,
                }
            }

            /// Size of its values in bytes, if all have the same.
            #[must_use]
            pub fn size(self) -> Option<u16> {
                match self {
                    $(ColumnType::$variant => $size,)*
                }
            }
        }
    };
}

column_types! {
    /// 0 or 1.
    Bit = 1, Some(1);
    /// 8 bits, unsigned.
    UnsignedByte = 2, Some(1);
    /// 16 bits, signed.
    Short = 3, Some(2);
    /// 32 bits, signed.
    Long = 4, Some(4);
    /// 64 bits, signed.
    Currency = 5, Some(8);
    /// 32-bit floating point.
    Single = 6, Some(4);
    /// 64-bit floating point.
    Double = 7, Some(8);
    /// 8 bytes: days since 1899-12-30 as floating point, or whatever the application stores there.
    DateTime = 8, Some(8);
    /// At most 255 bytes.
    Binary = 9, None;
    /// At most 255 bytes of text.
    Text = 10, None;
    /// At most 2 GiB.
    LongBinary = 11, None;
    /// At most 2 GiB of text.
    LongText = 12, None;
    /// 32 bits, unsigned.
    UnsignedLong = 14, Some(4);
    /// 64 bits, signed.
    LongLong = 15, Some(8);
    /// 16 bytes.
    Guid = 16, Some(16);
    /// 16 bits, unsigned.
    UnsignedShort = 17, Some(2);
    /// 64 bits, unsigned.
    UnsignedLongLong = 18, Some(8);
}

impl ColumnType {
    /// Whether values may be long values.
    #[must_use]
    pub fn is_long(self) -> bool {
        matches!(self, ColumnType::LongBinary | ColumnType::LongText)
    }

    /// Whether values are text.
    #[must_use]
    pub fn is_text(self) -> bool {
        matches!(self, ColumnType::Text | ColumnType::LongText)
    }
}

/// How the text of a column is encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CodePage(pub u16);

impl CodePage {
    /// UTF-16, little-endian.
    pub const UNICODE: CodePage = CodePage(1200);
    /// Windows-1252.
    pub const ENGLISH: CodePage = CodePage(1252);
}

impl fmt::Display for CodePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

bitflags! {
    /// What is special about a column (`FIELDFLAG`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ColumnFlags: u32 {
        /// Never null.
        const NOT_NULL = 0x1;
        /// Counts the changes of a row.
        const VERSION = 0x2;
        /// Numbers the rows.
        const AUTO_INCREMENT = 0x4;
        /// May have several values.
        const MULTI_VALUED = 0x8;
        /// Has a default value.
        const DEFAULT = 0x10;
        /// Changed by increments.
        const ESCROW_UPDATE = 0x20;
        /// Told to the application when it becomes 0.
        const FINALIZE = 0x40;
        /// The application computes the default value.
        const USER_DEFINED_DEFAULT = 0x80;
        /// Records of derived tables mark it as derived.
        const TEMPLATE_COLUMN_ESE98 = 0x100;
        /// The row is deleted when it becomes 0.
        const DELETE_ON_ZERO = 0x200;
        /// Was in the primary index once.
        const PRIMARY_INDEX_PLACEHOLDER = 0x800;
        /// Values are compressed.
        const COMPRESSED = 0x1000;
        /// Values are encrypted.
        const ENCRYPTED = 0x2000;
        const _ = !0;
    }
}

/// Where a record has a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Storage {
    /// At the same place in every record.
    Fixed {
        /// From the start of the record, in bytes.
        offset: u16,
        /// In bytes.
        size: u16,
    },
    /// Behind the fixed columns; at most 255 bytes.
    Variable,
    /// Behind the variable columns, where it exists.
    Tagged,
}

/// One column of a table (`FIELD`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub(super) name: String,
    pub(super) id: ColumnId,
    pub(super) column_type: ColumnType,
    pub(super) storage: Storage,
    pub(super) size: u32,
    pub(super) flags: ColumnFlags,
    pub(super) code_page: CodePage,
    pub(super) default: Option<Vec<u8>>,
}

impl Column {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> ColumnId {
        self.id
    }

    /// What it holds.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        self.column_type
    }

    /// Where a record has it.
    #[must_use]
    pub fn storage(&self) -> Storage {
        self.storage
    }

    /// The most bytes that a value has; 0 = no limit but that of its type.
    #[must_use]
    pub fn size(&self) -> u32 {
        self.size
    }

    /// What is special about it.
    #[must_use]
    pub fn flags(&self) -> ColumnFlags {
        self.flags
    }

    /// How its text is encoded; 0 for what is no text.
    #[must_use]
    pub fn code_page(&self) -> CodePage {
        self.code_page
    }

    /// The value in rows that do not have the column.
    #[must_use]
    pub fn default_value(&self) -> Option<&[u8]> {
        self.default.as_deref()
    }

    /// Whether records have it behind the variable columns, where it exists.
    #[must_use]
    pub fn is_tagged(&self) -> bool {
        self.storage == Storage::Tagged
    }

    /// Whether the column, which is tagged, carries the mark of a derived column in records.
    pub(crate) fn is_marked_derived(&self) -> bool {
        self.id.is_of_template() && self.flags.contains(ColumnFlags::TEMPLATE_COLUMN_ESE98)
    }

    /// The same column as derived tables have it.
    pub(super) fn of_template(&self) -> Column {
        Column { id: ColumnId(self.id.0 | ColumnId::TEMPLATE), ..self.clone() }
    }
}
