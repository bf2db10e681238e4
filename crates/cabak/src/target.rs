//! Files and directories that a command makes: written beside their place under another name, and published with one rename,
//! so that nobody ever sees a part of one. Nothing that exists is replaced.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tempfile::{NamedTempFile, TempDir};

use crate::exit::{Exit, Failure};
use crate::medium::{directory_of, sync_directory};
use crate::platform;
use crate::source::Source;

const PREFIX: &str = ".cabak-new-";

/// Refuses a target that exists, that has no directory to be in, or that would become a part of the set it is made from.
pub(crate) fn check(target: &Path, source: &Source) -> anyhow::Result<()> {
    if target.symlink_metadata().is_ok() {
        return Err(Failure::new(Exit::Usage, format!("{} exists already", target.display()))
            .hint("choose another name, or remove it first; nothing is replaced")
            .into());
    }
    let parent = directory_of(target);
    if !parent.is_dir() {
        return Err(Failure::new(Exit::NotFound, format!("there is no directory {}", parent.display()))
            .hint("create it first")
            .into());
    }
    let parent = parent.canonicalize().with_context(|| format!("cannot look at {}", parent.display()))?;
    let within = |directory: &PathBuf| directory.canonicalize().is_ok_and(|directory| parent.starts_with(directory));
    if source.directories().iter().any(within) {
        return Err(Failure::new(Exit::Usage, format!("{} is inside the set {}", target.display(), source.name))
            .hint("choose another place: nothing is written into a set")
            .into());
    }
    Ok(())
}

/// A directory beside the target, for its owner alone; it is removed unless it is published.
pub(crate) fn begin_directory(target: &Path) -> anyhow::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX);
    platform::make_private(&mut builder);
    builder.tempdir_in(directory_of(target)).with_context(|| cannot_write(target))
}

pub(crate) fn publish_directory(directory: TempDir, target: &Path) -> anyhow::Result<()> {
    platform::rename_new(directory.path(), target).with_context(|| cannot_write(target))?;
    // What was removed under this name is no longer there.
    let _ = directory.keep();
    sync_directory(directory_of(target)).with_context(|| cannot_write(target))
}

/// An empty file beside the target, for its owner alone; it is removed unless it is published.
pub(crate) fn begin_file(target: &Path) -> anyhow::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(PREFIX).tempfile_in(directory_of(target)).with_context(|| cannot_write(target))
}

pub(crate) fn publish_file(file: NamedTempFile, target: &Path) -> anyhow::Result<()> {
    // Opened anew: a program that wrote by name may have replaced the file. For writing, or Windows flushes nothing.
    let written = OpenOptions::new().write(true).open(file.path());
    written.and_then(|file| file.sync_all()).with_context(|| cannot_write(target))?;
    file.persist_noclobber(target).map_err(|error| error.error).with_context(|| cannot_write(target))?;
    sync_directory(directory_of(target)).with_context(|| cannot_write(target))
}

pub(crate) fn cannot_write(path: &Path) -> String {
    format!("cannot write {}", path.display())
}
