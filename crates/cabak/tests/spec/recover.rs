//! `cabak recover` of sets of certsrvd.

use crate::contents::{events, failure, str, text, world};
use crate::sample;

#[test]
fn the_database_comes_out_with_all_logs_rolled_forward() {
    let directory = tempfile::tempdir().unwrap();
    let set = world().path("sets/latest");
    let rows = events(&["certs", str(&set), "--all"], "certificate", 0);
    let file = directory.path().join("recovered.db");
    text(&["recover", str(&set), "--to", str(&file)], 0);
    assert_eq!(sample::tree(directory.path()), [std::path::Path::new("recovered.db")], "nothing is left beside it");
    assert_eq!(events(&["certs", str(&file), "--all"], "certificate", 0), rows);
    // Nothing is replaced.
    let before = std::fs::read(&file).unwrap();
    failure(&["recover", str(&set), "--to", str(&file)], 2);
    assert_eq!(std::fs::read(&file).unwrap(), before);
}

#[test]
fn logs_alone_do_not_recover() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("recovered.db");
    failure(&["recover", str(&world().path("incremental")), "--to", str(&file)], 22);
    failure(&["recover", str(&world().path("full")), "--to", str(&directory.path().join("none/recovered.db"))], 10);
    assert_eq!(sample::tree(directory.path()).len(), 0);
}
