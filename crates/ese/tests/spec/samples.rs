//! Real databases, when they are at hand.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ese::header::read_header;
use ese::{Format, PageNumber, PageSource};

/// A database in memory.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    page_size: usize,
}

impl Sample {
    pub(crate) fn new(name: &str, bytes: Vec<u8>) -> Sample {
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let page_size = match number(236) {
            0 => 4096,
            size => size as usize,
        };
        Sample { name: name.to_owned(), bytes, page_size }
    }

    pub(crate) fn format(&self) -> Format {
        let number = |at: usize| u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap());
        Format { version: number(8), update: number(232) }
    }

    /// Whether it is a backup copy whose newest pages are in logs alone.
    pub(crate) fn is_incomplete(&self) -> bool {
        self.name.starts_with("synthetic/fuzzy")
    }
}

impl PageSource for Sample {
    fn page_size(&self) -> usize {
        self.page_size
    }

    fn last_page(&self) -> PageNumber {
        PageNumber(u32::try_from(self.bytes.len() / self.page_size).unwrap().saturating_sub(2))
    }

    fn read_page(&self, page: PageNumber, buffer: &mut [u8]) -> io::Result<()> {
        let start = usize::try_from(page.offset(self.page_size)).map_err(io::Error::other)?;
        let bytes = self.bytes.get(start..start + self.page_size).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }
}

/// Every database below the samples; none, with a notice, where there are no samples.
pub(crate) fn databases() -> Vec<Sample> {
    files(|bytes| read_header(bytes).is_ok()).into_iter().map(|(name, bytes)| Sample::new(&name, bytes)).collect()
}

/// Every file below the samples whose content passes a test, in the order of the names.
pub(crate) fn files(wanted: impl Fn(&[u8]) -> bool) -> Vec<(String, Vec<u8>)> {
    let root = root();
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    paths.sort();
    if paths.is_empty() {
        eprintln!("skipped: no samples in {}; set CABAK_SAMPLES", root.display());
    }
    paths
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap().display().to_string(), fs::read(path).unwrap()))
        .filter(|(_, bytes)| wanted(bytes))
        .collect()
}

/// One of them; `None`, with a notice, where there are no samples.
pub(crate) fn database(name: &str) -> Option<Sample> {
    let root = root();
    let sample = open(&root, &root.join(name));
    if sample.is_none() {
        eprintln!("skipped: no sample {name} in {}", root.display());
    }
    sample
}

fn root() -> PathBuf {
    std::env::var_os("CABAK_SAMPLES")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/samples"), PathBuf::from)
        .join("ese")
}

/// The file if it is a database.
fn open(root: &Path, path: &Path) -> Option<Sample> {
    let bytes = fs::read(path).ok()?;
    let name = path.strip_prefix(root).ok()?.display().to_string();
    read_header(&bytes).is_ok().then(|| Sample::new(&name, bytes))
}

fn collect(directory: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else {
            paths.push(path);
        }
    }
}
