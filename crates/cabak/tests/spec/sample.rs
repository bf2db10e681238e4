//! Sets to try things on.

use std::path::{Path, PathBuf};

use cabak::manifest::{
    Authority, DatabaseFormat, Directory, Kind, Level, LogRange, Manifest, Missing, Role, SetPath, TakenBy,
    Verification,
};
use cabak::medium::{Folder, PartialSet, Set};

/// A restore map: one database, UTF-16LE, NUL after the name and after the list.
pub(crate) fn restore_map() -> Vec<u8> {
    "D\\\\ca01\\CertSrv$\\DataBase\\Test CA.db\0\0".encode_utf16().flat_map(u16::to_le_bytes).collect()
}

pub(crate) fn manifest(kind: Kind) -> Manifest {
    let (format, version) = Manifest::header();
    Manifest {
        format,
        version,
        started: "2026-11-21T11:33:22Z".to_owned(),
        finished: "2026-11-21T11:34:00Z".to_owned(),
        taken_by: TakenBy { program: "cabak 0.1.0".to_owned(), account: "CORP\\svc-backup".to_owned() },
        authority: Authority {
            host: "ca01".to_owned(),
            name: "Test CA".to_owned(),
            sanitized_name: Some("Test CA".to_owned()),
            server_version: None,
        },
        kind,
        based_on: None,
        // What this program cannot replay, so that `verify` ends with the hashes.
        database_format: DatabaseFormat::Ese,
        logs: None,
        files: Vec::new(),
        dynamic: Vec::new(),
        missing: vec![Missing { item: "private keys of the CA".to_owned(), how: "certutil -backupKey".to_owned() }],
        verification: Verification { level: Level::Hashes, at: None },
        truncated: None,
    }
}

pub(crate) fn path(directory: Directory, name: &str) -> SetPath {
    SetPath::new(directory, name).unwrap()
}

/// Fills a set like a full backup: restore map, database, two logs, a certificate.
pub(crate) fn fill(set: &mut PartialSet) {
    set.store(path(Directory::DataBase, "certbkxp.dat"), Role::RestoreMap, None, &restore_map()).unwrap();
    set.store(path(Directory::DataBase, "Test CA.edb"), Role::Database, Some("\\\\ca01\\x\\Test CA.edb"), &[7; 5000])
        .unwrap();
    set.store(path(Directory::DataBase, "edb00003.log"), Role::Log, None, b"three").unwrap();
    set.store(path(Directory::DataBase, "edb00004.log"), Role::Log, None, b"four").unwrap();
    set.store(path(Directory::Ca, "ca-0.crt"), Role::CaCertificate, None, b"certificate").unwrap();
}

/// A published full set.
pub(crate) fn publish(folder: &Folder, name: &str) -> Set {
    publish_with(folder, name, |_| {})
}

pub(crate) fn publish_with(folder: &Folder, name: &str, change: impl FnOnce(&mut Manifest)) -> Set {
    let lock = folder.lock().unwrap();
    let mut set = folder.begin(&lock, name).unwrap();
    fill(&mut set);
    let mut manifest = manifest(Kind::Full);
    manifest.files = set.files().to_vec();
    manifest.logs = Some(LogRange { first: 3, last: 4 });
    change(&mut manifest);
    set.publish(&manifest).unwrap()
}

/// A published incremental set with the given generations.
pub(crate) fn publish_incremental(folder: &Folder, name: &str, started: &str, based_on: &str, logs: &[u32]) -> Set {
    let lock = folder.lock().unwrap();
    let mut set = folder.begin(&lock, name).unwrap();
    set.store(path(Directory::DataBase, "certbkxp.dat"), Role::RestoreMap, None, &restore_map()).unwrap();
    for log in logs {
        let name = format!("edb{log:05x}.log");
        set.store(path(Directory::DataBase, &name), Role::Log, None, name.as_bytes()).unwrap();
    }
    let mut manifest = manifest(Kind::Incremental);
    manifest.started = started.to_owned();
    manifest.files = set.files().to_vec();
    manifest.based_on = Some(based_on.to_owned());
    manifest.logs = cabak::chain::range(logs).unwrap();
    set.publish(&manifest).unwrap()
}

/// Every file below a directory, relative, sorted.
pub(crate) fn tree(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}
