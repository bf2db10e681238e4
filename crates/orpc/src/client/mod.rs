//! Activating and calling remote objects.

mod canceller;
mod error;
mod options;

use std::sync::Arc;

use dcerpc::Opnum;
use dcom::ComVersion;
use dcom::objref::DualStringArray;
use uuid::Uuid;

pub use canceller::Canceller;
pub use error::Error;
pub use options::{Credentials, Options};

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
}

impl Client {
    /// A client that has not connected to anything yet.
    #[must_use]
    pub fn new(credentials: Credentials, options: Options) -> Self {
        Self { shared: Arc::new(Shared { credentials, options, canceller: Canceller::default() }) }
    }

    /// Activates an object of `clsid` on `host` and returns its interface `iid`, connected and authenticated.
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Error::NoInterface`] when the class exists but not with this interface.
    pub fn activate(&self, host: &str, clsid: Uuid, iid: Uuid) -> Result<Object, Error> {
        let _ = (host, clsid, iid, &self.shared.credentials, &self.shared.options);
        Err(Error::Cancelled)
    }

    /// Asks `host` without logging on whether its object resolver is there (ServerAlive2, \[MS-DCOM\] 3.1.2.5.1.6).
    ///
    /// # Errors
    ///
    /// [`Error`].
    pub fn server_alive(&self, host: &str) -> Result<ServerAlive, Error> {
        let _ = host;
        Err(Error::Cancelled)
    }

    /// Ends the operations of this client from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        self.shared.canceller.clone()
    }
}

/// What an object resolver says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAlive {
    /// The DCOM version that it speaks.
    pub version: ComVersion,
    /// Its addresses and security providers.
    pub bindings: DualStringArray,
}

/// One interface of one remote object. The object is released when the last of its `Object` values is dropped.
#[derive(Debug)]
pub struct Object {
    host: String,
}

impl Object {
    /// Calls a method. `body` are the parameters behind ORPCTHIS; the reply stub is appended to `reply`.
    ///
    /// Returns the offset in `reply` at which the results start, behind ORPCTHAT. On errors `reply` is as it was.
    ///
    /// # Errors
    ///
    /// [`Error`]; the object is still usable after [`Error::Fault`] only.
    pub fn call(&mut self, opnum: Opnum, body: &[u8], reply: &mut Vec<u8>) -> Result<usize, Error> {
        let _ = (opnum, body, reply);
        Err(Error::Cancelled)
    }

    /// Another interface of the same object, over the same connection.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`] and what [`Object::call`] returns.
    pub fn query_interface(&mut self, iid: Uuid) -> Result<Object, Error> {
        let _ = iid;
        Err(Error::Cancelled)
    }

    /// The host that the object was activated on, as it was given to [`Client::activate`].
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}
