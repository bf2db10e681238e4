//! Readers that nobody here wrote, over databases that are composed here: every cell.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use testkit::ese::Format;

use crate::scene::{at_rest, formats, table};

/// A reader, and what it can do.
struct Reader {
    name: &'static str,
    python: PathBuf,
    script: &'static str,
    /// Whether it knows pages that name their reserved tags.
    reserved_tags: bool,
    /// How many cells it reads, at least, for each that it does not.
    read_for_unread: usize,
}

#[test]
fn dissect_reads_every_cell() {
    let python = std::env::var_os("CABAK_DISSECT_PYTHON").map_or_else(venv, PathBuf::from);
    let reader =
        Reader { name: "dissect.esedb", python, script: "esedb_dissect.py", reserved_tags: true, read_for_unread: 30 };
    reader.judge("dissect.esedb", "cargo xtask oracles, or CABAK_DISSECT_PYTHON=a Python that has it");
}

#[test]
fn libesedb_reads_every_cell_that_it_can() {
    let python = PathBuf::from("/usr/bin/python3");
    let reader =
        Reader { name: "libesedb", python, script: "esedb_libesedb.py", reserved_tags: false, read_for_unread: 3 };
    reader.judge("pyesedb", "apt install python3-libesedb");
}

/// Where `cargo xtask oracles` installs it.
fn venv() -> PathBuf {
    let root = repository();
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    target.join("oracles-venv/bin/python")
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

impl Reader {
    fn judge(&self, module: &str, how: &str) {
        let import = format!("import {module}");
        if !Command::new(&self.python).args(["-c", &import]).output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: {} is not installed ({how})", self.name);
            return;
        }
        for format in formats().filter(|format| self.reserved_tags || format.update_major < 0x10E) {
            let (read, unread) = self.compare(format);
            assert!(read > 1000, "{read} cells of {format:?}");
            // Compressed and multiple values, long values in pieces, and NULL in the place of a default.
            assert!(unread * self.read_for_unread < read, "{unread} cells of {format:?} beside {read}");
        }
    }

    /// Cells that are equal, and cells that the reader says it cannot read. Any other is a failure.
    fn compare(&self, format: Format) -> (usize, usize) {
        let (engine, id) = at_rest(format);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("composed.edb");
        std::fs::write(&path, engine.database_file()).unwrap();
        let script = repository().join("interop").join(self.script);
        let output = Command::new(&self.python).arg(script).arg(&path).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines: Vec<Value> =
            output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
        let names: Vec<&str> =
            lines.iter().filter_map(|line| line["table"].as_str()).filter(|name| !name.starts_with("MSys")).collect();
        assert_eq!(names, ["things"], "{format:?}");
        let start = lines.iter().position(|line| line["table"] == "things").unwrap();
        let columns: Vec<&str> =
            lines[start]["columns"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
        let mine: Vec<String> = table().columns.into_iter().map(|column| column.name).collect();
        assert_eq!(
            {
                let mut sorted = columns.clone();
                sorted.sort_unstable();
                sorted
            },
            {
                let mut sorted = mine;
                sorted.sort();
                sorted
            }
        );
        let theirs: Vec<BTreeMap<&str, &Value>> = lines[start + 1..]
            .iter()
            .filter(|line| line["deleted"] != true)
            .filter_map(|line| line["row"].as_array())
            .map(|cells| columns.iter().copied().zip(cells).collect())
            .collect();
        let truth: Vec<_> = engine.rows(id).collect();
        if let Some(error) = lines[start + 1..].iter().find(|line| line.get("error").is_some()) {
            panic!("{} of {format:?}: {error}", self.name);
        }
        assert_eq!(theirs.len(), truth.len(), "rows of {format:?}");
        let (mut read, mut unread) = (0, 0);
        for (theirs, truth) in theirs.iter().zip(truth) {
            for (column, cell) in theirs {
                let values: Vec<Value> =
                    truth.get(*column).into_iter().flatten().map(|value| shown(column, value)).collect();
                let expected = match values.as_slice() {
                    [] if *column == "Default" && truth.get(*column).is_none() => Value::from("07000000"),
                    [] => Value::Null,
                    [one] => one.clone(),
                    several => Value::from(several.to_vec()),
                };
                if cell.get("unread").is_some() {
                    unread += 1;
                } else if **cell == expected {
                    read += 1;
                } else {
                    let length = truth.get(*column).and_then(|values| values.first()).map_or(0, Vec::len);
                    // dissect takes the third and later pieces of a long value for compressed ones.
                    let pieces = self.name == "dissect.esedb" && length > 2 * (format.page_size - 122);
                    // libesedb loses a long value whose first piece is on another page than its root, and knows no
                    // default of a tagged column.
                    let lost = self.name == "libesedb" && cell.is_null() && length > 1024;
                    let default = self.name == "libesedb" && *column == "Default";
                    // dissect reads one more character of seven bits when as many bits are left over.
                    let padded = |text: &str| cell.as_str() == Some(&format!("{text}0000"));
                    let more = self.name == "dissect.esedb" && expected.as_str().is_some_and(padded);
                    assert!(pieces || more || lost || default, "{column} of {format:?}: {cell}, not {expected}");
                    unread += 1;
                }
            }
        }
        (read, unread)
    }
}

fn shown(column: &str, value: &[u8]) -> Value {
    if column == "Flag" { Value::from(if value == [0] { "00" } else { "01" }) } else { Value::from(hex::encode(value)) }
}
