//! Accounts in memory that remember what they were told.

use std::sync::Mutex;

use orpc::security::accounts::{Accounts, Attempt, Lookup, NtHash};

#[derive(Default)]
pub struct TestAccounts {
    pub log: Mutex<Vec<String>>,
}

impl Accounts for TestAccounts {
    fn nt_hash(&self, _domain: &str, user: &str) -> Lookup {
        match user.to_lowercase().as_str() {
            "alice" => Lookup::Found(NtHash::of_password("Alice's password")),
            "bob" => Lookup::Found(NtHash::of_password("Bob's password")),
            "locked" => Lookup::LockedOut,
            _ => Lookup::Unknown,
        }
    }

    fn succeeded(&self, attempt: &Attempt<'_>) {
        self.log.lock().unwrap().push(format!("succeeded {}\\{}", attempt.domain, attempt.user));
    }

    fn failed(&self, attempt: &Attempt<'_>) {
        self.log.lock().unwrap().push(format!("failed {}\\{}", attempt.domain, attempt.user));
    }
}
