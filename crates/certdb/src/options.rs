//! What the owner of a database chooses.

use std::path::PathBuf;
use std::time::Duration;

/// Options of a database; [`Options::default`] suits a certification authority but for the two names.
#[derive(Clone, Debug)]
pub struct Options {
    /// File name of the database in its directory.
    pub database_name: String,
    /// Directory of the logs; best on another disk than the database.
    pub log_directory: PathBuf,
    /// A generation is closed once it has this many bytes; transactions are never split, so it can be longer. Default 4 MiB.
    pub generation_size: u64,
    /// Delete closed generations as soon as the checkpoint has passed them. Incremental backups are refused. Default off.
    pub circular: bool,
    /// Page images between two checkpoints. Default 1000.
    pub checkpoint_frames: u32,
    /// How long one [`crate::Database::read`] may take before it is interrupted. Default 30 s.
    pub read_limit: Duration,
    /// How many writes may share one commit; 1 turns group commit off. Default 256.
    pub group_commit: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            database_name: "ca.db".to_owned(),
            log_directory: PathBuf::from("log"),
            generation_size: 4 * 1024 * 1024,
            circular: false,
            checkpoint_frames: 1000,
            read_limit: Duration::from_secs(30),
            group_commit: 256,
        }
    }
}
