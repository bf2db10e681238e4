//! Who may log on: the server's view of user accounts.

use std::fmt;
use std::net::SocketAddr;

use md4::{Digest, Md4};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The accounts of a server.
///
/// Called from the threads of the connections, one attempt at a time for each connection.
pub trait Accounts: Send + Sync {
    /// Looks an account up. Both names come from the network, in the case that the client typed; Windows compares without case.
    fn nt_hash(&self, domain: &str, user: &str) -> Lookup;

    /// The client proved that it knows the password.
    fn succeeded(&self, attempt: &Attempt<'_>);

    /// The attempt was refused: unknown user, wrong password, locked account, forged message. Called once for each refused attempt that
    /// named a user.
    fn failed(&self, attempt: &Attempt<'_>);
}

/// What [`Accounts::nt_hash`] found.
#[derive(Debug)]
pub enum Lookup {
    /// The account exists and may log on.
    Found(NtHash),
    /// No such account. The client cannot tell this from a wrong password, neither by the answer nor by the time.
    Unknown,
    /// The account exists but is locked for now; the client gets the answer of a wrong password.
    LockedOut,
}

/// One attempt to log on, for counters and logs. The names are the client's claim.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Domain that the client typed; often empty.
    pub domain: &'a str,
    /// User name that the client typed.
    pub user: &'a str,
    /// Where the connection comes from.
    pub peer: SocketAddr,
}

/// NTOWFv1 of a password, [MS-NLMP] 3.3.1: MD4 over its UTF-16LE form.
///
/// As good as the password for everybody who has it. Wiped when dropped, never shown by `Debug`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct NtHash([u8; 16]);

impl NtHash {
    /// Takes a stored hash.
    #[must_use]
    pub fn from_bytes(hash: [u8; 16]) -> Self {
        Self(hash)
    }

    /// Hashes a password.
    #[must_use]
    pub fn of_password(password: &str) -> Self {
        let mut digest = Md4::new();
        for unit in password.encode_utf16() {
            digest.update(unit.to_le_bytes());
        }
        Self(digest.finalize().into())
    }

    /// The hash, for storing it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for NtHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NtHash(..)")
    }
}
