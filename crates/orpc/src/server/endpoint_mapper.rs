//! The endpoint mapper, C706 appendix O: on which port an interface is.

use std::net::{IpAddr, Ipv4Addr};

use dcerpc::Status;
use dcerpc::epm::{self, MapReply, MapRequest, Tower};
use dcerpc::ndr::Decoder;
use dcerpc::server::Call;

use super::session::{Session, encode};

/// ept_map is answered for the plain interfaces; objects are found by activation.
pub(super) fn dispatch(session: &Session, call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
    if call.opnum != epm::MAP {
        return Err(Status::OPERATION_RANGE);
    }
    let request = MapRequest::decode(&mut Decoder::new(call.stub)).map_err(|_| Status::BAD_STUB_DATA)?;
    let wanted = request.tower.as_ref().and_then(|tower| Some((tower.interface()?, tower.port()?)));
    let found = wanted.and_then(|(interface, _)| session.shared.plain_interface(&interface).map(|_| interface));
    let address = match session.local.ip().to_canonical() {
        IpAddr::V4(address) => address,
        // Towers over TCP have no floor for IPv6; clients take the address that they asked.
        IpAddr::V6(_) => Ipv4Addr::UNSPECIFIED,
    };
    let towers: Vec<Tower> = found
        .filter(|_| request.max_towers > 0)
        .map(|interface| Tower::tcp(interface, session.shared.object_port, address))
        .into_iter()
        .collect();
    let answer = MapReply {
        entry_handle: [0; 20],
        max_towers: request.max_towers,
        status: if found.is_some() { 0 } else { epm::NOT_REGISTERED },
        towers,
    };
    encode(reply, |stub| answer.encode(stub));
    Ok(())
}
