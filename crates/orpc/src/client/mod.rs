//! Activating and calling remote objects.
//!
//! A [`Client`] knows who logs on. [`Client::activate`] asks the activator of a host for an object, connects to the object and logs on
//! there; the result is an [`Object`] to call. All calls, activation included, are signed and encrypted, and every signature of
//! the server is checked. A [`Canceller`] ends whatever waits, from another thread.

mod activation;
mod canceller;
mod connection;
mod error;
mod object;
mod options;
mod pinger;
mod platform;
mod resolver;

use std::sync::Arc;

use dcerpc::SyntaxId;
use uuid::Uuid;

pub use canceller::Canceller;
pub use error::Error;
pub use object::Object;
pub use options::{Credentials, Options};
pub use resolver::ServerAlive;

use pinger::Pinger;

/// Logs on to servers and activates objects there. Cheap to clone; clones share the [`Canceller`].
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    credentials: Credentials,
    options: Options,
    canceller: Canceller,
    pinger: Pinger,
}

impl Client {
    /// A client that has not connected to anything yet.
    #[must_use]
    pub fn new(credentials: Credentials, options: Options) -> Self {
        let shared = Shared { credentials, options, canceller: Canceller::default(), pinger: Pinger::default() };
        Self { shared: Arc::new(shared) }
    }

    /// Activates an object of `clsid` on `host` and returns its interface `iid`, connected and authenticated.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::NoInterface`] when the class exists but not with this interface.
    pub fn activate(&self, host: &str, clsid: Uuid, iid: Uuid) -> Result<Object, Error> {
        let activated = activation::activate(&self.shared, host, clsid, iid)?;
        Object::connect(&self.shared, host, iid, &activated)
    }

    /// Asks `host` without logging on whether its object resolver is there (ServerAlive2, \[MS-DCOM\] 3.1.2.5.1.6).
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn server_alive(&self, host: &str) -> Result<ServerAlive, Error> {
        resolver::server_alive(&self.shared, host)
    }

    /// Asks the endpoint mapper of `host`, without logging on, for the port of an interface; `None` when it is not registered.
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn find_port(&self, host: &str, interface: SyntaxId) -> Result<Option<u16>, Error> {
        resolver::find_port(&self.shared, host, interface)
    }

    /// Ends everything that is under way and waits for the thread that pings: when this returns, no thread of the client
    /// runs. A library needs that before its code is unloaded. Objects should be released first.
    pub fn close(self) {
        self.shared.canceller.cancel();
        self.shared.pinger.join();
    }

    /// Ends the operations of this client from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.shared.canceller.clone()
    }
}
