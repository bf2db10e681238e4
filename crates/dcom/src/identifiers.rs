//! The numbers that name exporters, objects, interfaces and ping sets on the wire.

use uuid::Uuid;

/// Object exporter identifier, \[MS-DCOM\] 2.2.10: one per process that exports objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oxid(pub u64);

/// Object identifier, \[MS-DCOM\] 2.2.1: one per exported object, the unit of pinging.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Oid(pub u64);

/// Ping set identifier, \[MS-DCOM\] 2.2.2; zero asks for a new set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(pub u64);

/// Interface pointer identifier, \[MS-DCOM\] 2.2.9: one interface of one object; the object UUID of the request PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ipid(pub Uuid);

/// Causality identifier, \[MS-DCOM\] 2.2.6: names a chain of calls that cause each other; fresh for every call of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CausalityId(pub Uuid);
