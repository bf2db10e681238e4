//! What a program implements to be called from remote.

use std::net::SocketAddr;

use dcerpc::security::Identity;
use dcerpc::{AuthenticationLevel, Opnum, Status, SyntaxId};
use dcom::Hresult;
use uuid::Uuid;

/// A class of objects that clients may activate.
pub trait Class: Send + Sync {
    /// Its CLSID.
    fn clsid(&self) -> Uuid;

    /// Interfaces of its objects; what is not listed is answered with E_NOINTERFACE.
    fn interfaces(&self) -> &[Uuid];

    /// Makes the object for one activation. The caller is authenticated, at packet integrity or better.
    ///
    /// # Errors
    ///
    /// The result of the activation.
    fn create(&self, caller: &Caller) -> Result<Box<dyn Object>, Hresult>;
}

/// An object that one client activated.
///
/// Its calls come one at a time. It is dropped when the client released its last reference, when the last connection that
/// used it has been gone for the grace time, when a client that never connected stops pinging, and when the server stops.
pub trait Object: Send {
    /// One call. `stub` begins behind ORPCTHIS; the results are appended to `reply`, behind ORPCTHAT.
    ///
    /// Bytes that were appended before an error are discarded.
    ///
    /// # Errors
    ///
    /// The status of a fault PDU. Results of the method itself (HRESULTs) are part of the reply instead.
    fn call(
        &mut self,
        caller: &Caller,
        interface: Uuid,
        opnum: Opnum,
        stub: &[u8],
        reply: &mut Vec<u8>,
    ) -> Result<(), Status>;
}

/// An interface that is called without DCOM around it: no activation, no ORPCTHIS. Registered in the endpoint mapper.
pub trait PlainInterface: Send + Sync {
    /// The interface and its version.
    fn syntax(&self) -> SyntaxId;

    /// One call; several may run at once.
    ///
    /// # Errors
    ///
    /// The status of a fault PDU.
    fn call(&self, caller: &Caller, opnum: Opnum, stub: &[u8], reply: &mut Vec<u8>) -> Result<(), Status>;
}

/// Who makes a call, and how well the call is protected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The user, as authenticated on this connection. Never anonymous.
    pub identity: Identity,
    /// Protection of this very call.
    pub level: AuthenticationLevel,
    /// The other end of the connection.
    pub address: SocketAddr,
    /// Whether the other end is a loopback address of this machine.
    pub is_local: bool,
}
