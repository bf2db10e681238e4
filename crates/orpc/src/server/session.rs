//! One connection's view of the server: who calls what.

use std::net::SocketAddr;

use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::security::Identity;
use dcerpc::server::Call;
use dcerpc::{AuthenticationLevel, Status, SyntaxId};
use dcom::{ComVersion, Ipid, OrpcThat, OrpcThis, ids};
use std::sync::{Arc, PoisonError};

use super::shared::Shared;
use super::table::ConnectionId;
use super::{Caller, activation, endpoint_mapper, object_exporter, rem_unknown};

/// The addresses of a connection, and what it is connected to.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: ConnectionId,
    pub(super) port: Port,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
}

/// Which of the two listeners accepted a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Endpoint mapper, activation, object resolver.
    EndpointMapper,
    /// Objects and plain interfaces.
    Objects,
}

impl Session {
    /// Whether a bind to the interface is accepted.
    pub(super) fn serves(&self, interface: &SyntaxId) -> bool {
        match self.port {
            Port::EndpointMapper => {
                *interface == dcerpc::epm::INTERFACE
                    || interface.major == 0
                        && [ids::IID_OBJECT_EXPORTER, ids::IID_REMOTE_SCM_ACTIVATOR, ids::IID_ACTIVATION]
                            .contains(&interface.uuid)
            }
            Port::Objects => self.shared.exports(interface),
        }
    }

    /// Makes one call; the reply stub is appended to `reply`.
    ///
    /// # Errors
    ///
    /// The status of the fault PDU to send instead of a reply.
    pub(super) fn dispatch(&self, call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
        let interface = call.interface.uuid;
        if self.port == Port::EndpointMapper {
            return match interface {
                ids::IID_OBJECT_EXPORTER => object_exporter::dispatch(self, call, reply),
                ids::IID_REMOTE_SCM_ACTIVATOR => activation::dispatch(self, call, reply),
                ids::IID_ACTIVATION => activation::dispatch_legacy(self, call, reply),
                _ => endpoint_mapper::dispatch(self, call, reply),
            };
        }
        // Nothing on this port is for anonymous clients.
        let caller = self.caller(call).ok_or(Status::ACCESS_DENIED)?;
        if let Some(plain) = self.shared.plain_interface(&call.interface) {
            return plain.call(&caller, call.opnum, call.stub, reply);
        }
        let ipid = Ipid(call.object.ok_or(Status::UNKNOWN_INTERFACE)?);
        let mut stub = Decoder::new(call.stub);
        let this = OrpcThis::decode(&mut stub).map_err(|_| Status::BAD_STUB_DATA)?;
        this.accept_call(ComVersion::NEWEST).map_err(|error| Status(error.0))?;
        let parameters = call.stub.get(stub.position()..).unwrap_or_default();
        if ipid == self.shared.rem_unknown {
            return rem_unknown::dispatch(self, call, &caller, stub, reply);
        }

        let target =
            self.shared.with_table(|table| table.target(ipid, &caller.identity, self.connection)).map_err(|error| {
                match error {
                    dcom::Hresult::ACCESS_DENIED => Status::ACCESS_DENIED,
                    other => Status(other.0),
                }
            })?;
        if target.iid != interface {
            return Err(Status::UNKNOWN_INTERFACE);
        }
        encode(reply, |stub| OrpcThat::default().encode(stub));
        let mut object = target.object.lock().unwrap_or_else(PoisonError::into_inner);
        object.call(&caller, interface, call.opnum, parameters, reply)
    }

    /// Who calls; `None` when the client did not authenticate.
    pub(super) fn caller(&self, call: &Call<'_>) -> Option<Caller> {
        let identity: &Identity = call.identity?;
        Some(Caller {
            identity: identity.clone(),
            level: call.level,
            address: self.peer,
            is_local: self.peer.ip().to_canonical().is_loopback(),
        })
    }

    /// The caller of a method that is only for authenticated clients whose calls are signed.
    pub(super) fn signed_caller(&self, call: &Call<'_>) -> Result<Caller, Status> {
        self.caller(call).filter(|caller| caller.level >= AuthenticationLevel::Integrity).ok_or_else(|| {
            tracing::warn!(peer = %self.peer, level = ?call.level, interface = %call.interface, "call refused: not signed");
            Status::ACCESS_DENIED
        })
    }
}

/// Appends a stub to a reply.
pub(super) fn encode(reply: &mut Vec<u8>, write: impl FnOnce(&mut Encoder)) {
    let base = reply.len();
    let mut stub = Encoder::append_to(std::mem::take(reply), base);
    write(&mut stub);
    *reply = stub.into_bytes();
}
