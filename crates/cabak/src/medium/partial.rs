//! A set that is being written.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};

use super::durable::{self, Medium, System};
use super::{Folder, Lock, PARTIAL_PREFIX, Set};
use crate::exit::{Exit, Failure};
use crate::manifest::{self, Directory, Manifest, Role, SetPath};
use crate::platform;

impl Folder {
    /// Starts a set. It is removed when the value is dropped before [`PartialSet::publish`].
    ///
    /// # Errors
    /// The directories cannot be created.
    pub fn begin(&self, lock: &Lock, name: &str) -> anyhow::Result<PartialSet> {
        self.begin_on(lock, name, Box::new(System))
    }

    /// As [`Folder::begin`], with another way to the disk.
    ///
    /// # Errors
    /// The directories cannot be created.
    pub fn begin_on(&self, _lock: &Lock, name: &str, medium: Box<dyn Medium>) -> anyhow::Result<PartialSet> {
        let name = self.free_name(name)?;
        let prefix = format!("{PARTIAL_PREFIX}{name}-");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        platform::make_private(&mut builder);
        let path = builder
            .tempdir_in(&self.root)
            .with_context(|| format!("cannot create a directory in {}", self.root.display()))?
            .keep();
        let set = PartialSet {
            root: self.root.clone(),
            path,
            name,
            medium,
            files: Vec::new(),
            names: HashSet::new(),
            published: false,
        };
        for directory in Directory::ALL {
            let path = set.path.join(directory.name());
            durable::create_directory(&path).with_context(|| format!("cannot create {}", path.display()))?;
        }
        Ok(set)
    }

    /// Two backups within one second get different names.
    fn free_name(&self, name: &str) -> anyhow::Result<String> {
        let candidates = std::iter::once(name.to_owned()).chain((2..1000).map(|n| format!("{name}-{n}")));
        for candidate in candidates {
            let path = self.root.join(&candidate);
            let taken = path.try_exists().with_context(|| format!("cannot look at {}", path.display()))?;
            if !taken {
                return Ok(candidate);
            }
        }
        Err(Failure::new(Exit::Failure, format!("every name like {name} is taken")).into())
    }
}

/// A set that is being written; invisible until it is published.
pub struct PartialSet {
    root: PathBuf,
    path: PathBuf,
    name: String,
    medium: Box<dyn Medium>,
    files: Vec<manifest::File>,
    // INVARIANT: the case-folded paths of all files that were ever started here.
    names: HashSet<(Directory, String)>,
    published: bool,
}

impl PartialSet {
    /// Where its files are for now.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name it will have.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The files that are complete so far.
    #[must_use]
    pub fn files(&self) -> &[manifest::File] {
        &self.files
    }

    /// Starts a file. Nothing counts before [`NewFile::finish`].
    ///
    /// # Errors
    /// The name is already taken (upper and lower case are the same), or the file cannot be created.
    pub fn create(&mut self, path: SetPath, role: Role, source: Option<&str>) -> anyhow::Result<NewFile<'_>> {
        if !self.names.insert(path.folded()) {
            return Err(Failure::new(Exit::Failure, format!("{path} comes twice in this backup"))
                .hint("the server's list has two names that end alike; nothing was stored")
                .into());
        }
        let place = path.below(&self.path);
        let file = durable::create_new(&place).with_context(|| format!("cannot create {}", place.display()))?;
        let source = source.map(str::to_owned);
        Ok(NewFile { set: self, file, path, role, source, size: 0, hash: Sha256::new() })
    }

    /// Writes a whole small file.
    ///
    /// # Errors
    /// As [`PartialSet::create`] and [`NewFile::finish`].
    pub fn store(&mut self, path: SetPath, role: Role, source: Option<&str>, bytes: &[u8]) -> anyhow::Result<()> {
        let what = path.to_string();
        let mut file = self.create(path, role, source)?;
        file.write_all(bytes).with_context(|| format!("cannot write {what}"))?;
        file.finish()
    }

    /// Makes the set visible: the manifest, then every directory, are synced, then one rename, then the folder is
    /// synced.
    ///
    /// # Errors
    /// Nothing is listed then, except when the very last sync fails: the set is whole, but a power cut could still hide
    /// it.
    pub fn publish(mut self, manifest: &Manifest) -> anyhow::Result<Set> {
        let path = self.path.join(manifest::FILE_NAME);
        let bytes = manifest.to_bytes()?;
        let mut file = durable::create_new(&path).with_context(|| format!("cannot create {}", path.display()))?;
        self.medium.append(&mut file, &bytes).with_context(|| format!("cannot write {}", path.display()))?;
        self.medium.sync(&file).with_context(|| format!("cannot sync {}", path.display()))?;
        // Windows renames no directory in which a file is open.
        drop(file);
        for directory in Directory::ALL {
            let path = self.path.join(directory.name());
            durable::sync_directory(&path).with_context(|| format!("cannot sync {}", path.display()))?;
        }
        durable::sync_directory(&self.path).with_context(|| format!("cannot sync {}", self.path.display()))?;
        let target = self.root.join(&self.name);
        platform::rename_new(&self.path, &target)
            .with_context(|| format!("cannot rename {} to {}", self.path.display(), target.display()))?;
        self.published = true;
        durable::sync_directory(&self.root).with_context(|| format!("cannot sync {}", self.root.display()))?;
        Ok(Set::new(target, self.name.clone(), manifest.clone()))
    }
}

impl Drop for PartialSet {
    fn drop(&mut self) {
        if self.published {
            return;
        }
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            // The next backup into this folder removes it; it is never listed.
            tracing::warn!(path = %self.path.display(), %error, "cannot remove an unfinished set");
        }
    }
}

/// A file of a set that is being written; hashed while the bytes pass.
pub struct NewFile<'a> {
    set: &'a mut PartialSet,
    file: File,
    path: SetPath,
    role: Role,
    source: Option<String>,
    size: u64,
    hash: Sha256,
}

impl NewFile<'_> {
    /// Syncs the file and counts it as part of the set.
    ///
    /// # Errors
    /// The file cannot be made durable.
    pub fn finish(self) -> anyhow::Result<()> {
        let NewFile { set, file, path, role, source, size, hash } = self;
        set.medium.sync(&file).with_context(|| format!("cannot sync {path}"))?;
        let sha256 = hex::encode(hash.finalize());
        set.files.push(manifest::File { path, role, size, sha256, source });
        Ok(())
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.set.medium.append(&mut self.file, bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
