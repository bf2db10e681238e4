//! What is on disk: pages as they were last written, the checkpoint, and databases that are closed in order.

use ese::header::DatabaseState;
use ese::log::RecordType;
use ese::{LogPosition, LogTime};

use super::engine::Engine;
use super::record::{Record, utf16};

impl Engine {
    /// Writes changed pages to disk: each with the chance of `one` in `of`. Then moves the checkpoint.
    pub fn flush(&mut self, one: usize, of: usize) {
        let dirty: Vec<u32> = self.dirty.keys().copied().collect();
        for page in dirty {
            if self.random.below(of) < one {
                self.write_page(page);
            }
        }
        self.move_checkpoint();
    }

    /// Where recovery would begin: no change before it is missing on disk, and no open transaction began before it.
    #[must_use]
    pub fn checkpoint(&self) -> LogPosition {
        self.logs.checkpoint
    }

    /// Stops in order and starts again, as a server does: the database is clean in between.
    ///
    /// # Panics
    /// When a transaction is open.
    pub fn restart(&mut self) {
        self.stop();
        let init = Record::new(RecordType::INIT2).bytes(&self.logs.parameters());
        let now = self.clock.now();
        self.append(init.bytes(&now.0));
        const UNICODE: u8 = 0x08;
        let path = utf16(&self.path);
        let record = Record::new(RecordType::ATTACH_DB)
            .short(6)
            .byte(1)
            .long(0)
            .bytes(&self.header.consistent.to_bytes())
            .bytes(&self.header.signature.0)
            .bytes(&self.header.log_signature.0)
            .short(path.len())
            .byte(UNICODE)
            .path(&self.path);
        self.header.attach = self.append(record);
        self.header.attach_time = self.clock.now();
        self.header.state = DatabaseState::Dirty;
        let version = Record::new(RecordType::SET_DB_VERSION).byte(1).long(self.header.version);
        self.append(version.long(self.header.update_major).long(self.header.update_minor));
        self.remember_attachment();
    }

    /// Stops in order. The file of the database is whole then, and needs no log.
    ///
    /// # Panics
    /// When a transaction is open.
    pub fn stop(&mut self) {
        assert!(self.sessions.is_empty(), "a transaction is open");
        self.flush(1, 1);
        self.append(Record::new(RecordType::SHUT_DOWN_MARK));
        let position = self.logs.position();
        let now = self.clock.now();
        let record = Record::new(RecordType::TERM2)
            .bytes(&LogPosition::default().to_bytes())
            .bytes(&self.logs.checkpoint.to_bytes())
            .byte(0);
        self.append(record.bytes(&now.0));
        self.logs.pad(&mut self.clock);
        self.header.state = DatabaseState::Clean;
        self.header.consistent = position;
        self.header.consistent_time = now;
        self.header.detach = LogPosition::default();
        self.header.detach_time = LogTime::NONE;
        self.move_checkpoint();
    }

    /// The file of the database as it is on disk: two headers, then the pages. Pages that were never written are zero.
    #[must_use]
    pub fn database_file(&self) -> Vec<u8> {
        let size = self.format.page_size;
        let mut file = vec![0; (self.last_page as usize + 2) * size];
        let mut header = self.header.clone();
        self.stamp(&mut header);
        for copy in 0..2 {
            header.write_to(&mut file[copy * size..(copy + 1) * size]);
        }
        for (number, bytes) in &self.disk {
            let at = (*number as usize + 1) * size;
            file[at..at + size].copy_from_slice(bytes);
        }
        file
    }

    /// The file of a log generation; the one that is being written as it would be on disk.
    pub fn log_file(&mut self, generation: u32) -> Vec<u8> {
        self.logs.flush();
        self.logs.file(generation).to_vec()
    }

    /// Closes the log that is being written and opens the next.
    pub fn roll_over(&mut self) {
        self.remember_attachment();
        self.logs.roll_over(&mut self.clock);
    }

    /// What the header says about the logs now.
    pub(super) fn stamp(&self, header: &mut ese::header::DatabaseHeader) {
        let clean = header.state == DatabaseState::Clean;
        let generation = self.logs.generation();
        header.dbtime = self.dbtime();
        header.required_low = if clean { 0 } else { self.logs.checkpoint.generation };
        header.required_high = if clean { 0 } else { generation };
        header.committed_high = if clean { 0 } else { generation };
        header.consistent_low = header.required_low;
        header.high_created = if clean { LogTime::NONE } else { self.logs.created(generation) };
        if self.format.engine_version >= 9260 {
            header.required_high_created = header.high_created;
        }
    }

    pub(super) fn disk_page(&self, page: u32) -> Option<&Vec<u8>> {
        self.disk.get(&page)
    }

    fn write_page(&mut self, page: u32) {
        self.log_undo_infos(page);
        // A page that was taken and given back before it was used has no content.
        if let Some(bytes) = self.pages.get(&page).and_then(|image| image.to_bytes().ok()) {
            self.disk.insert(page, bytes);
        }
        self.dirty.remove(&page);
    }

    fn move_checkpoint(&mut self) {
        let dirty = self.dirty.values().copied();
        let open = self.sessions.values().map(|session| session.started);
        self.logs.checkpoint = dirty.chain(open).min().unwrap_or(self.logs.position());
        self.remember_attachment();
    }

    fn remember_attachment(&mut self) {
        let (dbtime, attach, consistent) = (self.dbtime(), self.header.attach, self.header.consistent);
        for attachment in &mut self.logs.attachments {
            (attachment.dbtime, attachment.attach, attachment.consistent) = (dbtime, attach, consistent);
        }
    }
}
