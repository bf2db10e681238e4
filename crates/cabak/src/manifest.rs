//! `cabak.json`: what a set contains, when and from whom it was taken, and what it lacks. See
//! `docs/formats/manifest.md`.
//!
//! The manifest carries a seal, the SHA-256 of its own canonical form, so that damage to it is noticed like damage to
//! any other file. The seal is no signature: who can write the set can write a new seal.

mod canonical;
mod path;

pub use path::{Directory, PathError, SetPath};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The file name of the manifest inside a set.
pub const FILE_NAME: &str = "cabak.json";

/// The version that this program writes.
pub const VERSION: u32 = 1;

/// Manifests larger than this are refused before they are read.
pub const SIZE_LIMIT: u64 = 64 << 20;

const FORMAT: &str = "cabak-set";
const SEAL: &str = "seal";

/// One backup set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Always `cabak-set`.
    pub format: String,
    /// Layout version of this manifest.
    pub version: u32,
    /// When the backup was started: RFC 3339, UTC.
    pub started: String,
    /// When everything in the set had been verified: RFC 3339, UTC.
    pub finished: String,
    /// Who took the backup.
    pub taken_by: TakenBy,
    /// Whose backup this is.
    pub authority: Authority,
    /// Full or incremental.
    pub kind: Kind,
    /// The set that this one continues; `None` in a full backup.
    pub based_on: Option<String>,
    /// What the database is made of.
    pub database_format: DatabaseFormat,
    /// The log generations in the set; `None` when it has none.
    pub logs: Option<LogRange>,
    /// Every file of the set but this one.
    pub files: Vec<File>,
    /// The dynamic files that the server named, whether or not they are in the set.
    pub dynamic: Vec<Dynamic>,
    /// What a complete CA backup has and this set has not.
    pub missing: Vec<Missing>,
    /// What was proved about the set before it was published.
    pub verification: Verification,
    /// Set once the server has deleted the logs that this set contains.
    pub truncated: Option<Truncated>,
}

/// The program and the account that took a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBy {
    /// `cabak` and its version.
    pub program: String,
    /// The account on the server, `DOMAIN\name`.
    pub account: String,
}

/// The certification authority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authority {
    /// The machine, as the operator named it.
    pub host: String,
    /// Common name of the CA, as the server reports it.
    pub name: String,
    /// Its sanitized name, as the server reports it; file names derive from it.
    pub sanitized_name: Option<String>,
    /// Version text of the server.
    pub server_version: Option<String>,
}

/// The kind of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Database and logs.
    Full,
    /// Logs since the previous backup.
    Incremental,
}

impl Kind {
    /// The word for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Full => "full",
            Kind::Incremental => "incremental",
        }
    }

    /// The word with its indefinite article.
    #[must_use]
    pub fn with_article(self) -> &'static str {
        match self {
            Kind::Full => "a full",
            Kind::Incremental => "an incremental",
        }
    }
}

/// What the database file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseFormat {
    /// SQLite with numbered log generations, as certsrvd writes it; this program can replay it.
    Certdb,
    /// Extensible Storage Engine, as Windows writes it; stored and hashed, not replayed.
    Ese,
    /// Neither; stored and hashed, not replayed.
    Unknown,
}

impl DatabaseFormat {
    /// Bytes that [`DatabaseFormat::detect`] wants to see.
    pub const PROBE: usize = 16;

    /// Looks at the first bytes of a database file.
    #[must_use]
    pub fn detect(head: &[u8]) -> Self {
        // A copy by certdb ends with a page of its own; before the first checkpoint that page is all there is.
        if head.starts_with(b"SQLite format 3\0") || head.starts_with(b"CERTCPY\0") {
            return DatabaseFormat::Certdb;
        }
        // The header of an ESE database: checksum at 0, magic 0x89ABCDEF little-endian at 4.
        if head.get(4..8) == Some([0xEF, 0xCD, 0xAB, 0x89].as_slice()) {
            return DatabaseFormat::Ese;
        }
        DatabaseFormat::Unknown
    }

    /// The words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DatabaseFormat::Certdb => "certdb",
            DatabaseFormat::Ese => "ESE (Windows)",
            DatabaseFormat::Unknown => "unknown",
        }
    }
}

/// Consecutive log generations, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogRange {
    /// Lowest generation in the set.
    pub first: u32,
    /// Highest generation in the set.
    pub last: u32,
}

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Where it is in the set.
    pub path: SetPath,
    /// What the file is for.
    pub role: Role,
    /// Bytes.
    pub size: u64,
    /// SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// The name by which the server offered it, if it came from a server's list.
    pub source: Option<String>,
}

/// What a file of a set is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The database.
    Database,
    /// One log generation.
    Log,
    /// `certbkxp.dat`: the database locations at backup time, from which a restore makes its map.
    RestoreMap,
    /// A dynamic file.
    Dynamic,
    /// A CA certificate, DER.
    CaCertificate,
    /// A base CRL, DER.
    Crl,
}

/// A file that the server names but does not hand out; CRL files and the like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dynamic {
    /// The name that the server gave.
    pub source: String,
    /// Where it is in the set; `None` when it is not included.
    pub path: Option<SetPath>,
    /// Why it is not included.
    pub reason: Option<String>,
}

/// Something that a complete backup of a CA has and that the protocol does not hand out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// What is missing.
    pub item: String,
    /// How to get it.
    pub how: String,
}

/// What was proved about a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// How deep it went.
    pub level: Level,
    /// When: RFC 3339, UTC.
    pub at: Option<String>,
}

/// How deep a verification went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Not verified beyond what was hashed while it came in.
    None,
    /// Every byte was read back from the medium and has the hash it had on arrival.
    Hashes,
    /// Also: the database was recovered from the set in a scratch directory, and its integrity check passed.
    Replayed,
}

impl Level {
    /// The words for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Level::None => "not verified",
            Level::Hashes => "hashes only",
            Level::Replayed => "replayed",
        }
    }
}

/// The truncation of the server's logs after this set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// When the server confirmed it: RFC 3339, UTC.
    pub at: String,
}

/// Why a manifest cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Damaged: not JSON, or not of this shape.
    #[error("the manifest cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// Some other JSON file.
    #[error("this is no manifest of a backup set")]
    Foreign,
    /// Written by a newer program.
    #[error("the manifest has version {version}, this program reads up to {VERSION}")]
    TooNew {
        /// What it says.
        version: u64,
    },
    /// Damaged: it does not fit its seal.
    #[error("the manifest is damaged: its seal is {stored}, its content gives {computed}")]
    Seal {
        /// The seal in the file.
        stored: String,
        /// What it should be.
        computed: String,
    },
}

impl Manifest {
    /// The values of `format` and `version` that this program writes.
    #[must_use]
    pub fn header() -> (String, u32) {
        (FORMAT.to_owned(), VERSION)
    }

    /// The bytes of `cabak.json`, sealed.
    ///
    /// # Errors
    /// Never in practice; serde reports errors.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ManifestError> {
        #[derive(Serialize)]
        struct Sealed<'a> {
            #[serde(flatten)]
            manifest: &'a Manifest,
            seal: String,
        }
        let value = serde_json::to_value(self).map_err(ManifestError::Malformed)?;
        let sealed = Sealed { manifest: self, seal: seal_of(&value) };
        let mut bytes = serde_json::to_vec_pretty(&sealed).map_err(ManifestError::Malformed)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads `cabak.json` and checks its seal.
    ///
    /// # Errors
    /// Damaged, foreign or too new; see [`ManifestError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
        let mut value: Value = serde_json::from_slice(bytes).map_err(ManifestError::Malformed)?;
        let Value::Object(members) = &mut value else { return Err(ManifestError::Foreign) };
        let seal = members.remove(SEAL);
        if members.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(ManifestError::Foreign);
        }
        let version = members.get("version").and_then(Value::as_u64).unwrap_or_default();
        if version > u64::from(VERSION) {
            return Err(ManifestError::TooNew { version });
        }
        let computed = seal_of(&value);
        match seal {
            Some(Value::String(stored)) if stored == computed => {}
            other => {
                let stored = other.as_ref().and_then(Value::as_str).unwrap_or("absent").to_owned();
                return Err(ManifestError::Seal { stored, computed });
            }
        }
        serde_json::from_value(value).map_err(ManifestError::Malformed)
    }

    /// The files of one role, in the order of the manifest.
    pub fn files_of(&self, role: Role) -> impl Iterator<Item = &File> {
        self.files.iter().filter(move |file| file.role == role)
    }

    /// Bytes of all files together.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.files.iter().map(|file| file.size).fold(0, u64::saturating_add)
    }

    /// Whether another set belongs to the same CA. Names compare without case; the host may be written in several ways,
    /// so it does not count.
    #[must_use]
    pub fn same_authority(&self, name: &str) -> bool {
        self.authority.name.to_lowercase() == name.to_lowercase()
    }
}

fn seal_of(value: &Value) -> String {
    let mut hash = Sha256::new();
    hash.update(canonical::text(value).as_bytes());
    format!("sha256:{}", hex::encode(hash.finalize()))
}
