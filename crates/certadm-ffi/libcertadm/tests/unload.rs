//! Loaded, used, unloaded: FreeLibrary must be safe as soon as the last session has ended. Alone in its program, so that every
//! thread is one of the library under test.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]
#![cfg(unix)]

use std::fs;

use certadm::{BackupKind, ReadHint};
use certadm_ffi::Library;
use testkit::ca::Ca;
use testkit::process::cdylib;

#[test]
fn no_thread_is_left_when_a_session_has_ended() {
    let ca = Ca::started().unwrap();
    for (name, value) in [("CERTADM_USER", Ca::USER.into()), ("CERTADM_PASSWORD_FILE", ca.password_file())] {
        // SAFETY: nothing else in this program reads the environment now.
        unsafe { std::env::set_var(name, value) };
    }
    let path = cdylib("libcertadm", "certadm").unwrap();
    for _ in 0..5 {
        let library = Library::load(&path).unwrap();
        assert!(library.is_server_online(ca.target()).unwrap());
        assert_eq!(threads_of_sessions(), 0);
        let mut backup = library.backup_prepare(ca.target(), BackupKind::Full).unwrap();
        assert!(threads_of_sessions() > 0, "the names of the threads have changed");
        let names = backup.database_names().unwrap();
        let mut file = backup.open(&names[0], ReadHint::default()).unwrap();
        assert_eq!(file.read(&mut [0; 100]).unwrap(), 100);
        drop(file);
        // The session keeps the library.
        drop(library);
        backup.end().unwrap();
        assert_eq!(threads_of_sessions(), 0);
    }
}

/// Threads of this process that belong to a session.
fn threads_of_sessions() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| ["certadm", "orpc ping"].contains(&name.trim_end())).count()
}
