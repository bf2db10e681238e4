use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use super::blob;
use crate::objref::{Form, ObjRef, encode_interface_pointer};
use crate::{ComVersion, Error, ids, limits};

/// What a client asks for, ActivationPropertiesIn: the blob of \[MS-DCOM\] 3.1.2.5.2.3.3.
///
/// Of the properties, InstantiationInfoData says what to create and ScmRequestInfoData how to reach it; the others are read
/// by nobody. [`encode`](Self::encode) sends the six that Windows sends, in its order, so that a real server sees what it
/// always sees. [`decode`](Self::decode) needs those two only, wherever they stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertiesIn {
    /// The class to activate.
    pub class_id: Uuid,
    /// The interfaces wanted; at least one.
    pub interfaces: Vec<Uuid>,
    /// Tower identifiers of the protocols that the client speaks, [`TOWER_TCP`](crate::objref::TOWER_TCP) in practice.
    pub protocol_sequences: Vec<u16>,
}

/// What a client tells of itself in an activation request; servers ignore it.
#[derive(Clone, Copy, Debug)]
pub struct ClientDetails<'a> {
    /// The server by the name that the user gave.
    pub server_name: &'a str,
    /// Names the client's context; a random GUID.
    pub context_id: Uuid,
}

/// CLSCTX_LOCAL_SERVER | CLSCTX_REMOTE_SERVER: what Windows sends as class context for a remote activation.
const CLASS_CONTEXT: u32 = 0x4 | 0x10;

/// RPC_C_IMP_LEVEL_IDENTIFY, which Windows sends as ClientImpLevel; servers ignore it.
const IMPERSONATION_LEVEL: u32 = 2;

impl PropertiesIn {
    /// The object reference that carries the request.
    #[must_use]
    pub fn encode(&self, client: ClientDetails<'_>) -> ObjRef {
        blob::encode(
            ids::IID_ACTIVATION_PROPERTIES_IN,
            ids::CLSID_ACTIVATION_PROPERTIES_IN,
            &[
                (ids::CLSID_SPECIAL_SYSTEM_PROPERTIES, special_system_properties()),
                (ids::CLSID_INSTANTIATION_INFO, self.instantiation_info()),
                (ids::CLSID_ACTIVATION_CONTEXT_INFO, activation_context_info(client.context_id)),
                (ids::CLSID_SECURITY_INFO, security_info(client.server_name)),
                (ids::CLSID_SERVER_LOCATION_INFO, server_location_info()),
                (ids::CLSID_SCM_REQUEST_INFO, self.scm_request_info()),
            ],
        )
    }

    /// Reads the object reference that carries a request; properties that are not needed are ignored.
    ///
    /// # Errors
    /// [`Error::Identifier`] when it carries something else, [`Error::MissingProperty`] without InstantiationInfoData or
    /// ScmRequestInfoData, and what is wrong with those otherwise.
    pub fn decode(objref: &ObjRef) -> Result<Self, Error> {
        let properties = blob::decode(objref, ids::CLSID_ACTIVATION_PROPERTIES_IN)?;
        let (class_id, interfaces) =
            read_instantiation_info(properties.find(ids::CLSID_INSTANTIATION_INFO, "InstantiationInfoData")?)?;
        let protocol_sequences =
            read_scm_request_info(properties.find(ids::CLSID_SCM_REQUEST_INFO, "ScmRequestInfoData")?)?;
        Ok(Self { class_id, interfaces, protocol_sequences })
    }

    /// InstantiationInfoData, \[MS-DCOM\] 2.2.22.2.1.
    fn instantiation_info(&self) -> Vec<u8> {
        let count = self.interfaces.len();
        let size = 16 /* headers */ + 52 /* up to the array */ + 16 * count;
        let mut body = Encoder::new();
        body.uuid(&self.class_id);
        body.u32(CLASS_CONTEXT);
        body.u32(0); // actvflags
        body.u32(0); // fIsSurrogate
        body.u32(count as u32);
        body.u32(0); // instFlag
        body.referent();
        body.u32(size.next_multiple_of(8) as u32); // thisSize
        ComVersion::NEWEST.encode(&mut body);
        body.u32(count as u32);
        for iid in &self.interfaces {
            body.uuid(iid);
        }
        body.into_bytes()
    }

    /// ScmRequestInfoData, \[MS-DCOM\] 2.2.22.2.4.
    fn scm_request_info(&self) -> Vec<u8> {
        let count = self.protocol_sequences.len();
        let mut body = Encoder::new();
        body.null(); // pdwReserved
        body.referent();
        body.u32(IMPERSONATION_LEVEL);
        body.u16(count as u16);
        body.referent();
        body.u32(count as u32);
        for sequence in &self.protocol_sequences {
            body.u16(*sequence);
        }
        body.into_bytes()
    }
}

fn read_instantiation_info(mut body: Decoder<'_>) -> Result<(Uuid, Vec<Uuid>), Error> {
    let class_id = body.uuid()?;
    let _class_context = body.u32()?;
    let _flags = body.u32()?;
    let _is_surrogate = body.u32()?;
    let claimed = body.u32()?;
    let _instance_flag = body.u32()?;
    if !body.referent()? {
        return Err(Error::Null("InstantiationInfoData.pIID"));
    }
    let _size = body.u32()?;
    let _version = ComVersion::decode(&mut body)?;
    let count = body.count(limits::INTERFACES, 16)?;
    if count == 0 || count as u64 != u64::from(claimed) {
        return Err(Error::Value { field: "InstantiationInfoData.cIID", found: claimed.into() });
    }
    let interfaces = (0..count).map(|_| body.uuid()).collect::<Result<_, _>>()?;
    Ok((class_id, interfaces))
}

fn read_scm_request_info(mut body: Decoder<'_>) -> Result<Vec<u16>, Error> {
    let reserved = body.referent()?;
    if !body.referent()? {
        return Err(Error::Null("ScmRequestInfoData.remoteRequest"));
    }
    if reserved {
        let _reserved = body.u32()?;
    }
    let _impersonation_level = body.u32()?;
    let claimed = body.u16()?;
    if !body.referent()? {
        return Ok(Vec::new());
    }
    let count = body.count(limits::PROTOCOL_SEQUENCES, 2)?;
    if count != usize::from(claimed) {
        return Err(Error::Value { field: "customREMOTE_REQUEST_SCM_INFO.cRequestedProtseqs", found: claimed.into() });
    }
    Ok((0..count).map(|_| body.u16()).collect::<Result<_, _>>()?)
}

/// SpecialPropertiesData, \[MS-DCOM\] 2.2.22.2.2, as Windows sends it: any logon session, default authentication level.
fn special_system_properties() -> Vec<u8> {
    const ANY_SESSION: u32 = 0xFFFF_FFFF;
    const USE_DEFAULT_AUTHENTICATION_LEVEL: u32 = 2;
    let mut body = Encoder::new();
    body.u32(ANY_SESSION);
    body.u32(0); // fRemoteThisSessionId
    body.u32(0); // fClientImpersonating
    body.u32(0); // fPartitionIDPresent
    body.u32(1); // dwDefaultAuthnLvl
    body.uuid(&Uuid::nil()); // guidPartition
    body.u32(0); // dwPRTFlags
    body.u32(CLASS_CONTEXT); // dwOrigClsctx
    body.u32(USE_DEFAULT_AUTHENTICATION_LEVEL); // dwFlags
    body.u32(0); // Reserved1
    body.u64(0); // Reserved2
    body.bytes_mut(5 * 4); // Reserved3
    body.into_bytes()
}

/// ActivationContextInfoData, \[MS-DCOM\] 2.2.22.2.5, with an empty client context (2.2.20) and no prototype context.
fn activation_context_info(context_id: Uuid) -> Vec<u8> {
    const BY_VALUE: u32 = 2;
    let mut context = Encoder::new();
    context.u16(1); // MajorVersion
    context.u16(1); // MinVersion
    context.uuid(&context_id);
    context.u32(BY_VALUE); // Flags
    context.u32(0); // Reserved
    context.u32(0); // dwNumExtents
    context.u32(0); // cbExtents
    context.u32(0); // MshlFlags
    context.u32(0); // Count
    context.u32(1); // Frozen
    let context = ObjRef {
        iid: ids::IID_CONTEXT,
        form: Form::Custom { clsid: ids::CLSID_CONTEXT_MARSHALER, data: context.into_bytes() },
    };

    let mut body = Encoder::new();
    body.u32(0); // clientOK
    body.u32(0); // bReserved1
    body.u32(0); // dwReserved1
    body.u32(0); // dwReserved2
    body.referent(); // pIFDClientCtx
    body.null(); // pIFDPrototypeCtx
    encode_interface_pointer(&context.to_bytes(), &mut body);
    body.into_bytes()
}

/// SecurityInfoData, \[MS-DCOM\] 2.2.22.2.7, with the COSERVERINFO that Windows sends all the same.
fn security_info(server_name: &str) -> Vec<u8> {
    let mut body = Encoder::new();
    body.u32(0); // dwAuthnFlags
    body.referent(); // pServerInfo
    body.null(); // pdwReserved
    body.u32(0); // dwReserved1
    body.referent(); // pwszName
    body.null(); // pdwReserved
    body.u32(0); // dwReserved2
    body.string(server_name);
    body.into_bytes()
}

/// LocationInfoData, \[MS-DCOM\] 2.2.22.2.6: nothing.
fn server_location_info() -> Vec<u8> {
    let mut body = Encoder::new();
    body.null(); // machineName
    body.u32(0); // processId
    body.u32(0); // apartmentId
    body.u32(0); // contextId
    body.into_bytes()
}
