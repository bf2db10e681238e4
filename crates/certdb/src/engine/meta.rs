//! What the database knows of itself: the table `certdb_meta`.

use rusqlite::{Connection, OptionalExtension, params};

use crate::{BackupRecord, FullReason, Generation, Signature, Timestamp};

/// Rows of the table `certdb_meta`. They are pages like all others: in the logs, in every copy, checked after a replay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) signature: Option<Signature>,
    pub(crate) last_full: Option<BackupRecord>,
    pub(crate) last_incremental: Option<BackupRecord>,
    /// Why the next backup has to be full, until it was made.
    pub(crate) full_required: Option<FullReason>,
    /// The first generation that may be used when the database is adopted.
    pub(crate) next_generation: Option<Generation>,
}

impl Meta {
    /// Reads the table; `None` when there is none.
    pub(crate) fn read(connection: &Connection) -> rusqlite::Result<Option<Self>> {
        let exists: bool = connection.query_row(
            "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'certdb_meta'",
            [],
            |row| row.get(0),
        )?;
        if !exists {
            return Ok(None);
        }
        let value = |key: &str| -> rusqlite::Result<Option<String>> {
            connection
                .query_row("SELECT value FROM main.certdb_meta WHERE key = ?1", [key], |row| row.get(0))
                .optional()
        };
        let signature = value("signature")?.and_then(|text| {
            let mut bytes = [0; 16];
            hex::decode_to_slice(text, &mut bytes).ok().map(|()| Signature(bytes))
        });
        Ok(Some(Self {
            signature,
            last_full: value("last_full")?.and_then(|text| parse(&text)),
            last_incremental: value("last_incremental")?.and_then(|text| parse(&text)),
            full_required: value("full_required")?.and_then(|text| match text.as_str() {
                RESTORED => Some(FullReason::Restored),
                ADOPTED => Some(FullReason::Adopted),
                _ => None,
            }),
            next_generation: value("next_generation")?.and_then(|text| text.parse().ok().map(Generation)),
        }))
    }

    /// Writes the table, which is created when it is missing.
    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS main.certdb_meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;",
        )?;
        let rows = [
            ("signature", self.signature.map(|signature| signature.to_string())),
            ("last_full", self.last_full.as_ref().map(format)),
            ("last_incremental", self.last_incremental.as_ref().map(format)),
            (
                "full_required",
                self.full_required.as_ref().and_then(|reason| match reason {
                    FullReason::Restored => Some(RESTORED.to_owned()),
                    FullReason::Adopted => Some(ADOPTED.to_owned()),
                    _ => None,
                }),
            ),
            ("next_generation", self.next_generation.map(|generation| generation.0.to_string())),
        ];
        for (key, value) in rows {
            match value {
                Some(value) => connection.execute(
                    "INSERT INTO main.certdb_meta (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    params![key, value],
                )?,
                None => connection.execute("DELETE FROM main.certdb_meta WHERE key = ?1", [key])?,
            };
        }
        Ok(())
    }
}

const RESTORED: &str = "restored";
const ADOPTED: &str = "adopted";

fn format(record: &BackupRecord) -> String {
    format!("{} {} {}", record.low.0, record.high.0, record.finished.0)
}

fn parse(text: &str) -> Option<BackupRecord> {
    let mut words = text.split(' ');
    let record = BackupRecord {
        low: Generation(words.next()?.parse().ok()?),
        high: Generation(words.next()?.parse().ok()?),
        finished: Timestamp(words.next()?.parse().ok()?),
    };
    words.next().is_none().then_some(record)
}
