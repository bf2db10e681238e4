//! The sets of a folder.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Folder, LATEST, PARTIAL_PREFIX, durable};
use crate::exit::{Exit, Failure};
use crate::manifest::{self, Manifest};
use crate::platform;

/// A published set.
#[derive(Clone, Debug)]
pub struct Set {
    path: PathBuf,
    name: String,
    manifest: Manifest,
}

/// A directory that looks like a set and cannot be used.
#[derive(Clone, Debug)]
pub struct Unusable {
    /// Its name in the folder.
    pub name: String,
    /// What is wrong.
    pub reason: String,
}

/// What is in a folder.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Sets, oldest first.
    pub sets: Vec<Set>,
    /// Directories of interrupted backups.
    pub leftovers: Vec<String>,
    /// Directories with a manifest that cannot be read.
    pub unusable: Vec<Unusable>,
}

impl Set {
    pub(super) fn new(path: PathBuf, name: String, manifest: Manifest) -> Self {
        Set { path, name, manifest }
    }

    /// Opens a set by its path. `<DIR>/latest` is the youngest set of a folder.
    ///
    /// # Errors
    /// Exit code 10: there is none. Exit code 21: its manifest is damaged; for `latest`, that of the newest directory.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if path.file_name().is_some_and(|name| name == LATEST) && !path.exists() {
            let parent = durable::directory_of(path);
            return Folder::open(parent)?.list()?.into_latest(parent);
        }
        // The last component is wanted as a name, also for `.` and for links.
        let path = match path.canonicalize() {
            Ok(path) => path,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Failure::new(Exit::NotFound, format!("there is no set {}", path.display()))
                    .hint("`cabak snapshots DIR` lists the sets of a directory")
                    .into());
            }
            Err(error) => return Err(error).with_context(|| format!("cannot look at {}", path.display())),
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name.starts_with(PARTIAL_PREFIX) {
            return Err(Failure::new(Exit::NotFound, format!("{name} is the rest of an interrupted backup"))
                .hint("use a finished set; the next backup removes this one")
                .into());
        }
        let Some(manifest) = read_manifest(&path)? else {
            return Err(Failure::new(Exit::NotFound, format!("{} has no {}", path.display(), manifest::FILE_NAME))
                .hint("a set is a directory like 2026-08-01T120000Z; `cabak snapshots DIR` lists them")
                .into());
        };
        let manifest =
            manifest.map_err(|error| Failure::new(Exit::VerifyFailed, format!("{name}: {}", with_source(&error))))?;
        Ok(Set { path, name, manifest })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its name in the folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The folder it is in.
    ///
    /// # Errors
    /// It is in none; a set at the root of a file system.
    pub fn folder(&self) -> anyhow::Result<Folder> {
        let parent = self.path.parent().context("this set is in no directory")?;
        Folder::open(parent)
    }

    /// Replaces the manifest in one step.
    ///
    /// # Errors
    /// The old manifest is still there.
    pub fn rewrite(&mut self, manifest: Manifest) -> anyhow::Result<()> {
        let path = self.path.join(manifest::FILE_NAME);
        let bytes = manifest.to_bytes()?;
        durable::replace(&path, &bytes).with_context(|| format!("cannot replace {}", path.display()))?;
        self.manifest = manifest;
        Ok(())
    }

    /// Opens one of its files, to be read from the medium rather than from memory where the system can do that.
    ///
    /// # Errors
    /// The file is not there, is not a regular file, or cannot be opened.
    pub fn open_file(path: &Path) -> std::io::Result<File> {
        let metadata = std::fs::symlink_metadata(path)?;
        if !metadata.is_file() {
            return Err(std::io::Error::new(std::io::ErrorKind::InvalidInput, "not a regular file"));
        }
        let file = File::open(path)?;
        platform::forget_cached(&file);
        Ok(file)
    }
}

impl Listing {
    /// The damaged set on which a set builds, directly or through others.
    #[must_use]
    pub fn damaged_below(&self, manifest: &Manifest) -> Option<&Unusable> {
        let mut wanted = manifest.based_on.as_deref();
        // No chain is longer than the list, so that a circle ends too.
        for _ in 0..=self.sets.len() {
            let name = wanted?;
            if let Some(damaged) = self.unusable.iter().find(|unusable| unusable.name == name) {
                return Some(damaged);
            }
            wanted = self.sets.iter().find(|set| set.name == name)?.manifest.based_on.as_deref();
        }
        None
    }

    /// The youngest set. A damaged one that may be younger is not passed over: its name is all that tells its age.
    fn into_latest(mut self, root: &Path) -> anyhow::Result<Set> {
        let latest = self.sets.pop();
        if let Some(damaged) = self.unusable.pop()
            && latest.as_ref().is_none_or(|set| damaged.name > set.name)
        {
            return Err(damaged.failure().into());
        }
        latest.ok_or_else(|| Failure::new(Exit::NotFound, format!("there is no set in {}", root.display())).into())
    }
}

impl Unusable {
    /// The error for whoever needs this set.
    #[must_use]
    pub fn failure(&self) -> Failure {
        Failure::new(Exit::VerifyFailed, format!("the set {} is damaged: {}", self.name, self.reason))
            .hint("do not rely on it; take a new full backup. An earlier set can be used by its own name")
    }
}

impl Folder {
    /// Everything in the folder that concerns us.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> anyhow::Result<Listing> {
        let place = || format!("cannot list {}", self.root.display());
        let mut listing = Listing::default();
        for entry in std::fs::read_dir(&self.root).with_context(place)? {
            let entry = entry.with_context(place)?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !entry.file_type().with_context(place)?.is_dir() {
                continue;
            }
            if name.starts_with(PARTIAL_PREFIX) {
                listing.leftovers.push(name);
                continue;
            }
            match read_manifest(&entry.path()) {
                Ok(None) => {}
                Ok(Some(Ok(manifest))) => listing.sets.push(Set { path: entry.path(), name, manifest }),
                Ok(Some(Err(error))) => listing.unusable.push(Unusable { name, reason: with_source(&error) }),
                Err(error) => listing.unusable.push(Unusable { name, reason: format!("{error:#}") }),
            }
        }
        listing.sets.sort_by(|a, b| (&a.manifest.started, &a.name).cmp(&(&b.manifest.started, &b.name)));
        listing.leftovers.sort_unstable();
        listing.unusable.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }
}

/// `None`: there is no manifest.
fn read_manifest(set: &Path) -> anyhow::Result<Option<Result<Manifest, manifest::ManifestError>>> {
    let path = set.join(manifest::FILE_NAME);
    let place = || format!("cannot read {}", path.display());
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(place),
    };
    let mut bytes = Vec::new();
    file.take(manifest::SIZE_LIMIT).read_to_end(&mut bytes).with_context(place)?;
    Ok(Some(Manifest::from_bytes(&bytes)))
}

fn with_source(error: &manifest::ManifestError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
