//! A backup set: its files, what recovery has to find in them, and ways to damage it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use csra::names::{FileName, FileType, NameList};
use ese::log;
use ese::page::PageImage;

use super::format::Format;
use super::row::Row;

/// The files of a backup, as `certutil -backupDB` writes them.
///
/// ```text
/// <DIR>/DataBase/certbkxp.dat
/// <DIR>/DataBase/<CA>.edb
/// <DIR>/DataBase/edbNNNNN.log
/// ```
#[derive(Clone, Debug)]
pub struct BackupSet {
    /// Where the server has its database.
    pub path: String,
    /// The database with its trailer page.
    pub database: Vec<u8>,
    /// The logs by generation.
    pub logs: BTreeMap<u32, Vec<u8>>,
    /// Its format.
    pub format: Format,
    /// What recovery has to find.
    pub truth: Truth,
}

/// The state at the end of the last log of a set.
#[derive(Clone, Debug)]
pub struct Truth {
    /// All pages, with what open transactions have done.
    pub pages: BTreeMap<u32, PageImage>,
    /// The committed rows of every table, in the order of the primary index.
    pub tables: BTreeMap<String, Vec<Row>>,
}

/// A file of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The database.
    Database,
    /// The log of a generation.
    Log(u32),
}

const DIRECTORY: &str = "DataBase";

impl BackupSet {
    pub(super) fn new(
        path: &str,
        database: Vec<u8>,
        logs: BTreeMap<u32, Vec<u8>>,
        format: Format,
        truth: Truth,
    ) -> Self {
        BackupSet { path: path.to_owned(), database, logs, format, truth }
    }

    /// Writes the set into a directory.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write(&self, directory: &Path) -> io::Result<()> {
        let directory = directory.join(DIRECTORY);
        std::fs::create_dir_all(&directory)?;
        std::fs::write(directory.join("certbkxp.dat"), self.locations()?)?;
        for (part, bytes) in self.parts() {
            std::fs::write(directory.join(self.name(part)), bytes)?;
        }
        Ok(())
    }

    /// Where [`write`](Self::write) puts a file.
    #[must_use]
    pub fn path_of(&self, directory: &Path, part: Part) -> PathBuf {
        directory.join(DIRECTORY).join(self.name(part))
    }

    /// All files of the set but the restore map.
    pub fn parts(&self) -> impl Iterator<Item = (Part, &[u8])> {
        let logs = self.logs.iter().map(|(generation, bytes)| (Part::Log(*generation), bytes.as_slice()));
        std::iter::once((Part::Database, self.database.as_slice())).chain(logs)
    }

    /// The bytes of a file, to be changed.
    pub fn bytes_mut(&mut self, part: Part) -> &mut Vec<u8> {
        match part {
            Part::Database => &mut self.database,
            Part::Log(generation) => self.logs.entry(generation).or_default(),
        }
    }

    /// Turns one bit over; bits are counted from the start of the file.
    ///
    /// # Panics
    /// When the file is shorter.
    pub fn flip(&mut self, part: Part, bit: usize) {
        self.bytes_mut(part)[bit / 8] ^= 1 << (bit % 8);
    }

    /// Cuts bytes off the end of a file.
    pub fn cut(&mut self, part: Part, bytes: usize) {
        let file = self.bytes_mut(part);
        file.truncate(file.len().saturating_sub(bytes));
    }

    /// Exchanges two pages of the database, as a disk does that writes to the wrong place.
    ///
    /// # Panics
    /// When the database has no such pages.
    pub fn swap_pages(&mut self, one: u32, other: u32) {
        let size = self.format.page_size;
        let at = |page: u32| (page as usize + 1) * size;
        for offset in 0..size {
            self.database.swap(at(one) + offset, at(other) + offset);
        }
    }

    /// Takes the log of a generation out of the set.
    pub fn remove_log(&mut self, generation: u32) -> Option<Vec<u8>> {
        self.logs.remove(&generation)
    }

    /// Exchanges the content of two logs, which keep their names.
    ///
    /// # Panics
    /// When there are no such logs.
    pub fn swap_logs(&mut self, one: u32, other: u32) {
        let (Some(first), Some(second)) = (self.logs.remove(&one), self.logs.remove(&other)) else {
            unreachable!("the set has no such logs")
        };
        self.logs.extend([(one, second), (other, first)]);
    }

    /// Puts the log of another set in the place of this one's.
    pub fn take_log_from(&mut self, other: &BackupSet, generation: u32) {
        if let Some(bytes) = other.logs.get(&generation) {
            self.logs.insert(generation, bytes.clone());
        }
    }

    fn name(&self, part: Part) -> String {
        match part {
            Part::Database => self.path.rsplit('\\').next().unwrap_or_default().to_owned(),
            Part::Log(generation) => log::FileName { base: "edb".to_owned(), generation: Some(generation) }.to_string(),
        }
    }

    /// The restore map: where the server has its files.
    fn locations(&self) -> io::Result<Vec<u8>> {
        let directory = self.path.rsplit_once('\\').map_or("", |(directory, _)| directory);
        let name = |kind: FileType, path: &str| FileName::new(Some(kind), path).map_err(io::Error::other);
        let names = vec![
            name(FileType::Database, &self.path)?,
            name(FileType::LogDirectory, directory)?,
            name(FileType::CheckpointDirectory, directory)?,
        ];
        Ok(NameList::new(names).to_bytes())
    }
}
