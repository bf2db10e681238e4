//! What the example programs do when something fails: they say which step and why, and leave nothing half done.

use std::fs;

use crate::ca::Ca;
use crate::tools::{C11, data, example, fail, library, succeed};

#[test]
fn a_backup_that_fails_leaves_nothing_and_ends_its_session() {
    let backup = C11.program(&example("c/backup.c"));
    let ca = Ca::start();
    let run = |arguments: &[&str]| fail(ca.program(&backup).args(arguments));
    let library = library().display().to_string();
    assert_eq!(run(&[&library, &ca.target]).0, 2);
    assert_eq!(run(&[&library, &ca.target, "set", "differential"]).0, 2);
    let (code, said) = run(&["/nonexistent/libcertadm.so", &ca.target, "set"]);
    assert!(code == 1 && said.contains("cannot load /nonexistent/libcertadm.so"), "{said}");

    let (code, said) = run(&[&library, &ca.target, "set", "incremental"]);
    assert!(code == 1 && said.contains("4 CertSrvBackupPrepare: 0xC8000230\n"), "{said}");

    // Something that has the name of a file of the set.
    fs::create_dir_all(ca.path("set/DataBase.partial")).unwrap();
    let (code, said) = run(&[&library, &ca.target, "set"]);
    assert!(code == 1 && said.contains("14 CertSrvBackupEnd: 0x00000000\n"), "{said}");
    fs::remove_dir(ca.path("set/DataBase.partial")).unwrap();
    assert_eq!(fs::read_dir(ca.path("set")).unwrap().count(), 0);

    succeed(ca.program(&backup).args([&library, &ca.target, "set"]));
    let (code, said) = run(&[&library, &ca.target, "set"]);
    assert!(code == 1 && said.contains("cannot overwrite set/DataBase: 0x80070050"), "{said}");

    fs::write(ca.path("password"), "wrong").unwrap();
    let (code, said) = run(&[&library, &ca.target, "other"]);
    assert!(code == 1 && said.contains("3 CertSrvIsServerOnline: 0x8007052E\n"), "{said}");
}

#[test]
fn a_disk_that_is_full_discards_the_set() {
    let backup = C11.program(&example("c/backup.c"));
    let ca = Ca::start();
    // A limit on the size of files ends a write as a full disk does.
    let mut limited = ca.program(std::path::Path::new("sh"));
    limited.args(["-c", "trap '' XFSZ; ulimit -f 100; exec \"$@\"", "sh"]).arg(&backup);
    let (code, said) = fail(limited.arg(library()).arg(&ca.target).arg("set"));
    assert!(code == 1 && said.contains("9 CertSrvBackupClose: 0x00000000\n"), "{said}");
    assert!(said.contains("14 CertSrvBackupEnd: 0x00000000\n"), "{said}");
    assert_eq!(fs::read_dir(ca.path("set")).unwrap().count(), 0);
}

#[test]
fn a_restore_that_fails_keeps_the_ca_from_starting_only_once_files_were_touched() {
    let backup = C11.program(&example("c/backup.c"));
    let restore = C11.program(&example("c/restore.c"));
    let mut ca = Ca::start();
    succeed(ca.program(&backup).arg(library()).arg(&ca.target).arg("set"));
    let run = |ca: &Ca| {
        let mut command = ca.program(&restore);
        command.arg(library()).arg(&ca.target).args(["ca/database", "ca/log", "set"]);
        command
    };

    let (code, said) = fail(&mut run(&ca));
    assert!(code == 1 && said.contains("the CA runs; stop it first"), "{said}");
    ca.stop();

    let (log, aside) = (ca.path("set/DataBase/edb00001.log"), ca.path("aside"));
    fs::rename(&log, &aside).unwrap();
    let (code, said) = fail(&mut run(&ca));
    assert!(code == 1 && said.contains("some are missing"), "{said}");
    assert!(!ca.path("ca/restore.json").exists());
    fs::rename(&aside, &log).unwrap();

    // A directory in the place of the database cannot be replaced by a file.
    let database = ca.path("ca/database/Test CA.db");
    fs::remove_dir_all(ca.path("ca/database")).unwrap();
    fs::create_dir_all(&database).unwrap();
    let (code, said) = fail(&mut run(&ca));
    assert!(code == 1 && said.contains("10 CertSrvRestoreRegisterComplete: 0x00000000\n"), "{said}");
    assert_eq!(fs::read_dir(ca.path("ca/database")).unwrap().count(), 1, "nothing half written is left");
    let (code, said) = ca.refuses_to_serve();
    assert!(code == 14 && said.contains("has failed (0x80004005"), "{said}");

    fs::remove_dir(&database).unwrap();
    succeed(&mut run(&ca));
    ca.serve();
}

#[test]
fn a_handle_is_none_in_a_child_of_fork() {
    let program = C11.program(&data("fork.c"));
    let ca = Ca::start();
    succeed(ca.program(&program).arg(library()).arg(&ca.target));
}
