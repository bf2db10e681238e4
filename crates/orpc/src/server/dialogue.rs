//! One connection without its socket.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use dcerpc::security::SecurityContext;
use dcerpc::server::{self, Acceptor, Association};
use dcerpc::{AuthenticationType, Status, SyntaxId};

use super::session::{Port, Session};
use super::shared::Shared;
use super::table::ConnectionId;
use super::{Accounts, Attempt, Lookup};
use crate::security::ntlm;

/// The server's side of one connection: PDUs in, PDUs out. Dropping it tells the tables that the connection is gone.
pub(super) struct Dialogue {
    session: Arc<Session>,
    gate: Arc<Gate>,
    association: Association,
    /// The reply stub of the current call; keeps its allocation.
    reply: Vec<u8>,
}

impl Dialogue {
    pub(super) fn new(
        shared: &Arc<Shared>,
        connection: ConnectionId,
        port: Port,
        local: SocketAddr,
        peer: SocketAddr,
    ) -> Self {
        let session = Arc::new(Session { shared: Arc::clone(shared), connection, port, peer, local });
        let gate = Arc::new(Gate { accounts: Arc::clone(&shared.accounts), authenticated: AtomicBool::new(false) });
        let options = server::Options {
            max_fragment: shared.options.limits.fragment,
            secondary_address: local.port().to_string(),
            ..server::Options::default()
        };
        let doorkeeper = Doorkeeper { session: Arc::clone(&session), gate: Arc::clone(&gate) };
        Self { session, gate, association: Association::new(options, doorkeeper), reply: Vec::new() }
    }

    /// Takes one PDU, makes the call that it completes, and hands what is to be sent to `send`, several times for a large reply.
    ///
    /// # Errors
    ///
    /// The connection is over: because of the client, or because `send` failed.
    pub(super) fn receive<E>(
        &mut self,
        pdu: &mut [u8],
        out: &mut Vec<u8>,
        mut send: impl FnMut(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), Ended<E>> {
        self.reply.clear();
        let outcome = match self.association.receive(pdu, out) {
            Ok(Some(call)) => Some(self.session.dispatch(&call, &mut self.reply)),
            Ok(None) => None,
            Err(error) => {
                // What the client is to be told goes out all the same.
                if !out.is_empty() {
                    send(out).map_err(Ended::Sending)?;
                }
                return Err(Ended::Protocol(error));
            }
        };
        match outcome {
            None => {}
            Some(Ok(())) => {
                let mut parts = self.association.reply_in_parts(&self.reply).map_err(Ended::Protocol)?;
                while parts.write(out, PART).map_err(Ended::Protocol)? {
                    send(out).map_err(Ended::Sending)?;
                }
            }
            Some(Err(status)) => {
                let status = if status.is_forbidden() { Status(dcom::Hresult::FAIL.0) } else { status };
                self.association.fault(status, out).map_err(Ended::Protocol)?;
            }
        }
        if !out.is_empty() {
            send(out).map_err(Ended::Sending)?;
        }
        if self.reply.capacity() > KEPT {
            self.reply = Vec::new();
        }
        Ok(())
    }

    /// Whether the client has logged on.
    pub(super) fn is_authenticated(&self) -> bool {
        self.gate.authenticated.load(Ordering::Relaxed)
    }

    /// Whether an object lives because this connection is open.
    pub(super) fn holds_objects(&self) -> bool {
        self.session.shared.with_table(|table| table.depends_on(self.session.connection))
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        let connection = self.session.connection;
        self.session.shared.with_table(|table| table.disconnect(connection, Instant::now()));
    }
}

/// Why a dialogue is over.
#[derive(Debug)]
pub(super) enum Ended<E> {
    /// The client broke the protocol, or its security failed.
    Protocol(server::Error),
    /// The bytes could not be sent.
    Sending(E),
}

struct Doorkeeper {
    session: Arc<Session>,
    gate: Arc<Gate>,
}

impl Acceptor for Doorkeeper {
    fn serves(&self, interface: &SyntaxId) -> bool {
        self.session.serves(interface)
    }

    fn security_context(&mut self, authentication_type: AuthenticationType) -> Option<Box<dyn SecurityContext>> {
        if authentication_type != AuthenticationType::NTLM {
            return None;
        }
        let accounts: Arc<dyn Accounts> = Arc::clone(&self.gate) as _;
        let names = Arc::clone(&self.session.shared.names);
        Some(Box::new(ntlm::Acceptor::new(accounts, names, self.session.peer)))
    }
}

/// The accounts of the server, as one connection asks them; remembers that it has logged on.
struct Gate {
    accounts: Arc<dyn Accounts>,
    authenticated: AtomicBool,
}

impl Accounts for Gate {
    fn nt_hash(&self, domain: &str, user: &str) -> Lookup {
        self.accounts.nt_hash(domain, user)
    }

    fn succeeded(&self, attempt: &Attempt<'_>) {
        self.authenticated.store(true, Ordering::Relaxed);
        self.accounts.succeeded(attempt);
    }

    fn failed(&self, attempt: &Attempt<'_>) {
        self.accounts.failed(attempt);
    }
}

/// Bytes of a reply that go out while the next ones are sealed.
const PART: usize = 128 << 10;
/// Largest reply buffer that a connection keeps between calls: one for the largest file block.
const KEPT: usize = 5 << 20;
