//! A backup session as a handle has it: what ownership carries in Rust is carried by state here.

use certadm::{BackupKind, BackupSession, FileCursor, FileName, ReadHint};

use crate::argument::Buffer;
use crate::failure::Failure;
use crate::list::List;
use crate::server::connect;

/// A session, and its open file.
pub(crate) struct Backup {
    session: BackupSession,
    file: Option<FileCursor>,
}

impl Backup {
    pub(crate) fn prepare(server: &str, kind: BackupKind) -> Result<Self, Failure> {
        let session = connect(server)?.prepare_backup(kind)?;
        Ok(Backup { session, file: None })
    }

    pub(crate) fn database_locations(&mut self) -> Result<List, Failure> {
        List::typed(self.session.database_locations()?.names().to_vec())
    }

    pub(crate) fn database_names(&mut self) -> Result<List, Failure> {
        List::typed(self.session.database_names()?)
    }

    pub(crate) fn backup_logs(&mut self) -> Result<List, Failure> {
        List::typed(self.session.backup_logs()?)
    }

    pub(crate) fn dynamic_files(&mut self) -> Result<List, Failure> {
        List::bare(self.session.dynamic_files()?)
    }

    /// Returns the size of the file.
    pub(crate) fn open(&mut self, path: &str, hint: ReadHint) -> Result<u64, Failure> {
        let name =
            FileName::new(None, path).map_err(|_| Failure::argument("pwszAttachmentName", "is not a file name"))?;
        let file = self.session.open_cursor(&name, hint)?;
        Ok(self.file.insert(file).size())
    }

    /// Fills the buffer, or reads to the end of the file. Returns how much that was.
    pub(crate) fn read(&mut self, buffer: &mut Buffer) -> Result<u32, Failure> {
        let Some(file) = &mut self.file else {
            // The rule that is broken is the session's to name.
            return Err(no_open_file("BackupReadFile"));
        };
        let mut read = 0;
        while !buffer.is_full() {
            let count = buffer.append(file.fill(&mut self.session)?);
            if count == 0 {
                break;
            }
            file.consume(count);
            // The caller's buffer has 32 bits of size.
            read += count as u32;
        }
        Ok(read)
    }

    pub(crate) fn close(&mut self) -> Result<(), Failure> {
        let Some(mut file) = self.file.take() else { return Err(no_open_file("BackupCloseFile")) };
        Ok(file.close(&mut self.session)?)
    }

    pub(crate) fn truncate_logs(&mut self) -> Result<(), Failure> {
        Ok(self.session.truncate_logs()?)
    }

    /// Ends the session, whatever state it is in. What the server said to that is the result.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        if let Some(mut file) = self.file.take() {
            // A file that cannot be closed: the session is lost, or as good as. Dropping it ends what is left of it.
            file.close(&mut self.session)?;
        }
        self.session.end()?;
        Ok(())
    }
}

fn no_open_file(method: &'static str) -> Failure {
    certadm::Error::Sequence { method, source: certadm::SequenceError::NoOpenFile }.into()
}
