//! Keeping objects alive, \[MS-DCOM\] 3.2.6.1.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use dcerpc::SyntaxId;
use dcerpc::ndr::{Decoder, Encoder};
use dcom::object_exporter::{self, ComplexPing, ComplexPingReply, SimplePing};
use dcom::{ErrorStatus, Oid, SetId, ids};

use super::connection::Connection;
use super::{Error, Shared, activation};

/// The objects of a client that want pings, one ping set for each host.
#[derive(Debug, Default)]
pub(super) struct Pinger {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whether the thread runs. It ends when there is nothing left to ping.
    running: bool,
    thread: Option<JoinHandle<()>>,
    hosts: HashMap<String, Vec<Oid>>,
}

/// An object that is pinged until this is dropped.
pub(super) struct Pinged {
    shared: Arc<Shared>,
    host: String,
    oid: Oid,
}

impl Pinged {
    pub(super) fn new(shared: &Arc<Shared>, host: &str, oid: Oid) -> Self {
        let pinger = &shared.pinger;
        let mut state = pinger.lock();
        state.hosts.entry(host.to_owned()).or_default().push(oid);
        if !state.running {
            let worker = Arc::clone(shared);
            // Without a thread there are no pings; the open connection still keeps the object, as far as the server goes along.
            match thread::Builder::new().name("orpc ping".to_owned()).spawn(move || run(&worker)) {
                // One that ended before has nothing more to do than to return.
                Ok(thread) => (state.running, state.thread) = (true, Some(thread)),
                Err(error) => tracing::warn!(%error, "cannot start pinging"),
            }
        }
        Self { shared: Arc::clone(shared), host: host.to_owned(), oid }
    }
}

impl Drop for Pinged {
    fn drop(&mut self) {
        let pinger = &self.shared.pinger;
        let mut state = pinger.lock();
        if let Some(oids) = state.hosts.get_mut(&self.host) {
            if let Some(at) = oids.iter().position(|oid| *oid == self.oid) {
                oids.swap_remove(at);
            }
            if oids.is_empty() {
                state.hosts.remove(&self.host);
            }
        }
        pinger.changed.notify_all();
    }
}

impl Pinger {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was to be pinged, and waits until the thread has ended.
    pub(super) fn join(&self) {
        let thread = {
            let mut state = self.lock();
            state.hosts.clear();
            state.thread.take()
        };
        self.changed.notify_all();
        // A thread that panicked has ended, too.
        let _ = thread.map(JoinHandle::join);
    }

    /// Waits for the next period; `None` when there is nothing left to ping.
    fn wait(&self, period: Duration) -> Option<HashMap<String, BTreeSet<Oid>>> {
        let start = Instant::now();
        let mut state = self.lock();
        loop {
            if state.hosts.is_empty() {
                state.running = false;
                return None;
            }
            let left = period.saturating_sub(start.elapsed());
            if left.is_zero() {
                let sets = state.hosts.iter().map(|(host, oids)| (host.clone(), oids.iter().copied().collect()));
                return Some(sets.collect());
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What the server knows of a set.
#[derive(Debug, Default)]
struct Set {
    id: Option<SetId>,
    sequence: u16,
    members: BTreeSet<Oid>,
}

fn run(shared: &Shared) {
    let mut known: HashMap<String, Set> = HashMap::new();
    while let Some(wanted) = shared.pinger.wait(shared.options.ping_period) {
        if shared.canceller.is_cancelled() {
            // The connections are closed, the objects lost; their owners will notice.
            continue;
        }
        known.retain(|host, _| wanted.contains_key(host));
        for (host, members) in wanted {
            let set = known.entry(host.clone()).or_default();
            match ping(shared, &host, set, &members) {
                Ok(ErrorStatus::OK) => tracing::debug!(host, objects = members.len(), "pinged"),
                Ok(status) => {
                    tracing::warn!(host, %status, "ping refused");
                    *set = Set::default();
                }
                Err(error) => tracing::warn!(host, %error, "ping failed"),
            }
        }
    }
}

/// SimplePing when the set has not changed, ComplexPing when it has, \[MS-DCOM\] 3.1.2.5.1.2 and 3.1.2.5.1.3.
fn ping(shared: &Shared, host: &str, set: &mut Set, members: &BTreeSet<Oid>) -> Result<ErrorStatus, Error> {
    let port = shared.options.endpoint_mapper_port;
    let mut connection = Connection::open(host, port, &shared.options, &shared.canceller)?;
    let binding = connection.bind(SyntaxId::new(ids::IID_OBJECT_EXPORTER, 0, 0), activation::secure(shared))?;
    let (mut stub, mut reply) = (Encoder::new(), Vec::new());
    let protocol = |error: dcom::Error| activation::protocol(host, &error);
    if let Some(id) = set.id.filter(|_| set.members == *members) {
        SimplePing { set: id }.encode(&mut stub);
        connection.call(binding, object_exporter::SIMPLE_PING, None, &stub.into_bytes(), &mut reply)?;
        return object_exporter::decode_status(&mut Decoder::new(&reply)).map_err(protocol);
    }
    let request = ComplexPing {
        set: set.id.unwrap_or(SetId(0)),
        sequence: set.sequence,
        add: members.difference(&set.members).copied().collect(),
        delete: set.members.difference(members).copied().collect(),
    };
    request.encode(&mut stub);
    connection.call(binding, object_exporter::COMPLEX_PING, None, &stub.into_bytes(), &mut reply)?;
    let answer = ComplexPingReply::decode(&mut Decoder::new(&reply)).map_err(protocol)?;
    if answer.status == ErrorStatus::OK {
        *set = Set { id: Some(answer.set), sequence: set.sequence.wrapping_add(1), members: members.clone() };
    }
    Ok(answer.status)
}
