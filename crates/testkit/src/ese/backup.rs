//! A backup while the database is in use.

use std::collections::BTreeMap;

use ese::header::Trailer;
use ese::log::RecordType;
use ese::{BackupInfo, LogTime};

use super::engine::Engine;
use super::record::Record;
use super::set::{BackupSet, Truth};

/// A backup that is under way. Pages are read from disk, one after the other, while the database changes.
#[derive(Clone, Debug)]
pub struct HotBackup {
    file: Vec<u8>,
    info: BackupInfo,
    last_page: u32,
    next: u32,
}

/// `LRLOGBACKUP_PHASE`.
const BEGIN: u8 = 1;
const PREPARE_LOGS: u8 = 2;
const STOP: u8 = 6;
/// Engine format version from which the trailer names the generations that recovery needs.
const TRAILER_GENERATIONS: u32 = 9300;

impl Engine {
    /// Begins a full backup: the header of the database is captured, and the logs from the checkpoint on are part of it.
    pub fn begin_backup(&mut self) -> HotBackup {
        let info = BackupInfo {
            mark: self.logs.position(),
            marked: self.clock.now(),
            low: self.logs.checkpoint.generation,
            high: 0,
        };
        self.log_backup(BEGIN, info);
        let mut header = self.header.clone();
        self.stamp(&mut header);
        header.this_backup = info;
        let size = self.format.page_size;
        let mut file = vec![0; size];
        header.write_to(&mut file);
        file.extend_from_within(..);
        HotBackup { file, info, last_page: self.last_page, next: 1 }
    }

    /// Reads the next pages from disk, at most `pages`.
    pub fn read_pages(&self, backup: &mut HotBackup, pages: u32) {
        for _ in 0..pages {
            if backup.next > backup.last_page {
                return;
            }
            match self.disk_page(backup.next) {
                Some(bytes) => backup.file.extend(bytes),
                None => backup.file.resize(backup.file.len() + self.format.page_size, 0),
            }
            backup.next += 1;
        }
    }

    /// Reads what is left, writes the trailer, closes the log and collects the logs. Transactions may be open.
    pub fn finish_backup(&mut self, mut backup: HotBackup) -> BackupSet {
        self.read_pages(&mut backup, u32::MAX);
        let high = self.logs.generation();
        let info = BackupInfo { high, ..backup.info };
        let names = self.format.engine_version >= TRAILER_GENERATIONS;
        let generation = |generation: u32| if names { generation } else { 0 };
        let created = if names { self.logs.created(high) } else { LogTime::NONE };
        let trailer = Trailer {
            backup: info,
            signature: self.header.signature,
            log_signature: self.header.log_signature,
            required_low: generation(self.logs.checkpoint.generation),
            required_high: generation(high),
            committed_high: generation(high),
            required_high_created: created,
            committed_high_created: created,
        };
        backup.file.extend(trailer.to_page(self.format.page_size));
        self.log_backup(PREPARE_LOGS, info);
        let truth = Truth {
            pages: self.pages.clone(),
            tables: self.tables().map(|(id, table)| (table.name.clone(), self.rows(id).cloned().collect())).collect(),
        };
        self.roll_over();
        let last = self.logs.generation() - 1;
        let logs: BTreeMap<u32, Vec<u8>> =
            (info.low..=last).map(|generation| (generation, self.logs.file(generation).to_vec())).collect();
        self.log_backup(STOP, info);
        BackupSet::new(&self.path, backup.file, logs, self.format, truth)
    }

    fn log_backup(&mut self, phase: u8, info: BackupInfo) {
        const FULL: u8 = 1;
        let record = Record::new(RecordType::BACKUP2).byte(phase).long(0).byte(FULL).byte(1);
        self.append(record.bytes(&info.to_bytes()).byte(0).short(0));
    }
}
