//! Ending what another thread waits for.

use std::collections::HashMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use super::Error;

/// Ends the operations of a [`Client`](super::Client) from another thread: closes its connections, and every later operation fails with
/// [`Error::Cancelled`].
///
/// Clones act on the same client. The server notices the closed connections and drops the objects.
#[derive(Debug, Clone, Default)]
pub struct Canceller(Arc<Mutex<Connections>>);

#[derive(Debug, Default)]
struct Connections {
    cancelled: bool,
    next: u64,
    open: HashMap<u64, TcpStream>,
}

impl Canceller {
    /// Ends everything, now and for good.
    pub fn cancel(&self) {
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        connections.cancelled = true;
        for stream in connections.open.values() {
            // An error means that the connection is gone already.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether [`Canceller::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).cancelled
    }

    /// # Errors
    ///
    /// [`Error::Cancelled`].
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.is_cancelled() { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// Adds a connection that cancelling is to close.
    pub(super) fn watch(&self, stream: &TcpStream) -> std::io::Result<Watch> {
        let stream = stream.try_clone()?;
        let mut connections = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.cancelled {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let number = connections.next;
        connections.next += 1;
        connections.open.insert(number, stream);
        Ok(Watch { canceller: self.clone(), number })
    }
}

/// Ends the watch over a connection when dropped.
#[derive(Debug)]
pub(super) struct Watch {
    canceller: Canceller,
    number: u64,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.canceller.0.lock().unwrap_or_else(PoisonError::into_inner).open.remove(&self.number);
    }
}
