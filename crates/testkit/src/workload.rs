//! A certificate database at work: the rows that the durability tests write, back up, recover and look for.
//!
//! Layout below one directory: `data/ca.db`, its logs in `data/log`, backup sets in `backup/<number>` (the database `ca.db`, of a full
//! one, and the logs); the same again below `recovered`. Row `id` has content that follows from `id`, so a row that is there but wrong is found
//! even where SQLite sees nothing amiss.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use certdb::set::{BackupSet, RecoverRequest, Until};
use certdb::{BackupKind, Database, Options};
use rusqlite::{Connection, Transaction};

use crate::random::Random;

/// Tables and indexes of the workload: a blob that spills to overflow pages, and an index in random order.
pub const SCHEMA: &str = "
    CREATE TABLE entries (id INTEGER PRIMARY KEY, label TEXT NOT NULL, content BLOB NOT NULL);
    CREATE INDEX entries_by_label ON entries (label);
    CREATE TABLE scratch (filler BLOB NOT NULL);
";

/// Where things are below the directory of a workload.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The directory.
    pub root: PathBuf,
}

impl Layout {
    /// The layout below `root`.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Directory of the live database.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.root.join("data")
    }

    /// Directory of the live logs.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.root.join("data/log")
    }

    /// Directory of backup set `number`.
    #[must_use]
    pub fn backup(&self, number: usize) -> PathBuf {
        self.root.join(format!("backup/{number}"))
    }

    /// Numbers of the backup sets that are there, in order.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn backups(&self) -> io::Result<Vec<usize>> {
        let entries = fs::read_dir(self.root.join("backup"))?.collect::<io::Result<Vec<_>>>()?;
        let mut numbers: Vec<usize> =
            entries.iter().filter_map(|entry| entry.file_name().to_str().and_then(|name| name.parse().ok())).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// A database recovered beside the live one: its data and its logs.
    #[must_use]
    pub fn recovered(&self) -> Self {
        Self { root: self.root.join("recovered") }
    }

    /// Options with small generations, so that a short workload rolls and checkpoints often.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            database_name: DATABASE_NAME.to_owned(),
            log_directory: self.log(),
            generation_size: 96 * 1024,
            checkpoint_frames: 40,
            read_limit: Duration::from_secs(30),
            ..Options::default()
        }
    }
}

/// File name of the database.
pub const DATABASE_NAME: &str = "ca.db";

/// Inserts row `id`.
///
/// # Errors
/// What SQLite says.
pub fn insert(transaction: &Transaction<'_>, id: u64) -> rusqlite::Result<()> {
    let (label, content) = row(id);
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    transaction.execute("INSERT INTO entries (id, label, content) VALUES (?1, ?2, ?3)", (id, label, content))?;
    // Pages that come and go: the file grows and has free pages to use again.
    transaction.execute("INSERT INTO scratch (filler) VALUES (randomblob(2000))", [])?;
    if id % 16 == 0 {
        transaction.execute("DELETE FROM scratch", [])?;
    }
    Ok(())
}

/// Checks a database: integrity, the content of every row, and the answer of the index.
///
/// # Errors
/// When anything is wrong; otherwise the ids that are there.
pub fn check(connection: &Connection) -> Result<BTreeSet<u64>> {
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
    ensure!(integrity == "ok", "integrity_check: {integrity}");
    let mut ids = BTreeSet::new();
    let mut statement = connection.prepare("SELECT id, label, content FROM entries ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(found) = rows.next()? {
        let id = u64::try_from(found.get::<_, i64>(0)?)?;
        let (label, content) = row(id);
        ensure!(found.get::<_, String>(1)? == label, "row {id} has a wrong label");
        ensure!(found.get::<_, Vec<u8>>(2)? == content, "row {id} has wrong content");
        ids.insert(id);
    }
    Ok(ids)
}

/// Label and content that row `id` must have.
#[must_use]
pub fn row(id: u64) -> (String, Vec<u8>) {
    let mut random = Random::new(id ^ 0x5EED_0000_0000_0000);
    let label = format!("{:016x}", random.next_u64());
    // Most rows are as long as a small certificate; one in sixteen spills over several pages.
    let length = if random.below(16) == 0 { 9000 } else { 300 + random.below(900) };
    let mut content = vec![0; length];
    random.fill(&mut content);
    (label, content)
}

/// Opens the database, or makes it where there is none.
///
/// # Errors
/// What certdb says.
pub fn open_or_create(layout: &Layout) -> Result<Database> {
    if layout.data().join(DATABASE_NAME).exists() {
        Database::open(&layout.data(), &layout.options()).context("open")
    } else {
        Database::create(&layout.data(), &layout.options(), SCHEMA).context("create")
    }
}

/// Writes a row, durably when it returns.
///
/// # Errors
/// What certdb says.
pub fn write(database: &Database, id: u64) -> Result<()> {
    database.write(move |transaction| insert(transaction, id)).with_context(|| format!("row {id}"))
}

/// Backs up into a fresh directory, durably, names included, and truncates the logs after it: what a backup application does.
/// Tells `backup` when the set is durable, and `truncated`.
///
/// # Errors
/// What certdb says, and when the directory cannot be written.
pub fn back_up(
    database: &Database,
    kind: BackupKind,
    directory: &Path,
    mut tell: impl FnMut(&str) -> Result<()>,
) -> Result<()> {
    fs::create_dir_all(directory)?;
    let mut session = database.begin_backup(kind).context("begin")?;
    if kind == BackupKind::Full {
        for file in session.databases() {
            copy(&mut session, &file, directory)?;
        }
    }
    for file in session.logs().context("logs")? {
        copy(&mut session, &file, directory)?;
    }
    sync_up(directory)?;
    tell("backup")?;
    session.truncate().context("truncate")?;
    tell("truncated")?;
    session.end().context("end")?;
    Ok(())
}

/// Rolls backup sets forward, with the logs of the live log directory behind them, into `target`.
///
/// # Errors
/// What certdb says.
pub fn recover(layout: &Layout, backups: &[usize], salvage_wal: bool, target: &Path) -> Result<()> {
    // By name: a set that was complete, but interrupted before its end, shares generations with the next one.
    let mut logs = BTreeMap::new();
    for number in backups {
        for entry in fs::read_dir(layout.backup(*number))? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "log") {
                logs.insert(path.file_name().map(ToOwned::to_owned), path);
            }
        }
    }
    let first = backups.first().context("no backup to start from")?;
    let request = RecoverRequest {
        set: BackupSet { database: layout.backup(*first).join(DATABASE_NAME), logs: logs.into_values().collect() },
        later_logs: Some(layout.log()),
        salvage_wal: salvage_wal.then(|| layout.data().join(format!("{DATABASE_NAME}-wal"))),
        target: target.join(DATABASE_NAME),
        until: Until::End,
        raw_copy: false,
    };
    fs::create_dir_all(target)?;
    sync_up(target)?;
    certdb::set::recover(&request, &mut |_| {}).context("recover")?;
    Ok(())
}

fn copy(session: &mut certdb::BackupSession, source: &Path, directory: &Path) -> Result<()> {
    let name = source.file_name().context("a file without a name")?;
    let mut target = File::create(directory.join(name))?;
    let size = session.open(source).context("open in session")?;
    let mut buffer = vec![0; 8 * 1024];
    let mut copied = 0;
    loop {
        // At first slow enough for rows to be written, and pages to be checkpointed, between the blocks of one copy.
        if copied < 512 * 1024 {
            thread::sleep(Duration::from_millis(1));
        }
        let length = session.read(&mut buffer).context("read in session")?;
        if length == 0 {
            break;
        }
        target.write_all(&buffer[..length])?;
        copied += length as u64;
    }
    ensure!(copied == size, "{}: {copied} bytes of {size}", source.display());
    session.close_file().context("close in session")?;
    target.sync_all()?;
    Ok(())
}

/// Makes the names of a directory and of those above it durable.
fn sync_up(directory: &Path) -> io::Result<()> {
    for directory in directory.ancestors().take(4) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}
