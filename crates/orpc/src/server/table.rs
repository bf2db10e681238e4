//! Objects, interfaces and ping sets of one object exporter.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dcerpc::security::Identity;
use dcom::{ErrorStatus, Hresult, Ipid, Oid, SetId};
use uuid::Uuid;

use super::class::{Class, Object};

/// The tables of \[MS-DCOM\] 3.1.1.1 (objects and interfaces) and 3.1.2.1 (ping sets), with the rules that let objects die.
///
/// An object lives while a connection that called it is open. When the last one is gone, it has the grace time to be called again.
/// Before its first call it lives on pings. It dies with its last reference in any case.
///
/// What is removed is returned, so that objects are dropped without the lock that guards the table.
pub(super) struct Table {
    grace: Duration,
    ping_timeout: Duration,
    maximum_objects: usize,
    maximum_ping_sets: usize,
    objects: HashMap<Oid, Entry>,
    interfaces: HashMap<Ipid, Interface>,
    ping_sets: HashMap<SetId, PingSet>,
}

/// Number of a connection, for its lifetime and never again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ConnectionId(pub(super) u64);

/// An object as its connections share it.
pub(super) type SharedObject = Arc<Mutex<Box<dyn Object>>>;

/// What a call on an IPID needs.
pub(super) struct Target {
    pub(super) object: SharedObject,
    pub(super) iid: Uuid,
}

struct Entry {
    object: SharedObject,
    class: Arc<dyn Class>,
    owner: Identity,
    connections: HashSet<ConnectionId>,
    // INVARIANT: `None` while `connections` is not empty.
    deadline: Option<Instant>,
    connected_before: bool,
}

struct Interface {
    oid: Oid,
    iid: Uuid,
    references: u64,
}

struct PingSet {
    owner: Identity,
    objects: HashSet<Oid>,
    deadline: Instant,
}

impl Table {
    pub(super) fn new(limits: &super::Limits) -> Self {
        Self {
            grace: limits.grace,
            ping_timeout: limits.ping_timeout,
            maximum_objects: limits.objects,
            maximum_ping_sets: limits.ping_sets,
            objects: HashMap::new(),
            interfaces: HashMap::new(),
            ping_sets: HashMap::new(),
        }
    }

    /// Whether one more object may be made.
    pub(super) fn has_room(&self) -> bool {
        self.objects.len() < self.maximum_objects
    }

    /// Registers a new object. It has no references yet.
    pub(super) fn insert(
        &mut self,
        oid: Oid,
        object: Box<dyn Object>,
        class: Arc<dyn Class>,
        owner: Identity,
        now: Instant,
    ) {
        let entry = Entry {
            object: Arc::new(Mutex::new(object)),
            class,
            owner,
            connections: HashSet::new(),
            deadline: now.checked_add(self.ping_timeout),
            connected_before: false,
        };
        self.objects.insert(oid, entry);
    }

    /// Hands out `references` to an interface; `fresh` becomes its IPID unless it has one already.
    ///
    /// # Errors
    ///
    /// E_NOINTERFACE.
    pub(super) fn interface(&mut self, oid: Oid, iid: Uuid, references: u32, fresh: Ipid) -> Result<Ipid, Hresult> {
        let entry = self.objects.get(&oid).ok_or(Hresult::DISCONNECTED)?;
        if iid != dcom::ids::IID_UNKNOWN && !entry.class.interfaces().contains(&iid) {
            return Err(Hresult::NO_INTERFACE);
        }
        let known = self.interfaces.iter().find(|(_, interface)| interface.oid == oid && interface.iid == iid);
        let ipid = known.map_or(fresh, |(ipid, _)| *ipid);
        let interface = self.interfaces.entry(ipid).or_insert(Interface { oid, iid, references: 0 });
        interface.references = interface.references.saturating_add(references.into());
        Ok(ipid)
    }

    /// Finds the object behind an IPID for a call of `caller` on `connection`, which keeps the object alive from now on.
    ///
    /// # Errors
    ///
    /// RPC_E_DISCONNECTED for an unknown IPID, E_ACCESSDENIED for another user than the one who activated the object.
    pub(super) fn target(
        &mut self,
        ipid: Ipid,
        caller: &Identity,
        connection: ConnectionId,
    ) -> Result<Target, Hresult> {
        let (oid, iid) = self.owned(ipid, caller, connection)?;
        let entry = self.objects.get(&oid).ok_or(Hresult::DISCONNECTED)?;
        Ok(Target { object: entry.object.clone(), iid })
    }

    /// The object of an IPID; like [`Table::target`], it ties the object to the connection.
    pub(super) fn owned(
        &mut self,
        ipid: Ipid,
        caller: &Identity,
        connection: ConnectionId,
    ) -> Result<(Oid, Uuid), Hresult> {
        let interface = self.interfaces.get(&ipid).ok_or(Hresult::DISCONNECTED)?;
        let entry = self.objects.get_mut(&interface.oid).ok_or(Hresult::DISCONNECTED)?;
        if !same_user(&entry.owner, caller) {
            return Err(Hresult::ACCESS_DENIED);
        }
        entry.connections.insert(connection);
        entry.deadline = None;
        entry.connected_before = true;
        Ok((interface.oid, interface.iid))
    }

    /// RemAddRef, \[MS-DCOM\] 3.1.1.5.6.1.2.
    pub(super) fn add_references(
        &mut self,
        ipid: Ipid,
        count: u64,
        caller: &Identity,
        connection: ConnectionId,
    ) -> Result<(), Hresult> {
        self.owned(ipid, caller, connection).map_err(|error| match error {
            Hresult::DISCONNECTED => Hresult::OBJECT_NOT_REGISTERED,
            other => other,
        })?;
        if let Some(interface) = self.interfaces.get_mut(&ipid) {
            interface.references = interface.references.saturating_add(count);
        }
        Ok(())
    }

    /// RemRelease, \[MS-DCOM\] 3.1.1.5.6.1.3. Returns the object when this was its last reference.
    pub(super) fn release(
        &mut self,
        ipid: Ipid,
        count: u64,
        caller: &Identity,
        connection: ConnectionId,
    ) -> Result<Option<SharedObject>, Hresult> {
        let (oid, _) = self.owned(ipid, caller, connection)?;
        if let Some(interface) = self.interfaces.get_mut(&ipid) {
            interface.references = interface.references.saturating_sub(count);
            if interface.references == 0 {
                self.interfaces.remove(&ipid);
            }
        }
        let referenced = self.interfaces.values().any(|interface| interface.oid == oid);
        Ok(if referenced { None } else { self.remove(oid) })
    }

    /// ComplexPing, \[MS-DCOM\] 3.1.2.5.1.3: `set` is zero for a new one, which gets the identifier `fresh`.
    ///
    /// # Errors
    ///
    /// ERROR_ACCESS_DENIED for the set of another user and when there are too many, OR_INVALID_SET for an unknown set, OR_INVALID_OID
    /// when an object to be added is not there; the others have been added all the same.
    pub(super) fn complex_ping(
        &mut self,
        set: SetId,
        fresh: SetId,
        caller: &Identity,
        add: &[Oid],
        remove: &[Oid],
        now: Instant,
    ) -> Result<SetId, ErrorStatus> {
        let id = if set == SetId(0) {
            if self.ping_sets.len() >= self.maximum_ping_sets {
                return Err(ErrorStatus::ACCESS_DENIED);
            }
            self.ping_sets.insert(fresh, PingSet { owner: caller.clone(), objects: HashSet::new(), deadline: now });
            fresh
        } else {
            set
        };
        let pings = self.ping_sets.get_mut(&id).ok_or(ErrorStatus::INVALID_SET)?;
        if !same_user(&pings.owner, caller) {
            return Err(ErrorStatus::ACCESS_DENIED);
        }
        for oid in remove {
            pings.objects.remove(oid);
        }
        let mut status = Ok(id);
        for oid in add {
            if self.objects.get(oid).is_some_and(|entry| same_user(&entry.owner, caller)) {
                pings.objects.insert(*oid);
            } else {
                status = Err(ErrorStatus::INVALID_OID);
            }
        }
        self.refresh(id, now);
        status
    }

    /// SimplePing, \[MS-DCOM\] 3.1.2.5.1.2.
    ///
    /// # Errors
    ///
    /// ERROR_ACCESS_DENIED for the set of another user, OR_INVALID_SET for an unknown set.
    pub(super) fn simple_ping(&mut self, set: SetId, caller: &Identity, now: Instant) -> Result<(), ErrorStatus> {
        let pings = self.ping_sets.get(&set).ok_or(ErrorStatus::INVALID_SET)?;
        if !same_user(&pings.owner, caller) {
            return Err(ErrorStatus::ACCESS_DENIED);
        }
        self.refresh(set, now);
        Ok(())
    }

    fn refresh(&mut self, set: SetId, now: Instant) {
        let deadline = now.checked_add(self.ping_timeout).unwrap_or(now);
        let Some(pings) = self.ping_sets.get_mut(&set) else { return };
        pings.deadline = deadline;
        for oid in &pings.objects {
            // Pings keep an object that waits for its first connection; they do not stand in for a connection that broke.
            if let Some(entry) = self.objects.get_mut(oid).filter(|entry| !entry.connected_before) {
                entry.deadline = Some(deadline);
            }
        }
    }

    /// A connection is gone: the objects that only it had called get the grace time.
    pub(super) fn disconnect(&mut self, connection: ConnectionId, now: Instant) {
        for entry in self.objects.values_mut() {
            if entry.connections.remove(&connection) && entry.connections.is_empty() {
                entry.deadline = now.checked_add(self.grace);
            }
        }
    }

    /// Whether any object depends on the connection.
    pub(super) fn depends_on(&self, connection: ConnectionId) -> bool {
        self.objects.values().any(|entry| entry.connections.contains(&connection))
    }

    /// Rundown, \[MS-DCOM\] 3.1.2.6.1: removes and returns what is overdue.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<SharedObject> {
        self.ping_sets.retain(|_, set| set.deadline > now);
        let overdue = |entry: &Entry| entry.deadline.is_some_and(|deadline| deadline <= now);
        let oids: Vec<Oid> = self.objects.iter().filter(|(_, entry)| overdue(entry)).map(|(oid, _)| *oid).collect();
        oids.into_iter().filter_map(|oid| self.remove(oid)).collect()
    }

    /// When [`Table::expire`] has something to do, at the earliest.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.objects.values().filter_map(|entry| entry.deadline).min()
    }

    /// Removes everything; the server stops.
    pub(super) fn clear(&mut self) -> Vec<SharedObject> {
        self.interfaces.clear();
        self.ping_sets.clear();
        self.objects.drain().map(|(_, entry)| entry.object).collect()
    }

    /// Removes one object with its interfaces.
    pub(super) fn remove(&mut self, oid: Oid) -> Option<SharedObject> {
        self.interfaces.retain(|_, interface| interface.oid != oid);
        for set in self.ping_sets.values_mut() {
            set.objects.remove(&oid);
        }
        self.objects.remove(&oid).map(|entry| entry.object)
    }
}

/// Windows compares names of users and domains without case.
fn same_user(one: &Identity, other: &Identity) -> bool {
    one.user.to_lowercase() == other.user.to_lowercase() && one.domain.to_lowercase() == other.domain.to_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use dcerpc::{Opnum, Status};
    use uuid::uuid;

    use super::super::{Caller, Limits};
    use super::*;

    const IID: Uuid = uuid!("0b9e5a10-6f0d-4f0e-9d53-6a1c6f1f0002");
    const OID: Oid = Oid(1);
    const IPID: Ipid = Ipid(Uuid::from_u128(2));
    const FIRST: ConnectionId = ConnectionId(1);
    const SECOND: ConnectionId = ConnectionId(2);
    const SECOND_LATER: Duration = Duration::from_secs(1);

    struct Nothing;

    impl Object for Nothing {
        fn call(&mut self, _: &Caller, _: Uuid, _: Opnum, _: &[u8], _: &mut Vec<u8>) -> Result<(), Status> {
            Ok(())
        }
    }

    impl Class for Nothing {
        fn clsid(&self) -> Uuid {
            IID
        }

        fn interfaces(&self) -> &[Uuid] {
            &[IID]
        }

        fn create(&self, _: &Caller) -> Result<Box<dyn Object>, Hresult> {
            Ok(Box::new(Nothing))
        }
    }

    fn user(name: &str) -> Identity {
        Identity { domain: "CORP".to_owned(), user: name.to_owned() }
    }

    /// A table with one object that has five references, and the time it was made.
    fn table() -> (Table, Instant) {
        let limits = Limits::default();
        let mut table = Table::new(&limits);
        let now = Instant::now();
        table.insert(OID, Box::new(Nothing), Arc::new(Nothing), user("alice"), now);
        table.interface(OID, IID, 5, IPID).unwrap();
        (table, now)
    }

    #[test]
    fn an_object_without_calls_and_pings_dies_after_six_minutes() {
        let (mut table, now) = table();
        assert_eq!(table.next_deadline(), Some(now + Duration::from_secs(360)));
        assert!(table.expire(now + Duration::from_secs(359)).is_empty());
        assert_eq!(table.expire(now + Duration::from_secs(360)).len(), 1);
        assert_eq!(table.next_deadline(), None);
    }

    #[test]
    fn pings_prolong_it() {
        let (mut table, now) = table();
        let (set, caller) = (SetId(9), user("alice"));
        let later = now + Duration::from_secs(300);
        assert_eq!(table.complex_ping(SetId(0), set, &caller, &[OID], &[], later), Ok(set));
        assert!(table.expire(now + Duration::from_secs(600)).is_empty());
        table.simple_ping(set, &caller, now + Duration::from_secs(600)).unwrap();
        assert!(table.expire(now + Duration::from_secs(959)).is_empty());
        assert_eq!(table.expire(now + Duration::from_secs(960)).len(), 1);
        assert_eq!(table.simple_ping(set, &caller, now + Duration::from_secs(960)), Err(ErrorStatus::INVALID_SET));
    }

    #[test]
    fn an_open_connection_keeps_it_and_the_last_one_to_go_starts_the_grace_time() {
        let (mut table, now) = table();
        for connection in [FIRST, SECOND] {
            table.target(IPID, &user("Alice"), connection).ok().unwrap();
        }
        let year = now + Duration::from_secs(365 * 86_400);
        assert!(table.expire(year).is_empty());
        table.disconnect(FIRST, year);
        assert!(table.expire(year + Duration::from_secs(60)).is_empty());
        assert!(table.depends_on(SECOND) && !table.depends_on(FIRST));
        table.disconnect(SECOND, year);
        assert!(table.expire(year + 4 * SECOND_LATER).is_empty());
        assert_eq!(table.expire(year + 5 * SECOND_LATER).len(), 1);
    }

    #[test]
    fn a_call_within_the_grace_time_saves_it() {
        let (mut table, now) = table();
        table.target(IPID, &user("alice"), FIRST).ok().unwrap();
        table.disconnect(FIRST, now);
        table.target(IPID, &user("alice"), SECOND).ok().unwrap();
        assert!(table.expire(now + 60 * SECOND_LATER).is_empty());
    }

    /// Otherwise a client that hangs but pings would hold the backup session of an object that it cannot use.
    #[test]
    fn pings_do_not_stand_in_for_a_connection_that_broke() {
        let (mut table, now) = table();
        let set = table.complex_ping(SetId(0), SetId(9), &user("alice"), &[OID], &[], now).unwrap();
        table.target(IPID, &user("alice"), FIRST).ok().unwrap();
        table.disconnect(FIRST, now);
        table.simple_ping(set, &user("alice"), now + SECOND_LATER).unwrap();
        assert_eq!(table.expire(now + 5 * SECOND_LATER).len(), 1);
    }

    #[test]
    fn another_user_neither_calls_nor_keeps_it() {
        let (mut table, now) = table();
        assert_eq!(table.target(IPID, &user("mallory"), FIRST).err(), Some(Hresult::ACCESS_DENIED));
        assert!(!table.depends_on(FIRST));
        let refused = table.complex_ping(SetId(0), SetId(9), &user("mallory"), &[OID], &[], now + SECOND_LATER);
        assert_eq!(refused, Err(ErrorStatus::INVALID_OID));
        assert_eq!(table.expire(now + Duration::from_secs(360)).len(), 1);
    }

    #[test]
    fn releasing_more_than_there_is_releases_what_there_is() {
        let (mut table, _) = table();
        assert!(table.release(IPID, 4, &user("alice"), FIRST).unwrap().is_none());
        assert!(table.release(IPID, u64::MAX, &user("alice"), FIRST).unwrap().is_some());
        assert_eq!(table.release(IPID, 1, &user("alice"), FIRST).err(), Some(Hresult::DISCONNECTED));
    }
}
