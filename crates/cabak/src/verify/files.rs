//! The files of a set against its manifest.

use std::collections::HashSet;
use std::io::Read;

use sha2::{Digest, Sha256};

use super::{Damage, Tick, View};
use crate::manifest::{self, Directory};
use crate::medium::Set;

const BLOCK: usize = 1 << 20;

/// Reads every file back. One entry per file that is missing, extra, of another size or of another content.
pub(super) fn compare(view: View<'_>, tick: &mut Tick<'_>) -> anyhow::Result<Vec<Damage>> {
    let mut damages = extra(view);
    let mut buffer = vec![0; BLOCK];
    let mut seen = HashSet::new();
    for file in &view.manifest.files {
        if !seen.insert(file.path.folded()) {
            damages.push(damage(view, file, "comes twice in the manifest"));
            continue;
        }
        if let Some(problem) = compare_one(view, file, &mut buffer, tick)? {
            damages.push(damage(view, file, problem));
        }
    }
    Ok(damages)
}

fn compare_one(
    view: View<'_>,
    expected: &manifest::File,
    buffer: &mut [u8],
    tick: &mut Tick<'_>,
) -> anyhow::Result<Option<String>> {
    let mut file = match Set::open_file(&expected.path.below(view.path)) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Some("is missing".to_owned())),
        Err(error) => return Ok(Some(format!("cannot be read: {error}"))),
    };
    let mut hash = Sha256::new();
    let mut size: u64 = 0;
    loop {
        let read = match file.read(buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Ok(Some(format!("cannot be read at byte {size}: {error}"))),
        };
        hash.update(&buffer[..read]);
        size += read as u64;
        tick(read as u64)?;
    }
    if size != expected.size {
        return Ok(Some(format!("has {size} bytes, the manifest says {}", expected.size)));
    }
    let sha256 = hex::encode(hash.finalize());
    if sha256 != expected.sha256 {
        return Ok(Some(format!("has SHA-256 {sha256}, the manifest says {}", expected.sha256)));
    }
    Ok(None)
}

/// Files that nobody wrote down. A tool that restores the whole directory would use them.
fn extra(view: View<'_>) -> Vec<Damage> {
    let known: HashSet<_> = view.manifest.files.iter().map(|file| (file.path.directory(), file.path.name())).collect();
    let mut damages = Vec::new();
    for directory in Directory::ALL {
        let path = view.path.join(directory.name());
        let problem = |name: &str, problem: String| Damage {
            set: view.name.to_owned(),
            file: if name.is_empty() { directory.name().to_owned() } else { format!("{}/{name}", directory.name()) },
            problem,
        };
        let entries = match std::fs::read_dir(&path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                damages.push(problem("", "the directory is missing".to_owned()));
                continue;
            }
            Err(error) => {
                damages.push(problem("", format!("cannot be listed: {error}")));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let name = entry.file_name().to_string_lossy().into_owned();
                    if !known.contains(&(directory, name.as_str())) {
                        damages.push(problem(&name, "is not in the manifest".to_owned()));
                    }
                }
                Err(error) => damages.push(problem("", format!("cannot be listed: {error}"))),
            }
        }
    }
    damages
}

fn damage(view: View<'_>, file: &manifest::File, problem: impl Into<String>) -> Damage {
    Damage { set: view.name.to_owned(), file: file.path.to_string(), problem: problem.into() }
}
