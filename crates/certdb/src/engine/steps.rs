//! The steps of a backup on the writer thread, between its commits.

use super::backup::{BackupKind, Begun, Truncated};
use super::command::Failure;
use super::inventory::{Inventory, open_header};
use super::keeper::failed;
use super::writer::Writer;
use crate::durable::sync_directory;
use crate::{BackupError, BackupRecord, FullReason, Generation, Stop, StopKind};

impl Writer {
    pub(super) fn begin(&mut self, kind: BackupKind) -> Result<Begun, BackupError> {
        if let Some(stop) = &self.stopped {
            return Err(BackupError::Stopped(stop.clone()));
        }
        if self.session {
            return Err(BackupError::Busy);
        }
        let low = match kind {
            BackupKind::Full => self.keeper.checkpoint_generation(),
            BackupKind::Incremental if self.shared.options.circular => return Err(BackupError::CircularLogging),
            BackupKind::Incremental => {
                if let Some(reason) = self.full_required() {
                    return Err(BackupError::FullRequired(reason));
                }
                self.incremental_base().ok_or(BackupError::FullRequired(FullReason::NoFullBackup))?
            }
        };
        Ok(Begun { low, lsn: self.keeper.last_lsn() })
    }

    pub(super) fn roll(&mut self) -> Result<Generation, Stop> {
        self.keeper.roll()
    }

    pub(super) fn truncate(&mut self, kind: BackupKind, record: BackupRecord) -> Result<Truncated, Stop> {
        // Before anything is deleted the backup must be remembered: the next incremental one starts after it.
        self.remember(kind, record)?;
        self.keeper.checkpoint(&self.connection, "PASSIVE")?;
        let needed = self.keeper.checkpoint_generation();
        let (mut deleted, mut kept) = (Vec::new(), Vec::new());
        self.delete(|generation| {
            let held = generation <= record.high;
            let delete = held && generation < needed;
            if delete {
                deleted.push(generation);
            } else if held {
                kept.push(generation);
            }
            delete
        })
        .map_err(failed("deleting logs"))?;
        self.publish();
        Ok(Truncated { deleted, kept })
    }

    pub(super) fn remember(&mut self, kind: BackupKind, record: BackupRecord) -> Result<(), Stop> {
        let mut meta = self.meta.clone();
        match kind {
            BackupKind::Full => {
                meta.last_full = Some(record);
                meta.last_incremental = None;
                meta.full_required = None;
            }
            BackupKind::Incremental => meta.last_incremental = Some(record),
        }
        if meta == self.meta {
            return Ok(());
        }
        self.transact(|transaction| meta.write(transaction)).map_err(|failure| match failure {
            Failure::RolledBack(message) => {
                Stop { kind: StopKind::Storage, doing: "remembering the backup".to_owned(), message }
            }
            Failure::Unacknowledged(stop) | Failure::Stopped(stop) => stop,
        })?;
        self.meta = meta;
        self.review();
        Ok(())
    }

    /// Deletes closed generations, lowest first.
    pub(super) fn delete(&self, mut which: impl FnMut(Generation) -> bool) -> std::io::Result<()> {
        let directory = &self.shared.options.log_directory;
        let mut changed = false;
        let mut found: Vec<Generation> =
            std::fs::read_dir(directory)?.filter_map(|entry| Generation::of_path(&entry.ok()?.path())).collect();
        found.sort_unstable();
        for generation in found {
            if which(generation) {
                std::fs::remove_file(generation.path_in(directory))?;
                changed = true;
            }
        }
        if changed { sync_directory(directory) } else { Ok(()) }
    }

    /// First generation of the next incremental backup.
    fn incremental_base(&self) -> Option<Generation> {
        self.meta.last_incremental.or(self.meta.last_full)?.high.next()
    }

    pub(super) fn full_required(&self) -> Option<FullReason> {
        if self.shared.options.circular {
            return Some(FullReason::Circular);
        }
        if let Some(reason) = &self.meta.full_required {
            return Some(reason.clone());
        }
        let Some(base) = self.incremental_base() else { return Some(FullReason::NoFullBackup) };
        let directory = &self.shared.options.log_directory;
        let current = open_header(directory);
        let broken = match (Inventory::read(directory, base), &current) {
            (Ok(inventory), Some(current)) => inventory.first_break(base, current),
            _ => Some(base),
        };
        broken.map(|generation| FullReason::BrokenChain { generation })
    }

    /// Runs a step of a backup, which fails when the writer has stopped and stops it when it fails.
    pub(super) fn steady<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, BackupError> {
        let result = match &self.stopped {
            Some(stop) => Err(stop.clone()),
            None => step(self),
        };
        if let Err(stop) = &result {
            self.stop(stop.clone());
        }
        self.publish();
        result.map_err(BackupError::Stopped)
    }
}
