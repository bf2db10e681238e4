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
    Closed,
}

impl<'a> OpenFile<'a> {
    pub(crate) fn new(
        session: &'a mut BackupSession,
        name: String,
        size: u64,
        buffer_size: u32,
    ) -> Result<Self, Error> {
        let mut file = OpenFile {
            session,
            name,
            size,
            buffer_size,
            received: 0,
            requested: None,
            current: Vec::new(),
            block: 0..0,
            state: State::Reading,
        };
        let spare = file.session.server_mut()?.link().take_spare();
        file.request(spare)?;
        Ok(file)
    }

    /// Bytes, as the server announced them when the file was opened.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The size of the read buffer that this session uses.
    #[must_use]
    pub fn buffer_size(&self) -> u32 {
        self.buffer_size
    }

    /// The next block, at most [`OpenFile::buffer_size`] bytes; empty at the end of the file.
    ///
    /// # Errors
    /// [`Error::ShortFile`], [`Error::LongFile`], and what calls can meet. There is no way on from an
    /// error but to drop the file.
    pub fn next_block(&mut self) -> Result<&[u8], Error> {
        self.block = 0..0;
        match self.state {
            State::Reading => {}
            State::Complete | State::Closed => return Ok(&[]),
            State::Failed => return Err(self.short()),
        }
        match self.advance() {
            Ok(()) => Ok(&self.current[self.block.clone()]),
            Err(error) => {
                self.state = State::Failed;
                Err(error)
            }
        }
    }

    /// Closes the file on the server.
    ///
    /// # Errors
    /// [`Error::ShortFile`] when it was not read to its end; what calls can meet.
    pub fn close(mut self) -> Result<(), Error> {
        let complete = self.state == State::Complete;
        let short = self.short();
        self.shut()?;
        if complete { Ok(()) } else { Err(short) }
    }

    /// Takes the answer that is under way, and asks for what follows before the caller sees it.
    fn advance(&mut self) -> Result<(), Error> {
        let Some(call) = self.requested.take() else { return Err(self.short()) };
        let link = self.session.server_mut()?.link();
        let Answer { reply, stub } = link.receive()?;
        let stub = stub.map_err(|error| link.failed(method::<BackupReadFile>(), error))?;
        let method = method::<BackupReadFile>();
        let data = match call.finish(reply.get(stub..).unwrap_or_default()) {
            Ok(data) => data,
            Err(CallError::Refused(hresult)) => {
                return Err(self.session.server_mut()?.refused::<BackupReadFile>(hresult));
            }
            Err(error) => return Err(Error::Malformed { method, source: error.into() }),
        };
        let read = data.len() as u64;
        self.session.sequence().read(read).map_err(out_of_order(method))?;
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
            self.session.server_mut()?.link().keep(reply);
            return Ok(());
        }
        let previous = std::mem::replace(&mut self.current, reply);
        self.block = stub + data.start..stub + data.end;
        if (data.len() as u64) < call.size.unsigned_abs().into() && self.received == self.size {
            // Short of what was asked for, and exactly what was announced: the end, [MS-CSRA] 3.1.4.1.23.
            self.state = State::Complete;
            return Ok(());
        }
        self.request(previous)
    }

    /// Asks for the next block: never more than the buffer, never more than a page behind the announced end. Asking for
    /// at least one byte behind it shows a file that is longer.
    fn request(&mut self, buffer: Vec<u8>) -> Result<(), Error> {
        let left = self.size - self.received;
        let pages = (left / PAGE + 1).saturating_mul(PAGE);
        let wanted = usize::try_from(pages).unwrap_or(usize::MAX).min(self.buffer_size as usize);
        let call = BackupReadFile::new(wanted)
            .map_err(|hresult| Error::Refused { method: method::<BackupReadFile>(), hresult })?;
        self.session.server_mut()?.link().submit(&call, buffer)?;
        self.requested = Some(call);
        Ok(())
    }

    fn shut(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.state, State::Closed) == State::Closed {
            return Ok(());
        }
        let result = self.session.server_mut().and_then(|server| server.call(&BackupCloseFile));
        if result.is_ok() {
            self.session.sequence().close().map_err(out_of_order("BackupCloseFile"))?;
        }
        result
    }

    fn short(&self) -> Error {
        Error::ShortFile { name: self.name.clone(), announced: self.size, received: self.received }
    }
}

impl Read for OpenFile<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        if self.block.is_empty() {
            self.next_block().map_err(io::Error::other)?;
        }
        let count = self.block.len().min(into.len());
        let from = self.block.start;
        into[..count].copy_from_slice(&self.current[from..from + count]);
        self.block.start += count;
        Ok(count)
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        // A cancelled or broken session closes the file when it ends.
        if let Err(error) = self.shut() {
            tracing::debug!(%error, file = self.name, "the file was not closed");
        }
    }
}
