//! Restoring into a certsrvd on this machine: `CertSrvRestorePrepareW` to `CertSrvRestoreEnd`.
//!
//! Nothing of a restore goes over the wire, \[MS-CSRA\] has no methods for it: the caller copies files, and these
//! functions leave word for the server, which acts on it when it starts.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use csra::Hresult;
use csra::restore::{Instruction, InstructionError, RESTORE_INSTRUCTION_FILE};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

pub use csra::restore::{MapEntry, Registration, State as RestoreState, Until as RestoreUntil};

use crate::error::Error;
use crate::platform::{HAS_CERTSRVD, like_owner, private_file, sync_directory};

/// The file that a serving certsrvd holds a lock on.
const LOCK_FILE: &str = "certsrvd.lock";

/// One of these is in every data directory of a certsrvd.
const MARKS: [&str; 3] = ["certsrvd.toml", "ca.crt", LOCK_FILE];

/// A restore session on the data directory of a stopped certsrvd.
///
/// The session holds the server's own lock, so that neither the server nor a second restore can start before it ends.
/// Dropping it leaves what was registered as it is: a registered restore that was not completed keeps the server from
/// starting.
#[derive(Debug)]
pub struct RestoreSession {
    data_directory: PathBuf,
    instruction: Instruction,
    _lock: File,
}

impl RestoreSession {
    /// Whether there can be a certsrvd on this machine at all; [`prepare`](Self::prepare) asks that first.
    ///
    /// # Errors
    /// [`Error::NoCertsrvdHere`] on Windows.
    pub fn check_system() -> Result<(), Error> {
        if HAS_CERTSRVD { Ok(()) } else { Err(Error::NoCertsrvdHere) }
    }

    /// Takes the server's lock and reads the instruction of an earlier session (`CertSrvRestorePrepareW` with
    /// `CSRESTORE_TYPE_FULL`).
    ///
    /// # Errors
    /// [`Error::ServerRunning`], [`Error::NotADataDirectory`], [`Error::Instruction`] when an instruction is there that
    /// this version cannot read, [`Error::Io`]; on Windows [`Error::NoCertsrvdHere`], always.
    pub fn prepare(data_directory: &Path) -> Result<Self, Error> {
        Self::check_system()?;
        Self::check_data_directory(data_directory)?;
        let lock = lock(data_directory)?;
        let path = data_directory.join(RESTORE_INSTRUCTION_FILE);
        let instruction = match read(&path).map_err(|source| Error::Io { action: "read", path, source })? {
            Some(bytes) => Instruction::from_json(&bytes).map_err(|error| broken_rule(data_directory, &error))?,
            None => Instruction::new(now()),
        };
        Ok(RestoreSession { data_directory: data_directory.to_owned(), instruction, _lock: lock })
    }

    /// Whether this is the data directory of a certsrvd; looks and takes no lock.
    ///
    /// # Errors
    /// [`Error::NotADataDirectory`].
    pub fn check_data_directory(path: &Path) -> Result<(), Error> {
        match MARKS.iter().any(|mark| path.join(mark).exists()) {
            true => Ok(()),
            false => Err(Error::NotADataDirectory { path: path.to_owned() }),
        }
    }

    /// What has been registered so far, by this session and by earlier ones that the server has not acted on.
    #[must_use]
    pub fn registrations(&self) -> &[Registration] {
        self.instruction.registrations()
    }

    /// Forgets what earlier sessions registered. The file keeps saying it until the next [`register`](Self::register),
    /// so that the server does not start in between.
    pub fn start_over(&mut self) {
        self.instruction = Instruction::new(now());
    }

    /// Where the replay is to stop; to its end, if not. Written with the next registration.
    pub fn set_until(&mut self, until: Option<RestoreUntil>) {
        self.instruction.set_until(until);
    }

    /// Announces files that are about to be copied (`CertSrvRestoreRegisterW`): the full backup first, then incremental
    /// ones. The server does not start before [`register_complete`](Self::register_complete).
    ///
    /// # Errors
    /// [`Error::Instruction`] when another registration is not complete, or this one does not fit; [`Error::Io`].
    pub fn register(&mut self, registration: Registration) -> Result<(), Error> {
        self.change(|instruction| instruction.register(registration))
    }

    /// Says that the files are in place, or with which code copying them failed (`CertSrvRestoreRegisterComplete`).
    ///
    /// # Errors
    /// [`Error::Instruction`] when nothing is registered; [`Error::Io`].
    pub fn register_complete(&mut self, result: Result<(), Hresult>) -> Result<(), Error> {
        self.change(|instruction| instruction.complete(result))
    }

    /// Ends the session (`CertSrvRestoreEnd`) and lets the server start.
    pub fn end(self) {
        drop(self);
    }

    fn change(&mut self, change: impl FnOnce(&mut Instruction) -> Result<(), InstructionError>) -> Result<(), Error> {
        let rule = |error| broken_rule(&self.data_directory, &error);
        let mut instruction = self.instruction.clone();
        change(&mut instruction).map_err(rule)?;
        let bytes = instruction.to_json().map_err(rule)?;
        let path = self.data_directory.join(RESTORE_INSTRUCTION_FILE);
        write(&self.data_directory, &path, &bytes).map_err(|source| Error::Io { action: "write", path, source })?;
        self.instruction = instruction;
        Ok(())
    }
}

fn lock(data_directory: &Path) -> Result<File, Error> {
    let path = data_directory.join(LOCK_FILE);
    let file = match private_file().create(true).truncate(false).open(&path) {
        Ok(file) => file,
        Err(source) => return Err(Error::Io { action: "open", path, source }),
    };
    // Root prepares for the server's account, which must be able to open its own lock afterwards.
    if let Err(source) = like_owner(&path, data_directory) {
        return Err(Error::Io { action: "change the owner of", path, source });
    }
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::ServerRunning { data_directory: data_directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(Error::Io { action: "lock", path, source }),
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    // One byte more than allowed, so that too much is seen as such.
    file.take(csra::limits::RESTORE_INSTRUCTION as u64 + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// In one step: a new file, synced, renamed over the old one, directory synced.
fn write(directory: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".restore-").tempfile_in(directory)?;
    file.write_all(bytes)?;
    like_owner(file.path(), directory)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    sync_directory(directory)
}

fn broken_rule(data_directory: &Path, error: &InstructionError) -> Error {
    Error::Instruction { data_directory: data_directory.to_owned(), reason: error.to_string() }
}

fn now() -> String {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_nanosecond(0).unwrap_or(now);
    now.format(&Rfc3339).unwrap_or_default()
}
