//! Records: the columns of one row as they are stored (`REC` of ESE).

mod old_tagged;
mod tagged;

pub use tagged::{TaggedColumn, TaggedValue, TaggedValues};

use crate::bytes::Bytes;
use crate::catalog::{Column, Storage};
use crate::page::{Layout, Page, PageFlags};

/// One row of a table, not yet interpreted.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 1 | id of the last fixed column in this row, from 1; 0 = none |
/// | 1 | 1 | id of the last variable column, from 128; 127 = none |
/// | 2 | 2 | end of the fixed columns and their null bits, from the start of the record |
/// | 4 | | fixed columns, each where the catalog says; their null bits, one a column, set = null |
/// | | 2 each | end of each variable column, from the end of this array; bit 15: null |
/// | | | variable columns |
/// | | | tagged columns, up to the end of the record |
///
/// Columns that were added to the table after the row was written are missing; they have their default value.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    bytes: &'a [u8],
    layout: Layout,
    new_format: bool,
    last_fixed: u8,
    last_variable: u8,
    // INVARIANT: HEADER <= null_bits <= end_of_fixed <= variable_data <= tagged <= bytes.len().
    null_bits: usize,
    end_of_fixed: usize,
    variable_data: usize,
    tagged: usize,
}

/// What a record says about a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored<T> {
    /// Nothing: the column has its default value.
    Absent,
    /// It has no value.
    Null,
    /// Its value.
    Value(T),
}

const HEADER: usize = 4;
const LAST_VARIABLE_NONE: u8 = 127;
const FIRST_VARIABLE: u16 = 128;
const NULL: u16 = 0x8000;

impl<'a> Record<'a> {
    /// The record in the data of a node of `page`; `None` when its parts do not fit.
    #[must_use]
    pub fn parse(bytes: &'a [u8], page: &Page<'_>) -> Option<Record<'a>> {
        let new_format = page.flags().contains(PageFlags::NEW_RECORD_FORMAT);
        Record::with_layout(bytes, page.layout(), new_format)
    }

    /// The record in `bytes`, with tagged columns in the newer or the older form.
    #[must_use]
    pub fn with_layout(bytes: &'a [u8], layout: Layout, new_format: bool) -> Option<Record<'a>> {
        let (last_fixed, last_variable) = (bytes.u8_at(0)?, bytes.u8_at(1)?);
        let end_of_fixed = usize::from(bytes.u16_at(2)?);
        let null_bits = end_of_fixed.checked_sub(usize::from(last_fixed).div_ceil(8))?;
        let variables = usize::from(last_variable.checked_sub(LAST_VARIABLE_NONE)?);
        let variable_data = end_of_fixed + variables * 2;
        let size = match variables.checked_sub(1) {
            Some(last) => usize::from(bytes.u16_at(end_of_fixed + last * 2)? & !NULL),
            None => 0,
        };
        let tagged = variable_data + size;
        let fits = last_fixed <= LAST_VARIABLE_NONE && null_bits >= HEADER && tagged <= bytes.len();
        fits.then_some(Record {
            bytes,
            layout,
            new_format,
            last_fixed,
            last_variable,
            null_bits,
            end_of_fixed,
            variable_data,
            tagged,
        })
    }

    /// What the record holds of a fixed or variable column; `None` when the record is damaged there. A tagged column
    /// is [`Stored::Absent`] here.
    #[must_use]
    pub fn untagged(&self, column: &Column) -> Option<Stored<&'a [u8]>> {
        match column.storage() {
            Storage::Fixed { offset, size } => self.fixed(column.id().fid(), offset, size),
            Storage::Variable => self.variable(column.id().fid()),
            Storage::Tagged => Some(Stored::Absent),
        }
    }

    /// What the record holds of the fixed column `id`, which has `size` bytes at `offset`; `None` when it is damaged.
    #[must_use]
    pub fn fixed(&self, id: u16, offset: u16, size: u16) -> Option<Stored<&'a [u8]>> {
        if id > u16::from(self.last_fixed) {
            return Some(Stored::Absent);
        }
        let index = usize::from(id.checked_sub(1)?);
        if self.bytes.u8_at(self.null_bits + index / 8)? >> (index % 8) & 1 != 0 {
            return Some(Stored::Null);
        }
        let (start, end) = (usize::from(offset), usize::from(offset) + usize::from(size));
        self.bytes.get(start..end).filter(|_| end <= self.null_bits).map(Stored::Value)
    }

    /// What the record holds of the variable column `id`; `None` when it is damaged.
    #[must_use]
    pub fn variable(&self, id: u16) -> Option<Stored<&'a [u8]>> {
        if id > u16::from(self.last_variable) {
            return Some(Stored::Absent);
        }
        let index = usize::from(id.checked_sub(FIRST_VARIABLE)?);
        let end_of = |index: usize| self.bytes.u16_at(self.end_of_fixed + index * 2);
        let end = end_of(index)?;
        if end & NULL != 0 {
            return Some(Stored::Null);
        }
        let start = match index.checked_sub(1) {
            Some(before) => end_of(before)? & !NULL,
            None => 0,
        };
        let (start, end) = (self.variable_data + usize::from(start), self.variable_data + usize::from(end));
        let bytes = self.bytes.get(start..end).filter(|_| end <= self.tagged)?;
        Some(Stored::Value(bytes))
    }

    /// What the record holds of a tagged column; `None` when the record is damaged there.
    #[must_use]
    pub fn tagged(&self, column: &Column) -> Option<Stored<TaggedColumn<'a>>> {
        let wanted = (column.id().fid(), column.is_marked_derived());
        for tagged in self.tagged_columns() {
            let (fid, derived, stored) = tagged?;
            if (fid, derived) == wanted {
                return Some(stored);
            }
        }
        Some(Stored::Absent)
    }

    /// All tagged columns: id, whether the column comes from the template of the table, and what is stored. Ends with
    /// `None` where the record is damaged.
    pub fn tagged_columns(&self) -> impl Iterator<Item = Option<(u16, bool, Stored<TaggedColumn<'a>>)>> + use<'a> {
        let area = self.bytes.get(self.tagged..).unwrap_or_default();
        let (new, old) = if self.new_format {
            (Some(tagged::columns(area, self.layout)), None)
        } else {
            (None, Some(old_tagged::columns(area)))
        };
        new.into_iter().flatten().chain(old.into_iter().flatten())
    }
}
