//! Failures as people and scripts get them: a code, a sentence, and what to do next. The same over the control socket and
//! from a command that opens the data directory itself.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Kind of a failure; decides the exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The disk, the database, the system: nothing that the command could have avoided.
    Internal,
    /// There is no such request, certificate or account.
    NotFound,
    /// It exists, but not in a state in which this can be done.
    WrongState,
    /// The request is malformed or the policy refuses it.
    Refused,
    /// There is no certification authority here.
    NoAuthority,
    /// Somebody else uses the data directory.
    Locked,
    /// The passphrase is missing, empty or wrong.
    Passphrase,
    /// It exists already.
    Exists,
    /// A registered restore is not complete.
    RestorePending,
    /// Others can read or change a file that must be private.
    Permissions,
    /// The configuration, or an argument, says something that cannot be.
    Configuration,
    /// A restore could not be carried out.
    RestoreFailed,
    /// The server cannot listen.
    Network,
    /// An `init` did not finish.
    Incomplete,
    /// The database is missing or damaged, or does not go with its logs.
    Database,
}

impl Code {
    /// Every code, for the documentation and the tests.
    pub const ALL: [Self; 15] = [
        Self::Internal,
        Self::NotFound,
        Self::WrongState,
        Self::Refused,
        Self::NoAuthority,
        Self::Locked,
        Self::Passphrase,
        Self::Exists,
        Self::RestorePending,
        Self::Permissions,
        Self::Configuration,
        Self::RestoreFailed,
        Self::Network,
        Self::Incomplete,
        Self::Database,
    ];

    /// The exit code of the program. 0 is success and 2 is wrong usage of the command line.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::NotFound => 3,
            Self::WrongState => 4,
            Self::Refused => 5,
            Self::NoAuthority => 10,
            Self::Locked => 11,
            Self::Passphrase => 12,
            Self::Exists => 13,
            Self::RestorePending => 14,
            Self::Permissions => 15,
            Self::Configuration => 16,
            Self::RestoreFailed => 17,
            Self::Network => 18,
            Self::Incomplete => 19,
            Self::Database => 20,
        }
    }
}

/// A failure with its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// Its kind.
    pub code: Code,
    /// What happened; lower case, no final period.
    pub message: String,
    /// What to do next, where there is something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(code: Code, message: impl fmt::Display) -> Self {
        Self { code, message: message.to_string(), hint: None }
    }

    /// A failure that quotes an error and everything below it.
    pub fn of(code: Code, error: &dyn std::error::Error) -> Self {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(error) = source {
            message.push_str(": ");
            message.push_str(&error.to_string());
            source = error.source();
        }
        Self { code, message, hint: None }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
