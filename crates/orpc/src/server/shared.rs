//! What all connections of a server share.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use dcerpc::SyntaxId;
use dcom::objref::{DualStringArray, SecurityBinding, StringBinding};
use dcom::{Ipid, Oxid};
use uuid::Uuid;

use super::table::{SharedObject, Table};
use super::{Accounts, Class, Options, PlainInterface};
use crate::security::ntlm::ServerNames;

/// One object exporter with its resolver.
pub(super) struct Shared {
    pub(super) options: Options,
    pub(super) classes: Vec<Arc<dyn Class>>,
    pub(super) plain_interfaces: Vec<Arc<dyn PlainInterface>>,
    pub(super) accounts: Arc<dyn Accounts>,
    pub(super) names: Arc<ServerNames>,
    pub(super) oxid: Oxid,
    /// IPID of the Remote Unknown.
    pub(super) rem_unknown: Ipid,
    pub(super) object_port: u16,
    state: Mutex<State>,
    /// Wakes [`Shared::run_down`] when a deadline may have come nearer.
    changed: Condvar,
}

struct State {
    table: Table,
    stopping: bool,
}

impl Shared {
    pub(super) fn new(
        options: Options,
        classes: Vec<Arc<dyn Class>>,
        plain_interfaces: Vec<Arc<dyn PlainInterface>>,
        accounts: Arc<dyn Accounts>,
        object_port: u16,
    ) -> Self {
        let host = options.host_names.first().map_or("localhost", String::as_str);
        Self {
            names: Arc::new(ServerNames::stand_alone(host)),
            oxid: Oxid(fresh_number()),
            rem_unknown: Ipid(Uuid::new_v4()),
            state: Mutex::new(State { table: Table::new(&options.limits), stopping: false }),
            changed: Condvar::new(),
            options,
            classes,
            plain_interfaces,
            accounts,
            object_port,
        }
    }

    /// Works on the tables. Objects that were removed are to be dropped by the caller, outside of `work`.
    pub(super) fn with_table<T>(&self, work: impl FnOnce(&mut Table) -> T) -> T {
        let result = work(&mut self.lock().table);
        self.changed.notify_one();
        result
    }

    /// Whether the object port serves the interface.
    pub(super) fn exports(&self, interface: &SyntaxId) -> bool {
        let of_objects = interface.major == 0
            && (dcom::ids::IID_REM_UNKNOWN == interface.uuid
                || dcom::ids::IID_REM_UNKNOWN2 == interface.uuid
                || self.classes.iter().any(|class| class.interfaces().contains(&interface.uuid)));
        of_objects || self.plain_interface(interface).is_some()
    }

    pub(super) fn plain_interface(&self, interface: &SyntaxId) -> Option<&Arc<dyn PlainInterface>> {
        self.plain_interfaces.iter().find(|plain| {
            let own = plain.syntax();
            own.uuid == interface.uuid && own.major == interface.major && own.minor >= interface.minor
        })
    }

    /// Where objects are called, for a client that reached this host as `local`: with ports.
    pub(super) fn exporter_bindings(&self, local: SocketAddr) -> Result<DualStringArray, dcom::Error> {
        self.bindings(local, Some(self.object_port))
    }

    /// Where activation and the resolver are; their port is that of the endpoint mapper.
    pub(super) fn resolver_bindings(&self, local: SocketAddr) -> Result<DualStringArray, dcom::Error> {
        self.bindings(local, None)
    }

    /// The address that the client came to is first: it is known to work, and some clients take no other.
    fn bindings(&self, local: SocketAddr, port: Option<u16>) -> Result<DualStringArray, dcom::Error> {
        let mut strings = vec![StringBinding::tcp(&local.ip().to_canonical().to_string(), port)?];
        for name in &self.options.host_names {
            strings.push(StringBinding::tcp(name, port)?);
        }
        let ntlm = SecurityBinding::new(dcerpc::AuthenticationType::NTLM.0.into(), String::new())?;
        DualStringArray::new(strings, vec![ntlm])
    }

    /// Drops overdue objects until [`Shared::stop`]; runs in a thread of its own.
    pub(super) fn run_down(&self) {
        loop {
            let overdue: Vec<SharedObject> = {
                let mut state = self.lock();
                loop {
                    if state.stopping {
                        return;
                    }
                    let now = Instant::now();
                    let overdue = state.table.expire(now);
                    if !overdue.is_empty() {
                        break overdue;
                    }
                    state = match state.table.next_deadline() {
                        Some(deadline) => {
                            let wait = deadline.saturating_duration_since(now);
                            self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                        }
                        None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                    };
                }
            };
            tracing::info!(objects = overdue.len(), "dropping objects that their clients left behind");
            drop(overdue);
        }
    }

    /// Ends [`Shared::run_down`].
    pub(super) fn stop(&self) {
        self.lock().stopping = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The tables stay consistent even if a thread panicked: each change of theirs is complete when it returns.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that no client can guess and no other object has.
pub(super) fn fresh_number() -> u64 {
    Uuid::new_v4().as_u64_pair().0
}
