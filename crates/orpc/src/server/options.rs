//! Where a server listens, and how far clients may go.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Settings of a [`Server`](super::Server).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Address to listen on; unspecified means all.
    pub listen: IpAddr,
    /// Port of the endpoint mapper and of activation. Clients expect 135; 0 lets the system choose.
    pub endpoint_mapper_port: u16,
    /// Port of the objects; 0 lets the system choose. Clients learn it from activation.
    pub object_port: u16,
    /// Names of this host, the fully qualified one first. Told to clients behind the address that they connected to.
    pub host_names: Vec<String>,
    /// How far clients may go.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            endpoint_mapper_port: 135,
            object_port: 0,
            host_names: Vec::new(),
            limits: Limits::default(),
        }
    }
}

/// Every limit of the server in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Connections at a time, on both ports together; more are closed at once.
    pub connections: usize,
    /// Time from the first byte of a PDU to its last, and to send a reply.
    pub transfer_timeout: Duration,
    /// Time that a connection has to authenticate; unauthenticated ones are closed when it is over.
    pub authentication_timeout: Duration,
    /// Time that an authenticated connection without an object may do nothing.
    pub idle_timeout: Duration,
    /// Time that an object survives its last connection, so that a client whose connection broke can come back.
    pub grace: Duration,
    /// Time that an object survives its last ping while no client has connected to it, \[MS-DCOM\] 3.1.1.2 (three periods of 120 s).
    pub ping_timeout: Duration,
    /// Objects at a time, of all clients.
    pub objects: usize,
    /// Ping sets at a time, of all clients.
    pub ping_sets: usize,
    /// Largest fragment that the server proposes and accepts, in bytes.
    pub fragment: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 64,
            transfer_timeout: Duration::from_secs(30),
            authentication_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(600),
            grace: Duration::from_secs(5),
            ping_timeout: Duration::from_secs(360),
            objects: 256,
            ping_sets: 256,
            fragment: dcerpc::limits::LARGEST_FRAGMENT,
        }
    }
}
