//! The programs in `examples` do what Microsoft's articles do, from a full backup to the restored CA.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::ca::{Ca, Files, files};
use crate::tools::{
    C11, CPP17, Compiler, MINGW, SHORT_WCHAR, data, example, installed, installed_or_not, library, succeed,
};

/// Two programs that are tried together. Arguments are added.
pub(crate) struct Programs<'a> {
    pub(crate) backup: &'a dyn Fn(&Ca) -> Command,
    pub(crate) restore: &'a dyn Fn(&Ca) -> Command,
}

/// Full backup, incremental backup, disaster, restore.
pub(crate) fn cycle(programs: &Programs<'_>) {
    let mut ca = Ca::start();
    ca.issue(2);
    let backup =
        |ca: &Ca, arguments: &[&str]| succeed((programs.backup)(ca).arg(library()).arg(&ca.target).args(arguments));

    // Whatever a backup brings about, a checkpoint for instance, has happened.
    ca.read_by_another_client();
    let said = backup(&ca, &["full"]);
    let file = ["7", "8", "9"];
    let expected =
        [&["1", "2", "3", "4", "5", "6"][..], &file, &["10"], &file, &file, &["12", "13", "13", "14", "15", "16"]];
    assert_eq!(steps(&said), expected.concat());
    let full = set(&ca, "full");
    let logs = ca.own_logs();
    assert_eq!(full.keys().collect::<Vec<_>>(), ["Test CA.db", "edb00001.log", "edb00002.log"]);
    assert!(logs.iter().all(|log| full.get_key_value(log.0) == Some(log)), "{full:?} {logs:?}");
    let read = ca.read_by_another_client();
    let database = |files: &Files| files["Test CA.db"].without_trailer();
    assert_eq!(database(&full), ca.own_database());
    assert_eq!(database(&full), database(&read));
    assert!(logs.iter().all(|log| read.get_key_value(log.0) == Some(log)), "{read:?}");

    ca.issue(1);
    backup(&ca, &["incremental", "incremental"]);
    let incremental = set(&ca, "incremental");
    assert!(incremental.keys().all(|name| !read.contains_key(name)), "{incremental:?} {read:?}");
    let logs = ca.own_logs();
    assert!(!incremental.is_empty() && incremental.iter().all(|file| logs.get_key_value(file.0) == Some(file)));
    backup(&ca, &["again", "full", "truncate"]);
    assert!(ca.own_logs().is_empty(), "the logs are truncated");
    ca.issue(1);
    let serials = ca.serials();
    assert_eq!(serials.len(), 5);

    ca.stop();
    fs::remove_dir_all(ca.path("ca/database")).unwrap();
    let mut restore = (programs.restore)(&ca);
    restore.arg(library()).arg(&ca.target).args(["ca/database", "ca/log", "again"]);
    let said = succeed(&mut restore);
    assert!(said.contains("9 CertSrvRestoreRegister: 0x00000000\n"), "{said}");
    ca.serve();
    assert_eq!(ca.serials(), serials);
}

/// The files of a set but its map, which must name the CA's places.
fn set(ca: &Ca, name: &str) -> Files {
    let mut files = files(&ca.path(name).join("DataBase"));
    let map = files.remove("certbkxp.dat").unwrap();
    let units: Vec<u16> = map.0.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    let text = String::from_utf16(&units).unwrap();
    let places: Vec<_> = text.split('\0').map(|name| name.rsplit('\\').next().unwrap()).collect();
    assert_eq!(places, ["Test CA.db", "Log", "DataBase", "", ""]);
    files
}

/// The numbers at the beginnings of lines.
fn steps(said: &str) -> Vec<&str> {
    let numbers = said.lines().filter_map(|line| line.split_once(' ')).map(|(first, _)| first);
    numbers.filter(|first| first.parse::<u32>().is_ok()).collect()
}

fn c_programs(compiler: Compiler) {
    if !compiler.is_installed() {
        return;
    }
    let backup = compiler.program(&example("c/backup.c"));
    let restore = compiler.program(&example("c/restore.c"));
    cycle(&Programs { backup: &|ca| ca.program(&backup), restore: &|ca| ca.program(&restore) });
}

#[test]
fn in_c11_with_char16_t() {
    c_programs(C11);
}

#[test]
fn in_c11_with_a_short_wchar_t() {
    c_programs(SHORT_WCHAR);
}

#[test]
fn in_cpp17() {
    c_programs(CPP17);
}

#[test]
fn they_compile_for_windows() {
    if installed_or_not("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64") {
        for source in ["c/backup.c", "c/restore.c"] {
            MINGW.program(&example(source));
        }
    }
}

#[test]
fn in_python() {
    if !installed("python3", "python3") {
        return;
    }
    let restore = C11.program(&example("c/restore.c"));
    let python = |ca: &Ca| {
        let mut command = ca.program(Path::new("python3"));
        command.arg(example("python/backup.py"));
        command
    };
    cycle(&Programs { backup: &python, restore: &|ca| ca.program(&restore) });
}

#[test]
fn a_full_set_and_incremental_ones_restore_together() {
    let backup = C11.program(&example("c/backup.c"));
    let restore = C11.program(&example("c/restore.c"));
    let mut ca = Ca::start();
    let run = |ca: &Ca, arguments: &[&str]| succeed(ca.program(&backup).arg(library()).arg(&ca.target).args(arguments));
    ca.issue(1);
    run(&ca, &["full", "full", "truncate"]);
    for name in ["one", "two"] {
        ca.issue(1);
        run(&ca, &[name, "incremental", "truncate"]);
    }
    ca.issue(1);
    let serials = ca.serials();
    ca.stop();
    fs::remove_dir_all(ca.path("ca/database")).unwrap();
    let mut command = ca.program(&restore);
    command.arg(library()).arg(&ca.target).args(["ca/database", "ca/log", "full"]);
    // After the full one they come in any order.
    succeed(command.args(["two", "one"]));
    ca.serve();
    assert_eq!(ca.serials(), serials);
}

#[test]
fn strings_and_names_are_read_as_they_must_be() {
    for compiler in [C11, SHORT_WCHAR, CPP17] {
        if compiler.is_installed() {
            let program = compiler.program(&data("strings.c"));
            assert_eq!(succeed(&mut Command::new(program)), "ok\n");
        }
    }
}
