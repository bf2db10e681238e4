//! IRemoteSCMActivator and IActivation: making objects.

use std::sync::Arc;
use std::time::Instant;

use dcerpc::ndr::Decoder;
use dcerpc::server::Call;
use dcerpc::{Opnum, Status};
use dcom::activation::ScmReply;
use dcom::activation::{ActivatedInterface, PropertiesOut, RemoteActivationReply, RemoteCreateInstance};
use dcom::objref::{Form, ObjRef, StdObjRef};
use dcom::remote_activation::{self, Activated, Failed, RemoteActivation};
use dcom::{ComVersion, Hresult, Ipid, Oid, OrpcThis};
use uuid::Uuid;

use super::Caller;
use super::session::{Session, encode};
use super::shared::fresh_number;

/// IRemoteSCMActivator, \[MS-DCOM\] 3.1.2.5.2.2.
pub(super) fn dispatch(session: &Session, call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
    let caller = session.signed_caller(call)?;
    if call.opnum != RemoteCreateInstance::OPNUM && call.opnum != REMOTE_GET_CLASS_OBJECT {
        return Err(Status::OPERATION_RANGE);
    }
    let request = RemoteCreateInstance::decode(&mut Decoder::new(call.stub)).map_err(|error| {
        tracing::debug!(peer = %session.peer, %error, "activation request cannot be read");
        Status::BAD_STUB_DATA
    })?;
    check_version(&request.this)?;
    let properties = request.properties;
    // Class objects are not exported: there is nothing to call on them.
    let result = if call.opnum == REMOTE_GET_CLASS_OBJECT {
        Err(Hresult::NOT_IMPLEMENTED)
    } else {
        activate(session, &caller, properties.class_id, &properties.interfaces).map(|(exporter, results)| {
            let interfaces = properties.interfaces.iter().zip(results);
            let interfaces = interfaces.map(|(iid, result)| ActivatedInterface { iid: *iid, result }).collect();
            PropertiesOut { interfaces, exporter }
        })
    };
    encode(reply, |stub| RemoteActivationReply::new(result).encode(stub));
    Ok(())
}

/// IActivation, \[MS-DCOM\] 3.1.2.5.2.1: what clients before DCOM 5.6 use.
pub(super) fn dispatch_legacy(session: &Session, call: &Call<'_>, reply: &mut Vec<u8>) -> Result<(), Status> {
    let caller = session.signed_caller(call)?;
    if call.opnum != RemoteActivation::OPNUM {
        return Err(Status::OPERATION_RANGE);
    }
    let request = RemoteActivation::decode(&mut Decoder::new(call.stub)).map_err(|_| Status::BAD_STUB_DATA)?;
    check_version(&request.this)?;
    let result = if request.class_factory || request.object_name.is_some() {
        Err(Hresult::NOT_IMPLEMENTED)
    } else {
        activate(session, &caller, request.class_id, &request.interfaces)
    };
    let result = result
        .map(|(exporter, interfaces)| Activated { exporter, interfaces })
        .map_err(|code| Failed { code, interfaces: request.interfaces.len() });
    let answer = remote_activation::RemoteActivationReply { that: dcom::OrpcThat::default(), result };
    encode(reply, |stub| answer.encode(stub));
    Ok(())
}

/// The flags of ORPCTHIS mean nothing in activation; Windows sets one of them.
fn check_version(this: &OrpcThis) -> Result<(), Status> {
    ComVersion::NEWEST.accept(this.version).map_err(|error| Status(error.0))
}

type Results = Vec<Result<ObjRef, Hresult>>;

fn activate(session: &Session, caller: &Caller, clsid: Uuid, iids: &[Uuid]) -> Result<(ScmReply, Results), Hresult> {
    let shared = &session.shared;
    let class = shared.classes.iter().find(|class| class.clsid() == clsid).ok_or_else(|| {
        tracing::info!(peer = %session.peer, %clsid, "activation of an unknown class");
        Hresult::CLASS_NOT_REGISTERED
    })?;
    let has = |iid: &Uuid| *iid == dcom::ids::IID_UNKNOWN || class.interfaces().contains(iid);
    if !iids.iter().any(has) {
        return Err(Hresult::NO_INTERFACE);
    }
    if !shared.with_table(|table| table.has_room()) {
        tracing::warn!(peer = %session.peer, "activation refused: too many objects");
        return Err(Hresult::OUT_OF_MEMORY);
    }
    let fail = |_| Hresult::FAIL;
    let exporter = ScmReply {
        oxid: shared.oxid,
        bindings: shared.exporter_bindings(session.local).map_err(fail)?,
        rem_unknown: shared.rem_unknown,
        // Some clients take this for the level of all their calls to the object.
        authentication_hint: dcerpc::AuthenticationLevel::Privacy.to_wire().into(),
        version: ComVersion::NEWEST,
    };
    let resolver = shared.resolver_bindings(session.local).map_err(fail)?;

    let object = class.create(caller)?;
    let oid = Oid(fresh_number());
    let references: Vec<Result<StdObjRef, Hresult>> = shared.with_table(|table| {
        table.insert(oid, object, Arc::clone(class), caller.identity.clone(), Instant::now());
        let reference = |iid: &Uuid| {
            let ipid = table.interface(oid, *iid, PUBLIC_REFERENCES, Ipid(Uuid::new_v4()))?;
            Ok(StdObjRef { flags: 0, public_references: PUBLIC_REFERENCES, oxid: shared.oxid, oid, ipid })
        };
        iids.iter().map(reference).collect()
    });
    tracing::info!(peer = %session.peer, user = ?caller.identity.user, %clsid, oid = oid.0, "object activated");
    let objref = |(iid, reference): (&Uuid, Result<StdObjRef, Hresult>)| {
        reference.map(|reference| ObjRef { iid: *iid, form: Form::Standard { reference, resolver: resolver.clone() } })
    };
    Ok((exporter, iids.iter().zip(references).map(objref).collect()))
}

/// References that go with a new interface; what Windows gives.
pub(super) const PUBLIC_REFERENCES: u32 = 5;

/// IRemoteSCMActivator::RemoteGetClassObject, \[MS-DCOM\] 3.1.2.5.2.2: the request has the form of RemoteCreateInstance.
const REMOTE_GET_CLASS_OBJECT: Opnum = Opnum(3);
