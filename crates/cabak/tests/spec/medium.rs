use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cabak::exit::{Exit, classify};
use cabak::manifest::{Directory, Kind, Manifest, Role, Truncated};
use cabak::medium::{Folder, Medium, Set, System};

use crate::sample::{self, path};

/// A medium with that many bytes left.
struct Small(Arc<AtomicU64>);

impl Medium for Small {
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        let left = self.0.load(Ordering::Relaxed);
        let fits = (bytes.len() as u64).min(left);
        System.append(file, &bytes[..fits as usize])?;
        self.0.store(left - fits, Ordering::Relaxed);
        if fits < bytes.len() as u64 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        System.sync(file)
    }
}

/// A medium that cannot make anything durable.
struct NoSync;

impl Medium for NoSync {
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        System.append(file, bytes)
    }

    fn sync(&self, _file: &File) -> io::Result<()> {
        Err(io::Error::other("the disk is gone"))
    }
}

#[test]
fn a_set_appears_with_everything_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let set = sample::publish(&folder, "2026-11-21T113322Z");
    assert_eq!(set.path(), dir.path().join("2026-11-21T113322Z"));
    let files: Vec<String> = sample::tree(set.path()).iter().map(|path| path.display().to_string()).collect();
    let expected = [
        "CA/ca-0.crt",
        "DataBase/Test CA.edb",
        "DataBase/certbkxp.dat",
        "DataBase/edb00003.log",
        "DataBase/edb00004.log",
        "cabak.json",
    ];
    assert_eq!(files, expected);
    assert!(set.path().join("Dynamic").is_dir());
    assert_eq!(folder.list().unwrap().leftovers, Vec::<String>::new());
    let read = Set::open(set.path()).unwrap();
    assert_eq!(read.manifest(), set.manifest());
}

#[test]
fn only_the_owner_can_read_a_set() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(set.path()), 0o700);
    assert_eq!(mode(&set.path().join("DataBase")), 0o700);
    assert_eq!(mode(&set.path().join("DataBase/Test CA.edb")), 0o600);
    assert_eq!(mode(&set.path().join("cabak.json")), 0o600);
}

#[test]
fn the_hash_is_that_of_the_content() {
    let dir = tempfile::tempdir().unwrap();
    let set = sample::publish(&Folder::open(dir.path()).unwrap(), "s");
    let log = set.manifest().files_of(Role::Log).next().unwrap();
    // sha256sum of the five bytes `three`.
    assert_eq!(log.sha256, "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f");
    assert_eq!(log.size, 5);
}

#[test]
fn an_abandoned_set_leaves_nothing_and_touches_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    sample::publish(&folder, "earlier");
    let before = sample::tree(dir.path());
    {
        let lock = folder.lock().unwrap();
        let mut set = folder.begin(&lock, "later").unwrap();
        sample::fill(&mut set);
        assert_eq!(folder.list().unwrap().sets.len(), 1, "an unfinished set is not listed");
        assert_eq!(folder.list().unwrap().leftovers.len(), 1);
    }
    assert_eq!(sample::tree(dir.path()), before);
}

#[test]
fn leftovers_of_a_killed_run_are_mentioned_and_then_removed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let leftover = dir.path().join(".partial-2026-11-21T113322Z-abc123");
    std::fs::create_dir_all(leftover.join("DataBase")).unwrap();
    std::fs::write(leftover.join("DataBase/x"), b"half").unwrap();
    // Even with a manifest: the rename did not happen.
    std::fs::write(leftover.join("cabak.json"), sample::manifest(Kind::Full).to_bytes().unwrap()).unwrap();
    assert!(folder.list().unwrap().sets.is_empty());
    assert_eq!(classify(&Set::open(&leftover).unwrap_err()).0, Exit::NotFound);
    let lock = folder.lock().unwrap();
    assert_eq!(folder.remove_leftovers(&lock).unwrap(), [".partial-2026-11-21T113322Z-abc123"]);
    assert!(!leftover.exists());
}

#[test]
fn two_backups_do_not_run_in_one_folder() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let lock = folder.lock().unwrap();
    assert_eq!(classify(&folder.lock().unwrap_err()).0, Exit::Locked);
    drop(lock);
    folder.lock().unwrap();
}

#[test]
fn two_backups_in_one_second_get_two_names() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    assert_eq!(sample::publish(&folder, "t").name(), "t");
    assert_eq!(sample::publish(&folder, "t").name(), "t-2");
    assert_eq!(sample::publish(&folder, "t").name(), "t-3");
}

#[test]
fn a_full_medium_at_any_byte_leaves_no_set() {
    // Restore map, database, logs, certificate and manifest together.
    for room in (0..8000).step_by(37) {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let lock = folder.lock().unwrap();
        let left = Arc::new(AtomicU64::new(room));
        let mut set = folder.begin_on(&lock, "s", Box::new(Small(left))).unwrap();
        let mut store = || -> anyhow::Result<()> {
            set.store(path(Directory::DataBase, "certbkxp.dat"), Role::RestoreMap, None, &sample::restore_map())?;
            set.store(path(Directory::DataBase, "Test CA.edb"), Role::Database, None, &[7; 5000])
        };
        let result = match store() {
            Ok(()) => {
                let mut manifest: Manifest = sample::manifest(Kind::Full);
                manifest.files = set.files().to_vec();
                set.publish(&manifest).map(|_| ())
            }
            Err(error) => {
                drop(set);
                Err(error)
            }
        };
        match result {
            Ok(()) => assert_eq!(folder.list().unwrap().sets.len(), 1),
            Err(error) => {
                let (exit, hint) = classify(&error);
                assert_eq!(exit, Exit::Failure);
                assert!(hint.unwrap().contains("free space"));
                assert_eq!(sample::tree(dir.path()), [std::path::PathBuf::from("cabak.lock")], "room for {room} bytes");
            }
        }
    }
}

#[test]
fn what_cannot_be_synced_is_not_in_the_set() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let lock = folder.lock().unwrap();
    let mut set = folder.begin_on(&lock, "s", Box::new(NoSync)).unwrap();
    let stored = set.store(path(Directory::DataBase, "x"), Role::Database, None, b"x");
    assert_eq!(format!("{:#}", stored.unwrap_err()), "cannot sync DataBase/x: the disk is gone");
    assert!(set.files().is_empty());
    assert!(set.publish(&sample::manifest(Kind::Full)).is_err());
    assert!(folder.list().unwrap().sets.is_empty());
}

#[test]
fn a_file_that_is_not_finished_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let lock = folder.lock().unwrap();
    let mut set = folder.begin(&lock, "s").unwrap();
    let mut file = set.create(path(Directory::DataBase, "x"), Role::Database, None).unwrap();
    file.write_all(b"half").unwrap();
    drop(file);
    assert!(set.files().is_empty());
}

#[test]
fn names_that_differ_in_case_are_one_name() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let lock = folder.lock().unwrap();
    let mut set = folder.begin(&lock, "s").unwrap();
    set.store(path(Directory::DataBase, "Ärger.log"), Role::Log, None, b"1").unwrap();
    let error = set.store(path(Directory::DataBase, "äRGER.LOG"), Role::Log, None, b"2").unwrap_err();
    assert_eq!(error.to_string(), "DataBase/äRGER.LOG comes twice in this backup");
    // Another directory is another file.
    set.store(path(Directory::Ca, "Ärger.log"), Role::Crl, None, b"3").unwrap();
}

#[test]
fn the_manifest_is_replaced_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let mut set = sample::publish(&folder, "s");
    let before = sample::tree(dir.path());
    let mut manifest = set.manifest().clone();
    manifest.truncated = Some(Truncated { at: "2026-11-21T11:35:00Z".to_owned() });
    set.rewrite(manifest.clone()).unwrap();
    assert_eq!(Set::open(set.path()).unwrap().manifest(), &manifest);
    assert_eq!(sample::tree(dir.path()), before);
}

#[test]
fn a_folder_is_created_but_not_its_parents() {
    let dir = tempfile::tempdir().unwrap();
    Folder::open_or_create(&dir.path().join("new")).unwrap();
    let error = Folder::open_or_create(&dir.path().join("not mounted/ca")).unwrap_err();
    assert_eq!(classify(&error).0, Exit::NotFound);
    assert_eq!(classify(&Folder::open(&dir.path().join("none")).unwrap_err()).0, Exit::NotFound);
}

#[test]
fn latest_is_the_youngest_set() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    assert_eq!(classify(&Set::open(&dir.path().join("latest")).unwrap_err()).0, Exit::NotFound);
    sample::publish_with(&folder, "b", |manifest| manifest.started = "2026-11-20T00:00:00Z".to_owned());
    sample::publish_with(&folder, "a", |manifest| manifest.started = "2026-11-21T00:00:00Z".to_owned());
    assert_eq!(Set::open(&dir.path().join("latest")).unwrap().name(), "a");
}

#[test]
fn free_space_is_known() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Folder::open(dir.path()).unwrap().free_space().unwrap() > 0);
}
