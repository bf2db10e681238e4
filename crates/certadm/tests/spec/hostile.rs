//! Servers that lie, and servers that die.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use certadm::{BackupKind, Error, FileName, Hresult, ReadHint};

use crate::fake::{Fake, File};

fn read_all(fake: &Fake) -> Result<u64, Error> {
    let mut session = fake.connect().prepare_backup(BackupKind::Full)?;
    let name = session.database_names()?.remove(0);
    let mut file = session.open(&name, ReadHint::new(65_536))?;
    let mut received = 0;
    loop {
        let length = file.next_block()?.len() as u64;
        if length == 0 {
            break;
        }
        received += length;
    }
    file.close()?;
    Ok(received)
}

fn lying(announced: u64, actual: u64) -> Fake {
    Fake::with(|script| {
        let name = script.databases[0].clone();
        script.files.insert(name, File { announced, actual });
    })
}

#[test]
fn a_file_that_ends_early_is_short() {
    for actual in [0, 1, 65_536, 99_999] {
        let fake = lying(100_000, actual);
        let error = read_all(&fake).unwrap_err();
        assert!(
            matches!(error, Error::ShortFile { announced: 100_000, received, .. } if received == actual),
            "{actual}: {error}"
        );
        assert!(fake.calls().contains(&"end".to_owned()), "the session is ended");
    }
}

#[test]
fn a_file_that_goes_on_is_long() {
    for announced in [0, 1, 4095, 4096, 65_536, 65_537] {
        let error = read_all(&lying(announced, announced + 1)).unwrap_err();
        assert!(matches!(error, Error::LongFile { .. }), "{announced}: {error}");
    }
}

#[test]
fn an_impossible_length_is_short_and_allocates_nothing() {
    let error = read_all(&lying(u64::MAX, 10)).unwrap_err();
    assert!(matches!(error, Error::ShortFile { announced: u64::MAX, received: 10, .. }), "{error}");
}

#[test]
fn a_read_that_fails_is_the_servers_refusal() {
    let fake = Fake::start();
    fake.script().on_read = Some(Box::new(|offset| if offset == 0 { Ok(()) } else { Err(Hresult(0xC800_03FA)) }));
    let error = read_all(&fake).unwrap_err();
    assert!(matches!(error, Error::Refused { method: "BackupReadFile", hresult: Hresult(0xC800_03FA) }), "{error}");
    assert!(fake.calls().contains(&"close".to_owned()));
    assert!(fake.calls().contains(&"end".to_owned()));
}

#[test]
fn replies_that_are_no_replies_are_malformed() {
    let claims_too_much: Vec<u8> = [&4096_u32.to_le_bytes()[..], &[7; 4096], &5000_u32.to_le_bytes(), &[0; 4]].concat();
    let other_size: Vec<u8> = [&8192_u32.to_le_bytes()[..], &[7; 8192], &8192_u32.to_le_bytes(), &[0; 4]].concat();
    for raw in [Vec::new(), vec![0; 3], vec![0xFF; 16], claims_too_much, other_size] {
        let fake = lying(10, 10);
        fake.script().raw.insert(25, raw.clone());
        let error = read_all(&fake).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. } | Error::Refused { .. }), "{} bytes: {error}", raw.len());
    }
}

#[test]
fn lists_that_are_no_lists_are_malformed() {
    // referent, count, units, count again: a claimed count of 4 Gi, and an unterminated name.
    let huge = [&1_u32.to_le_bytes()[..], &u32::MAX.to_le_bytes(), &[0; 8]].concat();
    let unterminated =
        [&1_u32.to_le_bytes()[..], &2_u32.to_le_bytes(), b"D\0x\0", &2_u32.to_le_bytes(), &[0; 4]].concat();
    for raw in [huge, unterminated] {
        let fake = Fake::start();
        fake.script().raw.insert(22, raw);
        let error = read_all(&fake).unwrap_err();
        assert!(matches!(error, Error::Malformed { method: "BackupGetAttachmentInformation", .. }), "{error}");
    }
}

#[test]
fn names_with_a_path_in_their_last_component_are_not_local() {
    for path in
        [r"\\ca01\x\..", r"\\ca01\x\a/../../etc/passwd", "\\\\ca01\\x\\", "\\\\ca01\\x\\a\u{7}", r"\\ca01\x\NUL", "C:x"]
    {
        let name = FileName::new(None, path).unwrap();
        assert!(name.local_name().is_err(), "{path:?}");
    }
}

#[test]
fn a_server_that_dies_in_the_middle_is_a_lost_connection() {
    let fake = Fake::start();
    let running = fake.running.clone();
    let (send, stop) = channel();
    let stopper = thread::spawn(move || {
        stop.recv().unwrap();
        running.lock().unwrap().take().unwrap().stop();
    });
    fake.script().on_read = Some(Box::new(move |offset| {
        if offset > 0 {
            let _ = send.send(());
            thread::sleep(Duration::from_millis(200));
        }
        Ok(())
    }));
    let error = read_all(&fake).unwrap_err();
    assert!(matches!(error, Error::ConnectionLost { .. }), "{error}");
    stopper.join().unwrap();
}
