//! Databases from the inside: making one large, and counting what a set restores to.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use certdb::rusqlite::{Connection, OpenFlags};
use certdb::set::{BackupSet, RecoverRequest};
use certdb::{Database, Options};

use crate::scene::Scene;

/// Bytes of each request that [`fill`] adds.
const BLOB: usize = 32 * 1024;
/// Requests in one transaction of [`fill`].
const BATCH: u64 = 64;

/// Adds denied requests to the stopped CA's database until it has about `mebibytes`. Their bytes do not compress.
pub(crate) fn fill(scene: &Scene, mebibytes: u64) -> Result<()> {
    let file = scene.database()?;
    let name = file.file_name().and_then(|name| name.to_str()).context("the database's name")?;
    let options =
        Options { database_name: name.to_owned(), log_directory: scene.logs(), circular: true, ..Options::default() };
    let database = Database::open(file.parent().context("the database's directory")?, &options)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let batches = (mebibytes << 20).div_ceil(BLOB as u64 * BATCH);
    for _ in 0..batches {
        let seed = state;
        state = state.wrapping_add(BATCH.wrapping_mul(0x0123_4567_89ab_cdef));
        database
            .write(move |transaction| {
                let mut insert =
                    transaction.prepare_cached("INSERT INTO Requests (RawRequest, Disposition) VALUES (?1, 31)")?;
                for number in 0..BATCH {
                    insert.execute([noise(seed.wrapping_add(number))])?;
                }
                Ok::<_, certdb::rusqlite::Error>(())
            })
            .map_err(|error| anyhow!("filling the database: {error}"))?;
    }
    database.close()?;
    Ok(())
}

/// Recovers the set in `folder` (a database and its logs) and returns how many certificates it holds.
pub(crate) fn recover_and_count(folder: &Path) -> Result<i64> {
    let scratch = tempfile::tempdir()?;
    let recovered = scratch.path().join("recovered.db");
    let mut set = BackupSet::default();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("log") => set.logs.push(path),
            Some("db") => set.database = path,
            _ => {}
        }
    }
    let request = RecoverRequest { set, target: recovered.clone(), ..RecoverRequest::default() };
    certdb::set::recover(&request, &mut |_| ())?;
    let connection = Connection::open_with_flags(&recovered, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let count =
        connection
            .query_row("SELECT count(*) FROM Certificates WHERE RawCertificate IS NOT NULL", [], |row| row.get(0))?;
    fs::remove_file(&recovered)?;
    Ok(count)
}

/// A block that does not compress, from a number (SplitMix64).
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(BLOB);
    while bytes.len() < BLOB {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes
}
