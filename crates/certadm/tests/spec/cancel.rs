//! Stopping from outside.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use certadm::{BackupKind, Cancel, Error, ReadHint};

use crate::fake::Fake;

#[test]
fn a_cancelled_backup_ends_its_session_on_the_server() {
    let fake = Fake::start();
    let cancel = Cancel::new();
    let mut session = fake.connect_with(&cancel).prepare_backup(BackupKind::Full).unwrap();
    let name = session.database_names().unwrap().remove(0);
    let mut file = session.open(&name, ReadHint::new(65_536)).unwrap();
    file.next_block().unwrap();
    cancel.cancel();
    let error = loop {
        match file.next_block() {
            Ok(block) => assert!(!block.is_empty(), "the file must not end"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Cancelled), "{error}");
    drop(file);
    drop(session);
    let calls = fake.calls();
    assert!(calls.contains(&"close".to_owned()) && calls.contains(&"end".to_owned()), "{calls:?}");
}

#[test]
fn a_call_that_hangs_is_given_up_at_once() {
    let fake = Fake::start();
    let (release, released) = channel::<()>();
    fake.script().on_read = Some(Box::new(move |_| {
        let _ = released.recv_timeout(Duration::from_secs(30));
        Ok(())
    }));
    let cancel = Cancel::new();
    let mut session = fake.connect_with(&cancel).prepare_backup(BackupKind::Full).unwrap();
    let name = session.database_names().unwrap().remove(0);
    let mut file = session.open(&name, ReadHint::default()).unwrap();
    let canceller = thread::spawn({
        let cancel = cancel.clone();
        move || {
            thread::sleep(Duration::from_millis(100));
            cancel.cancel();
        }
    });
    let start = Instant::now();
    let error = file.next_block().unwrap_err();
    assert!(matches!(error, Error::Cancelled), "{error}");
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    // The server comes back to life: the session is ended properly.
    release.send(()).unwrap();
    drop(file);
    drop(session);
    assert!(fake.calls().contains(&"end".to_owned()));
    canceller.join().unwrap();
}

#[test]
fn a_server_that_never_answers_does_not_keep_a_cancelled_client() {
    let fake = Fake::start();
    let (release, released) = channel::<()>();
    fake.script().on_read = Some(Box::new(move |_| {
        let _ = released.recv_timeout(Duration::from_secs(60));
        Ok(())
    }));
    let cancel = Cancel::new();
    let mut session = fake.connect_with(&cancel).prepare_backup(BackupKind::Full).unwrap();
    let name = session.database_names().unwrap().remove(0);
    let mut file = session.open(&name, ReadHint::default()).unwrap();
    cancel.cancel();
    file.next_block().unwrap_err();
    let start = Instant::now();
    drop(file);
    drop(session);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
    release.send(()).unwrap();
}
