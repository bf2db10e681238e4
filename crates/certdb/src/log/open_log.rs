//! The log that is being written, `edb.log`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};

use sha2::Digest as _;

use super::reader::State;
use super::record::padding;
use super::{Header, LogDamage, LogError, LogReader, PageImage, Record, SyncNote};
use crate::durable::{renew, sync_directory};
use crate::platform::{PositionedFile, private_file};
use crate::wal::Frame;
use crate::{Digest, Generation, Lsn, Timestamp};

/// Name of the open generation.
pub(crate) const OPEN_LOG: &str = "edb.log";

/// Name of the next generation while its header is being written.
pub(crate) const TEMPORARY_LOG: &str = "edbtmp.log";

/// The open generation: page images are appended and, at the end of a transaction, written; [`OpenLog::sync`] makes them durable.
///
/// After an error nothing more may be appended: what the file then holds is found out when it is opened again.
#[derive(Debug)]
pub(crate) struct OpenLog {
    directory: PathBuf,
    file: File,
    header: Header,
    state: State,
    /// Encoded records that are not yet in the file.
    buffer: Vec<u8>,
    /// Offset up to which the file is on the disk.
    synced: u64,
}

impl OpenLog {
    /// Starts a generation: the file appears under its name only when its header is on the disk.
    pub(crate) fn create(directory: &Path, header: Header) -> io::Result<Self> {
        let bytes = header.encode();
        let temporary = directory.join(TEMPORARY_LOG);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = private_file().create_new(true).open(&temporary)?;
        file.write_all_at(&bytes, 0)?;
        file.sync_all()?;
        fs::rename(&temporary, directory.join(OPEN_LOG))?;
        sync_directory(directory)?;
        let state = State::new(&header, &bytes);
        let synced = state.offset;
        Ok(Self { directory: directory.to_owned(), file, header, state, buffer: Vec::new(), synced })
    }

    /// Goes on where `tail` ends; what the file holds behind it is cut off, and the rest is on the disk.
    pub(crate) fn resume(directory: &Path, tail: Tail) -> io::Result<Self> {
        let path = directory.join(OPEN_LOG);
        renew(&path, &directory.join(TEMPORARY_LOG), tail.state.offset)?;
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let (header, state) = (tail.header, tail.state);
        let synced = state.offset;
        Ok(Self { directory: directory.to_owned(), file, header, state, buffer: Vec::new(), synced })
    }

    /// Appends the image in a frame of the write-ahead log; `time` is that of the commit.
    pub(crate) fn append(&mut self, frame: Frame, time: Timestamp) -> io::Result<()> {
        // Times in a log never go back, even when the clock does.
        let time = if frame.commit_pages == 0 { Timestamp(0) } else { time.max(self.state.last_commit) };
        self.push(&Record::Page(PageImage {
            lsn: self.state.next_lsn,
            wal: frame.end,
            page: frame.page,
            commit_pages: frame.commit_pages,
            time,
            image: frame.image,
        }));
        if self.buffer.len() >= BUFFER_SIZE { self.write() } else { Ok(()) }
    }

    /// Hands everything appended to the operating system: it survives the end of this process.
    pub(crate) fn write(&mut self) -> io::Result<()> {
        self.file.write_all_at(&self.buffer, self.state.offset - self.buffer.len() as u64)?;
        self.buffer.clear();
        Ok(())
    }

    /// Puts everything on the disk, behind a sync note. Required before any checkpoint.
    pub(crate) fn sync(&mut self, time: Timestamp) -> io::Result<()> {
        if self.synced == self.state.offset {
            return Ok(());
        }
        let padding = padding(self.state.offset);
        self.push(&Record::Sync(SyncNote { next_lsn: self.state.next_lsn, wal: self.state.wal, time, padding }));
        self.write()?;
        self.file.sync_data()?;
        self.synced = self.state.offset;
        Ok(())
    }

    /// Closes the generation and starts the next one.
    pub(crate) fn roll(mut self, time: Timestamp) -> io::Result<Self> {
        self.push(&Record::End(self.state.end_mark()));
        self.write()?;
        self.file.sync_all()?;
        let digest = Digest(self.state.digest.finalize().into());
        let closed = Closed { header: self.header, digest, next_lsn: self.state.next_lsn };
        closed.publish(&self.directory)?;
        closed.start_next(&self.directory, &self.state.wal, self.state.pages, self.state.last_commit, time)
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Place in the write-ahead log up to which frames are in the logs.
    pub(crate) fn wal(&self) -> super::WalPosition {
        self.state.wal
    }

    pub(crate) fn next_lsn(&self) -> Lsn {
        self.state.next_lsn
    }

    /// Length of the file, with what is still buffered.
    pub(crate) fn length(&self) -> u64 {
        self.state.offset
    }

    fn push(&mut self, record: &Record) {
        let start = self.buffer.len();
        self.state.checksum = record.encode(self.state.checksum, &mut self.buffer);
        self.state.digest.update(&self.buffer[start..]);
        self.state.offset += (self.buffer.len() - start) as u64;
        self.state.apply(record);
    }
}

/// What the open log of a stopped database holds: whole transactions up to the first record that is cut or torn.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) header: Header,
    pub(crate) state: State,
    /// The generation carries its end mark: the process stopped while it was closing it.
    pub(crate) closed: bool,
}

impl Tail {
    /// Reads the open log. Only its header has to be whole.
    pub(crate) fn read(path: &Path) -> Result<Self, LogError> {
        let file = File::open(path).map_err(|error| LogError { offset: 0, damage: LogDamage::Io(error) })?;
        let mut log = LogReader::new(BufReader::with_capacity(BUFFER_SIZE, file))?;
        let mut state = log.state().clone();
        while let Some(record) = log.next() {
            match record {
                Ok(_) if log.state().inside => {}
                Ok(_) => state = log.state().clone(),
                Err(LogError { damage: error @ LogDamage::Io(_), offset }) => {
                    return Err(LogError { offset, damage: error });
                }
                Err(_) => break,
            }
        }
        Ok(Self { header: log.header().clone(), closed: log.end_mark().is_some(), state })
    }

    /// Finishes a roll-over that was interrupted: this is a closed generation.
    pub(crate) fn finish_roll(self, directory: &Path, still_open: bool, time: Timestamp) -> io::Result<OpenLog> {
        let digest = Digest(self.state.digest.finalize().into());
        let closed = Closed { header: self.header, digest, next_lsn: self.state.next_lsn };
        if still_open {
            renew(&directory.join(OPEN_LOG), &directory.join(TEMPORARY_LOG), self.state.offset)?;
            closed.publish(directory)?;
        }
        closed.start_next(directory, &self.state.wal, self.state.pages, self.state.last_commit, time)
    }
}

/// A generation with its end mark.
struct Closed {
    header: Header,
    digest: Digest,
    next_lsn: Lsn,
}

impl Closed {
    fn publish(&self, directory: &Path) -> io::Result<()> {
        fs::rename(directory.join(OPEN_LOG), self.header.generation.path_in(directory))?;
        sync_directory(directory)
    }

    fn start_next(
        self,
        directory: &Path,
        wal: &super::WalPosition,
        pages: u32,
        last_commit: Timestamp,
        time: Timestamp,
    ) -> io::Result<OpenLog> {
        let generation: Generation =
            self.header.generation.next().ok_or_else(|| io::Error::other("generation numbers are used up"))?;
        OpenLog::create(
            directory,
            Header {
                signature: self.header.signature,
                generation,
                first: false,
                origin: false,
                created: time,
                previous_created: self.header.created,
                previous_digest: self.digest,
                first_lsn: self.next_lsn,
                pages,
                wal: *wal,
                last_commit,
            },
        )
    }
}

const BUFFER_SIZE: usize = 256 * 1024;
