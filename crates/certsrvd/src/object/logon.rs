//! The accounts file as the network layer asks it.

use std::sync::Arc;

use orpc::server::{Accounts, Attempt, Lookup, NtHash};

use crate::authority::Authority;

/// Looks accounts up and counts failures. The domain that a client names does not matter: there is one list of accounts.
#[derive(Debug)]
pub struct Logon {
    authority: Arc<Authority>,
}

impl Logon {
    /// Logs on to the accounts of `authority`.
    pub fn new(authority: Arc<Authority>) -> Self {
        Self { authority }
    }

    /// Whether there is such an account; failures of others are not counted, for their names are without end.
    fn exists(&self, user: &str) -> bool {
        matches!(self.authority.account(user), Ok(Some(_)))
    }
}

impl Accounts for Logon {
    fn nt_hash(&self, _domain: &str, user: &str) -> Lookup {
        match self.authority.account(user) {
            Ok(Some(_)) if self.authority.is_locked(user) => Lookup::LockedOut,
            Ok(Some(account)) => Lookup::Found(NtHash::from_bytes(*account.nt_hash.as_bytes())),
            Ok(None) => Lookup::Unknown,
            Err(error) => {
                tracing::error!(%error, "cannot look up an account");
                Lookup::Unknown
            }
        }
    }

    fn succeeded(&self, attempt: &Attempt<'_>) {
        self.authority.authentication_succeeded(attempt.user);
    }

    fn failed(&self, attempt: &Attempt<'_>) {
        tracing::warn!(user = attempt.user, domain = attempt.domain, peer = %attempt.peer, "log-on refused");
        if self.exists(attempt.user) {
            self.authority.authentication_failed(attempt.user);
        }
    }
}
