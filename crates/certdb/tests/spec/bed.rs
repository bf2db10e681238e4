//! A database with one table, and what the tests do with it again and again.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use certdb::set::{BackupSet, RecoverError, RecoverRequest, Recovered};
use certdb::{BackupKind, BackupSession, Database, Options, Status};
use rusqlite::{Connection, Transaction};
use tempfile::TempDir;

pub(crate) const SCHEMA: &str = "
    CREATE TABLE entry (id INTEGER PRIMARY KEY, label TEXT NOT NULL, content BLOB NOT NULL);
    CREATE INDEX entry_label ON entry (label);
";

/// A directory with a database in `data`, its logs in `log`.
pub(crate) struct Bed {
    pub(crate) root: TempDir,
    pub(crate) options: Options,
}

impl Bed {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Options)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut options = Options {
            log_directory: root.path().join("log"),
            generation_size: 64 * 1024,
            checkpoint_frames: 50,
            ..Options::default()
        };
        change(&mut options);
        Self { root, options }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root.path().join("data")
    }

    pub(crate) fn database_path(&self) -> PathBuf {
        self.data().join("ca.db")
    }

    pub(crate) fn wal_path(&self) -> PathBuf {
        self.data().join("ca.db-wal")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.options.log_directory.clone()
    }

    pub(crate) fn create(&self) -> Database {
        Database::create(&self.data(), &self.options, SCHEMA).unwrap()
    }

    pub(crate) fn open(&self) -> Database {
        Database::open(&self.data(), &self.options).unwrap()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }
}

/// Inserts rows, one commit each.
pub(crate) fn insert(database: &Database, ids: impl IntoIterator<Item = i64>) {
    for id in ids {
        database.write(move |transaction| insert_one(transaction, id)).unwrap();
    }
}

pub(crate) fn insert_one(transaction: &Transaction<'_>, id: i64) -> rusqlite::Result<usize> {
    transaction.execute("INSERT INTO entry VALUES (?1, ?2, ?3)", (id, label(id), content(id)))
}

pub(crate) fn label(id: i64) -> String {
    format!("{:016x}", id.wrapping_mul(0x9E37_79B9_7F4A_7C15_u64.cast_signed()))
}

pub(crate) fn content(id: i64) -> Vec<u8> {
    let byte = u8::try_from(id.rem_euclid(251)).unwrap();
    vec![byte; 200 + usize::from(byte) * 8]
}

/// The state after the work that follows the last acknowledgement: roll-over, checkpoint.
pub(crate) fn settled(database: &Database) -> Status {
    database.write(|_| Ok::<_, std::convert::Infallible>(())).unwrap();
    database.status()
}

/// Ids in the table, after a check of everything.
pub(crate) fn check(connection: &Connection) -> BTreeSet<i64> {
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(integrity, "ok");
    let mut statement = connection.prepare("SELECT id, label, content FROM entry").unwrap();
    statement
        .query_map([], |row| {
            let id: i64 = row.get(0)?;
            assert_eq!(row.get::<_, String>(1)?, label(id));
            assert_eq!(row.get::<_, Vec<u8>>(2)?, content(id));
            Ok(id)
        })
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Ids in a live database.
pub(crate) fn rows(database: &Database) -> BTreeSet<i64> {
    database.read(|connection| Ok::<_, std::convert::Infallible>(check(connection))).unwrap()
}

/// Ids in a database file at rest.
pub(crate) fn rows_of(path: &Path) -> BTreeSet<i64> {
    check(&Connection::open(path).unwrap())
}

/// Copies an open session's file.
pub(crate) fn fetch(session: &mut BackupSession, path: &Path, into: &Path) -> PathBuf {
    fs::create_dir_all(into).unwrap();
    let target = into.join(path.file_name().unwrap());
    let mut file = File::create(&target).unwrap();
    let size = session.open(path).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    let mut total = 0;
    loop {
        let count = session.read(&mut buffer).unwrap();
        if count == 0 {
            break;
        }
        file.write_all(&buffer[..count]).unwrap();
        total += count as u64;
    }
    assert_eq!(total, size);
    assert!(session.close_file().unwrap());
    target
}

/// A whole backup; the copies in `into`.
pub(crate) fn backup(
    database: &Database,
    kind: BackupKind,
    into: &Path,
    truncate: bool,
) -> (Option<PathBuf>, Vec<PathBuf>) {
    let mut session = database.begin_backup(kind).unwrap();
    let copy = session.databases().first().map(|path| fetch(&mut session, path, into));
    let logs = session.logs().unwrap().iter().map(|path| fetch(&mut session, path, into)).collect();
    if truncate {
        session.truncate().unwrap();
    }
    session.end().unwrap();
    (copy, logs)
}

/// A request for everything in a set.
pub(crate) fn request(copy: &Path, logs: &[PathBuf], target: PathBuf) -> RecoverRequest {
    RecoverRequest {
        set: BackupSet { database: copy.to_owned(), logs: logs.to_vec() },
        target,
        ..RecoverRequest::default()
    }
}

pub(crate) fn recover(request: &RecoverRequest) -> Result<Recovered, RecoverError> {
    certdb::set::recover(request, &mut |_| {})
}
