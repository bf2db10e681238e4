//! From the name of a host to an object that can be called.

use dcerpc::client::Security;
use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{AuthenticationLevel, Status, SyntaxId};
use dcom::activation::{ClientDetails, PropertiesIn, PropertiesOut, RemoteActivationReply, RemoteCreateInstance};
use dcom::objref::{DualStringArray, Form, StdObjRef, TOWER_TCP};
use dcom::{CausalityId, ComVersion, Hresult, Ipid, OrpcThis, ids};
use uuid::Uuid;

use super::connection::Connection;
use super::{Error, Shared};
use crate::security::accounts::NtHash;
use crate::security::ntlm::Initiator;

/// An object that was activated, and how to reach it.
pub(super) struct Activated {
    pub(super) reference: StdObjRef,
    pub(super) rem_unknown: Ipid,
    pub(super) version: ComVersion,
    pub(super) bindings: DualStringArray,
}

/// RemoteCreateInstance, \[MS-DCOM\] 3.1.2.5.2.3.3, at packet privacy.
pub(super) fn activate(shared: &Shared, host: &str, clsid: Uuid, iid: Uuid) -> Result<Activated, Error> {
    let port = shared.options.endpoint_mapper_port;
    let mut connection = Connection::open(host, port, &shared.options, &shared.canceller)?;
    let binding = connection.bind(SyntaxId::new(ids::IID_REMOTE_SCM_ACTIVATOR, 0, 0), secure(shared))?;
    let request = RemoteCreateInstance {
        this: OrpcThis::new(ComVersion::NEWEST, CausalityId(Uuid::new_v4())),
        properties: PropertiesIn { class_id: clsid, interfaces: vec![iid], protocol_sequences: vec![TOWER_TCP] },
    };
    let mut stub = Encoder::new();
    request.encode(ClientDetails { server_name: host, context_id: Uuid::new_v4() }, &mut stub);
    let mut reply = Vec::new();
    let called = connection.call(binding, RemoteCreateInstance::OPNUM, None, &stub.into_bytes(), &mut reply);
    called.map_err(|error| match error {
        // The answer to the last leg of the handshake comes with the first call.
        Error::Fault(Status::ACCESS_DENIED) => Error::AuthenticationFailed { host: host.to_owned() },
        other => other,
    })?;
    let reply = RemoteActivationReply::decode(&mut Decoder::new(&reply)).map_err(|error| protocol(host, &error))?;
    let PropertiesOut { interfaces, exporter } = reply.result.map_err(|code| refused(host, code))?;
    let [interface] = interfaces.as_slice() else {
        return Err(protocol(host, &"an activation reply with another number of interfaces"));
    };
    let objref = interface.result.as_ref().map_err(|code| refused(host, *code))?;
    let Form::Standard { reference, .. } = objref.form else {
        return Err(protocol(host, &"an object that is not marshaled by reference"));
    };
    let version =
        ComVersion::NEWEST.common(exporter.version).ok_or_else(|| protocol(host, &"another major version of DCOM"))?;
    tracing::debug!(host, %clsid, %iid, oid = reference.oid.0, "activated");
    Ok(Activated { reference, rem_unknown: exporter.rem_unknown, version, bindings: exporter.bindings })
}

/// A connection to the exporter of an object.
///
/// The host that the caller named comes first, with each port of the bindings: it is known to be reachable, and credentials go
/// nowhere else unless it does not answer there. Then the addresses in the server's order.
pub(super) fn connect(shared: &Shared, host: &str, bindings: &DualStringArray) -> Result<Connection, Error> {
    let listed: Vec<(&str, u16)> = bindings
        .string_bindings()
        .iter()
        .filter_map(|binding| binding.tcp_address())
        .filter_map(|(name, port)| Some((name, port?)))
        .collect();
    let mut candidates: Vec<(&str, u16)> = Vec::new();
    for candidate in listed.iter().map(|(_, port)| (host, *port)).chain(listed.iter().copied()) {
        if !candidates.contains(&candidate) && candidates.len() < MAXIMUM_CANDIDATES {
            candidates.push(candidate);
        }
    }
    let mut last = protocol(host, &"no TCP binding for the object");
    for (name, port) in candidates {
        match Connection::open(name, port, &shared.options, &shared.canceller) {
            Ok(connection) => return Ok(connection),
            Err(error @ Error::Unreachable { .. }) => {
                tracing::debug!(name, port, "binding does not answer");
                last = error;
            }
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// A fresh security context for the user, at packet privacy.
pub(super) fn secure(shared: &Shared) -> Security {
    let credentials = &shared.credentials;
    let hash = NtHash::of_password(&credentials.password);
    Security::New {
        context: Box::new(Initiator::new(&credentials.domain, &credentials.user, &hash)),
        level: AuthenticationLevel::Privacy,
    }
}

fn refused(host: &str, hresult: Hresult) -> Error {
    let host = host.to_owned();
    match hresult {
        Hresult::CLASS_NOT_REGISTERED => Error::ClassNotRegistered { host },
        Hresult::NO_INTERFACE => Error::NoInterface { host },
        Hresult::ACCESS_DENIED => Error::AccessDenied { host },
        hresult => Error::Activation { host, hresult },
    }
}

pub(super) fn protocol(host: &str, reason: &dyn std::fmt::Display) -> Error {
    Error::Protocol { host: host.to_owned(), reason: reason.to_string() }
}

/// Addresses to try; a machine with many adapters lists them all.
const MAXIMUM_CANDIDATES: usize = 16;
