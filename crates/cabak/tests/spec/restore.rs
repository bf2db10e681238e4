use std::path::Path;
use std::process::{Command, Output, Stdio};

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
