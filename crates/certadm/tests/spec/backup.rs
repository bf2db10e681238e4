//! `CertSrvBackupPrepareW` to `CertSrvBackupEnd`.

use std::io::Read;
use std::sync::mpsc::channel;
use std::time::Duration;

use certadm::{BackupKind, BackupSession, Error, FileName, OpenFile, ReadHint, SequenceError};

use crate::fake::{Fake, File, content};

fn read_all(mut file: OpenFile<'_>) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    loop {
        let block = file.next_block()?;
        if block.is_empty() {
            break;
        }
        bytes.extend_from_slice(block);
    }
    file.close()?;
    Ok(bytes)
}

fn sized(size: u64) -> Fake {
    Fake::with(|script| {
        let name = script.databases[0].clone();
        script.files.insert(name, File { announced: size, actual: size });
    })
}

fn prepared(fake: &Fake) -> (BackupSession, FileName) {
    let mut session = fake.connect().prepare_backup(BackupKind::Full).unwrap();
    let name = session.database_names().unwrap().remove(0);
    (session, name)
}

#[test]
fn a_whole_backup_runs_in_the_order_of_the_article() {
    let fake = Fake::start();
    let mut session = fake.connect().prepare_backup(BackupKind::Full).unwrap();
    session.database_locations().unwrap();
    for name in session.database_names().unwrap() {
        assert_eq!(read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap(), content(300_000));
    }
    for name in session.backup_logs().unwrap() {
        assert_eq!(read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap(), content(65_536));
    }
    session.truncate_logs().unwrap();
    assert_eq!(session.dynamic_files().unwrap()[0].local_name().unwrap(), "Test CA.crl");
    session.end().unwrap();
    assert!(fake.wait_for("released"));
    let calls: Vec<String> = fake.calls().into_iter().filter(|call| !call.starts_with("read")).collect();
    let expected = [
        "prepare Full",
        "locations",
        "databases",
        "open Test CA.db",
        "close",
        "logs",
        "open edb00003.log",
        "close",
        "truncate",
        "dynamic",
        "end",
        "released",
    ];
    assert_eq!(calls, expected);
}

#[test]
fn files_of_every_size_arrive_whole() {
    for size in [0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 131_072, 200_000] {
        let fake = sized(size);
        let (mut session, name) = prepared(&fake);
        let file = session.open(&name, ReadHint::new(65_536)).unwrap();
        assert_eq!(file.size(), size);
        assert_eq!(read_all(file).unwrap(), content(size), "{size}");
        session.end().unwrap();
    }
}

#[test]
fn no_request_reaches_further_than_a_page_behind_the_end() {
    for (size, requests) in [
        (0, vec![4096]),
        (1, vec![4096]),
        (4095, vec![4096]),
        (4096, vec![8192]),
        (65_535, vec![65_536]),
        (65_536, vec![65_536, 4096]),
        (70_000, vec![65_536, 8192]),
    ] {
        let fake = sized(size);
        let (mut session, name) = prepared(&fake);
        read_all(session.open(&name, ReadHint::new(65_536)).unwrap()).unwrap();
        let calls: Vec<String> = fake.calls().into_iter().filter(|call| call.starts_with("read")).collect();
        let expected: Vec<String> = requests.iter().map(|size| format!("read {size}")).collect();
        assert_eq!(calls, expected, "{size}");
    }
}

#[test]
fn only_the_first_hint_of_a_session_counts() {
    let fake = sized(100_000);
    let (mut session, name) = prepared(&fake);
    assert_eq!(session.open(&name, ReadHint::new(128 << 10)).unwrap().buffer_size(), 128 << 10);
    assert_eq!(session.open(&name, ReadHint::new(2 << 20)).unwrap().buffer_size(), 128 << 10);
}

#[test]
fn a_reader_gets_the_same_bytes_in_any_portions() {
    let fake = sized(200_000);
    let (mut session, name) = prepared(&fake);
    let mut file = session.open(&name, ReadHint::new(65_536)).unwrap();
    let mut bytes = Vec::new();
    let mut portion = vec![0; 777];
    loop {
        let read = file.read(&mut portion).unwrap();
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&portion[..read]);
    }
    file.close().unwrap();
    assert_eq!(bytes, content(200_000));
}

#[test]
fn the_next_block_is_fetched_while_the_caller_works_on_this_one() {
    let (send, seen) = channel();
    let fake = sized(300_000);
    fake.script().on_read = Some(Box::new(move |offset| {
        let _ = send.send(offset);
        Ok(())
    }));
    let (mut session, name) = prepared(&fake);
    let mut file = session.open(&name, ReadHint::new(65_536)).unwrap();
    assert_eq!(seen.recv_timeout(Duration::from_secs(10)).unwrap(), 0, "asked for before anybody wants it");
    assert_eq!(file.next_block().unwrap().len(), 65_536);
    assert_eq!(seen.recv_timeout(Duration::from_secs(10)).unwrap(), 65_536, "one block ahead");
    assert!(seen.recv_timeout(Duration::from_millis(100)).is_err(), "and no more than one");
}

#[test]
fn an_incremental_session_has_no_databases() {
    let fake = Fake::start();
    let mut session = fake.connect().prepare_backup(BackupKind::Incremental).unwrap();
    let error = session.database_names().unwrap_err();
    assert!(matches!(error, Error::Sequence { source: SequenceError::NoFullBackup, .. }), "{error}");
    assert_eq!(error.hresult().0, 0xC800_0209);
    assert_eq!(session.backup_logs().unwrap().len(), 1);
    session.end().unwrap();
    assert!(!fake.calls().contains(&"databases".to_owned()), "the rule is checked before anything is sent");
}

#[test]
fn logs_are_not_truncated_before_every_file_was_read() {
    let fake = Fake::start();
    let (mut session, name) = prepared(&fake);
    let logs = session.backup_logs().unwrap();
    assert!(matches!(session.truncate_logs(), Err(Error::Sequence { .. })));
    read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap();
    assert!(matches!(session.truncate_logs(), Err(Error::Sequence { .. })));
    // Opened, and not read to the end.
    drop(session.open(&logs[0], ReadHint::default()).unwrap());
    assert!(matches!(session.truncate_logs(), Err(Error::Sequence { .. })));
    read_all(session.open(&logs[0], ReadHint::default()).unwrap()).unwrap();
    session.truncate_logs().unwrap();
    assert_eq!(fake.calls().iter().filter(|call| *call == "truncate").count(), 1);
}

#[test]
fn a_name_that_was_not_listed_is_not_opened() {
    let fake = Fake::start();
    let (mut session, _) = prepared(&fake);
    let other = FileName::new(None, r"\\ca01\C$\secret").unwrap();
    let error = session.open(&other, ReadHint::default()).err().unwrap();
    assert!(matches!(error, Error::Sequence { source: SequenceError::NotListed { .. }, .. }), "{error}");
    assert!(!fake.calls().iter().any(|call| call.starts_with("open")));
}

#[test]
fn a_file_that_is_closed_early_is_an_error_and_the_session_goes_on() {
    let fake = Fake::start();
    let (mut session, name) = prepared(&fake);
    let mut file = session.open(&name, ReadHint::new(65_536)).unwrap();
    file.next_block().unwrap();
    let error = file.close().unwrap_err();
    assert!(matches!(error, Error::ShortFile { received: 65_536, announced: 300_000, .. }), "{error}");
    assert_eq!(read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap(), content(300_000));
    session.end().unwrap();
}

#[test]
fn dropping_a_session_ends_it_on_the_server() {
    let fake = Fake::start();
    let (mut session, name) = prepared(&fake);
    let mut file = session.open(&name, ReadHint::new(65_536)).unwrap();
    file.next_block().unwrap();
    drop(file);
    drop(session);
    let calls = fake.calls();
    let tail: Vec<&str> = calls.iter().rev().take(3).map(String::as_str).collect();
    assert!(tail.contains(&"end") && calls.contains(&"close".to_owned()), "{calls:?}");
}

#[test]
fn a_session_that_is_dropped_when_all_is_read_does_not_count_as_a_backup() {
    let fake = Fake::start();
    let (mut session, name) = prepared(&fake);
    let log = session.backup_logs().unwrap().remove(0);
    read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap();
    read_all(session.open(&log, ReadHint::default()).unwrap()).unwrap();
    drop(session);
    assert!(fake.wait_for("released"));
    assert!(!fake.calls().contains(&"end".to_owned()));
}

/// The server sent the whole file ahead of a caller that stopped after ten bytes.
#[test]
fn a_file_that_was_only_sent_is_not_read() {
    let fake = Fake::start();
    let (mut session, name) = prepared(&fake);
    let log = session.backup_logs().unwrap().remove(0);
    read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap();
    let mut file = session.open(&log, ReadHint::default()).unwrap();
    file.read_exact(&mut [0; 10]).unwrap();
    assert!(matches!(file.close(), Err(Error::ShortFile { .. })));
    let refused = session.truncate_logs();
    assert!(matches!(refused, Err(Error::Sequence { source: SequenceError::NotRead { .. }, .. })), "{refused:?}");
    session.end().unwrap();
    assert!(fake.wait_for("released"));
    assert!(!fake.calls().contains(&"end".to_owned()), "the server would count it as a backup");

    let (mut session, name) = prepared(&fake);
    let log = session.backup_logs().unwrap().remove(0);
    read_all(session.open(&name, ReadHint::default()).unwrap()).unwrap();
    drop(session.open(&log, ReadHint::default()).unwrap());
    read_all(session.open(&log, ReadHint::default()).unwrap()).unwrap();
    session.truncate_logs().unwrap();
    session.end().unwrap();
    assert!(fake.calls().contains(&"end".to_owned()), "it was read in the second attempt");
}

#[test]
fn a_session_can_say_that_it_is_still_there() {
    let fake = Fake::start();
    let (mut session, _) = prepared(&fake);
    session.keep_alive().unwrap();
    assert!(fake.calls().contains(&"state".to_owned()));
}
