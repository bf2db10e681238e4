//! Which closed generations are in the log directory.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use crate::log::{HEADER_SIZE, Header, LogReader, OPEN_LOG};
use crate::{Generation, Lsn};

/// Closed generations of a log directory, by the number in their names; `None` for a file whose header cannot be read.
#[derive(Debug, Default)]
pub(crate) struct Inventory(pub(crate) BTreeMap<Generation, Option<Header>>);

impl Inventory {
    /// Reads the names, and the headers of the generations from `from` on.
    pub(crate) fn read(directory: &Path, from: Generation) -> io::Result<Self> {
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(directory)? {
            let Some(generation) = Generation::of_path(&entry?.path()) else { continue };
            if generation < from {
                continue;
            }
            let header = File::open(generation.path_in(directory))
                .ok()
                .and_then(|file| LogReader::new(file).ok())
                .map(|log| log.header().clone())
                .filter(|header| header.generation == generation);
            found.insert(generation, header);
        }
        Ok(Self(found))
    }

    /// First generation from `from` up to the one before `current` that is missing, unreadable, or does not lead to the next.
    pub(crate) fn first_break(&self, from: Generation, current: &Header) -> Option<Generation> {
        let mut follower = current;
        let mut broken = None;
        let mut number = current.generation.0;
        while number > from.0 {
            number -= 1;
            let generation = Generation(number);
            match self.0.get(&generation) {
                Some(Some(header))
                    if header.signature == follower.signature
                        && header.created == follower.previous_created
                        && header.first_lsn <= follower.first_lsn =>
                {
                    follower = header;
                }
                _ => {
                    broken = Some(generation);
                    break;
                }
            }
        }
        broken
    }

    /// Generations from `from` on with their first page images.
    pub(crate) fn spans(&self, from: Generation) -> Vec<(Generation, Lsn)> {
        self.0
            .range(from..)
            .filter_map(|(generation, header)| Some((*generation, header.as_ref()?.first_lsn)))
            .collect()
    }
}

/// Bytes of all log files in a directory.
pub(crate) fn log_bytes(directory: &Path) -> io::Result<u64> {
    let mut bytes: u64 = 0;
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let is_log = Generation::of_path(&entry.path()).is_some() || entry.file_name() == OPEN_LOG;
        if is_log {
            // A file that was deleted meanwhile counts nothing.
            bytes = bytes.saturating_add(entry.metadata().map_or(0, |metadata| metadata.len()));
        }
    }
    Ok(bytes)
}

/// Header of the open generation, which is always there while the database runs.
pub(crate) fn open_header(directory: &Path) -> Option<Header> {
    use std::io::Read;
    let mut bytes = [0; HEADER_SIZE];
    File::open(directory.join(OPEN_LOG)).ok()?.read_exact(&mut bytes).ok()?;
    Header::decode(&bytes).ok()
}
