//! How this crate opens SQLite.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::durable::remove_if_present;
use crate::platform::SQLITE_VFS;

/// `application_id` in the header of a live database.
pub(crate) const APPLICATION: u32 = 0x4344_4221;

/// `application_id` of a database that was recovered and not yet adopted: it has no logs, and a write-ahead log beside it is stale.
pub(crate) const RESTORED: u32 = 0x4344_4252;

/// Opens a database that belongs to this process alone.
///
/// Nothing checkpoints by itself: frames must be in the logs before they reach the database file.
pub(crate) fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags_and_vfs(path, flags, SQLITE_VFS)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
    )?;
    Ok(connection)
}

/// What `PRAGMA wal_checkpoint` says: frames in the write-ahead log, and how many of them are in the database file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frames {
    pub(crate) log: u32,
    pub(crate) moved: u32,
}

/// Runs `PRAGMA wal_checkpoint` in this mode; `NOOP` only asks.
pub(crate) fn checkpoint(connection: &Connection, mode: &str) -> rusqlite::Result<Frames> {
    let mut statement = connection.prepare_cached(&format!("PRAGMA wal_checkpoint({mode})"))?;
    let (log, moved) = statement.query_row([], |row| Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?)))?;
    match (u32::try_from(log), u32::try_from(moved)) {
        (Ok(log), Ok(moved)) => Ok(Frames { log, moved }),
        _ => Err(rusqlite::Error::QueryReturnedNoRows),
    }
}

/// First complaint of `PRAGMA quick_check`; `None` when the database is sound.
pub(crate) fn quick_check(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let answer: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    Ok((answer != "ok").then_some(answer))
}

/// Path of a file beside the database: `-wal`, `-shm`, `-journal`, `.lock`.
pub(crate) fn side_file(database: &Path, suffix: &str) -> PathBuf {
    let mut name: OsString = database.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Removes what SQLite keeps beside a database file. The caller syncs the directory.
pub(crate) fn remove_side_files(database: &Path) -> io::Result<()> {
    for suffix in ["-wal", "-shm", "-journal"] {
        remove_if_present(&side_file(database, suffix))?;
    }
    Ok(())
}

/// Path of the lock file of a database.
pub(crate) fn lock_path(database: &Path) -> PathBuf {
    side_file(database, ".lock")
}
