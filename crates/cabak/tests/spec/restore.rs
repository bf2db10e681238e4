use std::path::Path;
use std::process::{Command, Output, Stdio};

use cabak::chain::parse_generation;
use cabak::manifest::DatabaseFormat;
use cabak::medium::Folder;

use crate::sample::{publish_with, tree};

fn restore(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cabak"));
    command.arg("restore").args(args).stdin(Stdio::null()).output().unwrap()
}

/// A folder with one set that certsrvd could use, as far as its manifest says.
fn sets() -> (tempfile::TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let set = publish_with(&folder, "full", |manifest| manifest.database_format = DatabaseFormat::Certdb);
    let path = set.path().display().to_string();
    (dir, path)
}

#[test]
fn a_directory_that_is_no_data_directory_is_refused_before_there_is_a_plan() {
    let (_dir, set) = sets();
    let elsewhere = tempfile::tempdir().unwrap();
    let path = elsewhere.path().to_str().unwrap();
    for extra in [&[][..], &["--dry-run"], &["--force"]] {
        let output = restore(&[&[set.as_str(), "--data-dir", path], extra].concat());
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        assert!(text.contains("is not the data directory of a certsrvd"), "{text}");
        assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    }
    assert_eq!(tree(elsewhere.path()), Vec::<&Path>::new());
}

/// Logs as an earlier life of the CA has left them; only their names are looked at before anything is restored.
fn logs(data: &Path, generations: impl IntoIterator<Item = u32>) {
    let directory = data.join("log");
    std::fs::create_dir_all(&directory).unwrap();
    for generation in generations {
        std::fs::write(directory.join(format!("edb{generation:05X}.log")), "").unwrap();
    }
}

#[test]
fn an_end_that_cannot_be_reached_is_refused_before_anything_is_done() {
    let (_dir, set) = sets();
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("certsrvd.toml"), "").unwrap();
    let path = data.path().to_str().unwrap();
    let dry = |extra: &[&str]| {
        let output = restore(&[&[set.as_str(), "--data-dir", path, "--dry-run"], extra].concat());
        let text = String::from_utf8(output.stderr).unwrap().replace(path, "DATA");
        (output.status.code().unwrap(), text.lines().next().unwrap_or_default().to_owned())
    };
    // The set was begun at 11:33:22 and ends with generation 4.
    assert_eq!(dry(&[]), (0, String::new()));
    let (code, text) = dry(&["--until-generation", "5"]);
    let expected = "error: there is no generation 0x5 (5): sets and surviving logs end with 0x4 (4)";
    assert_eq!((code, text.as_str()), (2, expected));
    let (code, text) = dry(&["--until-time", "2026-11-21T11:33:21Z"]);
    let expected = "error: 2026-11-21T11:33:21Z lies before the full backup full, which began at 2026-11-21T11:33:22Z";
    assert_eq!((code, text.as_str()), (2, expected));

    logs(data.path(), [2, 5, 6, 9]);
    let (code, text) = dry(&[]);
    let expected =
        "error: the surviving logs in DATA/log do not follow the sets: behind generation 0x6 (6) comes 0x9 (9)";
    assert_eq!((code, text.as_str()), (22, expected));
    assert_eq!(dry(&["--until-generation", "6"]).0, 0);
    assert_eq!(dry(&["--until-generation", "7"]).0, 22);
    assert_eq!(dry(&["--no-roll-forward"]).0, 0);
    logs(data.path(), 7..=8);
    assert_eq!(dry(&[]).0, 0);

    // Where the configuration says that the logs are.
    std::fs::write(data.path().join("certsrvd.toml"), "[database]\nlog_directory = '/nowhere'\n").unwrap();
    assert_eq!(dry(&["--until-generation", "7"]).0, 2);
}

#[test]
fn a_generation_may_be_written_in_three_ways() {
    for text in ["0x1a", "0X1A", "26", "edb0001A.log", "EDB0001a.LOG"] {
        assert_eq!(parse_generation(text), Ok(0x1A), "{text}");
    }
    for text in ["1a", "0x", "0xg", "0x+1", "+1", "-1", "", "edb.log", "0x100000000", "4294967296"] {
        parse_generation(text).unwrap_err();
    }
}

#[test]
fn a_generation_is_shown_in_both_its_forms() {
    let (_dir, set) = sets();
    let data = tempfile::tempdir().unwrap();
    std::fs::write(data.path().join("certsrvd.toml"), "").unwrap();
    let path = data.path().to_str().unwrap();
    // The set ends with generation 4.
    let output = restore(&[&set, "--data-dir", path, "--dry-run", "--until-generation", "edb00003.log"]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stderr).unwrap();
    let expected = "error: generation 0x3 (3) lies before the end of the full backup, generation 0x4 (4)\n";
    assert!(text.starts_with(expected), "{text}");
    logs(data.path(), 5..=30);
    let output = restore(&[&set, "--data-dir", path, "--dry-run", "--until-generation", "26"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("rolls forward to the end of log generation 0x1a (26)"), "{text}");
    assert_eq!(restore(&[&set, "--data-dir", path, "--until-generation", "1a"]).status.code(), Some(2));
}
