//! Why a function fails, and the code that its caller gets.

use certadm::Hresult;
use thiserror::Error;

use crate::settings::SettingsError;

/// Failure of an exported function.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("the handle is not that of an open session, or not of this kind")]
    Handle,
    #[error("another thread is calling with this handle")]
    Busy,
    #[error("{0} is NULL")]
    NullResult(&'static str),
    #[error("{name} {problem}")]
    Argument { name: &'static str, problem: &'static str },
    #[error("restoring is possible only on the machine of the CA, and '{host}' is another one")]
    NotThisMachine { host: String },
    #[error("no memory")]
    NoMemory,
    #[error("{}", panic_text(.0))]
    Panic(String),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Server(#[from] certadm::Error),
}

impl Failure {
    pub(crate) fn argument(name: &'static str, problem: &'static str) -> Self {
        Failure::Argument { name, problem }
    }

    /// The only place where a failure becomes a code.
    pub(crate) fn hresult(&self) -> Hresult {
        match self {
            Failure::Handle => Hresult::INVALID_HANDLE,
            // ERROR_BUSY
            Failure::Busy => Hresult::from_win32(170),
            Failure::NullResult(_) => Hresult::POINTER,
            Failure::Argument { .. } => Hresult::INVALID_ARGUMENT,
            // ERROR_NOT_SUPPORTED
            Failure::NotThisMachine { .. } => Hresult::from_win32(50),
            Failure::NoMemory => Hresult::OUT_OF_MEMORY,
            Failure::Panic(_) => Hresult::UNEXPECTED,
            Failure::Settings(error) => match error {
                // ERROR_NO_SUCH_USER
                SettingsError::NoAccount => Hresult::from_win32(1317),
                SettingsError::NoPassword { .. } | SettingsError::EmptyPassword { .. } => Hresult::LOGON_FAILURE,
                SettingsError::Exposed { .. } => Hresult::ACCESS_DENIED,
                SettingsError::Read { source, .. } => match source.kind() {
                    std::io::ErrorKind::NotFound => Hresult::FILE_NOT_FOUND,
                    std::io::ErrorKind::PermissionDenied => Hresult::ACCESS_DENIED,
                    _ => Hresult::FAIL,
                },
                // ERROR_BAD_CONFIGURATION
                SettingsError::Form { .. } => Hresult::from_win32(1610),
            },
            Failure::Server(error) => error.hresult(),
        }
    }

    /// The next thing to do, for a person.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Failure::Server(error) => error.hint(),
            Failure::Settings(error) => Some(error.hint()),
            _ => None,
        }
    }
}

fn panic_text(what: &str) -> String {
    format!("a fault of this library: {what}")
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn every_failure_has_its_code() {
        let path = PathBuf::from("/etc/certadm.toml");
        let read = |kind| SettingsError::Read { path: path.clone(), source: Error::from(kind) };
        let cases: [(Failure, u32); 15] = [
            (Failure::Handle, 0x8007_0006),
            (Failure::Busy, 0x8007_00AA),
            (Failure::NullResult("phbc"), 0x8000_4003),
            (Failure::argument("grbitJet", "is not 0"), 0x8007_0057),
            (Failure::NotThisMachine { host: "ca01".into() }, 0x8007_0032),
            (Failure::NoMemory, 0x8007_000E),
            (Failure::Panic("index".into()), 0x8000_FFFF),
            (SettingsError::NoAccount.into(), 0x8007_0525),
            (SettingsError::NoPassword { account: "backup".into() }.into(), 0x8007_052E),
            (SettingsError::EmptyPassword { path: path.clone() }.into(), 0x8007_052E),
            (SettingsError::Exposed { path: path.clone(), problem: "x" }.into(), 0x8007_0005),
            (read(ErrorKind::NotFound).into(), 0x8007_0002),
            (read(ErrorKind::PermissionDenied).into(), 0x8007_0005),
            (read(ErrorKind::InvalidData).into(), 0x8000_4005),
            (certadm::Error::Cancelled.into(), 0x8007_04C7),
        ];
        for (failure, code) in cases {
            assert_eq!(failure.hresult(), Hresult(code), "{failure}");
        }
    }
}
