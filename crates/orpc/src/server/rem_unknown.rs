//! IRemUnknown and IRemUnknown2, \[MS-DCOM\] 3.1.1.5.6 and 3.1.1.5.7: interfaces and reference counts.

use dcerpc::ndr::Decoder;
use dcerpc::server::Call;
use dcerpc::{AuthenticationLevel, Status};
use dcom::objref::{Form, ObjRef, StdObjRef};
use dcom::rem_unknown::{
    self, RemAddRefReply, RemQueryInterface, RemQueryInterface2, RemQueryInterface2Reply, RemQueryInterfaceReply,
    RemReferences, RemReleaseReply,
};
use dcom::{Hresult, Ipid, OrpcThat};
use uuid::Uuid;

use super::Caller;
use super::session::{Session, encode};

pub(super) fn dispatch(
    session: &Session,
    call: &Call<'_>,
    caller: &Caller,
    mut stub: Decoder<'_>,
    reply: &mut Vec<u8>,
) -> Result<(), Status> {
    if caller.level < AuthenticationLevel::Integrity {
        return Err(Status::ACCESS_DENIED);
    }
    let bad = |_| Status::BAD_STUB_DATA;
    let is_second = call.interface.uuid == dcom::ids::IID_REM_UNKNOWN2;
    if !is_second && call.interface.uuid != dcom::ids::IID_REM_UNKNOWN {
        return Err(Status::UNKNOWN_INTERFACE);
    }
    match call.opnum {
        rem_unknown::REM_QUERY_INTERFACE => {
            let request = RemQueryInterface::decode(&mut stub).map_err(bad)?;
            let result = query(session, caller, request.ipid, request.references, &request.interfaces);
            let answer = RemQueryInterfaceReply { result };
            encode_reply(reply, |stub| answer.encode(stub));
        }
        rem_unknown::REM_ADD_REF => {
            let request = RemReferences::decode(&mut stub).map_err(bad)?;
            let results: Vec<Hresult> = session.shared.with_table(|table| {
                let add = |reference: &rem_unknown::InterfaceReference| {
                    let count = u64::from(reference.public) + u64::from(reference.private);
                    table
                        .add_references(reference.ipid, count, &caller.identity, session.connection)
                        .err()
                        .unwrap_or(Hresult::OK)
                };
                request.references.iter().map(add).collect()
            });
            let code = results.iter().copied().find(|result| *result != Hresult::OK).unwrap_or(Hresult::OK);
            let answer = RemAddRefReply { results, code };
            encode_reply(reply, |stub| answer.encode(stub));
        }
        rem_unknown::REM_RELEASE => {
            let request = RemReferences::decode(&mut stub).map_err(bad)?;
            let results: Vec<_> = session.shared.with_table(|table| {
                let release = |reference: &rem_unknown::InterfaceReference| {
                    let count = u64::from(reference.public) + u64::from(reference.private);
                    table.release(reference.ipid, count, &caller.identity, session.connection)
                };
                request.references.iter().map(release).collect()
            });
            let code = results.iter().find_map(|result| result.as_ref().err().copied()).unwrap_or(Hresult::OK);
            // Objects are dropped here, without the lock of the table.
            for object in results.into_iter().flatten().flatten() {
                tracing::info!(peer = %session.peer, "object released");
                drop(object);
            }
            let answer = RemReleaseReply { code };
            encode_reply(reply, |stub| answer.encode(stub));
        }
        rem_unknown::REM_QUERY_INTERFACE2 if is_second => {
            let request = RemQueryInterface2::decode(&mut stub).map_err(bad)?;
            let resolver = session.shared.resolver_bindings(session.local).map_err(bad)?;
            let (results, code) = match query(session, caller, request.ipid, 1, &request.interfaces) {
                Ok(results) => {
                    let code = results.iter().find_map(|result| result.err()).unwrap_or(Hresult::OK);
                    (results, code)
                }
                Err(code) => (vec![Err(code); request.interfaces.len()], code),
            };
            let objref = |(iid, result): (&Uuid, Result<StdObjRef, Hresult>)| {
                let form = |reference| Form::Standard { reference, resolver: resolver.clone() };
                result.map(|reference| ObjRef { iid: *iid, form: form(reference) })
            };
            let results = request.interfaces.iter().zip(results).map(objref).collect();
            let answer = RemQueryInterface2Reply { results, code };
            encode_reply(reply, |stub| answer.encode(stub));
        }
        _ => return Err(Status::OPERATION_RANGE),
    }
    Ok(())
}

/// RemQueryInterface, \[MS-DCOM\] 3.1.1.5.6.1.1.
fn query(
    session: &Session,
    caller: &Caller,
    ipid: Ipid,
    references: u32,
    iids: &[Uuid],
) -> Result<Vec<Result<StdObjRef, Hresult>>, Hresult> {
    let shared = &session.shared;
    shared.with_table(|table| {
        let (oid, _) = table.owned(ipid, &caller.identity, session.connection).map_err(|error| match error {
            Hresult::DISCONNECTED => Hresult::INVALID_OBJECT,
            other => other,
        })?;
        let references = references.max(1);
        let one = |iid: &Uuid| {
            let ipid = table.interface(oid, *iid, references, Ipid(Uuid::new_v4()))?;
            Ok(StdObjRef { flags: 0, public_references: references, oxid: shared.oxid, oid, ipid })
        };
        Ok(iids.iter().map(one).collect())
    })
}

fn encode_reply(reply: &mut Vec<u8>, write: impl FnOnce(&mut dcerpc::ndr::Encoder)) {
    encode(reply, |stub| {
        OrpcThat::default().encode(stub);
        write(stub);
    });
}
