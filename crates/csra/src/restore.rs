//! The restore instruction: what a client of the restore functions leaves for the server, which acts on it when it starts.
//!
//! The functions CertSrvRestoreRegister and CertSrvRestoreRegisterComplete copy nothing over the wire; they leave word on the
//! machine of the CA. Where Windows keeps it is not documented. Here it is a JSON file in the CA's data directory; its form is
//! described in `docs/formats/restore-instruction.md`.
//!
//! ```
//! use csra::restore::{Instruction, MapEntry, Registration};
//!
//! let mut instruction = Instruction::new("2026-03-01T12:00:00Z");
//! instruction.register(Registration {
//!     log_directory: Some("/var/lib/ca/log".into()),
//!     map: vec![MapEntry { old: "CA.db".into(), new: "CA.db".into() }],
//!     ..Registration::of_generations(1, 26)?
//! })?;
//! assert!(instruction.blocks_start());
//! instruction.complete(Ok(()))?;
//! assert!(instruction.is_ready());
//!
//! let bytes = instruction.to_json()?;
//! assert_eq!(Instruction::from_json(&bytes)?, instruction);
//! # Ok::<(), csra::restore::InstructionError>(())
//! ```

use dcom::Hresult;
use serde::{Deserialize, Serialize};

use crate::limits;

/// Name of the file in the CA's data directory.
pub const RESTORE_INSTRUCTION_FILE: &str = "restore.json";

/// What has been copied back, and is to be recovered at the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    created: String,
    // INVARIANT: the first maps databases and the others do not; all but the last are completed.
    registrations: Vec<Registration>,
    until: Option<Until>,
}

/// One call of CertSrvRestoreRegister: files that the caller copies before it calls CertSrvRestoreRegisterComplete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registration {
    /// Where the checkpoint goes, if not to where it was.
    pub checkpoint_directory: Option<String>,
    /// Where the logs go, if not to where they were.
    pub log_directory: Option<String>,
    /// Databases by their names at the time of the backup, and now. One for a full backup, none for an incremental one.
    pub map: Vec<MapEntry>,
    /// Where the restored logs are, if they are not in the log directory.
    pub backup_log_directory: Option<String>,
    /// Lowest restored log generation.
    pub generation_low: u32,
    /// Highest restored log generation.
    pub generation_high: u32,
    /// How far it got.
    pub state: State,
}

/// CSEDB_RSTMAP of certbcli.h: a database and its place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MapEntry {
    /// Its name when the backup was made.
    pub old: String,
    /// Its name from now on.
    pub new: String,
}

/// How far a registration got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Files are being copied.
    Registered,
    /// All files are there.
    Completed,
    /// Copying failed with this code; the files cannot be used.
    Failed(#[serde(with = "code")] Hresult),
}

/// Where the replay of the logs stops, if it is not to go to their end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// After this log generation.
    Generation(u32),
    /// After the last transaction before this moment, in the form of RFC 3339.
    Time(String),
}

impl Registration {
    /// Logs from `low` to `high`, which begin at 1. The other fields are empty.
    ///
    /// # Errors
    /// [`InstructionError::Generations`] when `low` is zero or above `high`.
    pub fn of_generations(low: u32, high: u32) -> Result<Self, InstructionError> {
        if low == 0 || low > high {
            return Err(InstructionError::Generations { low, high });
        }
        Ok(Self {
            checkpoint_directory: None,
            log_directory: None,
            map: Vec::new(),
            backup_log_directory: None,
            generation_low: low,
            generation_high: high,
            state: State::Registered,
        })
    }

    /// Whether it restores a full backup, database included.
    #[must_use]
    pub fn is_full(&self) -> bool {
        !self.map.is_empty()
    }
}

impl Instruction {
    /// The version of the form that this crate writes, and the only one that it reads.
    pub const VERSION: u32 = 1;

    /// An empty instruction. `created` is the time of writing in the form of RFC 3339; nothing depends on it.
    #[must_use]
    pub fn new(created: impl Into<String>) -> Self {
        Self { created: created.into(), registrations: Vec::new(), until: None }
    }

    /// Registers files that are about to be copied: the full backup first, then incremental ones in any order.
    ///
    /// A registration that failed is replaced by the next one. The state of the new one is [`State::Registered`], whatever
    /// it says.
    ///
    /// # Errors
    /// [`InstructionError::Incomplete`] while another is being copied, [`InstructionError::NotFull`] and
    /// [`InstructionError::SecondFull`] when the first is not full or another is,
    /// [`InstructionError::Generations`].
    pub fn register(&mut self, registration: Registration) -> Result<(), InstructionError> {
        let replaces = match self.registrations.last().map(|last| last.state) {
            Some(State::Registered) => return Err(InstructionError::Incomplete),
            Some(State::Failed(_)) => true,
            Some(State::Completed) | None => false,
        };
        let before = self.registrations.len() - usize::from(replaces);
        check_place(before, &registration)?;
        self.registrations.truncate(before);
        self.registrations.push(Registration { state: State::Registered, ..registration });
        Ok(())
    }

    /// The files of the last registration have been copied, or could not be.
    ///
    /// # Errors
    /// [`InstructionError::NothingRegistered`] when none is waiting for it.
    pub fn complete(&mut self, result: Result<(), Hresult>) -> Result<(), InstructionError> {
        match self.registrations.last_mut() {
            Some(last) if last.state == State::Registered => {
                last.state = match result {
                    Ok(()) => State::Completed,
                    Err(code) => State::Failed(code),
                };
                Ok(())
            }
            _ => Err(InstructionError::NothingRegistered),
        }
    }

    /// Says where the replay is to stop; to its end, if not.
    pub fn set_until(&mut self, until: Option<Until>) {
        self.until = until;
    }

    /// When it was written, in the form of RFC 3339.
    #[must_use]
    pub fn created(&self) -> &str {
        &self.created
    }

    /// What has been registered: the full backup first.
    #[must_use]
    pub fn registrations(&self) -> &[Registration] {
        &self.registrations
    }

    /// Where the replay is to stop.
    #[must_use]
    pub fn until(&self) -> Option<&Until> {
        self.until.as_ref()
    }

    /// Whether the server may act on it: something has been registered, and all of it has been copied.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.registrations.is_empty() && !self.blocks_start()
    }

    /// Whether the server must not start: files are being copied, or copying them failed.
    #[must_use]
    pub fn blocks_start(&self) -> bool {
        self.registrations.iter().any(|registration| registration.state != State::Completed)
    }

    /// The content of the file.
    ///
    /// # Errors
    /// [`InstructionError::Json`], which does not happen: every field has a form in JSON.
    pub fn to_json(&self) -> Result<Vec<u8>, InstructionError> {
        let document = Document {
            version: Self::VERSION,
            created: self.created.clone(),
            kind: Kind::Full,
            registrations: self.registrations.clone(),
            until: self.until.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&document)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads the content of the file.
    ///
    /// # Errors
    /// [`InstructionError`]: too large, not the JSON that [`to_json`](Self::to_json) writes, of another version, or not
    /// what registering one after the other could have made.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InstructionError> {
        if bytes.len() > limits::RESTORE_INSTRUCTION {
            return Err(InstructionError::TooLarge { size: bytes.len() });
        }
        // The version first: another one may have other fields.
        let Version { version } = serde_json::from_slice(bytes)?;
        if version != Self::VERSION {
            return Err(InstructionError::Version { found: version });
        }
        let document: Document = serde_json::from_slice(bytes)?;
        let mut instruction = Self::new(document.created);
        let last = document.registrations.len().saturating_sub(1);
        for (place, registration) in document.registrations.into_iter().enumerate() {
            let state = registration.state;
            if place < last && state != State::Completed {
                return Err(InstructionError::Incomplete);
            }
            instruction.register(registration)?;
            match state {
                State::Registered => {}
                State::Completed => instruction.complete(Ok(()))?,
                State::Failed(code) => instruction.complete(Err(code))?,
            }
        }
        instruction.until = document.until;
        Ok(instruction)
    }
}

/// The file as it is written; [`Instruction`] is what of it makes sense.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    created: String,
    kind: Kind,
    registrations: Vec<Registration>,
    until: Option<Until>,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

/// CSRESTORE_TYPE_FULL, the only documented kind of restore.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Full,
}

/// Whether `registration` may follow `before` completed ones.
fn check_place(before: usize, registration: &Registration) -> Result<(), InstructionError> {
    let (low, high) = (registration.generation_low, registration.generation_high);
    if low == 0 || low > high {
        return Err(InstructionError::Generations { low, high });
    }
    match (before, registration.is_full()) {
        (0, false) => Err(InstructionError::NotFull),
        (1.., true) => Err(InstructionError::SecondFull),
        _ => Ok(()),
    }
}

/// An HRESULT as `"0x80070057"`.
mod code {
    use dcom::Hresult;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(code: &Hresult, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&format!("0x{:08X}", code.0))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Hresult, D::Error> {
        let text = String::deserialize(from)?;
        text.strip_prefix("0x")
            .filter(|digits| digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .map(Hresult)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is not an HRESULT")))
    }
}

/// Why an instruction cannot be read, or changed in that way.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstructionError {
    /// A registration is waiting for its files.
    #[error("the last registration has not been completed")]
    Incomplete,
    /// The first registration is not that of a full backup.
    #[error("the full backup must be registered first")]
    NotFull,
    /// There is a full backup already.
    #[error("a full backup has been registered already")]
    SecondFull,
    /// No registration is waiting for completion.
    #[error("nothing has been registered that could be completed")]
    NothingRegistered,
    /// A range of log generations that is none.
    #[error("log generations {low} to {high}")]
    Generations {
        /// Lowest generation.
        low: u32,
        /// Highest generation.
        high: u32,
    },
    /// The file has another version.
    #[error("restore instruction of version {found}; this program reads version 1")]
    Version {
        /// What it says.
        found: u32,
    },
    /// The file is too large to be an instruction.
    #[error("restore instruction of {size} bytes")]
    TooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// The file is not JSON, or not of this form.
    #[error("malformed restore instruction")]
    Json(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<serde_json::Error> for InstructionError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(Box::new(error))
    }
}
