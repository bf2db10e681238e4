//! What can be asked without logging on.

use std::net::Ipv4Addr;

use dcerpc::SyntaxId;
use dcerpc::client::Security;
use dcerpc::epm::{self, MapReply, MapRequest, Tower};
use dcerpc::ndr::{Decoder, Encoder};
use dcom::object_exporter::{self, ServerAlive2Reply};
use dcom::objref::DualStringArray;
use dcom::{ComVersion, ids};

use super::connection::Connection;
use super::{Error, Shared, activation};

/// What an object resolver says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAlive {
    /// The DCOM version that it speaks.
    pub version: ComVersion,
    /// Its addresses and security providers.
    pub bindings: DualStringArray,
}

/// IObjectExporter::ServerAlive2, \[MS-DCOM\] 3.1.2.5.1.6.
pub(super) fn server_alive(shared: &Shared, host: &str) -> Result<ServerAlive, Error> {
    let (mut connection, binding) = connect(shared, host, SyntaxId::new(ids::IID_OBJECT_EXPORTER, 0, 0))?;
    let mut reply = Vec::new();
    connection.call(binding, object_exporter::SERVER_ALIVE2, None, &[], &mut reply)?;
    let answer =
        ServerAlive2Reply::decode(&mut Decoder::new(&reply)).map_err(|error| activation::protocol(host, &error))?;
    answer.status.ok().map_err(|status| activation::protocol(host, &status))?;
    Ok(ServerAlive { version: answer.version, bindings: answer.bindings })
}

/// ept_map, C706 appendix O: the TCP port of an interface; `None` when it is not registered.
pub(super) fn find_port(shared: &Shared, host: &str, interface: SyntaxId) -> Result<Option<u16>, Error> {
    let (mut connection, binding) = connect(shared, host, epm::INTERFACE)?;
    let (mut stub, mut reply) = (Encoder::new(), Vec::new());
    MapRequest::new(Tower::tcp(interface, epm::PORT, Ipv4Addr::UNSPECIFIED)).encode(&mut stub);
    connection.call(binding, epm::MAP, None, &stub.into_bytes(), &mut reply)?;
    let answer = MapReply::decode(&mut Decoder::new(&reply)).map_err(|error| activation::protocol(host, &error))?;
    match answer.status {
        0 => Ok(answer.towers.iter().find_map(Tower::port)),
        epm::NOT_REGISTERED => Ok(None),
        status => Err(activation::protocol(host, &format_args!("the endpoint mapper answers {status:#010x}"))),
    }
}

fn connect(shared: &Shared, host: &str, interface: SyntaxId) -> Result<(Connection, dcerpc::client::Binding), Error> {
    let port = shared.options.endpoint_mapper_port;
    let mut connection = Connection::open(host, port, &shared.options, &shared.canceller)?;
    let binding = connection.bind(interface, Security::None)?;
    Ok((connection, binding))
}
