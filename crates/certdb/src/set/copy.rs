//! The copy of the database in a set.

use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::chain::Meter;
use super::{CopyError, Phase, Progress};
use crate::{PAGE_SIZE, Trailer};

/// Checks that a copy is as long as it was sent, and unchanged; what it holds is only sound after a replay.
///
/// # Errors
/// [`CopyError`]
pub fn verify_copy(path: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Trailer, CopyError> {
    let copy = Copy::open(path)?;
    let trailer = copy.trailer.clone().ok_or_else(|| CopyError::NoTrailer { path: path.to_owned() })?;
    let mut meter = Meter::new(progress, Phase::Copy, &[path.to_owned()]);
    copy.read(&mut meter, &mut |_| Ok(()))?;
    Ok(trailer)
}

/// An open copy.
pub(super) struct Copy {
    pub(super) path: PathBuf,
    file: File,
    /// Bytes of the pages.
    pub(super) length: u64,
    pub(super) trailer: Option<Trailer>,
}

impl Copy {
    pub(super) fn open(path: &Path) -> Result<Self, CopyError> {
        let failed = |source| CopyError::Io { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let trailer = Trailer::of_file(&file).map_err(failed)?;
        let whole = file.metadata().map_err(failed)?.len();
        let length = if trailer.is_some() { whole - PAGE_SIZE as u64 } else { whole };
        Ok(Self { path: path.to_owned(), file, length, trailer })
    }

    /// Shows the pages to `take`, in chunks, and checks them.
    pub(super) fn read(
        &self,
        meter: &mut Meter<'_>,
        take: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
    ) -> Result<(), CopyError> {
        let failed = |source| CopyError::Io { path: self.path.clone(), source };
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; 1024 * 1024];
        let mut file = &self.file;
        file.rewind().map_err(failed)?;
        let mut source = file.take(self.length);
        loop {
            let count = source.read(&mut buffer).map_err(failed)?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            take(&buffer[..count]).map_err(failed)?;
            meter.add(count as u64);
        }
        let computed = hasher.finalize();
        match &self.trailer {
            Some(trailer) if trailer.checksum != computed => {
                Err(CopyError::Checksum { path: self.path.clone(), stored: trailer.checksum, computed })
            }
            _ => Ok(()),
        }
    }
}
