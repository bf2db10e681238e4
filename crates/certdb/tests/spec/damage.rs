//! Damaged, missing, reordered and foreign files: refused, the generation named, nothing changed.

use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use certdb::BackupKind::{Full, Incremental};
use certdb::Generation;
use certdb::log::LogReader;
use certdb::set::{ChainError, CopyError, RecoverError, RecoverRequest, verify_chain, verify_copy};
use proptest::prelude::*;

use crate::bed::{Bed, backup, insert, recover, request, rows_of};

/// A set of a few generations.
struct Set {
    bed: Bed,
    copy: PathBuf,
    logs: Vec<PathBuf>,
}

impl Set {
    fn new() -> Self {
        let bed = Bed::with(|options| options.checkpoint_frames = 1_000_000);
        let database = bed.create();
        insert(&database, 0..60);
        let (copy, mut logs) = backup(&database, Full, &bed.path("set"), false);
        insert(&database, 60..100);
        logs.extend(backup(&database, Incremental, &bed.path("set"), false).1);
        database.close().unwrap();
        assert!(logs.len() >= 5);
        Self { copy: copy.unwrap(), logs, bed }
    }

    fn request(&self) -> RecoverRequest {
        request(&self.copy, &self.logs, self.bed.path("restored.db"))
    }

    /// Refused by the check of the chain and by a recovery, which leaves the target as it was.
    fn refused(&self) -> ChainError {
        let request = self.request();
        fs::write(&request.target, "as it was").unwrap();
        let error = recover(&request).unwrap_err();
        assert_eq!(fs::read(&request.target).unwrap(), b"as it was");
        let left = fs::read_dir(self.bed.root.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> = left.filter(|name| name.to_string_lossy().starts_with("restored.db")).collect();
        assert_eq!(left, ["restored.db"]);
        match error {
            RecoverError::Chain(error) => error,
            other => panic!("{other}"),
        }
    }

    fn generation(&self, at: usize) -> Generation {
        Generation::of_path(&self.logs[at]).unwrap()
    }
}

#[test]
fn an_undamaged_set_is_recovered() {
    let set = Set::new();
    recover(&set.request()).unwrap();
    assert_eq!(rows_of(&set.request().target), (0..100).collect());
}

#[test]
fn a_missing_generation_is_named() {
    let mut set = Set::new();
    let missing = set.generation(2);
    set.logs.remove(2);
    assert!(matches!(set.refused(), ChainError::Missing { generation } if generation == missing));
    let error = verify_chain(&set.logs, &mut |_| {}).unwrap_err().to_string();
    assert_eq!(error, "generation 0x3 (edb00003.log) is missing");
}

#[test]
fn a_missing_first_generation_is_named() {
    let mut set = Set::new();
    let missing = set.generation(0);
    set.logs.remove(0);
    assert!(matches!(set.refused(), ChainError::Missing { generation } if generation == missing));
}

#[test]
fn logs_that_do_not_reach_the_end_of_the_copy_are_refused() {
    let set = Set::new();
    let request = RecoverRequest {
        set: certdb::set::BackupSet { logs: set.logs[..1].to_vec(), ..set.request().set },
        ..set.request()
    };
    let error = recover(&request).unwrap_err();
    assert!(matches!(error, RecoverError::TooEarly { .. }), "{error}");
}

#[test]
fn a_log_under_the_name_of_another_is_named() {
    let set = Set::new();
    let other = fs::read(&set.logs[1]).unwrap();
    fs::write(&set.logs[2], other).unwrap();
    let (named, found) = (set.generation(2), set.generation(1));
    match set.refused() {
        ChainError::WrongName { named: n, found: f, .. } => assert_eq!((n, f), (named, found)),
        // Read in the order of the headers, the first one of the two has the right name.
        other => panic!("{other}"),
    }
}

#[test]
fn a_generation_that_is_there_twice_is_refused() {
    let mut set = Set::new();
    let twice = set.bed.path("again");
    fs::copy(&set.logs[1], &twice).unwrap();
    set.logs.push(twice);
    let generation = set.generation(1);
    assert!(matches!(set.refused(), ChainError::Duplicate { generation: found, .. } if found == generation));
}

#[test]
fn a_log_of_another_database_is_named() {
    let set = Set::new();
    let other = Set::new();
    fs::copy(&other.logs[2], &set.logs[2]).unwrap();
    let generation = set.generation(2);
    assert!(matches!(set.refused(), ChainError::Foreign { generation: found, .. } if found == generation));
}

#[test]
fn a_copy_of_another_database_is_refused() {
    let set = Set::new();
    let other = Set::new();
    fs::copy(&other.copy, &set.copy).unwrap();
    let error = recover(&set.request()).unwrap_err();
    assert!(matches!(error, RecoverError::ForeignCopy { .. }), "{error}");
}

#[test]
fn a_generation_of_another_past_is_refused() {
    // The same generation number and signature, written twice: the database directory was set back in time.
    let bed = Bed::with(|options| options.checkpoint_frames = 1_000_000);
    let database = bed.create();
    insert(&database, 0..10);
    database.close().unwrap();
    let saved = bed.path("saved");
    copy_all(&bed.data(), &saved.join("data"));
    copy_all(&bed.log(), &saved.join("log"));
    let database = bed.open();
    insert(&database, 10..60);
    let (copy, mut logs) = backup(&database, Full, &bed.path("set"), false);
    database.close().unwrap();
    fs::remove_dir_all(bed.data()).unwrap();
    fs::remove_dir_all(bed.log()).unwrap();
    copy_all(&saved.join("data"), &bed.data());
    copy_all(&saved.join("log"), &bed.log());
    let database = bed.open();
    insert(&database, 500..600);
    let (_, others) = backup(&database, Full, &bed.path("other"), false);
    let last = logs.len();
    logs.push(others[last].clone());
    let error = recover(&request(&copy.unwrap(), &logs, bed.path("restored.db"))).unwrap_err();
    assert!(matches!(error, RecoverError::Chain(ChainError::DoesNotFollow { .. })), "{error}");
}

fn copy_all(from: &std::path::Path, to: &std::path::Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn a_log_that_is_cut_anywhere_is_named() {
    let set = Set::new();
    let whole = fs::read(&set.logs[2]).unwrap();
    for length in [0, 1, 4095, 4096, 4100, whole.len() / 2, whole.len() - 64, whole.len() - 1] {
        fs::write(&set.logs[2], &whole[..length]).unwrap();
        let named = match set.refused() {
            ChainError::NotALog { path, .. } => path == set.logs[2],
            ChainError::Damaged { generation, .. } => generation == set.generation(2),
            other => panic!("{other}"),
        };
        assert!(named, "cut to {length}");
    }
}

#[test]
fn bytes_behind_the_end_mark_are_refused() {
    let set = Set::new();
    let mut bytes = fs::read(&set.logs[2]).unwrap();
    bytes.push(0);
    fs::write(&set.logs[2], bytes).unwrap();
    assert!(matches!(set.refused(), ChainError::Damaged { generation, .. } if generation == set.generation(2)));
}

#[test]
fn messages_name_offset_and_checksums() {
    let set = Set::new();
    let mut bytes = fs::read(&set.logs[1]).unwrap();
    bytes[4096 + 64 + 100] ^= 0x10;
    fs::write(&set.logs[1], bytes).unwrap();
    let message = set.refused().to_string();
    assert!(message.contains("edb00002.log: generation 0x2: offset 0x1000: checksum mismatch (stored 0x"), "{message}");
}

#[test]
fn a_copy_that_is_cut_or_changed_is_refused() {
    let set = Set::new();
    verify_copy(&set.copy, &mut |_| {}).unwrap();
    let whole = fs::read(&set.copy).unwrap();
    for length in [1, 4096, whole.len() - 4096, whole.len() - 1] {
        fs::write(&set.copy, &whole[..length]).unwrap();
        let error = recover(&set.request()).unwrap_err();
        assert!(matches!(error, RecoverError::Copy(CopyError::NoTrailer { .. })), "{length}: {error}");
    }
    let mut changed = whole;
    changed[200] ^= 4;
    fs::write(&set.copy, changed).unwrap();
    let error = recover(&set.request()).unwrap_err();
    assert!(matches!(error, RecoverError::Copy(CopyError::Checksum { .. })), "{error}");
    assert!(!set.bed.path("restored.db").exists());
}

/// A closed generation of some 70 KiB.
static GENERATION: LazyLock<Vec<u8>> = LazyLock::new(|| fs::read(&Set::new().logs[2]).unwrap());

fn is_whole(bytes: &[u8]) -> bool {
    let Ok(mut log) = LogReader::new(bytes) else { return false };
    let whole = log.by_ref().all(|record| record.is_ok());
    whole && log.end_mark().is_some()
}

#[test]
fn every_flipped_bit_of_the_header_and_of_the_last_records_is_found() {
    let mut bytes = GENERATION.clone();
    assert!(is_whole(&bytes));
    let length = bytes.len();
    for at in (0..4096 + 300).chain(length - 300..length) {
        for bit in 0..8 {
            bytes[at] ^= 1 << bit;
            assert!(!is_whole(&bytes), "byte {at}, bit {bit}");
            bytes[at] ^= 1 << bit;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn every_flipped_bit_is_found(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut bytes = GENERATION.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(!is_whole(&bytes), "byte {}, bit {}", at, bit);
    }

    #[test]
    fn every_changed_run_of_bytes_is_found(at in any::<prop::sample::Index>(), run in prop::collection::vec(any::<u8>(), 1..64)) {
        let mut bytes = GENERATION.clone();
        let at = at.index(bytes.len());
        let end = (at + run.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&run[..end - at]);
        prop_assert!(bytes == *GENERATION || !is_whole(&bytes));
    }
}
