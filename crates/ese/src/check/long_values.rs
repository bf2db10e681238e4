//! Whether the long values of a table are whole, and no fewer rows are counted than refer to them.

use std::collections::HashMap;

use crate::check::{Finding, Report};
use crate::error::Error;
use crate::jet::JetError;
use crate::long_value::{LongValueHeader, LongValueId, LongValueNode, chunk};
use crate::tree::Entry;

/// The long values of a table: first all nodes of their tree are added, then all references of rows.
pub(super) struct Tally<'t> {
    table: &'t str,
    chunk_size: u32,
    /// References that are still expected.
    expected: HashMap<LongValueId, u32>,
    /// The one whose chunks are being added, and how many bytes they have so far.
    open: Option<(LongValueId, LongValueHeader, u32)>,
}

impl<'t> Tally<'t> {
    pub(super) fn new(table: &'t str, chunk_size: u32) -> Tally<'t> {
        Tally { table, chunk_size, expected: HashMap::new(), open: None }
    }

    pub(super) fn add_node(&mut self, report: &mut Report, entry: &Entry<'_>) -> Result<(), Error> {
        let node = match LongValueNode::parse(entry) {
            Ok(node) => node,
            Err(error) => return report.take(Some(self.table), error),
        };
        match node {
            LongValueNode::Root(id, header) => {
                self.close(report);
                report.long_values += 1;
                self.expected.insert(id, header.references);
                self.open = Some((id, header, 0));
            }
            LongValueNode::Chunk { id, offset, data } => {
                let Some((open, header, seen)) = self.open.as_mut().filter(|(open, ..)| *open == id) else {
                    self.report(report, id, "a chunk without its root");
                    return Ok(());
                };
                if unused(header) {
                    return Ok(());
                }
                if offset != *seen {
                    let problem = format!("a chunk at {offset} follows {seen} bytes");
                    self.report(report, id, &problem);
                    self.open = None;
                    return Ok(());
                }
                let size = if header.encrypted {
                    Ok(header.size.saturating_sub(offset).min(self.chunk_size))
                } else {
                    chunk(*open, *header, self.chunk_size, offset, data, |_| Ok(()))
                };
                match size {
                    Ok(size) => *seen = seen.saturating_add(size),
                    Err(Error::Unsupported { .. }) => self.open = None,
                    Err(error) => {
                        self.open = None;
                        report.take(Some(self.table), error)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// After the last node.
    pub(super) fn close(&mut self, report: &mut Report) {
        if let Some((id, header, seen)) = self.open.take()
            && seen != header.size
            && !unused(&header)
        {
            self.report(report, id, &format!("it has {seen} bytes of {}", header.size));
        }
    }

    /// A row refers to `id`.
    pub(super) fn refer(&mut self, report: &mut Report, id: LongValueId) {
        match self.expected.get(&id).copied() {
            Some(0) => self.report(report, id, "more rows refer to it than are counted"),
            Some(LongValueHeader::HALF_DELETED) => {
                self.report(report, id, "a row refers to it, and it is half deleted")
            }
            Some(expected) => {
                self.expected.insert(id, expected - 1);
            }
            None => self.report(report, id, "a row refers to it, and it does not exist"),
        }
    }

    fn report(&self, report: &mut Report, id: LongValueId, problem: &str) {
        report.add(Finding {
            page: None,
            table: Some(self.table.to_owned()),
            problem: format!("long value {:#x}: {problem}", id.number()),
            code: JetError::LV_CORRUPTED,
        });
    }
}

/// Nobody needs the content of a long value that is about to be deleted.
fn unused(header: &LongValueHeader) -> bool {
    matches!(header.references, 0 | LongValueHeader::HALF_DELETED)
}
