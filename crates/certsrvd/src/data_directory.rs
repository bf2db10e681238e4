//! Where the files of a certification authority lie.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The data directory of one certification authority. Every file name of the layout is written here and nowhere else.
///
/// | name | content | mode |
/// |---|---|---|
/// | `certsrvd.toml` | configuration | 0640 |
/// | `accounts.toml` | accounts, NT hashes, roles | 0600 |
/// | `key.pem` | the CA's key, encrypted PKCS#8 | 0600 |
/// | `ca.crt` | the CA's certificate, PEM | 0644 |
/// | `certsrvd.lock` | locked while somebody uses the directory | 0600 |
/// | `control.sock` | control socket while the server runs | 0600 |
/// | `restore.json` | a registered restore | 0600 |
/// | `audit.jsonl` | audit log | 0600 |
/// | `configuration.applied` | configuration of the last start, to audit changes | 0600 |
/// | `init-incomplete` | an `init` that has not finished | 0600 |
/// | `crl/` | published CRLs | 0755 |
/// | `database/` | the database | 0700 |
#[derive(Clone, Debug)]
pub struct DataDirectory {
    root: PathBuf,
}

impl DataDirectory {
    /// The layout below `root`; nothing is created.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Takes the exclusive lock of the directory, which lasts until the file is dropped.
    ///
    /// # Errors
    /// [`LockError::Held`] when another process has it.
    pub fn lock(&self) -> Result<File, LockError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.lock_file())?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(LockError::Held { path: self.lock_file() }),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `certsrvd.toml`
    pub fn configuration(&self) -> PathBuf {
        self.root.join("certsrvd.toml")
    }

    /// `accounts.toml`
    pub fn accounts(&self) -> PathBuf {
        self.root.join("accounts.toml")
    }

    /// `key.pem`
    pub fn key(&self) -> PathBuf {
        self.root.join("key.pem")
    }

    /// `ca.crt`
    pub fn certificate(&self) -> PathBuf {
        self.root.join("ca.crt")
    }

    /// `certsrvd.lock`
    pub fn lock_file(&self) -> PathBuf {
        self.root.join("certsrvd.lock")
    }

    /// `control.sock`
    pub fn control_socket(&self) -> PathBuf {
        self.root.join("control.sock")
    }

    /// `restore.json`
    pub fn restore_instruction(&self) -> PathBuf {
        self.root.join(csra::restore::RESTORE_INSTRUCTION_FILE)
    }

    /// `restore-recovered.json`
    pub fn recovered_instruction(&self) -> PathBuf {
        self.root.join("restore-recovered.json")
    }

    /// `audit.jsonl`
    pub fn audit(&self) -> PathBuf {
        self.root.join("audit.jsonl")
    }

    /// `configuration.applied`
    pub fn applied_configuration(&self) -> PathBuf {
        self.root.join("configuration.applied")
    }

    /// `init-incomplete`
    pub fn incomplete_marker(&self) -> PathBuf {
        self.root.join("init-incomplete")
    }

    /// `crl/`
    pub fn crls(&self) -> PathBuf {
        self.root.join("crl")
    }

    /// `database/`
    pub fn database(&self) -> PathBuf {
        self.root.join("database")
    }
}

/// Why the lock of a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process uses the directory.
    #[error("{path} is locked: another certsrvd or a restore uses this directory")]
    Held {
        /// The lock file.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot lock the data directory")]
    Io(#[from] io::Error),
}
