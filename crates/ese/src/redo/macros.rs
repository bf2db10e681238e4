//! Macros: records that take effect together, or not at all.

use super::error::Fault;
use super::record::{Fields, PageRecord};
use super::session::Macro;
use super::{Applied, Redo};
use crate::log::RecordType;
use crate::source::PageSource;

impl<S: PageSource> Redo<S> {
    /// `LRMACROBEGIN`: 1 session, 3 u64 counter of changes.
    pub(super) fn macro_begin(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let (session, dbtime) = key(record)?;
        let macros = &mut self.session(session).macros;
        macros.retain(|known| known.dbtime != dbtime);
        macros.push(Macro { dbtime, records: Vec::new() });
        Ok(Applied::NotAPage)
    }

    /// `LRMACROEND`, the same fields: everything that was kept is applied.
    pub(super) fn macro_commit(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let (session, dbtime) = key(record)?;
        let Some(records) = self.close(session, dbtime) else {
            // It began before these logs: its pages were written before the backup.
            return Ok(Applied::NotAPage);
        };
        let Some(first) = records.first() else { return Ok(Applied::NotAPage) };
        let page = PageRecord::parse(first)?;
        if !self.is_ours(page.dbid) {
            return Ok(Applied::NotAPage);
        }
        match RecordType(first.byte(0)?) {
            RecordType::MERGE2 => self.merge(&records, dbtime),
            _ => self.split(&records, dbtime),
        }
    }

    pub(super) fn macro_abort(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let (session, dbtime) = key(record)?;
        self.close(session, dbtime);
        Ok(Applied::NotAPage)
    }

    /// A split or a merge outside of a macro began before these logs.
    pub(super) fn macro_record(&mut self, record: &[u8]) -> Result<Applied, Fault> {
        let page = PageRecord::parse(record)?;
        self.store_in_macro(page.session, page.after, record);
        Ok(Applied::NotAPage)
    }

    /// Keeps a record that belongs to an open macro.
    pub(super) fn store_in_macro(&mut self, session: u16, dbtime: u64, record: &[u8]) -> bool {
        let Some(session) = self.sessions.get_mut(&session) else { return false };
        let Some(open) = session.macros.iter_mut().find(|open| open.dbtime == dbtime) else { return false };
        open.records.push(record.to_vec());
        true
    }

    fn close(&mut self, session: u16, dbtime: u64) -> Option<Vec<Vec<u8>>> {
        let macros = &mut self.sessions.get_mut(&session)?.macros;
        let at = macros.iter().position(|open| open.dbtime == dbtime)?;
        Some(macros.remove(at).records)
    }
}

fn key(record: &[u8]) -> Result<(u16, u64), Fault> {
    Ok((u16::try_from(record.short(1)?).unwrap_or_default(), record.wide(3)?))
}
