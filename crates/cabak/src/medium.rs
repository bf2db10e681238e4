//! Where sets are kept: a folder with one directory per set.
//!
//! ```text
//! <DIR>/cabak.lock                         one backup at a time
//! <DIR>/.partial-<time>-<random>/          a set that is being written; never listed
//! <DIR>/<time>/cabak.json                  the manifest
//! <DIR>/<time>/DataBase/certbkxp.dat       the restore map
//! <DIR>/<time>/DataBase/<database>         the database; only in a full set
//! <DIR>/<time>/DataBase/edbNNNNN.log       the logs
//! <DIR>/<time>/Dynamic/                    dynamic files that this machine could read
//! <DIR>/<time>/CA/                         CA certificates and CRLs, taken over the wire
//! ```
//!
//! A set becomes visible with one rename, after every file and directory of it has been synced.

mod durable;
mod listing;
mod partial;

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::exit::{Exit, Failure};

pub(crate) use durable::directory_of;
pub use durable::{Medium, System, replace, sync_directory};
pub use listing::{Listing, Set, Unusable};
pub use partial::{NewFile, PartialSet};

const LOCK: &str = "cabak.lock";
/// The name under which a folder offers its youngest set.
pub(crate) const LATEST: &str = "latest";
const PARTIAL_PREFIX: &str = ".partial-";

/// A folder of sets.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// Held while a backup writes into a folder; released on drop, and by the system when the process dies.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    /// Unlocks: closing alone does not, while a program that another thread is just starting still has the descriptor.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl Folder {
    /// An existing folder.
    ///
    /// # Errors
    /// Exit code 10: there is no such directory.
    pub fn open(root: &Path) -> anyhow::Result<Self> {
        match std::fs::metadata(root) {
            Ok(metadata) if metadata.is_dir() => Ok(Folder { root: root.to_owned() }),
            Ok(_) => Err(Failure::new(Exit::NotFound, format!("{} is not a directory", root.display())).into()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Failure::new(Exit::NotFound, format!("there is no directory {}", root.display())).into())
            }
            Err(error) => Err(error).with_context(|| format!("cannot look at {}", root.display())),
        }
    }

    /// An existing folder, or a new one inside an existing directory.
    ///
    /// # Errors
    /// Exit code 10: the parent does not exist, so that a mistyped or unmounted path is not silently created. Exit code
    /// 2: `latest` in a folder of sets, where it would hide the youngest set. Exit code 1: the directory cannot be
    /// created.
    pub fn open_or_create(root: &Path) -> anyhow::Result<Self> {
        let parent = directory_of(root);
        if root.file_name().is_some_and(|name| name == LATEST) && holds_sets(parent) {
            return Err(Failure::new(Exit::Usage, format!("{} stands for the youngest set there", root.display()))
                .hint(format!("say --to {}", parent.display()))
                .into());
        }
        if root.exists() {
            return Folder::open(root);
        }
        if !parent.is_dir() {
            return Err(Failure::new(
                Exit::NotFound,
                format!("there is no directory {}, nor the one it would be in", root.display()),
            )
            .hint("create it first, or mount the medium")
            .into());
        }
        durable::create_directory(root).with_context(|| format!("cannot create {}", root.display()))?;
        sync_directory(parent).with_context(|| format!("cannot sync {}", parent.display()))?;
        Ok(Folder { root: root.to_owned() })
    }

    /// Removes a folder in which nothing but the lock is left. Best effort.
    pub fn remove_if_empty(&self, _lock: &Lock) {
        let only_lock = |mut entries: std::fs::ReadDir| entries.all(|entry| entry.is_ok_and(|e| e.file_name() == LOCK));
        if std::fs::read_dir(&self.root).is_ok_and(only_lock) {
            // An empty directory that stays harms nobody.
            let _ = std::fs::remove_file(self.root.join(LOCK)).and_then(|()| std::fs::remove_dir(&self.root));
        }
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Keeps other backups out.
    ///
    /// # Errors
    /// Exit code 11: another process holds the lock.
    pub fn lock(&self) -> anyhow::Result<Lock> {
        let path = self.root.join(LOCK);
        let file = durable::open_private(&path).with_context(|| format!("cannot open {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Lock { file }),
            Err(TryLockError::WouldBlock) => {
                Err(Failure::new(Exit::Locked, format!("another backup is writing into {}", self.root.display()))
                    .hint("wait until it has finished, or use another directory")
                    .into())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
        }
    }

    /// Bytes that this process may still write here.
    ///
    /// # Errors
    /// The file system does not say.
    pub fn free_space(&self) -> anyhow::Result<u64> {
        fs4::available_space(&self.root)
            .with_context(|| format!("cannot ask for the free space of {}", self.root.display()))
    }

    /// Removes what interrupted backups left behind. Only with the lock, which proves that nobody is writing.
    ///
    /// # Errors
    /// A leftover cannot be removed.
    pub fn remove_leftovers(&self, _lock: &Lock) -> anyhow::Result<Vec<String>> {
        let leftovers = self.list()?.leftovers;
        for name in &leftovers {
            let path = self.root.join(name);
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(leftovers)
    }
}

fn holds_sets(root: &Path) -> bool {
    let folder = Folder { root: root.to_owned() };
    root.join(LOCK).exists()
        || folder.list().is_ok_and(|listing| !(listing.sets.is_empty() && listing.unusable.is_empty()))
}
