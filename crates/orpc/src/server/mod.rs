//! Serving objects.
//!
//! A [`Server`] listens on two ports: the endpoint mapper's, where clients activate objects, resolve and ping, and the port of the
//! objects. Each connection has a thread; the calls of one object come one at a time. Programs implement [`Class`], [`Object`] and
//! [`Accounts`].
//!
//! # Life of an object
//!
//! It begins with an activation, signed or sealed, of an authenticated user; only that user can call it. It ends with the release of its
//! last reference, or [`Limits::grace`] after the last connection that called it is gone, so that a lost client does not hold what
//! the object holds. While a connection is open, its objects stay, whether the client pings or not. An object that nobody has
//! called yet lives on pings, for [`Limits::ping_timeout`] after each.

mod activation;
mod class;
mod dialogue;
mod endpoint_mapper;
mod listener;
pub mod memory;
mod object_exporter;
mod options;
mod rem_unknown;
mod session;
mod shared;
mod table;

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

pub use class::{Caller, Class, Object, PlainInterface};
pub use options::{Limits, Options};

pub use crate::security::accounts::{Accounts, Attempt, Lookup, NtHash};

use listener::Connections;
use session::Port;
use shared::Shared;

/// A server of DCOM objects and plain RPC interfaces.
#[derive(Debug)]
pub struct Server;

impl Server {
    /// Listens, and serves in threads of its own until [`Running::stop`].
    ///
    /// # Errors
    ///
    /// When a port cannot be listened on, or threads cannot be started.
    pub fn start(
        options: Options,
        classes: Vec<Arc<dyn Class>>,
        accounts: Arc<dyn Accounts>,
        plain_interfaces: Vec<Arc<dyn PlainInterface>>,
    ) -> io::Result<Running> {
        let mapper = listen(options.listen, options.endpoint_mapper_port)?;
        let objects = listen(options.listen, options.object_port)?;
        let mut running = Running {
            endpoint_mapper: mapper.local_addr()?,
            object: objects.local_addr()?,
            connections: Arc::default(),
            shared: Arc::new(Shared::new(options, classes, plain_interfaces, accounts, objects.local_addr()?.port())),
            listeners: vec![mapper.try_clone()?, objects.try_clone()?],
            threads: Vec::new(),
        };
        for (name, listener, port) in
            [("orpc mapper", mapper, Port::EndpointMapper), ("orpc objects", objects, Port::Objects)]
        {
            let (connections, shared) = (Arc::clone(&running.connections), Arc::clone(&running.shared));
            let accept = move || connections.accept(&listener, port, &shared);
            running.threads.push(thread::Builder::new().name(name.to_owned()).spawn(accept)?);
        }
        let shared = Arc::clone(&running.shared);
        running.threads.push(thread::Builder::new().name("orpc rundown".to_owned()).spawn(move || shared.run_down())?);
        tracing::info!(endpoint_mapper = %running.endpoint_mapper, objects = %running.object, "listening");
        Ok(running)
    }
}

/// A server at work. Dropping it stops the server as [`Running::stop`] does.
pub struct Running {
    endpoint_mapper: SocketAddr,
    object: SocketAddr,
    connections: Arc<Connections>,
    shared: Arc<Shared>,
    listeners: Vec<TcpListener>,
    threads: Vec<JoinHandle<()>>,
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
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shared.stop();
        self.connections.stop(&self.listeners);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
        // A connection may have been accepted while the others were being closed.
        self.connections.stop(&[]);
        let objects = self.shared.with_table(table::Table::clear);
        tracing::info!(objects = objects.len(), "stopped");
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running")
            .field("endpoint_mapper", &self.endpoint_mapper)
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}

fn listen(address: IpAddr, port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((address, port))
        .map_err(|error| io::Error::new(error.kind(), format!("cannot listen on {address} port {port}: {error}")))
}
