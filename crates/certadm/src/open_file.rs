//! A file of a backup, read in blocks, one block ahead.

use std::io::{self, Read};
use std::ops::Range;

use csra::call::{BackupCloseFile, BackupReadFile, Call, CallError};

use crate::backup::{BackupSession, out_of_order};
use crate::error::Error;
use crate::link::{Answer, method};
use crate::read_hint::PAGE;

/// An open file of a backup session (`CertSrvBackupRead`, `CertSrvBackupClose`).
///
/// While the caller works on one block, the next one crosses the network into a second buffer; no more than two exist.
/// The file ends where the server announced it: less is [`Error::ShortFile`], more is [`Error::LongFile`]. Dropping an
/// unfinished file closes it on the server, which then refuses to truncate logs.
pub struct OpenFile<'a> {
    session: &'a mut BackupSession,
    cursor: FileCursor,
}

impl<'a> OpenFile<'a> {
    pub(crate) fn new(session: &'a mut BackupSession, cursor: FileCursor) -> Self {
        OpenFile { session, cursor }
    }

    /// Bytes, as the server announced them when the file was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.cursor.size()
    }

    /// The size of the read buffer that this session uses.
    #[must_use]
    pub fn buffer_size(&self) -> u32 {
        self.cursor.buffer_size
    }

    /// The next block, at most [`OpenFile::buffer_size`] bytes; empty at the end of the file.
    ///
    /// # Errors
    /// [`Error::ShortFile`], [`Error::LongFile`], and what calls can meet. There is no way on from an
    /// error but to drop the file.
    pub fn next_block(&mut self) -> Result<&[u8], Error> {
        self.cursor.next_block(self.session)
    }

    /// Closes the file on the server.
    ///
    /// # Errors
    /// [`Error::ShortFile`] when it was not read to its end; what calls can meet.
    pub fn close(mut self) -> Result<(), Error> {
        let complete = self.cursor.is_read();
        let short = self.cursor.short();
        self.cursor.close(self.session)?;
        if complete { Ok(()) } else { Err(short) }
    }
}

impl Read for OpenFile<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        let block = self.cursor.fill(self.session).map_err(io::Error::other)?;
        let count = block.len().min(into.len());
        into[..count].copy_from_slice(&block[..count]);
        self.cursor.consume(count);
        Ok(count)
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        // A cancelled or broken session closes the file when it ends.
        if let Err(error) = self.cursor.close(self.session) {
            tracing::debug!(%error, file = self.cursor.name, "the file was not closed");
        }
    }
}

/// What an [`OpenFile`] is without its session, which every call takes instead: for a caller that must keep both in one
/// place, as the handle of a C function does. A cursor belongs to the session that opened it.
pub struct FileCursor {
    name: String,
    size: u64,
    buffer_size: u32,
    /// Bytes received and accepted so far.
    received: u64,
    /// The read that is under way.
    requested: Option<BackupReadFile>,
    /// The block that the caller may be looking at.
    current: Vec<u8>,
    block: Range<usize>,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The server said that there is no more, and it is as much as it announced.
    Complete,
    /// An error was returned; the position on the server is unknown.
    Failed,
    /// The connection is lost, and the session with it.
    Lost,
    Closed,
}

impl FileCursor {
    pub(crate) fn new(session: &mut BackupSession, name: String, size: u64, buffer_size: u32) -> Result<Self, Error> {
        let mut file = FileCursor {
            name,
            size,
            buffer_size,
            received: 0,
            requested: None,
            current: Vec::new(),
            block: 0..0,
            state: State::Reading,
        };
        let spare = session.server_mut()?.link().take_spare();
        file.request(session, spare)?;
        Ok(file)
    }

    /// Bytes, as the server announced them when the file was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// As [`OpenFile::next_block`].
    ///
    /// # Errors
    /// As [`OpenFile::next_block`].
    pub fn next_block(&mut self, session: &mut BackupSession) -> Result<&[u8], Error> {
        self.block = 0..0;
        self.load(session)?;
        // The caller gets all of it.
        let block = std::mem::take(&mut self.block);
        Ok(&self.current[block])
    }

    /// What is left of the current block, or the next block; empty at the end of the file. Stays until it is
    /// [consumed](FileCursor::consume).
    ///
    /// # Errors
    /// As [`OpenFile::next_block`].
    pub fn fill(&mut self, session: &mut BackupSession) -> Result<&[u8], Error> {
        if self.block.is_empty() {
            self.load(session)?;
        }
        Ok(&self.current[self.block.clone()])
    }

    /// Leaves behind that many bytes of what [`FileCursor::fill`] returned.
    pub fn consume(&mut self, count: usize) {
        self.block.start += count.min(self.block.len());
    }

    /// Closes the file on the server, read to its end or not; nothing when it is closed already.
    ///
    /// # Errors
    /// What calls can meet.
    pub fn close(&mut self, session: &mut BackupSession) -> Result<(), Error> {
        if self.state == State::Closed {
            return Ok(());
        }
        session.note(&self.name, self.is_read());
        self.state = State::Closed;
        let result = session.server_mut().and_then(|server| server.call(&BackupCloseFile));
        // A session that is lost has no open file either, and what is called next shall say that it is lost.
        if result.as_ref().map_or_else(is_loss, |()| true) {
            session.sequence().close().map_err(out_of_order("BackupCloseFile"))?;
        }
        result
    }

    /// Whether the caller has had every byte of the file. The server may have sent more than that.
    fn is_read(&self) -> bool {
        self.state == State::Complete && self.block.is_empty()
    }

    /// Makes the next block the current one; an empty one at the end of the file.
    fn load(&mut self, session: &mut BackupSession) -> Result<(), Error> {
        match self.state {
            State::Reading => self.advance(session).inspect_err(|error| {
                self.state = if is_loss(error) { State::Lost } else { State::Failed };
            }),
            State::Complete | State::Closed => Ok(()),
            State::Failed => Err(self.short()),
            State::Lost => Err(session.server_mut()?.link().gone()),
        }
    }

    /// Takes the answer that is under way, and asks for what follows before the caller sees it.
    fn advance(&mut self, session: &mut BackupSession) -> Result<(), Error> {
        let Some(call) = self.requested.take() else { return Err(self.short()) };
        let link = session.server_mut()?.link();
        let Answer { reply, stub } = link.receive()?;
        let stub = stub.map_err(|error| link.failed(method::<BackupReadFile>(), error))?;
        let method = method::<BackupReadFile>();
        let data = match call.finish(reply.get(stub..).unwrap_or_default()) {
            Ok(data) => data,
            Err(CallError::Refused(hresult)) => {
                return Err(session.server_mut()?.refused::<BackupReadFile>(hresult));
            }
            Err(error) => return Err(Error::Malformed { method, source: error.into() }),
        };
        let read = data.len() as u64;
        session.sequence().read(read).map_err(out_of_order(method))?;
        let left = self.size - self.received;
        if read > left {
            return Err(Error::LongFile { name: self.name.clone(), announced: self.size });
        }
        self.received += read;
        if read == 0 {
            if left > 0 {
                return Err(self.short());
            }
            self.state = State::Complete;
            session.server_mut()?.link().keep(reply);
            return Ok(());
        }
        let previous = std::mem::replace(&mut self.current, reply);
        self.block = stub + data.start..stub + data.end;
        if (data.len() as u64) < call.size.unsigned_abs().into() && self.received == self.size {
            // Short of what was asked for, and exactly what was announced: the end, [MS-CSRA] 3.1.4.1.23.
            self.state = State::Complete;
            return Ok(());
        }
        self.request(session, previous)
    }

    /// Asks for the next block: never more than the buffer, never more than a page behind the announced end. Asking for
    /// at least one byte behind it shows a file that is longer.
    fn request(&mut self, session: &mut BackupSession, buffer: Vec<u8>) -> Result<(), Error> {
        let left = self.size - self.received;
        let pages = (left / PAGE + 1).saturating_mul(PAGE);
        let wanted = usize::try_from(pages).unwrap_or(usize::MAX).min(self.buffer_size as usize);
        let call = BackupReadFile::new(wanted)
            .map_err(|hresult| Error::Refused { method: method::<BackupReadFile>(), hresult })?;
        session.server_mut()?.link().submit(&call, buffer)?;
        self.requested = Some(call);
        Ok(())
    }

    fn short(&self) -> Error {
        Error::ShortFile { name: self.name.clone(), announced: self.size, received: self.received }
    }
}

/// Whether the session is gone with the connection.
fn is_loss(error: &Error) -> bool {
    matches!(error, Error::ConnectionLost { .. } | Error::Timeout { .. })
}
