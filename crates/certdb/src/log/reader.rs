//! Reads one log file, from the front, in bounded memory.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

use super::record::RECORD_SIZE;
use super::{EndMark, HEADER_SIZE, Header, LogDamage, LogError, Record};
use crate::{Digest, Lsn, Timestamp};

/// Iterator over the records of one log file, from any [`Read`]; wrap a file in a [`std::io::BufReader`].
///
/// Checks everything that one file can show: checksums, the run of page image numbers, whole transactions, times that never
/// go back, the counts of the end mark, and that nothing follows it. After an error it yields nothing more. It reads at most
/// one record at a time, whatever the file claims.
///
/// ```no_run
/// use certdb::log::{LogReader, Record};
///
/// let file = std::io::BufReader::new(std::fs::File::open("edb00001.log")?);
/// let mut log = LogReader::new(file)?;
/// let mut pages = 0;
/// for record in &mut log {
///     pages += u32::from(matches!(record?, Record::Page(_)));
/// }
/// println!("generation {}: {pages} page images, sha256 {}", log.header().generation, log.digest());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct LogReader<R> {
    source: R,
    header: Header,
    state: State,
    /// End mark, once it was read.
    end: Option<EndMark>,
    finished: bool,
}

/// What the bytes up to a point of the file amount to; a writer can go on from here.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) offset: u64,
    pub(crate) checksum: u32,
    pub(crate) digest: Sha256,
    pub(crate) next_lsn: Lsn,
    pub(crate) wal: super::WalPosition,
    /// Pages of the database after the last commit.
    pub(crate) pages: u32,
    pub(crate) transactions: u32,
    pub(crate) images: u32,
    pub(crate) first_commit: Timestamp,
    /// Last commit in this file or before it.
    pub(crate) last_commit: Timestamp,
    /// The last record is a page image that does not end its transaction.
    pub(crate) inside: bool,
}

impl State {
    /// The state behind a header.
    pub(crate) fn new(header: &Header, bytes: &[u8; HEADER_SIZE]) -> Self {
        Self {
            offset: HEADER_SIZE as u64,
            checksum: Header::seed(bytes),
            digest: Sha256::new().chain_update(bytes),
            next_lsn: header.first_lsn,
            wal: header.wal,
            pages: header.pages,
            transactions: 0,
            images: 0,
            first_commit: Timestamp(0),
            last_commit: header.last_commit,
            inside: false,
        }
    }

    /// Takes in a record that fits behind this state.
    pub(crate) fn apply(&mut self, record: &Record) {
        match record {
            Record::Page(page) => {
                self.next_lsn = page.lsn.next();
                self.wal = page.wal;
                self.images = self.images.saturating_add(1);
                self.inside = page.commit_pages == 0;
                if page.commit_pages != 0 {
                    self.pages = page.commit_pages;
                    self.transactions = self.transactions.saturating_add(1);
                    self.last_commit = page.time;
                    if self.first_commit == Timestamp(0) {
                        self.first_commit = page.time;
                    }
                }
            }
            Record::Sync(note) => self.wal = note.wal,
            Record::End(end) => self.wal = end.wal,
        }
    }

    /// The end mark that closes a file in this state.
    pub(crate) fn end_mark(&self) -> EndMark {
        EndMark {
            next_lsn: self.next_lsn,
            wal: self.wal,
            transactions: self.transactions,
            images: self.images,
            first_commit: self.first_commit,
            last_commit: if self.transactions == 0 { Timestamp(0) } else { self.last_commit },
        }
    }

    /// Whether a record may follow.
    fn check(&self, record: &Record) -> Result<(), LogDamage> {
        let require = |field, found: u64, expected: u64| {
            if found == expected { Ok(()) } else { Err(LogDamage::Field { field, found, expected }) }
        };
        match record {
            Record::Page(page) => {
                require("page image number", page.lsn.0, self.next_lsn.0)?;
                let frame = if page.wal.salts == self.wal.salts { self.wal.frame.saturating_add(1) } else { 1 };
                require("frame of the write-ahead log", page.wal.frame.into(), frame.into())?;
                if page.commit_pages == 0 {
                    require("commit time inside a transaction", page.time.0, 0)?;
                } else if page.time < self.last_commit || page.time == Timestamp(0) {
                    require("commit time", page.time.0, self.last_commit.0)?;
                }
                Ok(())
            }
            Record::Sync(note) => {
                require("open transactions at a sync note", self.inside.into(), 0)?;
                require("next page image number", note.next_lsn.0, self.next_lsn.0)
            }
            Record::End(end) => {
                require("open transactions at the end mark", self.inside.into(), 0)?;
                let expected = self.end_mark();
                require("next page image number", end.next_lsn.0, expected.next_lsn.0)?;
                require("number of transactions", end.transactions.into(), expected.transactions.into())?;
                require("number of page images", end.images.into(), expected.images.into())?;
                require("first commit time", end.first_commit.0, expected.first_commit.0)?;
                require("last commit time", end.last_commit.0, expected.last_commit.0)
            }
        }
    }
}

impl<R: Read> LogReader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`LogError`] at offset 0: what [`Header::decode`] refuses, or a file shorter than a header.
    pub fn new(mut source: R) -> Result<Self, LogError> {
        let at_start = |damage| LogError { offset: 0, damage };
        let mut bytes = [0; HEADER_SIZE];
        source.read_exact(&mut bytes).map_err(|error| {
            at_start(match error.kind() {
                io::ErrorKind::UnexpectedEof => LogDamage::Truncated { last: Lsn(0) },
                _ => LogDamage::Io(error),
            })
        })?;
        let header = Header::decode(&bytes).map_err(at_start)?;
        let state = State::new(&header, &bytes);
        Ok(Self { source, header, state, end: None, finished: false })
    }

    /// The header of the file.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The end mark, once it was read: the file is a closed generation.
    #[must_use]
    pub fn end_mark(&self) -> Option<&EndMark> {
        self.end.as_ref()
    }

    /// Bytes that were read and found right.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.state.offset
    }

    /// SHA-256 of those bytes; after the end mark that of the whole generation.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.state.digest.clone().finalize().into())
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    fn read(&mut self) -> Result<Option<Record>, LogDamage> {
        let mut head = [0; RECORD_SIZE];
        let got = read_up_to(&mut self.source, &mut head)?;
        if self.end.is_some() {
            return if got == 0 { Ok(None) } else { Err(LogDamage::TrailingBytes) };
        }
        let truncated = LogDamage::Truncated { last: Lsn(self.state.next_lsn.0.saturating_sub(1)) };
        if got < head.len() {
            return Err(truncated);
        }
        let mut body = vec![0; Record::body_size(&head, self.state.offset)?];
        if read_up_to(&mut self.source, &mut body)? < body.len() {
            return Err(truncated);
        }
        self.state.digest.update(head);
        self.state.digest.update(&body);
        let length = (head.len() + body.len()) as u64;
        let (record, checksum) = Record::decode(self.state.checksum, &head, body)?;
        self.state.check(&record)?;
        self.state.apply(&record);
        self.state.checksum = checksum;
        self.state.offset += length;
        if let Record::End(end) = &record {
            self.end = Some(*end);
        }
        Ok(Some(record))
    }
}

impl<R: Read> Iterator for LogReader<R> {
    type Item = Result<Record, LogError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let offset = self.state.offset;
        let item = self.read().map_err(|damage| LogError { offset, damage }).transpose();
        self.finished = !matches!(item, Some(Ok(_)));
        item
    }
}

/// Reads until the buffer is full or the source ends; returns the bytes read.
fn read_up_to(source: &mut impl Read, buffer: &mut [u8]) -> Result<usize, LogDamage> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(LogDamage::Io(error)),
        }
    }
    Ok(filled)
}
