//! Lock-out: an account whose password is tried too often is closed for a while.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Counts the failures of each account. The caller brings the (monotonic) time.
///
/// Only names of existing accounts are to be counted: the table then stays as small as the list of accounts.
#[derive(Debug)]
pub struct Lockout {
    threshold: u32,
    period: Duration,
    failures: HashMap<String, Failures>,
}

#[derive(Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Lockout {
    /// Locks for `period` after `threshold` failures, each at most `period` after the one before. Threshold 0 never
    /// locks.
    pub fn new(threshold: u32, period: Duration) -> Self {
        Self { threshold, period, failures: HashMap::new() }
    }

    /// Counts a failure; `true` when it is the one that locks the account.
    pub fn failed(&mut self, account: &str, now: Instant) -> bool {
        if self.threshold == 0 || self.is_locked(account, now) {
            return false;
        }
        let period = self.period;
        let failures = self.failures.entry(account.to_lowercase()).or_insert(Failures { count: 0, last: now });
        if now.saturating_duration_since(failures.last) >= period {
            failures.count = 0;
        }
        failures.count += 1;
        failures.last = now;
        failures.count >= self.threshold
    }

    /// Forgets the failures of an account.
    pub fn succeeded(&mut self, account: &str) {
        self.failures.remove(&account.to_lowercase());
    }

    /// Whether the account is locked at `now`.
    pub fn is_locked(&self, account: &str, now: Instant) -> bool {
        self.threshold != 0
            && self.failures.get(&account.to_lowercase()).is_some_and(|failures| {
                failures.count >= self.threshold && now.saturating_duration_since(failures.last) < self.period
            })
    }
}
