use std::process::Command;

use cabak::exit::{Exit, classify};
use cabak::medium::{Folder, Set};
use cabak::snapshots::table;
use expect_test::expect;

use crate::sample;

#[test]
fn sets_are_listed_oldest_first_without_what_is_no_set() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    sample::publish_incremental(&folder, "a", "2026-11-21T13:00:00Z", "b", &[5]);
    sample::publish(&folder, "b");
    std::fs::create_dir(dir.path().join("lost+found")).unwrap();
    std::fs::create_dir(dir.path().join(".partial-x")).unwrap();
    std::fs::write(dir.path().join("README"), b"").unwrap();
    std::fs::create_dir(dir.path().join("damaged")).unwrap();
    std::fs::write(dir.path().join("damaged/cabak.json"), b"{").unwrap();
    let listing = folder.list().unwrap();
    assert_eq!(listing.sets.iter().map(|set| set.name()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(listing.leftovers, [".partial-x"]);
    assert_eq!(listing.unusable.len(), 1);
    assert_eq!(listing.unusable[0].name, "damaged");
}

#[test]
fn the_table_has_columns_as_wide_as_their_widest_cell() {
    let rows = [["SET", "CA"], ["2026", "Ämter CA"], ["x", ""]].map(|row| row.map(str::to_owned));
    expect![[r#"
        SET   CA
        2026  Ämter CA
        x"#]]
    .assert_eq(&table(&rows));
}

#[test]
fn latest_does_not_pass_over_a_damaged_newest_set() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    sample::publish(&folder, "2026-11-20T113322Z");
    sample::publish(&folder, "2026-11-21T113322Z");
    let damage = |name: &str| std::fs::write(dir.path().join(name).join("cabak.json"), b"{").unwrap();
    damage("2026-11-20T113322Z");
    assert_eq!(Set::open(&dir.path().join("latest")).unwrap().name(), "2026-11-21T113322Z");
    damage("2026-11-21T113322Z");
    let error = Set::open(&dir.path().join("latest")).unwrap_err();
    assert_eq!(classify(&error).0, Exit::VerifyFailed);
    assert!(error.to_string().contains("2026-11-21T113322Z"), "{error}");
}

#[test]
fn a_damaged_set_and_what_builds_on_it_are_rows_and_end_with_21() {
    let dir = tempfile::tempdir().unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    sample::publish(&folder, "a");
    sample::publish_incremental(&folder, "b", "2026-11-21T13:00:00Z", "a", &[5]);
    sample::publish_incremental(&folder, "c", "2026-11-21T14:00:00Z", "gone", &[5]);
    std::fs::write(dir.path().join("a/cabak.json"), b"{").unwrap();
    let cabak = |args: &[&str], path: &std::path::Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_cabak")).args(args).arg(path).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, text) = cabak(&["snapshots"], dir.path());
    assert_eq!(code, 21);
    let row = |set: &str| text.lines().find(|line| line.starts_with(set)).unwrap();
    assert!(row("a ").contains("damaged: "), "{text}");
    assert!(row("b ").contains("chain broken: a is damaged"), "{text}");
    assert!(row("c ").contains("chain broken: the set gone"), "{text}");
    let (code, text) = cabak(&["verify", "--json"], &dir.path().join("b"));
    assert_eq!(code, 21, "the base is damaged, not missing");
    assert!(text.contains("the set a is damaged"), "{text}");
}
