//! Values as records hold them: plain, compressed, or in the tree of long values of the table.
//!
//! | key | data |
//! |---|---|
//! | number of the value, big-endian, 4 or 8 bytes | u32 references, u32 bytes of the value |
//! | the same, and the u32 offset of a piece, big-endian | the piece, compressed when it is shorter than it should be |

use std::collections::BTreeMap;

use ese::page::PageFlags;

use super::catalog::Object;
use super::compression;
use super::engine::{Engine, Tree};
use super::row::{Row, Stored};
use super::table::{TableId, can_be_separated};
use super::transaction::Session;

/// The highest bit of a number of 64 bits tells it from one of 32.
const WIDE: u64 = 1 << 63;
/// Values above this leave the record.
const LONGEST_IN_RECORD: usize = 1024;

impl Engine {
    /// The values of a row as its record will hold them; long ones are written at once.
    pub(super) fn store(&mut self, session: Session, table: TableId, row: &Row) -> BTreeMap<u32, Vec<Stored>> {
        let mut stored = BTreeMap::new();
        for (name, values) in row {
            let (at, _) = self.segment(table, name);
            let state = &self.tables[table.0];
            let column = state.columns[at].clone();
            let definition = &state.definition.columns[at];
            let (compressed, default) = (definition.compressed, definition.default.is_some());
            let wide_text = definition.kind.is_text() && definition.code_page == 1200;
            let single = values.len() == 1;
            if values.is_empty() && default {
                stored.insert(column.number, vec![Stored::Null]);
            }
            for value in values {
                let long = can_be_separated(column.kind, column.storage) && value.len() > LONGEST_IN_RECORD;
                let packed =
                    if compressed && single && !long { pack(value, column.kind.is_text(), wide_text) } else { None };
                let value = match packed {
                    Some(packed) => Stored::Compressed(packed),
                    None if long => Stored::Separated(self.write_long(session, table, value, compressed)),
                    None => Stored::Plain(value.clone()),
                };
                stored.entry(column.number).or_insert_with(Vec::new).push(value);
            }
        }
        stored
    }

    /// A row lets go of values: references are counted down, and what nobody refers to is deleted.
    pub(super) fn release(&mut self, session: Session, table: TableId, values: &[Stored]) {
        for value in values {
            let (Stored::Separated(number), Some(tree)) = (value, self.tables[table.0].long_values) else { continue };
            let key: Vec<u8> = number.iter().rev().copied().collect();
            let spot = self.seek(tree, &key, &[]).spot();
            self.add(session.0, tree, spot, 0, -1);
            let root = self.data(tree, &key).unwrap_or_default();
            let size = root.get(4..8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
            if root.get(..4) == Some(&[0; 4]) {
                for offset in (0..size).step_by(self.format.long_value_piece()) {
                    self.delete(session.0, tree, &[key.as_slice(), &offset.to_be_bytes()].concat(), &[], true);
                }
                self.delete(session.0, tree, &key, &[], true);
            }
        }
    }

    fn write_long(&mut self, session: Session, table: TableId, value: &[u8], compressed: bool) -> Vec<u8> {
        let tree = self.long_values(session, table);
        let state = &mut self.tables[table.0];
        state.next_long_value += 1;
        let number = state.next_long_value;
        let key = if self.format.wide_long_values() {
            (number | WIDE).to_be_bytes().to_vec()
        } else {
            (number as u32).to_be_bytes().to_vec()
        };
        let root = [1u32.to_le_bytes(), (value.len() as u32).to_le_bytes()].concat();
        self.insert(session.0, tree, &key, &root, true);
        let piece_size = self.format.long_value_piece();
        for (index, piece) in value.chunks(piece_size).enumerate() {
            let offset = (index * piece_size) as u32;
            let packed = if compressed { compression::xpress(piece) } else { None };
            let piece = packed.as_deref().unwrap_or(piece);
            self.insert(session.0, tree, &[key.as_slice(), &offset.to_be_bytes()].concat(), piece, true);
        }
        key.into_iter().rev().collect()
    }

    fn long_values(&mut self, session: Session, table: TableId) -> Tree {
        if let Some(tree) = self.tables[table.0].long_values {
            return tree;
        }
        let tree = self.create_branch(session, table, true, PageFlags::LONG_VALUE);
        let objid = self.tables[table.0].tree.objid;
        self.add_object(session, &Object::long_values(objid, tree.objid, tree.root));
        self.tables[table.0].long_values = Some(tree);
        tree
    }
}

fn pack(value: &[u8], text: bool, wide: bool) -> Option<Vec<u8>> {
    let packed = match text.then(|| compression::seven_bits(value, wide)).flatten() {
        Some(packed) => Some(packed),
        None if value.len() >= 64 => compression::xpress(value),
        None => None,
    };
    packed.filter(|packed| packed.len() < value.len())
}
