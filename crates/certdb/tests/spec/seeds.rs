//! Small files for `crates/testkit/corpus`.

use std::fs;
use std::path::PathBuf;

use certdb::{BackupKind, Database};

use crate::bed::{Bed, backup};

/// Writes them below `CERTDB_SEEDS`; run it when the formats change:
/// `CERTDB_SEEDS=$PWD/crates/testkit/corpus cargo test -p certdb --test spec -- --ignored write_seeds`
#[test]
#[ignore = "writes files"]
fn write_seeds() {
    let root = PathBuf::from(std::env::var_os("CERTDB_SEEDS").expect("CERTDB_SEEDS names a directory"));
    let seed = |corpus: &str, name: &str, bytes: &[u8]| {
        fs::create_dir_all(root.join(corpus)).unwrap();
        fs::write(root.join(corpus).join(name), bytes).unwrap();
    };
    let bed = Bed::with(|options| options.checkpoint_frames = 2);
    let database = Database::create(&bed.data(), &bed.options, "CREATE TABLE entry (id INTEGER PRIMARY KEY)").unwrap();
    let insert = |id: i64| {
        database.write(move |transaction| transaction.execute("INSERT INTO entry VALUES (?1)", [id])).unwrap();
    };
    let (copy, mut logs) = backup(&database, BackupKind::Full, &bed.path("set"), true);
    logs.extend(backup(&database, BackupKind::Incremental, &bed.path("set"), true).1);
    insert(1);
    insert(2);
    logs.extend(backup(&database, BackupKind::Incremental, &bed.path("set"), true).1);
    let copy = fs::read(copy.unwrap()).unwrap();
    let logs: Vec<_> = logs.iter().map(|log| fs::read(log).unwrap()).collect();
    seed("certdb_trailer", "full", &copy[copy.len() - 4096..]);
    seed("certdb_checkpoint", "running", &fs::read(bed.log().join("edb.chk")).unwrap());
    seed("certdb_log", "open", &fs::read(bed.log().join("edb.log")).unwrap());
    seed("certdb_log", "first", &logs[0]);
    seed("certdb_log", "few_pages", &logs[2]);
    seed("certdb_chain", "two", &[&logs[1][..], b"\0--cut-\0", &logs[2][..]].concat());
    database.close().unwrap();
    seed("certdb_checkpoint", "closed", &fs::read(bed.log().join("edb.chk")).unwrap());
}
