//! Where the passphrase of the CA's key comes from: a file, the environment, a systemd credential; never the command line.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

/// Name of the environment variable.
pub const ENVIRONMENT: &str = "CERTSRVD_PASSPHRASE";
/// Name of the systemd credential (`LoadCredential=ca-passphrase:...`).
pub const CREDENTIAL: &str = "ca-passphrase";

/// The places where a passphrase may be, in the order in which they are asked.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--passphrase-file`
    pub file: Option<PathBuf>,
    /// Value of [`ENVIRONMENT`].
    pub environment: Option<Zeroizing<String>>,
    /// Value of `CREDENTIALS_DIRECTORY`.
    pub credentials_directory: Option<OsString>,
}

impl Sources {
    /// Takes the variables from the environment of the process.
    pub fn from_environment(file: Option<PathBuf>) -> Self {
        Self {
            file,
            environment: std::env::var(ENVIRONMENT).ok().map(Zeroizing::new),
            credentials_directory: std::env::var_os("CREDENTIALS_DIRECTORY"),
        }
    }

    /// The passphrase. One line end at the end of a file is not part of it.
    ///
    /// # Errors
    /// [`PassphraseError::Missing`] when no source has one, [`PassphraseError::Empty`] when the first that exists is
    /// empty: a later source is not tried then, for that would hide a broken set-up.
    pub fn read(&self) -> Result<Zeroizing<String>, PassphraseError> {
        if let Some(file) = &self.file {
            return read_file(file, Secret::Passphrase);
        }
        if let Some(value) = &self.environment {
            let place = || format!("the environment variable {ENVIRONMENT}");
            return refuse_empty(value.clone(), Secret::Passphrase, place);
        }
        if let Some(directory) = &self.credentials_directory {
            let file = Path::new(directory).join(CREDENTIAL);
            if file.exists() {
                return read_file(&file, Secret::Passphrase);
            }
        }
        Err(PassphraseError::Missing)
    }
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// The passphrase of the CA's key.
    Passphrase,
    /// The password of an account.
    Password,
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase => "passphrase",
            Self::Password => "password",
        })
    }
}

/// Reads a secret from a file, without one line end at its end.
///
/// # Errors
/// As [`Sources::read`].
pub fn read_file(path: &Path, secret: Secret) -> Result<Zeroizing<String>, PassphraseError> {
    let text = fs::read_to_string(path).map(Zeroizing::new).map_err(|source| PassphraseError::Unreadable {
        secret,
        path: path.to_owned(),
        source,
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    let line = line.strip_suffix('\r').unwrap_or(line);
    refuse_empty(Zeroizing::new(line.to_owned()), secret, || format!("the file {}", path.display()))
}

fn refuse_empty(
    value: Zeroizing<String>,
    secret: Secret,
    place: impl FnOnce() -> String,
) -> Result<Zeroizing<String>, PassphraseError> {
    if value.is_empty() {
        return Err(PassphraseError::Empty { secret, place: place() });
    }
    Ok(value)
}

/// Why there is no passphrase.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PassphraseError {
    /// No source names one.
    #[error(
        "no passphrase for the CA's key: give --passphrase-file, {ENVIRONMENT} or the systemd credential {CREDENTIAL}"
    )]
    Missing,
    /// A source has an empty one.
    #[error("the {secret} in {place} is empty")]
    Empty {
        /// Which secret.
        secret: Secret,
        /// Which source.
        place: String,
    },
    /// The file cannot be read.
    #[error("cannot read the {secret} file {path}")]
    Unreadable {
        /// Which secret.
        secret: Secret,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
