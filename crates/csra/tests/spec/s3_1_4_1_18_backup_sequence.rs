use csra::session::{BackupKind, BackupSequence, Call, SequenceError};
use csra::{Hresult, hresult};
use proptest::prelude::*;

const DATABASE: &str = r"\\ca\CertSrv$\DataBase\CA.edb";
const LOG: &str = r"\\ca\CertSrv$\Log\edb00001.log";
const UNEXPECTED: Hresult = hresult::UNEXPECTED;

fn prepared(kind: BackupKind) -> BackupSequence {
    let mut sequence = BackupSequence::default();
    sequence.prepare(kind).unwrap();
    sequence
}

fn listed() -> BackupSequence {
    let mut sequence = prepared(BackupKind::Full);
    sequence.attachments([DATABASE]).unwrap();
    sequence.logs([LOG]).unwrap();
    sequence
}

fn open() -> BackupSequence {
    let mut sequence = listed();
    sequence.open(DATABASE, 10_000).unwrap();
    sequence
}

fn read(sequence: &mut BackupSequence, path: &str, length: u64) {
    sequence.open(path, length).unwrap();
    sequence.read(length).unwrap();
    assert_eq!(sequence.close(), Ok(true));
}

/// The edge is refused with that code, and the state is as it was.
fn refused(
    sequence: &BackupSequence,
    edge: impl FnOnce(&mut BackupSequence) -> Result<(), SequenceError>,
    code: Hresult,
) {
    let mut tried = sequence.clone();
    assert_eq!(edge(&mut tried).map_err(Hresult::from), Err(code));
    assert_eq!(&tried, sequence, "a refused edge changed the state");
}

#[test]
fn a_whole_full_backup_is_in_order() {
    let mut sequence = listed();
    read(&mut sequence, DATABASE, 8192);
    read(&mut sequence, LOG, 4096);
    assert_eq!(sequence.truncate(), Ok(()));
    assert_eq!(sequence.end(), Ok(()));
    assert_eq!(sequence, BackupSequence::default());
}

#[test]
fn a_whole_incremental_backup_is_in_order() {
    let mut sequence = prepared(BackupKind::Incremental);
    sequence.logs([LOG]).unwrap();
    read(&mut sequence, LOG, 4096);
    assert_eq!(sequence.truncate(), Ok(()));
    assert_eq!(sequence.end(), Ok(()));
}

#[test]
fn grbit_is_zero_for_full_and_one_for_incremental() {
    assert_eq!(BackupKind::from_grbit(0), Some(BackupKind::Full));
    assert_eq!(BackupKind::from_grbit(1), Some(BackupKind::Incremental));
    assert_eq!(BackupKind::from_grbit(2), None);
    assert_eq!(BackupKind::Full.to_grbit(), 0);
    assert_eq!(BackupKind::Incremental.to_grbit(), 1);
}

#[test]
fn nothing_works_before_prepare() {
    let idle = BackupSequence::default();
    refused(&idle, |s| s.logs([LOG]), UNEXPECTED);
    refused(&idle, |s| s.open(DATABASE, 1), UNEXPECTED);
    refused(&idle, |s| s.read(1), UNEXPECTED);
    refused(&idle, |s| s.close().map(drop), UNEXPECTED);
    refused(&idle, BackupSequence::truncate, UNEXPECTED);
    refused(&idle, BackupSequence::end, UNEXPECTED);
}

#[test]
fn attachments_without_a_full_prepare_have_a_code_of_their_own() {
    let code = hresult::INVALID_BACKUP_SEQUENCE;
    refused(&BackupSequence::default(), |s| s.attachments([DATABASE]), code);
    let incremental = prepared(BackupKind::Incremental);
    refused(&incremental, |s| s.attachments([DATABASE]), code);
}

#[test]
fn a_second_prepare_fails_until_the_end() {
    for sequence in [prepared(BackupKind::Full), listed(), open()] {
        refused(&sequence, |s| s.prepare(BackupKind::Full), UNEXPECTED);
        refused(&sequence, |s| s.prepare(BackupKind::Incremental), UNEXPECTED);
    }
    let mut sequence = prepared(BackupKind::Full);
    sequence.end().unwrap();
    assert_eq!(sequence.prepare(BackupKind::Incremental), Ok(()));
}

#[test]
fn reading_needs_an_open_file() {
    refused(&listed(), |s| s.read(1), UNEXPECTED);
    let mut closed = open();
    closed.close().unwrap();
    refused(&closed, |s| s.read(1), UNEXPECTED);
}

#[test]
fn closing_needs_an_open_file() {
    refused(&listed(), |s| s.close().map(drop), UNEXPECTED);
    let mut closed = open();
    closed.close().unwrap();
    refused(&closed, |s| s.close().map(drop), UNEXPECTED);
}

#[test]
fn one_file_is_open_at_a_time() {
    refused(&open(), |s| s.open(LOG, 1), UNEXPECTED);
    refused(&open(), |s| s.open(DATABASE, 1), UNEXPECTED);
}

#[test]
fn while_a_file_is_open_it_can_only_be_read_and_closed() {
    refused(&open(), |s| s.attachments([DATABASE]), UNEXPECTED);
    refused(&open(), |s| s.logs([LOG]), UNEXPECTED);
    refused(&open(), BackupSequence::truncate, UNEXPECTED);
    refused(&open(), BackupSequence::end, UNEXPECTED);
}

#[test]
fn only_listed_names_are_opened() {
    let code = hresult::INVALID_PARAMETER;
    refused(&prepared(BackupKind::Full), |s| s.open(DATABASE, 1), code);
    refused(&listed(), |s| s.open(r"\\ca\c$\Windows\win.ini", 1), code);
    refused(&listed(), |s| s.open(&format!("D{DATABASE}"), 1), code);
    refused(&listed(), |s| s.open(&DATABASE.to_lowercase(), 1), code);
}

#[test]
fn truncation_waits_for_both_lists() {
    let mut sequence = prepared(BackupKind::Full);
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
    sequence.logs([LOG]).unwrap();
    read(&mut sequence, LOG, 1);
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);

    let mut sequence = prepared(BackupKind::Full);
    sequence.attachments([DATABASE]).unwrap();
    read(&mut sequence, DATABASE, 1);
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
}

#[test]
fn truncation_waits_for_every_file() {
    let mut sequence = listed();
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
    read(&mut sequence, DATABASE, 8192);
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
    read(&mut sequence, LOG, 4096);
    assert_eq!(sequence.truncate(), Ok(()));
}

#[test]
fn a_file_that_was_not_read_to_its_end_does_not_count() {
    let mut sequence = listed();
    read(&mut sequence, LOG, 4096);
    sequence.open(DATABASE, 8192).unwrap();
    sequence.read(4096).unwrap();
    assert_eq!(sequence.close(), Ok(false));
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
    // The second time it begins at its start again.
    sequence.open(DATABASE, 8192).unwrap();
    sequence.read(4096).unwrap();
    assert_eq!(sequence.remaining(), Some(4096));
    sequence.read(4096).unwrap();
    assert_eq!(sequence.close(), Ok(true));
    assert_eq!(sequence.truncate(), Ok(()));
}

#[test]
fn an_empty_file_is_read_as_soon_as_it_is_closed() {
    let mut sequence = prepared(BackupKind::Incremental);
    sequence.logs([LOG]).unwrap();
    sequence.open(LOG, 0).unwrap();
    assert_eq!(sequence.close(), Ok(true));
    assert_eq!(sequence.truncate(), Ok(()));
}

#[test]
fn a_second_list_adds_to_the_first_and_forgets_nothing() {
    let mut sequence = prepared(BackupKind::Incremental);
    sequence.logs([LOG]).unwrap();
    read(&mut sequence, LOG, 4096);
    sequence.logs([LOG, r"\\ca\edb00002.log"]).unwrap();
    refused(&sequence, BackupSequence::truncate, UNEXPECTED);
    read(&mut sequence, r"\\ca\edb00002.log", 4096);
    assert_eq!(sequence.truncate(), Ok(()));
}

#[test]
fn a_backup_without_files_may_be_truncated_once_it_was_listed() {
    let mut sequence = prepared(BackupKind::Incremental);
    sequence.logs(Vec::<String>::new()).unwrap();
    assert_eq!(sequence.truncate(), Ok(()));
}

#[test]
fn after_the_end_nothing_works_any_more() {
    let mut sequence = listed();
    sequence.end().unwrap();
    refused(&sequence, BackupSequence::end, UNEXPECTED);
    refused(&sequence, |s| s.open(DATABASE, 1), UNEXPECTED);
}

#[test]
fn what_is_going_on_can_be_asked() {
    let mut sequence = open();
    assert_eq!(sequence.kind(), Some(BackupKind::Full));
    assert_eq!(sequence.open_file(), Some(DATABASE));
    assert_eq!(sequence.remaining(), Some(10_000));
    sequence.read(4096).unwrap();
    assert_eq!(sequence.remaining(), Some(5904));
    sequence.read(4096).unwrap();
    sequence.read(4096).unwrap();
    assert_eq!(sequence.remaining(), Some(0));
    sequence.close().unwrap();
    sequence.end().unwrap();
    assert_eq!(sequence.kind(), None);
}

#[test]
fn an_error_names_the_file() {
    assert_eq!(open().check(Call::End), Err(SequenceError::FileOpen { path: DATABASE.into() }));
    assert_eq!(listed().truncate(), Err(SequenceError::NotRead { path: DATABASE.into() }));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Prepare(BackupKind),
    Attachments,
    Logs,
    Open(&'static str),
    Read,
    Close,
    Truncate,
    End,
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        Just(Step::Prepare(BackupKind::Full)),
        Just(Step::Prepare(BackupKind::Incremental)),
        Just(Step::Attachments),
        Just(Step::Logs),
        Just(Step::Open(DATABASE)),
        Just(Step::Open(LOG)),
        Just(Step::Open("other")),
        Just(Step::Read),
        Just(Step::Close),
        Just(Step::Truncate),
        Just(Step::End),
    ]
}

proptest! {
    #[test]
    fn check_and_edge_agree_and_a_refusal_changes_nothing(
        steps in proptest::collection::vec(steps(), 0..40),
    ) {
        let mut sequence = BackupSequence::default();
        for step in steps {
            let before = sequence.clone();
            let call = match step {
                Step::Prepare(_) => Call::Prepare,
                Step::Attachments => Call::Attachments,
                Step::Logs => Call::Logs,
                Step::Open(path) => Call::Open(path),
                Step::Read => Call::Read,
                Step::Close => Call::Close,
                Step::Truncate => Call::Truncate,
                Step::End => Call::End,
            };
            let checked = sequence.check(call);
            let result = match step {
                Step::Prepare(kind) => sequence.prepare(kind),
                Step::Attachments => sequence.attachments([DATABASE]),
                Step::Logs => sequence.logs([LOG]),
                Step::Open(path) => sequence.open(path, 2),
                Step::Read => sequence.read(1),
                Step::Close => sequence.close().map(drop),
                Step::Truncate => sequence.truncate(),
                Step::End => sequence.end(),
            };
            prop_assert_eq!(&result, &checked);
            if result.is_err() {
                prop_assert_eq!(sequence.clone(), before);
            }
        }
    }
}
