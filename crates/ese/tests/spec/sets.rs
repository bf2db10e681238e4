//! The rules of sets, on sets that consist of what Windows wrote.

use ese::JetError;
use ese::header::{DatabaseScan, DatabaseSummary};
use ese::log::{LogHeader, LogScan, SEGMENT_SIZE};
use ese::set::{Part, SetLog, SetReport, check};

use crate::samples;

/// A database and its logs, as bytes that a test may break.
#[derive(Clone)]
struct Set {
    database: Vec<u8>,
    logs: Vec<(u32, Vec<u8>)>,
}

fn set() -> Option<Set> {
    let database = samples::databases().into_iter().find(|sample| sample.name == "synthetic/fuzzy_win10.edb")?.bytes;
    let mut logs: Vec<_> = samples::files(|bytes| LogHeader::parse(bytes).is_some())
        .into_iter()
        .filter(|(name, _)| name.starts_with("win10-sans/"))
        .map(|(_, bytes)| (LogHeader::parse(&bytes).unwrap().generation, bytes))
        // The copy begins at generation 6.
        .filter(|(generation, _)| *generation >= 6)
        .collect();
    logs.sort_by_key(|(generation, _)| *generation);
    Some(Set { database, logs })
}

fn scan_database(bytes: &[u8]) -> DatabaseSummary {
    let mut scan = DatabaseScan::new();
    for piece in bytes.chunks(5003) {
        scan.push(piece);
    }
    scan.finish()
}

fn scan_log(generation: u32, bytes: &[u8]) -> SetLog {
    let mut scan = LogScan::new();
    scan.push(bytes, &mut |_, _| {});
    SetLog { named: Some(generation), summary: scan.finish() }
}

impl Set {
    fn check(&self) -> SetReport {
        let logs: Vec<_> = self.logs.iter().map(|(generation, bytes)| scan_log(*generation, bytes)).collect();
        check(Some(&scan_database(&self.database)), &logs)
    }

    /// The codes of all faults, in their order.
    fn codes(&self) -> Vec<(Part, i32)> {
        self.check().faults.iter().map(|fault| (fault.part, fault.code.0)).collect()
    }

    fn last_page(&self) -> usize {
        self.database.len() - 4096
    }
}

#[test]
fn a_whole_set_restores() {
    let Some(set) = set() else { return };
    let report = set.check();
    assert_eq!(report.faults, []);
    assert_eq!((report.needed, report.present, report.whole_until), (Some((6, 9)), Some((6, 9)), Some(9)));
}

#[test]
fn every_wrong_bit_of_the_database_is_found() {
    let Some(set) = set() else { return };
    let trailer = set.last_page();
    let used: Vec<usize> = (0..set.database.len())
        .step_by(487)
        .filter(|at| set.database[at / 4096 * 4096..][..4096].iter().any(|b| *b != 0))
        .collect();
    for at in used {
        let mut broken = set.clone();
        broken.database[at] ^= 4;
        let report = broken.check();
        let [fault] = report.faults.as_slice() else { panic!("byte {at}: {:?}", report.faults) };
        let expected = if at >= trailer { JetError::BAD_PATCH_PAGE } else { JetError::READ_VERIFY_FAILURE };
        assert_eq!((fault.part, fault.code), (Part::Database, expected), "byte {at}: {fault}");
        let stops = at >= trailer || (at >= 8192 && at % 4096 < 8);
        assert_eq!(report.is_restorable(), !stops, "byte {at}");
    }
}

#[test]
fn both_headers_damaged_is_no_database_any_more() {
    let Some(mut set) = set() else { return };
    set.database[200] ^= 1;
    set.database[4096 + 300] ^= 1;
    assert_eq!(set.codes(), [(Part::Database, JetError::DATABASE_CORRUPTED.0)]);
}

#[test]
fn a_cut_database_has_no_trailer() {
    let Some(set) = set() else { return };
    for length in [set.last_page(), set.last_page() - 4096, 3 * 4096, set.database.len() - 1] {
        let mut cut = set.clone();
        cut.database.truncate(length);
        assert_eq!(cut.codes()[0], (Part::Database, JetError::BAD_PATCH_PAGE.0), "{length}");
    }
}

#[test]
fn pages_in_each_others_place_are_found_and_named() {
    let Some(mut set) = set() else { return };
    let (one, other) = (set.database[5 * 4096..6 * 4096].to_vec(), set.database[9 * 4096..10 * 4096].to_vec());
    set.database[5 * 4096..6 * 4096].copy_from_slice(&other);
    set.database[9 * 4096..10 * 4096].copy_from_slice(&one);
    let report = set.check();
    let problems: Vec<_> = report.faults.iter().map(|fault| fault.problem.as_str()).collect();
    assert_eq!(report.faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), [JetError::READ_VERIFY_FAILURE; 2]);
    assert!(problems[0].ends_with("it is page 8, in the wrong place"), "{problems:?}");
    assert!(problems[1].ends_with("it is page 4, in the wrong place"), "{problems:?}");
}

#[test]
fn missing_logs_have_the_code_of_their_place() {
    let Some(set) = set() else { return };
    let without = |index: usize| {
        let mut set = set.clone();
        set.logs.remove(index);
        set.check()
    };
    let codes = |report: &SetReport| report.faults.iter().map(|fault| fault.code).collect::<Vec<_>>();
    assert_eq!(codes(&without(0)), [JetError::STARTING_RESTORE_LOG_TOO_HIGH]);
    let middle = without(1);
    assert_eq!(codes(&middle), [JetError::MISSING_RESTORE_LOG_FILES]);
    assert_eq!(middle.whole_until, Some(6));
    assert_eq!(codes(&without(3)), [JetError::ENDING_RESTORE_LOG_TOO_LOW]);
    let mut none = set.clone();
    none.logs.clear();
    assert_eq!(codes(&none.check()), [JetError::MISSING_RESTORE_LOG_FILES]);
}

#[test]
fn logs_of_another_machine_and_in_another_order_are_found() {
    let Some(set) = set() else { return };
    let foreign = samples::files(|bytes| LogHeader::parse(bytes).is_some())
        .into_iter()
        .find(|(name, _)| name.ends_with("server2022-b/SRU00003.log"))
        .unwrap()
        .1;
    let mut other = set.clone();
    let mut header = LogHeader::parse(&foreign).unwrap();
    header.generation = 7;
    other.logs[1].1[..SEGMENT_SIZE].copy_from_slice(&header.to_bytes());
    let codes = other.codes();
    assert_eq!(codes[0], (Part::Log(1), JetError::GIVEN_LOG_FILE_HAS_BAD_SIGNATURE.0), "{codes:?}");

    let mut swapped = set.clone();
    let (one, two) = (swapped.logs[1].1.clone(), swapped.logs[2].1.clone());
    (swapped.logs[1].1, swapped.logs[2].1) = (two, one);
    assert_eq!(swapped.codes()[0], (Part::Log(1), JetError::LOG_GENERATION_MISMATCH.0));

    // The same generation of the same machine, at an earlier time: only the creation time tells.
    let mut earlier = set.clone();
    let mut header = LogHeader::parse(&earlier.logs[2].1).unwrap();
    header.previous_created.0[0] ^= 1;
    earlier.logs[2].1[..SEGMENT_SIZE].copy_from_slice(&header.to_bytes());
    assert_eq!(earlier.codes(), [(Part::Log(2), JetError::GIVEN_LOG_FILE_IS_NOT_CONTIGUOUS.0)]);
    assert_eq!(earlier.check().whole_until, Some(7));
}

#[test]
fn a_segment_that_is_gone_is_found_by_the_next_log_alone() {
    let Some(mut set) = set() else { return };
    let last = 14 * SEGMENT_SIZE;
    set.logs[0].1[last..last + SEGMENT_SIZE].fill(0);
    let report = set.check();
    assert_eq!(
        report.faults.iter().map(|fault| (fault.part, fault.code)).collect::<Vec<_>>(),
        [(Part::Log(0), JetError::LOG_SEQUENCE_CHECKSUM_MISMATCH)]
    );
    assert_eq!(report.whole_until, None);
}

#[test]
fn a_damaged_segment_stops_a_restore() {
    let Some(mut set) = set() else { return };
    let at = 5 * SEGMENT_SIZE;
    set.logs[1].1[at + 100] ^= 1;
    set.logs[1].1[at + 900] ^= 1;
    let report = set.check();
    let fault = &report.faults[0];
    let found = (fault.part, fault.offset, fault.code, report.whole_until);
    assert_eq!(found, (Part::Log(1), Some(at as u64), JetError::LOG_CORRUPT_DURING_HARD_RESTORE, Some(6)));
}

#[test]
fn a_database_that_is_no_copy_is_no_backup() {
    let Some(mut set) = set() else { return };
    set.database = samples::databases().into_iter().find(|sample| sample.name == "win10-sans/SRUDB.dat").unwrap().bytes;
    assert_eq!(set.codes(), [(Part::Database, JetError::RESTORE_OF_NON_BACKUP_DATABASE.0)]);
}

#[test]
fn a_trailer_of_another_backup_is_found() {
    let Some(mut set) = set() else { return };
    let other = samples::databases().into_iter().find(|sample| sample.name == "synthetic/fuzzy_apt.edb").unwrap().bytes;
    let trailer = set.last_page();
    set.database[trailer..].copy_from_slice(&other[other.len() - 4096..]);
    let codes = set.codes();
    assert!(!codes.is_empty() && codes.iter().all(|(_, code)| *code == -552 || *code == -553), "{codes:?}");
}
