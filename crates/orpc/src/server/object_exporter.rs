//! IObjectExporter, \[MS-DCOM\] 3.1.2.5.1: finding exporters and keeping objects alive.

use std::time::Instant;

use dcerpc::Status;
use dcerpc::ndr::Decoder;
use dcerpc::server::Call;
use dcom::object_exporter::{self, ComplexPing, ComplexPingReply, ResolveOxid, ResolveOxidReply, Resolved};
use dcom::object_exporter::{ServerAlive2Reply, SimplePing};
use dcom::{ComVersion, ErrorStatus, SetId};

use super::session::{Session, encode};
use super::shared::fresh_number;

pub(super) fn dispatch(session: &Session, call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
    let mut stub = Decoder::new(call.stub);
    let bad = |_| Status::BAD_STUB_DATA;
    match call.opnum {
        // ServerAlive and ServerAlive2 are asked before a client authenticates, and tell nothing that it does not know.
        object_exporter::SERVER_ALIVE => {
            encode(reply, |stub| object_exporter::encode_status(ErrorStatus::OK, stub));
        }
        object_exporter::SERVER_ALIVE2 => {
            let bindings = session.shared.resolver_bindings(session.local).map_err(bad)?;
            let answer = ServerAlive2Reply { version: ComVersion::NEWEST, bindings, status: ErrorStatus::OK };
            encode(reply, |stub| answer.encode(stub));
        }
        object_exporter::RESOLVE_OXID | object_exporter::RESOLVE_OXID2 => {
            session.caller(call).ok_or(Status::ACCESS_DENIED)?;
            let request = ResolveOxid::decode(&mut stub).map_err(bad)?;
            let answer = ResolveOxidReply { result: resolve(session, &request)? };
            encode(reply, |stub| match call.opnum {
                object_exporter::RESOLVE_OXID => answer.encode(stub),
                _ => answer.encode2(stub),
            });
        }
        object_exporter::SIMPLE_PING => {
            let caller = session.caller(call).ok_or(Status::ACCESS_DENIED)?;
            let SimplePing { set } = SimplePing::decode(&mut stub).map_err(bad)?;
            let result = session.shared.with_table(|table| table.simple_ping(set, &caller.identity, Instant::now()));
            let status = result.err().unwrap_or(ErrorStatus::OK);
            encode(reply, |stub| object_exporter::encode_status(status, stub));
        }
        object_exporter::COMPLEX_PING => {
            let caller = session.caller(call).ok_or(Status::ACCESS_DENIED)?;
            let ping = ComplexPing::decode(&mut stub).map_err(bad)?;
            let fresh = SetId(fresh_number());
            let result = session.shared.with_table(|table| {
                table.complex_ping(ping.set, fresh, &caller.identity, &ping.add, &ping.delete, Instant::now())
            });
            let known = if ping.set == SetId(0) { fresh } else { ping.set };
            let answer = ComplexPingReply {
                set: result.unwrap_or(known),
                backoff_factor: 0,
                status: result.err().unwrap_or(ErrorStatus::OK),
            };
            encode(reply, |stub| answer.encode(stub));
        }
        _ => return Err(Status::OPERATION_RANGE),
    }
    Ok(())
}

fn resolve(session: &Session, request: &ResolveOxid) -> Result<Result<Resolved, ErrorStatus>, Status> {
    let shared = &session.shared;
    if request.oxid != shared.oxid {
        return Ok(Err(ErrorStatus::INVALID_OXID));
    }
    let bindings = shared.exporter_bindings(session.local).map_err(|_| Status::BAD_STUB_DATA)?;
    Ok(Ok(Resolved {
        bindings,
        rem_unknown: shared.rem_unknown,
        authentication_hint: dcerpc::AuthenticationLevel::Privacy.to_wire().into(),
        version: ComVersion::NEWEST,
    }))
}
