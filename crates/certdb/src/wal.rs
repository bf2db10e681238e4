//! SQLite's write-ahead log: its header, its frames and their cumulative checksums, as documented in "WAL-mode File Format".

use std::io::{self, Read, Seek, SeekFrom};

use crate::PAGE_SIZE;

/// A place in a write-ahead log, and the checksum that proves which frames lie before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WalPosition {
    /// The two salt values of the log's header; SQLite draws new ones whenever it starts the file again.
    pub salts: [u8; 8],
    /// Frames before this place.
    pub frame: u32,
    /// SQLite's cumulative checksum over the header and those frames.
    pub checksum: [u32; 2],
}

/// One frame: a page image, and the size of the database when the frame ends a transaction.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// Page number, from 1.
    pub(crate) page: u32,
    /// Pages of the database after the commit; 0 in all frames but the last of a transaction.
    pub(crate) commit_pages: u32,
    /// The place behind this frame.
    pub(crate) end: WalPosition,
    pub(crate) image: Vec<u8>,
}

/// Reads a write-ahead log from the front or from a known place.
pub(crate) struct WalReader<R> {
    file: R,
    big_endian: bool,
    position: WalPosition,
}

impl<R: Read + Seek> WalReader<R> {
    /// Reads the header. `None` when the file is empty, cut or not valid: SQLite then sees no frames in it either.
    pub(crate) fn open(mut file: R) -> io::Result<Option<Self>> {
        file.seek(SeekFrom::Start(0))?;
        let mut header = [0; HEADER_SIZE];
        if !read_whole(&mut file, &mut header)? {
            return Ok(None);
        }
        let word = |at: usize| be32(&header, at);
        let big_endian = match word(0) {
            0x377F_0682 => false,
            0x377F_0683 => true,
            _ => return Ok(None),
        };
        let checksum = checksum(big_endian, [0, 0], &header[..24]);
        if word(4) != 3_007_000 || word(8) as usize != PAGE_SIZE || checksum != [word(24), word(28)] {
            return Ok(None);
        }
        let mut salts = [0; 8];
        salts.copy_from_slice(&header[16..24]);
        Ok(Some(Self { file, big_endian, position: WalPosition { salts, frame: 0, checksum } }))
    }

    /// The place of the next frame.
    pub(crate) fn position(&self) -> WalPosition {
        self.position
    }

    /// Goes on at `position`, which lies in this log: same salts, and its last frame carries the checksum of the position.
    /// Returns false, and stays where it is, when that is not so.
    pub(crate) fn resume(&mut self, position: WalPosition) -> io::Result<bool> {
        if position.salts != self.position.salts {
            return Ok(false);
        }
        if position.frame == 0 {
            return Ok(self.position.frame == 0 && self.position.checksum == position.checksum);
        }
        let mut header = [0; FRAME_HEADER_SIZE];
        self.file.seek(SeekFrom::Start(offset(position.frame - 1)))?;
        let found = read_whole(&mut self.file, &mut header)?
            && header[8..16] == position.salts
            && [be32(&header, 16), be32(&header, 20)] == position.checksum;
        if found {
            self.position = position;
        }
        self.file.seek(SeekFrom::Start(offset(self.position.frame)))?;
        Ok(found)
    }

    /// The next frame; `None` at the first one that is cut, of an earlier use of the file, or whose checksum does not fit.
    pub(crate) fn next(&mut self) -> io::Result<Option<Frame>> {
        let mut header = [0; FRAME_HEADER_SIZE];
        let mut image = vec![0; PAGE_SIZE];
        if !read_whole(&mut self.file, &mut header)? || !read_whole(&mut self.file, &mut image)? {
            return Ok(None);
        }
        let (page, commit_pages) = (be32(&header, 0), be32(&header, 4));
        if page == 0 || header[8..16] != self.position.salts {
            return Ok(None);
        }
        let seed = checksum(self.big_endian, self.position.checksum, &header[..8]);
        let checksum = checksum(self.big_endian, seed, &image);
        if checksum != [be32(&header, 16), be32(&header, 20)] {
            return Ok(None);
        }
        let Some(frame) = self.position.frame.checked_add(1) else { return Ok(None) };
        self.position = WalPosition { frame, checksum, ..self.position };
        Ok(Some(Frame { page, commit_pages, end: self.position, image }))
    }

    /// The place behind the last frame that ends a transaction, from the current place on; frames after it were never committed.
    pub(crate) fn last_commit(mut self) -> io::Result<WalPosition> {
        let mut committed = self.position;
        while let Some(frame) = self.next()? {
            if frame.commit_pages != 0 {
                committed = frame.end;
            }
        }
        Ok(committed)
    }
}

/// Bytes of a write-ahead log up to the end of its last commit; 0 when it holds none.
pub(crate) fn committed_length(wal: impl Read + Seek) -> io::Result<u64> {
    let last = WalReader::open(wal)?.map(WalReader::last_commit).transpose()?;
    Ok(last.filter(|last| last.frame > 0).map_or(0, |last| offset(last.frame)))
}

const HEADER_SIZE: usize = 32;
const FRAME_HEADER_SIZE: usize = 24;

/// Where the frame with this index (from 0) starts.
fn offset(frame: u32) -> u64 {
    HEADER_SIZE as u64 + u64::from(frame) * (FRAME_HEADER_SIZE + PAGE_SIZE) as u64
}

fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// SQLite's checksum: two sums over pairs of 32-bit words, each feeding the other.
fn checksum(big_endian: bool, seed: [u32; 2], bytes: &[u8]) -> [u32; 2] {
    let [mut first, mut second] = seed;
    for pair in bytes.chunks_exact(8) {
        let (left, right) = pair.split_at(4);
        let word = |bytes: &[u8]| {
            let array = bytes.try_into().unwrap_or([0; 4]);
            if big_endian { u32::from_be_bytes(array) } else { u32::from_le_bytes(array) }
        };
        first = first.wrapping_add(word(left)).wrapping_add(second);
        second = second.wrapping_add(word(right)).wrapping_add(first);
    }
    [first, second]
}

/// Fills the buffer; false when the file ends before.
fn read_whole(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::LazyLock;

    use proptest::prelude::*;
    use rusqlite::Connection;

    use super::*;

    /// A write-ahead log of SQLite's own making, with three commits.
    fn sample() -> &'static [u8] {
        static SAMPLE: LazyLock<Vec<u8>> = LazyLock::new(write_sample);
        &SAMPLE
    }

    fn write_sample() -> Vec<u8> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sample.db");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA page_size = 4096; PRAGMA journal_mode = WAL; CREATE TABLE t (a);
                 INSERT INTO t VALUES (1); INSERT INTO t VALUES (zeroblob(10000));",
            )
            .unwrap();
        std::fs::read(directory.path().join("sample.db-wal")).unwrap()
    }

    fn frames(bytes: &[u8]) -> Vec<Frame> {
        let Some(mut reader) = WalReader::open(Cursor::new(bytes)).unwrap() else { return Vec::new() };
        std::iter::from_fn(|| reader.next().unwrap()).collect()
    }

    #[test]
    fn frames_of_sqlite_are_read_with_their_checksums() {
        let bytes = sample();
        let frames = frames(bytes);
        assert_eq!(frames.len(), (bytes.len() - 32) / 4120);
        assert_eq!(frames.iter().filter(|frame| frame.commit_pages != 0).count(), 3);
        let last = WalReader::open(Cursor::new(bytes)).unwrap().unwrap().last_commit().unwrap();
        assert_eq!(Some(last), frames.last().map(|frame| frame.end));
    }

    #[test]
    fn reading_goes_on_where_the_checksum_fits_and_nowhere_else() {
        let bytes = sample();
        let frames = frames(bytes);
        for (at, frame) in frames.iter().enumerate() {
            let mut reader = WalReader::open(Cursor::new(bytes)).unwrap().unwrap();
            assert!(reader.resume(frame.end).unwrap());
            assert_eq!(reader.next().unwrap().map(|next| next.end), frames.get(at + 1).map(|next| next.end));
            let mut reader = WalReader::open(Cursor::new(bytes)).unwrap().unwrap();
            let other = WalPosition { checksum: [frame.end.checksum[0] ^ 1, frame.end.checksum[1]], ..frame.end };
            assert!(!reader.resume(other).unwrap());
            assert!(reader.next().unwrap().is_some(), "still at the start");
        }
    }

    proptest! {
        #[test]
        fn a_change_ends_the_frames_before_it(at in any::<prop::sample::Index>(), bit in 0..8_u32, cut in any::<bool>()) {
            let whole = sample();
            let at = at.index(whole.len());
            let mut bytes = whole.to_vec();
            bytes[at] ^= 1 << bit;
            bytes.truncate(if cut { at } else { whole.len() });
            let read = frames(&bytes).len();
            let before = at.saturating_sub(32) / 4120;
            prop_assert!(read <= before, "{read} frames, byte {at}");
        }

        #[test]
        fn any_bytes_are_read_to_an_end(bytes in prop::collection::vec(any::<u8>(), 0..9000), valid in any::<bool>()) {
            let mut all = if valid { sample()[..32].to_vec() } else { Vec::new() };
            all.extend(bytes);
            frames(&all);
        }
    }
}
