//! A server without sockets, for tests and fuzzing: the bytes of a connection come from the caller.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dcerpc::Framer;

use super::dialogue::Dialogue;
use super::session::Port;
use super::shared::Shared;
use super::table::ConnectionId;
use super::{Accounts, Class, Options, PlainInterface};

/// The classes of a server and their objects. Objects whose clients are gone stay until this is dropped.
pub struct Host {
    shared: Arc<Shared>,
    next: AtomicU64,
}

impl Host {
    /// As [`Server::start`](super::Server::start), without listening and without rundown.
    #[must_use]
    pub fn new(
        options: Options,
        classes: Vec<Arc<dyn Class>>,
        accounts: Arc<dyn Accounts>,
        plain_interfaces: Vec<Arc<dyn PlainInterface>>,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(options, classes, plain_interfaces, accounts, OBJECT_PORT)),
            next: AtomicU64::new(0),
        }
    }

    /// A connection to the endpoint mapper and the activator.
    #[must_use]
    pub fn connect_to_endpoint_mapper(&self) -> Link {
        self.connect(Port::EndpointMapper, 135)
    }

    /// A connection to the objects.
    #[must_use]
    pub fn connect_to_objects(&self) -> Link {
        self.connect(Port::Objects, OBJECT_PORT)
    }

    fn connect(&self, port: Port, number: u16) -> Link {
        let connection = ConnectionId(self.next.fetch_add(1, Ordering::Relaxed));
        let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let dialogue = Dialogue::new(&self.shared, connection, port, address(number), address(49_152));
        Link { dialogue: Some(dialogue), framer: Framer::new() }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let objects = self.shared.with_table(super::table::Table::clear);
        drop(objects);
    }
}

/// One connection of a [`Host`].
pub struct Link {
    dialogue: Option<Dialogue>,
    framer: Framer,
}

impl Link {
    /// Bytes from the client, cut anywhere; returns the bytes for the client.
    pub fn send(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut answers = Vec::new();
        while let Some(dialogue) = &mut self.dialogue {
            let mut out = Vec::new();
            if let Some(pdu) = self.framer.pdu() {
                let received = dialogue.receive(pdu, &mut out, |out| {
                    answers.append(out);
                    Ok::<_, Infallible>(())
                });
                if received.is_err() {
                    self.dialogue = None;
                }
                continue;
            }
            if bytes.is_empty() {
                break;
            }
            let space = self.framer.space();
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.framer.filled(count);
            bytes = &bytes[count..];
        }
        answers
    }

    /// Whether the server has not closed the connection.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.dialogue.is_some()
    }
}

const OBJECT_PORT: u16 = 49_664;
