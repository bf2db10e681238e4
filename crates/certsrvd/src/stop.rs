//! The request to stop the server, whoever makes it: a signal, ServerControl, a thread that failed.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// A flag with a reason that threads wait for.
#[derive(Debug, Default)]
pub struct Stop {
    reason: Mutex<Option<String>>,
    changed: Condvar,
}

impl Stop {
    /// Asks the server to stop. The first reason counts.
    pub fn request(&self, reason: impl Into<String>) {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| reason.into());
        self.changed.notify_all();
    }

    /// Waits until somebody asks, and tells why.
    pub fn wait(&self) -> String {
        let mut reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(reason) = &*reason {
                return reason.clone();
            }
            reason = self.changed.wait(reason).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits at most this long; whether somebody has asked.
    pub fn wait_for(&self, patience: Duration) -> bool {
        let reason = self.reason.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(reason, patience, |reason| reason.is_none());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_some()
    }
}
