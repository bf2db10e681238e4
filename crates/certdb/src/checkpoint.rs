//! The checkpoint file `edb.chk`: which page images are in the database file for certain, and how the database was left.

use std::fs::File;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::bytes::{Fields, put};
use crate::platform::{PositionedFile, private_file};
use crate::{Digest, Generation, Lsn, Signature};

/// Name of the checkpoint file, in the log directory.
pub(crate) const CHECKPOINT_FILE: &str = "edb.chk";

/// State of the database file, one of two 4096-byte copies of which the one with the higher number counts. Little-endian:
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | magic `CERTCHK\0` |
/// | 8 | 4 | version, 1 |
/// | 12 | 4 | flags: 1 = stopped in order, 2 = the digest is there |
/// | 16 | 16 | signature of the database |
/// | 32 | 8 | number of this copy |
/// | 40 | 4 | checkpoint generation |
/// | 44 | 4 | zero |
/// | 48 | 8 | number of the first page image that may be missing in the database file |
/// | 56 | 8 | length of the database file |
/// | 64 | 8 | its modification time, nanoseconds since the Unix epoch |
/// | 72 | 32 | SHA-256 of the database file |
/// | 104 | 3988 | zero |
/// | 4092 | 4 | CRC-32 of bytes 0..4092 |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of the database.
    pub signature: Signature,
    /// Generation that holds the first page image that may be missing in the database file.
    pub generation: Generation,
    /// Number of that page image.
    pub lsn: Lsn,
    /// How the database file looked when it was closed in order; `None` while it is open, and after a crash.
    pub clean: Option<Fingerprint>,
}

/// Looks of a database file at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    /// Length in bytes.
    pub length: u64,
    /// Modification time, nanoseconds since the Unix epoch.
    pub modified: u64,
    /// SHA-256 of the file; absent for large ones.
    pub digest: Option<Digest>,
}

impl Fingerprint {
    /// Looks at a file; the digest is left out above 1 GiB, where reading all of it would delay the stop.
    pub(crate) fn take(file: &File) -> io::Result<Self> {
        let (length, modified) = Self::glance(file)?;
        let digest = if length <= DIGEST_LIMIT { Some(Self::digest(file, length)?) } else { None };
        Ok(Self { length, modified, digest })
    }

    /// How the file differs from this; `None` when it is the same, whatever its modification time says.
    pub(crate) fn difference(&self, file: &File) -> io::Result<Option<String>> {
        let (length, modified) = Self::glance(file)?;
        if length != self.length {
            return Ok(Some(format!("it was {} bytes long and is {length}", self.length)));
        }
        if modified == self.modified {
            return Ok(None);
        }
        match self.digest {
            Some(digest) if Self::digest(file, length)? == digest => Ok(None),
            Some(_) => Ok(Some("its content is another".to_owned())),
            None => Ok(Some("its modification time is another".to_owned())),
        }
    }

    fn glance(file: &File) -> io::Result<(u64, u64)> {
        let metadata = file.metadata()?;
        let modified = metadata.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Ok((metadata.len(), u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX)))
    }

    fn digest(file: &File, length: u64) -> io::Result<Digest> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 256 * 1024];
        let mut offset = 0;
        while offset < length {
            match file.read_at(&mut buffer, offset)? {
                0 => break,
                count => {
                    hasher.update(&buffer[..count]);
                    offset += count as u64;
                }
            }
        }
        Ok(Digest(hasher.finalize().into()))
    }
}

/// Largest file that is hashed when it is closed.
const DIGEST_LIMIT: u64 = 1 << 30;

/// Size of one copy.
pub(crate) const COPY_SIZE: usize = 4096;

impl Checkpoint {
    /// The bytes of copy `number`.
    #[must_use]
    pub fn encode(&self, number: u64) -> [u8; COPY_SIZE] {
        let mut bytes = [0; COPY_SIZE];
        let digest = self.clean.as_ref().and_then(|clean| clean.digest);
        put(&mut bytes, 0, MAGIC);
        put(&mut bytes, 8, VERSION.to_le_bytes());
        put(&mut bytes, 12, (u32::from(self.clean.is_some()) | u32::from(digest.is_some()) << 1).to_le_bytes());
        put(&mut bytes, 16, self.signature.0);
        put(&mut bytes, 32, number.to_le_bytes());
        put(&mut bytes, 40, self.generation.0.to_le_bytes());
        put(&mut bytes, 48, self.lsn.0.to_le_bytes());
        if let Some(clean) = &self.clean {
            put(&mut bytes, 56, clean.length.to_le_bytes());
            put(&mut bytes, 64, clean.modified.to_le_bytes());
        }
        if let Some(digest) = digest {
            put(&mut bytes, 72, digest.0);
        }
        let crc = crc32fast::hash(&bytes[..CHECKSUM_AT]);
        put(&mut bytes, CHECKSUM_AT, crc.to_le_bytes());
        bytes
    }

    /// Reads the file: the valid copy with the higher number, and that number. `None` when neither is valid.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<(Self, u64)> {
        bytes.chunks_exact(COPY_SIZE).take(2).filter_map(Self::decode_copy).max_by_key(|(_, number)| *number)
    }

    fn decode_copy(bytes: &[u8]) -> Option<(Self, u64)> {
        let fields = Fields(bytes);
        let flags = fields.u32(12);
        let valid = fields.array(0) == MAGIC
            && fields.u32(8) == VERSION
            && flags & !3 == 0
            && fields.u32(40) != 0
            && fields.u32(CHECKSUM_AT) == crc32fast::hash(bytes.get(..CHECKSUM_AT)?);
        let clean = || Fingerprint {
            length: fields.u64(56),
            modified: fields.u64(64),
            digest: (flags & 2 != 0).then(|| Digest(fields.array(72))),
        };
        valid.then(|| {
            (
                Self {
                    signature: Signature(fields.array(16)),
                    generation: Generation(fields.u32(40)),
                    lsn: Lsn(fields.u64(48)),
                    clean: (flags & 1 != 0).then(clean),
                },
                fields.u64(32),
            )
        })
    }

    /// Reads the checkpoint file of a log directory; `None` when it is absent or not valid.
    pub(crate) fn read(directory: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(directory.join(CHECKPOINT_FILE)) {
            Ok(bytes) => Ok(Self::decode(&bytes).map(|(checkpoint, _)| checkpoint)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The checkpoint file, open for updates.
#[derive(Debug)]
pub(crate) struct CheckpointFile {
    file: File,
    number: u64,
}

impl CheckpointFile {
    /// Opens the file, or creates it; the name is durable when the directory is synced.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let path = directory.join(CHECKPOINT_FILE);
        let file = private_file().create(true).truncate(false).open(&path)?;
        let number = Checkpoint::decode(&std::fs::read(&path)?).map_or(0, |(_, number)| number);
        Ok(Self { file, number })
    }

    /// Replaces the older copy; durable on return. A torn write leaves the other copy.
    pub(crate) fn store(&mut self, checkpoint: &Checkpoint) -> io::Result<()> {
        let number = self.number.wrapping_add(1);
        self.file.write_all_at(&checkpoint.encode(number), (number % 2) * COPY_SIZE as u64)?;
        self.file.sync_all()?;
        self.number = number;
        Ok(())
    }
}

const MAGIC: [u8; 8] = *b"CERTCHK\0";
const VERSION: u32 = 1;
const CHECKSUM_AT: usize = COPY_SIZE - 4;
