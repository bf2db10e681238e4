//! Who logs on, and how long to wait.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

/// A user name and a password.
#[derive(Clone)]
pub struct Credentials {
    /// NetBIOS or DNS name of the user's domain; empty for an account of the server itself.
    pub domain: String,
    /// User name.
    pub user: String,
    /// Password.
    pub password: Zeroizing<String>,
}

/// Without the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("domain", &self.domain).field("user", &self.user).finish_non_exhaustive()
    }
}

/// Settings of a [`Client`](super::Client).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Port of the endpoint mapper and of activation.
    pub endpoint_mapper_port: u16,
    /// Time to reach one address of a host.
    pub connect_timeout: Duration,
    /// Time that a call may wait for the next bytes of the server.
    pub call_timeout: Duration,
    /// Largest fragment to propose, in bytes. Windows answers with 5840.
    pub maximum_fragment: u16,
    /// Time between two pings, \[MS-DCOM\] 3.2.6.1 (120 s).
    pub ping_period: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            endpoint_mapper_port: 135,
            connect_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(300),
            maximum_fragment: dcerpc::limits::LARGEST_FRAGMENT,
            ping_period: Duration::from_secs(120),
        }
    }
}
