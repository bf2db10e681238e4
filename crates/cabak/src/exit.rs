//! Exit codes, and the error that carries one together with the next thing to do.

use std::fmt;

use certadm::Hresult;

/// What libcertadm returns when it is not told as whom to call: ERROR_NO_SUCH_USER.
const NO_ACCOUNT: Hresult = Hresult::from_win32(1317);

/// What the process tells its caller; the numbers follow restic where restic has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Everything that was asked for is done.
    Success = 0,
    /// The command failed; nothing new is listed.
    Failure = 1,
    /// The command line cannot be carried out as it stands.
    Usage = 2,
    /// Something was done, though not all that was asked for: a set is stored and listed, but not truncated; rows are shown, and
    /// others are in logs that are missing or damaged.
    Incomplete = 3,
    /// `diff`: the sets differ. As diff(1) tells by another code than that of a failure; 1 is one here.
    Different = 4,
    /// There is no such directory, set or request.
    NotFound = 10,
    /// Another run works in the directory, or a server works on the data.
    Locked = 11,
    /// The server does not accept the account or its password.
    Authentication = 12,
    /// Preflight found something that makes a backup impossible.
    Refused = 20,
    /// A set is damaged, or does not restore.
    VerifyFailed = 21,
    /// The chain has no usable full backup.
    FullNeeded = 22,
    /// A set restores, though not to its end.
    RestorableInPart = 23,
    /// What was given is no backup.
    NotABackup = 24,
    /// Interrupted by a signal; the session on the server is ended.
    Interrupted = 130,
}

impl Exit {
    /// The number that the process exits with.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Short name for machine-readable output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Exit::Success => "success",
            Exit::Failure => "failure",
            Exit::Usage => "usage",
            Exit::Incomplete => "incomplete",
            Exit::Different => "different",
            Exit::NotFound => "not_found",
            Exit::Locked => "locked",
            Exit::Authentication => "authentication",
            Exit::Refused => "refused",
            Exit::VerifyFailed => "verify_failed",
            Exit::FullNeeded => "full_needed",
            Exit::RestorableInPart => "restorable_in_part",
            Exit::NotABackup => "not_a_backup",
            Exit::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        std::process::ExitCode::from(exit.code())
    }
}

/// An error whose exit code and hint are known where it arises.
#[derive(Debug)]
pub struct Failure {
    /// What the process exits with.
    pub exit: Exit,
    /// What happened: lowercase, no final period.
    pub message: String,
    /// The next action, if there is one.
    pub hint: Option<String>,
}

impl Failure {
    /// An error with an exit code and without a hint.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Failure { exit, message: message.into(), hint: None }
    }

    /// Adds the next action.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// The exit code and the hint of an error, whichever layer it comes from.
#[must_use]
pub fn classify(error: &anyhow::Error) -> (Exit, Option<String>) {
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return (failure.exit, failure.hint.clone());
        }
        if let Some(server) = cause.downcast_ref::<certadm::Error>() {
            return (of_server_error(server), server.hint().or_else(|| of_library_error(server)));
        }
        if let Some(adcs::Error::Damaged { .. } | adcs::Error::OutOfOrder { .. }) = cause.downcast_ref::<adcs::Error>()
        {
            return (Exit::VerifyFailed, Some("`cabak verify SET` says what is wrong; use another set".to_owned()));
        }
        if let Some(io) = cause.downcast_ref::<std::io::Error>()
            && let Some(hint) = of_io_error(io)
        {
            return (Exit::Failure, Some(hint));
        }
    }
    (Exit::Failure, None)
}

fn of_server_error(error: &certadm::Error) -> Exit {
    match error {
        certadm::Error::AuthenticationFailed { .. } => Exit::Authentication,
        certadm::Error::Library { hresult: NO_ACCOUNT, .. } => Exit::Usage,
        certadm::Error::Library { hresult: Hresult::LOGON_FAILURE, .. } => Exit::Authentication,
        certadm::Error::Cancelled => Exit::Interrupted,
        certadm::Error::NoCertsrvdHere => Exit::Usage,
        certadm::Error::FullBackupNeeded { .. } | certadm::Error::CircularLogging { .. } => Exit::FullNeeded,
        certadm::Error::ServerRunning { .. } | certadm::Error::BackupInProgress { .. } => Exit::Locked,
        _ => Exit::Failure,
    }
}

/// A code of a loaded library says little; some can say more elsewhere.
fn of_library_error(error: &certadm::Error) -> Option<String> {
    let certadm::Error::Library { hresult, .. } = error else { return None };
    let text = if *hresult == NO_ACCOUNT {
        "the library has no account for the server; libcertadm: set CERTADM_USER and CERTADM_PASSWORD_FILE, or write its \
         configuration file"
    } else {
        "a loaded library returns only this code; libcertadm says more with CERTADM_LOG=stderr"
    };
    Some(text.to_owned())
}

fn of_io_error(error: &std::io::Error) -> Option<String> {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Some(
            "free space there and try again, or choose another place; what was there before is untouched".to_owned(),
        ),
        std::io::ErrorKind::ReadOnlyFilesystem => Some("the medium is mounted read-only".to_owned()),
        std::io::ErrorKind::PermissionDenied => {
            Some("run as a user who may use this directory, or choose another one".to_owned())
        }
        _ => None,
    }
}
