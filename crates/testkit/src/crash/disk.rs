//! A file system that remembers what is durable and what is only promised.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use super::journal::{Journal, JournalError, Operation};
use crate::random::Random;

/// The watched directory after some operations of a journal: what is durable, and every change since.
#[derive(Clone, Debug)]
pub struct Disk {
    files: Vec<File>,
    directories: Vec<Directory>,
    /// Changes of names that no directory fsync has made durable, in order.
    pending_names: Vec<NameChange>,
    /// The file behind an inode number of the real file system, as of the last open.
    numbers: HashMap<u64, usize>,
    /// Operations applied so far.
    applied: usize,
}

/// What happens to the changes that were not fsynced when power is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of them are gone.
    Everything,
    /// None is: the crash was one of the process alone, or the disk was quick.
    Nothing,
    /// Data is gone, names are kept: renames that did not wait for their data.
    Data,
    /// Names are gone, data is kept.
    Names,
    /// The disk wrote in order, and stopped somewhere.
    Tail,
    /// Each 512-byte sector of each write is there or not, each truncation too; names up to somewhere.
    Torn,
    /// As [`Loss::Torn`], and one of the sectors holds garbage.
    Garbage,
}

/// What a crash left: files by path relative to the directory, and the directories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Directories below the watched one.
    pub directories: BTreeSet<PathBuf>,
    /// Content of the files.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
    /// Modification times of the files, nanoseconds since the Unix epoch.
    pub modified: BTreeMap<PathBuf, u64>,
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Content,
    /// In order. Those behind a failed fsync stay here for ever, and so does what follows them.
    pending: Vec<Pending>,
}

#[derive(Clone, Debug, Default)]
struct Content {
    bytes: Vec<u8>,
    modified: u64,
}

#[derive(Clone, Debug)]
struct Pending {
    index: usize,
    change: Change,
    modified: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Dirty,
    /// A failed fsync marked the page clean: no later fsync will write it.
    Forgotten,
    Durable,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, data: Arc<[u8]> },
    Truncate(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    File(usize),
    Directory(usize),
}

#[derive(Clone, Debug, Default)]
struct Directory {
    current: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
}

/// One atomic change of names: creation and removal have one slot, a rename two.
#[derive(Clone, Debug)]
struct NameChange {
    index: usize,
    slots: Vec<(usize, String, Option<Node>)>,
}

const SECTOR: usize = 512;
const ROOT: usize = 0;

impl Disk {
    /// An empty directory.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            files: Vec::new(),
            directories: vec![Directory::default()],
            pending_names: Vec::new(),
            numbers: HashMap::new(),
            applied: 0,
        }
    }

    /// A directory that holds, durably, what an image holds.
    #[must_use]
    pub fn holding(image: &Image) -> Self {
        let mut disk = Self::empty();
        for path in &image.directories {
            let node = Node::Directory(disk.directories.len());
            disk.directories.push(Directory::default());
            disk.place(path, node);
        }
        for (path, content) in &image.files {
            let node = Node::File(disk.files.len());
            let modified = image.modified.get(path).copied().unwrap_or_default();
            disk.files.push(File { durable: Content { bytes: content.clone(), modified }, pending: Vec::new() });
            disk.place(path, node);
        }
        disk
    }

    /// Applies the operations of the journal up to and including `point`; those applied before are skipped.
    ///
    /// # Errors
    /// [`JournalError::Unknown`] when an operation names something that is not there.
    pub fn advance(&mut self, journal: &Journal, point: usize) -> Result<(), JournalError> {
        while self.applied <= point && self.applied < journal.operations.len() {
            let operation = &journal.operations[self.applied];
            self.apply(self.applied, operation).ok_or_else(|| JournalError::Unknown {
                index: self.applied,
                operation: match operation {
                    Operation::Write { inode, offset, data, .. } => {
                        format!("write of {} bytes at {offset}, inode {inode}", data.len())
                    }
                    other => format!("{other:?}"),
                },
            })?;
            self.applied += 1;
        }
        Ok(())
    }

    /// What the directory holds when power is lost now. The same `seed` gives the same image.
    #[must_use]
    pub fn image(&self, loss: Loss, seed: u64) -> Image {
        let mut random = Random::new(seed);
        let oldest = self.oldest_pending().unwrap_or(self.applied);
        let cut = oldest + random.below(self.applied + 1 - oldest);
        let kept_names = match loss {
            Loss::Nothing | Loss::Data => self.pending_names.len(),
            Loss::Everything | Loss::Names => 0,
            Loss::Tail => self.pending_names.iter().take_while(|change| change.index < cut).count(),
            Loss::Torn | Loss::Garbage => random.below(self.pending_names.len() + 1),
        };
        let mut names: Vec<BTreeMap<String, Node>> =
            self.directories.iter().map(|directory| directory.durable.clone()).collect();
        for change in &self.pending_names[..kept_names] {
            set(&mut names, &change.slots);
        }
        let mut image = Image::default();
        let mut queue = vec![(PathBuf::new(), ROOT)];
        while let Some((path, directory)) = queue.pop() {
            for (name, node) in &names[directory] {
                let path = path.join(name);
                match *node {
                    Node::Directory(directory) => {
                        image.directories.insert(path.clone());
                        queue.push((path, directory));
                    }
                    Node::File(file) => {
                        let content = self.files[file].content(loss, cut, &mut random);
                        image.modified.insert(path.clone(), content.modified);
                        image.files.insert(path, content.bytes);
                    }
                }
            }
        }
        image
    }

    /// What a reader sees now, without a crash.
    #[must_use]
    pub fn current(&self) -> Image {
        self.image(Loss::Nothing, 0)
    }

    fn oldest_pending(&self) -> Option<usize> {
        let data = self.files.iter().flat_map(|file| &file.pending).map(|pending| pending.index);
        data.chain(self.pending_names.iter().map(|change| change.index)).min()
    }

    fn apply(&mut self, index: usize, operation: &Operation) -> Option<()> {
        let dirty = |change, modified: u64| Pending { index, change, modified, state: State::Dirty };
        match operation {
            Operation::Mark(_) => {}
            Operation::Open { path, inode, created, truncated, modified } => {
                let (directory, name) = self.slot(path)?;
                if *created {
                    let node = Node::File(self.files.len());
                    let durable = Content { bytes: Vec::new(), modified: *modified };
                    self.files.push(File { durable, pending: Vec::new() });
                    self.rename(index, vec![(directory, name.clone(), Some(node))]);
                }
                let Node::File(file) = *self.directories[directory].current.get(&name)? else {
                    return None;
                };
                self.numbers.insert(*inode, file);
                if *truncated && !*created {
                    self.files[file].pending.push(dirty(Change::Truncate(0), *modified));
                }
            }
            Operation::Write { inode, offset, data, modified } => {
                let offset = usize::try_from(*offset).ok()?;
                self.file(*inode)?.pending.push(dirty(Change::Write { offset, data: Arc::clone(data) }, *modified));
            }
            Operation::Truncate { inode, length, modified } => {
                let length = usize::try_from(*length).ok()?;
                self.file(*inode)?.pending.push(dirty(Change::Truncate(length), *modified));
            }
            Operation::Sync { inode } => self.file(*inode)?.sync(),
            Operation::SyncFailed { inode } => {
                for pending in &mut self.file(*inode)?.pending {
                    if pending.state == State::Dirty {
                        pending.state = State::Forgotten;
                    }
                }
            }
            Operation::SyncDirectory { path } => {
                let directory = self.directory(path)?;
                self.sync_directory(directory);
            }
            Operation::Rename { from, to } => {
                let (from_directory, from_name) = self.slot(from)?;
                let (to_directory, to_name) = self.slot(to)?;
                let node = *self.directories[from_directory].current.get(&from_name)?;
                self.rename(index, vec![(from_directory, from_name, None), (to_directory, to_name, Some(node))]);
            }
            Operation::Unlink { path } => {
                let (directory, name) = self.slot(path)?;
                self.directories[directory].current.get(&name)?;
                self.rename(index, vec![(directory, name, None)]);
            }
            Operation::MakeDirectory { path } => {
                let (directory, name) = self.slot(path)?;
                let node = Node::Directory(self.directories.len());
                self.directories.push(Directory::default());
                self.rename(index, vec![(directory, name, Some(node))]);
            }
        }
        Some(())
    }

    /// Changes names now, durable at some later directory fsync.
    fn rename(&mut self, index: usize, slots: Vec<(usize, String, Option<Node>)>) {
        for (directory, name, node) in &slots {
            let current = &mut self.directories[*directory].current;
            match node {
                Some(node) => current.insert(name.clone(), *node),
                None => current.remove(name),
            };
        }
        self.pending_names.push(NameChange { index, slots });
    }

    /// Makes the names in a directory durable, and with them whatever earlier change of another directory they rest on.
    fn sync_directory(&mut self, directory: usize) {
        let mut wanted: BTreeSet<(usize, String)> = BTreeSet::new();
        let mut commit = vec![false; self.pending_names.len()];
        for (change, commit) in self.pending_names.iter().zip(&mut commit).rev() {
            let touches = |(at, name, _): &(usize, String, Option<Node>)| {
                *at == directory || wanted.contains(&(*at, name.clone()))
            };
            if change.slots.iter().any(touches) {
                *commit = true;
                wanted.extend(change.slots.iter().map(|(at, name, _)| (*at, name.clone())));
            }
        }
        let mut names: Vec<BTreeMap<String, Node>> =
            self.directories.iter_mut().map(|directory| std::mem::take(&mut directory.durable)).collect();
        let mut commit = commit.into_iter();
        self.pending_names.retain(|change| {
            let commit = commit.next().unwrap_or(false);
            if commit {
                set(&mut names, &change.slots);
            }
            !commit
        });
        for (directory, durable) in self.directories.iter_mut().zip(names) {
            directory.durable = durable;
        }
    }

    /// Puts something into a fresh disk, durably. The parent must be there: images list directories in order.
    fn place(&mut self, path: &Path, node: Node) {
        if let Some((directory, name)) = self.slot(path) {
            self.directories[directory].current.insert(name.clone(), node);
            self.directories[directory].durable.insert(name, node);
        }
    }

    fn file(&mut self, inode: u64) -> Option<&mut File> {
        self.files.get_mut(*self.numbers.get(&inode)?)
    }

    fn directory(&self, path: &Path) -> Option<usize> {
        path.iter().try_fold(ROOT, |directory, name| match self.directories[directory].current.get(name.to_str()?)? {
            Node::Directory(directory) => Some(*directory),
            Node::File(_) => None,
        })
    }

    fn slot(&self, path: &Path) -> Option<(usize, String)> {
        Some((self.directory(path.parent()?)?, path.file_name()?.to_str()?.to_owned()))
    }
}

impl File {
    fn sync(&mut self) {
        for pending in &mut self.pending {
            if pending.state == State::Dirty {
                pending.state = State::Durable;
            }
        }
        let done = self.pending.iter().take_while(|pending| pending.state == State::Durable).count();
        for pending in self.pending.drain(..done) {
            pending.apply(&mut self.durable);
        }
    }

    fn content(&self, loss: Loss, cut: usize, random: &mut Random) -> Content {
        let mut content = self.durable.clone();
        let garbage = match loss {
            Loss::Garbage => self.pending.get(random.below(self.pending.len())).map(|pending| pending.index),
            _ => None,
        };
        for pending in &self.pending {
            let whole = pending.state == State::Durable
                || match loss {
                    Loss::Nothing | Loss::Names => true,
                    Loss::Everything | Loss::Data => false,
                    Loss::Tail => pending.index < cut,
                    Loss::Torn | Loss::Garbage => {
                        pending.change.apply_torn(&mut content.bytes, garbage == Some(pending.index), random);
                        content.modified = if random.coin() { pending.modified } else { content.modified };
                        false
                    }
                };
            if whole {
                pending.apply(&mut content);
            }
        }
        content
    }
}

impl Pending {
    fn apply(&self, content: &mut Content) {
        self.change.apply(&mut content.bytes);
        content.modified = self.modified;
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Truncate(length) => content.resize(*length, 0),
            Self::Write { offset, data } => put(content, *offset, data),
        }
    }

    /// Applies some of the sectors; with `garbage`, one of them wrongly. Only bytes of the write itself are touched.
    fn apply_torn(&self, content: &mut Vec<u8>, garbage: bool, random: &mut Random) {
        let (offset, data) = match self {
            Self::Write { offset, data } => (*offset, data),
            Self::Truncate(_) if random.coin() => return self.apply(content),
            Self::Truncate(_) => return,
        };
        // One in four writes arrives whole and one in four not at all: crashes between writes matter as much as within.
        let fate = random.below(4);
        let sectors = offset / SECTOR..(offset + data.len()).div_ceil(SECTOR);
        let wrong = garbage.then(|| sectors.start + random.below(sectors.len()));
        for sector in sectors {
            let start = (sector * SECTOR).max(offset);
            let end = ((sector + 1) * SECTOR).min(offset + data.len());
            if wrong == Some(sector) {
                let mut noise = vec![0; end - start];
                random.fill(&mut noise);
                put(content, start, &noise);
            } else if fate == 0 || (fate > 1 && random.coin()) {
                put(content, start, &data[start - offset..end - offset]);
            }
        }
    }
}

fn put(content: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[offset..end].copy_from_slice(data);
}

fn set(names: &mut [BTreeMap<String, Node>], slots: &[(usize, String, Option<Node>)]) {
    for (directory, name, node) in slots {
        match node {
            Some(node) => names[*directory].insert(name.clone(), *node),
            None => names[*directory].remove(name),
        };
    }
}

impl Image {
    /// Reads a directory as it is.
    ///
    /// # Errors
    /// When something cannot be read.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut image = Self::default();
        let mut queue = vec![PathBuf::new()];
        while let Some(directory) = queue.pop() {
            for entry in fs::read_dir(root.join(&directory))? {
                let entry = entry?;
                let path = directory.join(entry.file_name());
                if entry.file_type()?.is_dir() {
                    image.directories.insert(path.clone());
                    queue.push(path);
                } else {
                    let modified =
                        entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
                    image.modified.insert(path.clone(), u64::try_from(modified.as_nanos()).unwrap_or(u64::MAX));
                    image.files.insert(path, fs::read(entry.path())?);
                }
            }
        }
        Ok(image)
    }

    /// Writes the image into a directory, which is made when it is missing.
    ///
    /// # Errors
    /// When something cannot be written.
    pub fn write(&self, root: &Path) -> io::Result<()> {
        fs::create_dir_all(root)?;
        for path in &self.directories {
            fs::create_dir_all(root.join(path))?;
        }
        for (path, content) in &self.files {
            fs::write(root.join(path), content)?;
            if let Some(modified) = self.modified.get(path) {
                let file = fs::OpenOptions::new().write(true).open(root.join(path))?;
                file.set_modified(UNIX_EPOCH + Duration::from_nanos(*modified))?;
            }
        }
        Ok(())
    }
}
