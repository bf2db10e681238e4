//! Commits with and without the keeper of the logs, speed of the copy and of the replay, all in one run.
//!
//! `cargo bench -p certdb`; `CERTDB_BENCH=<directory>` says where, `CERTDB_BENCH_ROWS=<count>` how much.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs, reason = "a benchmark")]

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use certdb::BackupKind::Full;
use certdb::set::{BackupSet, RecoverRequest, verify_chain};
use certdb::{BackupSession, Database, Options};
use rusqlite::Connection;

const SCHEMA: &str = "
    CREATE TABLE entry (id INTEGER PRIMARY KEY, serial TEXT NOT NULL, requester TEXT NOT NULL, hash TEXT NOT NULL, raw BLOB NOT NULL);
    CREATE INDEX entry_serial ON entry (serial);
    CREATE INDEX entry_requester ON entry (requester);
    CREATE INDEX entry_hash ON entry (hash);
";
const INSERT: &str = "INSERT INTO entry VALUES (?1, ?2, ?3, ?4, randomblob(2048))";

fn main() {
    let rows: u64 = std::env::var("CERTDB_BENCH_ROWS").ok().and_then(|rows| rows.parse().ok()).unwrap_or(3000);
    let root = match std::env::var_os("CERTDB_BENCH") {
        Some(directory) => tempfile::tempdir_in(directory),
        None => tempfile::tempdir(),
    }
    .unwrap();
    println!("rows of 2 KiB with three indexes, one row a commit; {rows} rows a line, two rounds");
    for round in 0..2 {
        for clients in [1, 8, 32] {
            plain(&root.path().join(format!("plain-{round}-{clients}")), rows, clients);
            kept(&root.path().join(format!("kept-{round}-{clients}")), rows, clients);
        }
    }
    backup_and_replay(&root.path().join("backup"), rows * 10);
}

/// SQLite alone: WAL, `synchronous=FULL`; clients take turns with one connection, and nothing groups their commits.
fn plain(directory: &Path, rows: u64, clients: u64) {
    std::fs::create_dir(directory).unwrap();
    let connection = Connection::open(directory.join("plain.db")).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;").unwrap();
    connection.execute_batch(SCHEMA).unwrap();
    let connection = Arc::new(Mutex::new(connection));
    measure("plain SQLite", rows, clients, move |id| {
        let connection = connection.lock().unwrap();
        let mut statement = connection.prepare_cached(INSERT).unwrap();
        statement.execute(values(id)).unwrap();
    });
}

fn kept(directory: &Path, rows: u64, clients: u64) {
    let database = create(directory);
    let writer = database.clone();
    measure("certdb", rows, clients, move |id| insert(&writer, id, 1));
    database.close().unwrap();
}

fn backup_and_replay(directory: &Path, rows: u64) {
    let database = create(directory);
    let started = Instant::now();
    for first in (0..rows).step_by(50) {
        insert(&database, first, 50);
    }
    println!("{rows} rows, 50 a commit: {:.0} rows/s", rate(rows, started.elapsed()));
    let out = directory.join("set");
    std::fs::create_dir(&out).unwrap();
    let mut session = database.begin_backup(Full).unwrap();
    let mut set = BackupSet::default();
    for path in session.databases() {
        set.database = fetch(&mut session, &path, &out, "copy of the database, to a file");
    }
    for path in session.logs().unwrap() {
        set.logs.push(fetch(&mut session, &path, &out, ""));
    }
    session.end().unwrap();
    database.close().unwrap();

    // Everything from the first generation on, into an empty file.
    let mut logs: Vec<PathBuf> = std::fs::read_dir(directory.join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| certdb::Generation::of_path(path).is_some())
        .collect();
    logs.sort();
    let bytes: u64 = logs.iter().map(|path| path.metadata().unwrap().len()).sum();
    let started = Instant::now();
    verify_chain(&logs, &mut |_| {}).unwrap();
    println!("verify {} MB in {} logs: {:.0} MB/s", bytes / 1_000_000, logs.len(), megabytes(bytes, started.elapsed()));
    let empty = directory.join("empty");
    File::create(&empty).unwrap();
    let request = RecoverRequest {
        set: BackupSet { database: empty, logs },
        target: directory.join("restored.db"),
        ..RecoverRequest::default()
    };
    let started = Instant::now();
    let recovered = certdb::set::recover(&request, &mut |_| {}).unwrap();
    println!(
        "verify, replay and check {} page images into {} MB: {:.0} MB/s of logs",
        recovered.images,
        u64::from(recovered.pages) * 4096 / 1_000_000,
        megabytes(bytes, started.elapsed())
    );
}

fn create(directory: &Path) -> Database {
    let options = Options { log_directory: directory.join("log"), ..Options::default() };
    Database::create(&directory.join("data"), &options, SCHEMA).unwrap()
}

fn insert(database: &Database, first: u64, count: u64) {
    database
        .write(move |transaction| {
            let mut statement = transaction.prepare_cached(INSERT)?;
            (first..first + count).try_for_each(|id| statement.execute(values(id)).map(drop))
        })
        .unwrap();
}

fn values(id: u64) -> (i64, String, String, String) {
    let mixed = id.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (id.cast_signed(), format!("{mixed:032x}"), format!("EXAMPLE\\user{:05}", mixed % 5000), format!("{:040x}", !mixed))
}

fn measure(what: &str, rows: u64, clients: u64, write: impl Fn(u64) + Send + Sync + 'static) {
    let (write, next) = (Arc::new(write), Arc::new(AtomicU64::new(0)));
    let started = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let (write, next) = (Arc::clone(&write), Arc::clone(&next));
            std::thread::spawn(move || {
                let mut latencies = Vec::new();
                loop {
                    let id = next.fetch_add(1, Ordering::Relaxed);
                    if id >= rows {
                        return latencies;
                    }
                    let begun = Instant::now();
                    write(id);
                    latencies.push(begun.elapsed());
                }
            })
        })
        .collect();
    let mut latencies: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    let elapsed = started.elapsed();
    latencies.sort();
    let at = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{what:>12}, {clients:>2} clients: {:>6.0} rows/s, p50 {:.2} ms, p99 {:.2} ms",
        rate(rows, elapsed),
        at(50),
        at(99)
    );
}

fn fetch(session: &mut BackupSession, path: &Path, into: &Path, what: &str) -> PathBuf {
    let target = into.join(path.file_name().unwrap());
    let mut file = File::create(&target).unwrap();
    let size = session.open(path).unwrap();
    let mut buffer = vec![0; 1024 * 1024];
    let (mut reading, started) = (Duration::ZERO, Instant::now());
    loop {
        let begun = Instant::now();
        let count = session.read(&mut buffer).unwrap();
        reading += begun.elapsed();
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).unwrap();
    }
    if !what.is_empty() {
        let (read, all) = (megabytes(size, reading), megabytes(size, started.elapsed()));
        println!("{what}: {} MB, reading {read:.0} MB/s, with writing {all:.0} MB/s", size / 1_000_000);
    }
    session.close_file().unwrap();
    target
}

fn rate(count: u64, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

fn megabytes(bytes: u64, elapsed: Duration) -> f64 {
    rate(bytes, elapsed) / 1e6
}
