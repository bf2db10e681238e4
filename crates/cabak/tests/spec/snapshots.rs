use cabak::medium::Folder;
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
