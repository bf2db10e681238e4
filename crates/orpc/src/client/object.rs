//! Interfaces of remote objects.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use dcerpc::client::{Binding, Security};
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{Opnum, Status, SyntaxId};
use dcom::objref::StdObjRef;
use dcom::rem_unknown::{
    self, InterfaceReference, RemQueryInterface, RemQueryInterfaceReply, RemReferences, RemReleaseReply,
};
use dcom::{CausalityId, ComVersion, Hresult, Ipid, OrpcThat, OrpcThis, ids};
use uuid::Uuid;

use super::activation::{self, Activated};
use super::connection::Connection;
use super::pinger::Pinged;
use super::{Error, Shared};

/// One interface of one remote object.
///
/// Several interfaces of an object share its connection, and take turns. Dropping the value releases the interface on the server, as
/// far as the connection still works; with the last one the connection is closed.
pub struct Object {
    channel: Arc<Channel>,
    binding: Binding,
    ipid: Ipid,
    references: u32,
    /// Request stub; keeps its allocation.
    stub: Vec<u8>,
}

/// The connection to an object, and what belongs to all its interfaces.
struct Channel {
    host: String,
    version: ComVersion,
    rem_unknown: Ipid,
    wire: Mutex<Wire>,
    _pinged: Option<Pinged>,
}

struct Wire {
    connection: Connection,
    /// The Remote Unknown, once it was needed.
    rem_unknown: Option<Binding>,
}

impl Object {
    pub(super) fn connect(shared: &Arc<Shared>, host: &str, iid: Uuid, activated: &Activated) -> Result<Self, Error> {
        let mut connection = activation::connect(shared, host, &activated.bindings)?;
        let binding = connection.bind(SyntaxId::new(iid, 0, 0), activation::secure(shared))?;
        let StdObjRef { flags, public_references, oid, ipid, .. } = activated.reference;
        let pinged = (flags & StdObjRef::NO_PING == 0).then(|| Pinged::new(shared, host, oid));
        let channel = Channel {
            host: host.to_owned(),
            version: activated.version,
            rem_unknown: activated.rem_unknown,
            wire: Mutex::new(Wire { connection, rem_unknown: None }),
            _pinged: pinged,
        };
        Ok(Self { channel: Arc::new(channel), binding, ipid, references: public_references, stub: Vec::new() })
    }

    /// Calls a method. `body` are the parameters behind ORPCTHIS; the reply stub is appended to `reply`.
    ///
    /// Returns the offset in `reply` at which the results start, behind ORPCTHAT. On errors `reply` is as it was.
    ///
    /// # Errors
    ///
    /// [`Error`]; the object is still usable after [`Error::Fault`] and [`Error::AccessDenied`] only.
    pub fn call(&mut self, opnum: Opnum, body: &[u8], reply: &mut Vec<u8>) -> Result<usize, Error> {
        self.channel.begin(&mut self.stub);
        self.stub.extend_from_slice(body);
        self.channel.call(&mut self.channel.lock().connection, self.binding, self.ipid, opnum, &self.stub, reply)
    }

    /// Another interface of the same object, over the same connection.
    ///
    /// # Errors
    ///
    /// [`Error::NoInterface`] and what [`Object::call`] returns.
    pub fn query_interface(&mut self, iid: Uuid) -> Result<Object, Error> {
        let mut wire = self.channel.lock();
        let Wire { connection, rem_unknown } = &mut *wire;
        let unknown = bind_rem_unknown(connection, rem_unknown, self.binding)?;
        let request = RemQueryInterface { ipid: self.ipid, references: REFERENCES, interfaces: vec![iid] };
        let stub = self.channel.request(|stub| request.encode(stub));
        let mut reply = Vec::new();
        let opnum = rem_unknown::REM_QUERY_INTERFACE;
        let start = self.channel.call(connection, unknown, self.channel.rem_unknown, opnum, &stub, &mut reply)?;
        let host = &self.channel.host;
        let decoded = RemQueryInterfaceReply::decode(&mut Decoder::new(&reply[start..]));
        let results = decoded.map_err(|error| activation::protocol(host, &error))?.result;
        let refused = |hresult| match hresult {
            Hresult::NO_INTERFACE => Error::NoInterface { host: host.clone() },
            Hresult::ACCESS_DENIED => Error::AccessDenied { host: host.clone() },
            hresult => Error::Activation { host: host.clone(), hresult },
        };
        let reference = match results.map_err(refused)?.as_slice() {
            [result] => result.map_err(refused)?,
            _ => return Err(activation::protocol(host, &"another number of interfaces than asked for")),
        };
        let binding = connection.bind(SyntaxId::new(iid, 0, 0), Security::Same(self.binding))?;
        drop(wire);
        Ok(Object {
            channel: Arc::clone(&self.channel),
            binding,
            ipid: reference.ipid,
            references: reference.public_references,
            stub: Vec::new(),
        })
    }

    fn release(
        &self,
        connection: &mut Connection,
        rem_unknown: &mut Option<Binding>,
        stub: &[u8],
    ) -> Result<Hresult, Error> {
        let unknown = bind_rem_unknown(connection, rem_unknown, self.binding)?;
        let (opnum, mut reply) = (rem_unknown::REM_RELEASE, Vec::new());
        let start = self.channel.call(connection, unknown, self.channel.rem_unknown, opnum, stub, &mut reply)?;
        RemReleaseReply::decode(&mut Decoder::new(&reply[start..]))
            .map(|reply| reply.code)
            .map_err(|error| activation::protocol(&self.channel.host, &error))
    }

    /// The host that the object was activated on, as it was given to [`Client::activate`](super::Client::activate).
    #[must_use]
    pub fn host(&self) -> &str {
        &self.channel.host
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let mut wire = self.channel.lock();
        if !wire.connection.is_open() {
            return;
        }
        let reference = InterfaceReference { ipid: self.ipid, public: self.references, private: 0 };
        let stub = self.channel.request(|stub| RemReferences { references: vec![reference] }.encode(stub));
        let Wire { connection, rem_unknown } = &mut *wire;
        connection.limited(RELEASE_TIMEOUT, |connection| match self.release(connection, rem_unknown, &stub) {
            Ok(Hresult::OK) => {}
            // The server drops the object when the connection is closed.
            Ok(code) => tracing::debug!(host = self.channel.host, %code, "release refused"),
            Err(error) => tracing::debug!(host = self.channel.host, %error, "release failed"),
        });
    }
}

impl fmt::Debug for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Object").field("host", &self.channel.host).field("ipid", &self.ipid).finish_non_exhaustive()
    }
}

impl Channel {
    /// One object call on `ipid`; returns where the results start.
    fn call(
        &self,
        connection: &mut Connection,
        binding: Binding,
        ipid: Ipid,
        opnum: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<usize, Error> {
        let start = reply.len();
        connection.call(binding, opnum, Some(ipid.0), stub, reply).map_err(|error| match error {
            Error::Fault(Status::ACCESS_DENIED) => Error::AccessDenied { host: self.host.clone() },
            other => other,
        })?;
        let mut results = Decoder::new(&reply[start..]);
        match OrpcThat::decode(&mut results) {
            Ok(_) => Ok(start + results.position()),
            Err(error) => {
                reply.truncate(start);
                Err(activation::protocol(&self.host, &error))
            }
        }
    }

    /// Starts a request stub with ORPCTHIS.
    fn begin(&self, stub: &mut Vec<u8>) {
        stub.clear();
        let mut encoder = Encoder::append_to(std::mem::take(stub), 0);
        OrpcThis::new(self.version, CausalityId(Uuid::new_v4())).encode(&mut encoder);
        *stub = encoder.into_bytes();
    }

    /// A whole request stub.
    fn request(&self, parameters: impl FnOnce(&mut Encoder)) -> Vec<u8> {
        let mut stub = Encoder::new();
        OrpcThis::new(self.version, CausalityId(Uuid::new_v4())).encode(&mut stub);
        parameters(&mut stub);
        stub.into_bytes()
    }

    fn lock(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds the Remote Unknown, in the security context of `object`, when it is needed for the first time.
fn bind_rem_unknown(
    connection: &mut Connection,
    known: &mut Option<Binding>,
    object: Binding,
) -> Result<Binding, Error> {
    if let Some(binding) = *known {
        return Ok(binding);
    }
    let interface = SyntaxId::new(ids::IID_REM_UNKNOWN, 0, 0);
    let binding = connection.bind(interface, Security::Same(object))?;
    *known = Some(binding);
    Ok(binding)
}

/// References to ask for with a new interface.
const REFERENCES: u32 = 1;
/// A release is a courtesy: it must not hold up a program that ends.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(3);
