//! What a set must have, beyond files with the right hashes.

use super::{Damage, View};
use crate::chain;
use crate::manifest::{Directory, Kind, Role, SetPath};

/// The name of the restore map, as `certutil -restoreDB` expects it.
pub(crate) const RESTORE_MAP: &str = "certbkxp.dat";

const LARGEST_MAP: u64 = 1 << 20;

pub(super) fn check(view: View<'_>) -> Vec<Damage> {
    let mut damages = Vec::new();
    let mut wrong = |file: &str, problem: String| {
        damages.push(Damage { set: view.name.to_owned(), file: file.to_owned(), problem });
    };
    let manifest = view.manifest;

    let databases = manifest.files_of(Role::Database).count();
    match manifest.kind {
        Kind::Full if databases == 0 => wrong("DataBase", "a full backup without a database".to_owned()),
        Kind::Incremental if databases > 0 => wrong("DataBase", "an incremental backup with a database".to_owned()),
        _ => {}
    }
    if manifest.kind == Kind::Full && manifest.based_on.is_some() {
        wrong("cabak.json", "a full backup that is based on another set".to_owned());
    }

    let mut generations = Vec::new();
    for file in manifest.files_of(Role::Log) {
        match chain::generation(file.path.name()) {
            Some(generation) => generations.push(generation),
            None => wrong(&file.path.to_string(), "is no name of a log".to_owned()),
        }
    }
    match chain::range(&generations) {
        Ok(range) if range == manifest.logs => {}
        Ok(range) => wrong("DataBase", format!("the logs are {range:?}, the manifest says {:?}", manifest.logs)),
        Err(error) => wrong("DataBase", error.to_string()),
    }

    let maps: Vec<_> = manifest.files_of(Role::RestoreMap).collect();
    let Ok(expected) = SetPath::new(Directory::DataBase, RESTORE_MAP) else { return damages };
    match maps.as_slice() {
        [map] if map.path == expected && map.size > LARGEST_MAP => {
            wrong(&expected.to_string(), format!("has {} bytes, too many for a restore map", map.size));
        }
        [map] if map.path == expected => {
            // A map that cannot be read is already in the list.
            if let Ok(bytes) = std::fs::read(map.path.below(view.path))
                && let Err(error) = certadm::DatabaseLocations::from_bytes(&bytes)
            {
                wrong(&expected.to_string(), format!("does not decode: {error}"));
            }
        }
        _ => wrong(&expected.to_string(), "is not in the manifest".to_owned()),
    }
    damages
}
