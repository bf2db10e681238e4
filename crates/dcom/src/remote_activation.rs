//! Activation before DCOM 5.6: IActivation::RemoteActivation, \[MS-DCOM\] 3.1.2.5.2.3.1. Some clients still ask for it.

use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use crate::activation::ScmReply;
use crate::objref::{DualStringArray, ObjRef, decode_interface_pointer, encode_interface_pointer};
use crate::{ComVersion, Error, ErrorStatus, Hresult, Ipid, OrpcThat, OrpcThis, Oxid, limits};

/// The request of RemoteActivation. ORPCTHIS is an explicit parameter; the stub starts with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteActivation {
    /// Version and causality of the client.
    pub this: OrpcThis,
    /// The class to activate.
    pub class_id: Uuid,
    /// What the object is to be initialised with (a file name); classes here have no use for it.
    pub object_name: Option<String>,
    /// Whether the class factory is asked for rather than an object (Mode 0xFFFFFFFF).
    pub class_factory: bool,
    /// The interfaces wanted; at least one.
    pub interfaces: Vec<Uuid>,
    /// Tower identifiers of the protocols that the client speaks.
    pub protocol_sequences: Vec<u16>,
}

/// RPC_C_IMP_LEVEL_IMPERSONATE; servers ignore it.
const IMPERSONATION_LEVEL: u32 = 3;

/// MODE_GET_CLASS_OBJECT.
const CLASS_FACTORY: u32 = 0xFFFF_FFFF;

impl RemoteActivation {
    /// Its number.
    pub const OPNUM: Opnum = Opnum(0);

    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        self.this.encode(stub);
        stub.uuid(&self.class_id);
        stub.unique_string(self.object_name.as_deref());
        stub.null(); // pObjectStorage
        stub.u32(IMPERSONATION_LEVEL);
        stub.u32(if self.class_factory { CLASS_FACTORY } else { 0 });
        stub.u32(self.interfaces.len() as u32);
        stub.referent(); // pIIDs
        stub.u32(self.interfaces.len() as u32);
        for iid in &self.interfaces {
            stub.uuid(iid);
        }
        stub.u16(self.protocol_sequences.len() as u16);
        stub.u32(self.protocol_sequences.len() as u32);
        for sequence in &self.protocol_sequences {
            stub.u16(*sequence);
        }
    }

    /// Reads the whole stub. An object to be initialised from (pObjectStorage) is read over.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short or asks for too much, [`Error::Value`] when counts contradict each other,
    /// [`Error::Null`] without interfaces.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let this = OrpcThis::decode(stub)?;
        let class_id = stub.uuid()?;
        let object_name = stub.unique_string(limits::NAME)?;
        if stub.referent()? {
            decode_interface_pointer(stub)?;
        }
        let _impersonation_level = stub.u32()?;
        let mode = stub.u32()?;
        let claimed = stub.u32()?;
        if !stub.referent()? {
            return Err(Error::Null("pIIDs"));
        }
        let count = stub.count(limits::INTERFACES, 16)?;
        if count == 0 || count as u64 != u64::from(claimed) {
            return Err(Error::Value { field: "Interfaces", found: claimed.into() });
        }
        let interfaces = (0..count).map(|_| stub.uuid()).collect::<Result<_, _>>()?;
        let claimed = stub.u16()?;
        let count = stub.count(limits::PROTOCOL_SEQUENCES, 2)?;
        if count != usize::from(claimed) {
            return Err(Error::Value { field: "cRequestedProtseqs", found: claimed.into() });
        }
        Ok(Self {
            this,
            class_id,
            object_name,
            class_factory: mode == CLASS_FACTORY,
            interfaces,
            protocol_sequences: (0..count).map(|_| stub.u16()).collect::<Result<_, _>>()?,
        })
    }
}

/// The reply of RemoteActivation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteActivationReply {
    /// Before the parameters.
    pub that: OrpcThat,
    /// The object, or why there is none.
    pub result: Result<Activated, Failed>,
}

/// An activation that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activated {
    /// Where the object lives.
    pub exporter: ScmReply,
    /// One for each interface asked for, in that order.
    pub interfaces: Vec<Result<ObjRef, Hresult>>,
}

/// An activation that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failed {
    /// Why (phr).
    pub code: Hresult,
    /// How many interfaces were asked for: the reply has as many empty places.
    pub interfaces: usize,
}

impl RemoteActivationReply {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        self.that.encode(stub);
        match &self.result {
            Ok(activated) => {
                let exporter = &activated.exporter;
                stub.u64(exporter.oxid.0);
                stub.referent(); // ppdsaOxidBindings
                exporter.bindings.encode(stub);
                stub.uuid(&exporter.rem_unknown.0);
                stub.u32(exporter.authentication_hint);
                exporter.version.encode(stub);
                stub.u32(Hresult::OK.0);
                stub.u32(activated.interfaces.len() as u32);
                for interface in &activated.interfaces {
                    match interface {
                        Ok(_) => stub.referent(),
                        Err(_) => stub.null(),
                    }
                }
                for object in activated.interfaces.iter().flatten() {
                    encode_interface_pointer(&object.to_bytes(), stub);
                }
                stub.u32(activated.interfaces.len() as u32);
                for interface in &activated.interfaces {
                    stub.u32(interface.as_ref().err().map_or(0, |code| code.0));
                }
            }
            Err(failed) => {
                stub.u64(0); // pOxid
                stub.null(); // ppdsaOxidBindings
                stub.uuid(&Uuid::nil()); // pipidRemUnknown
                stub.u32(0); // pAuthnHint
                ComVersion::NEWEST.encode(stub);
                stub.u32(failed.code.0);
                // ppInterfaceData is null, and pResults zero, for each interface.
                for _ in 0..2 {
                    stub.u32(failed.interfaces as u32);
                    stub.bytes_mut(4 * failed.interfaces);
                }
            }
        }
        stub.u32(ErrorStatus::OK.0);
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short or holds too much, [`Error::Null`] when it succeeded without bindings or without
    /// an object, [`Error::Value`] when counts contradict each other or the status is not zero.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let that = OrpcThat::decode(stub)?;
        let oxid = Oxid(stub.u64()?);
        let bindings = if stub.referent()? { Some(DualStringArray::decode(stub)?) } else { None };
        let rem_unknown = Ipid(stub.uuid()?);
        let authentication_hint = stub.u32()?;
        let version = ComVersion::decode(stub)?;
        let code = Hresult(stub.u32()?);
        let count = stub.count(limits::INTERFACES, 4)?;
        let present: Vec<bool> = (0..count).map(|_| stub.referent()).collect::<Result<_, _>>()?;
        let mut objects = Vec::with_capacity(count);
        for present in present {
            objects.push(if present { Some(ObjRef::from_bytes(decode_interface_pointer(stub)?)?) } else { None });
        }
        let results = stub.count(limits::INTERFACES, 4)?;
        if results != count {
            return Err(Error::Value { field: "pResults", found: results as u64 });
        }
        let codes: Vec<Hresult> = (0..count).map(|_| stub.u32().map(Hresult)).collect::<Result<_, _>>()?;
        let status = stub.u32()?;
        if status != 0 {
            return Err(Error::Value { field: "error_status_t of RemoteActivation", found: status.into() });
        }
        if code != Hresult::OK {
            let result = Err(Failed { code, interfaces: count });
            return Ok(Self { that, result });
        }
        let interfaces = codes
            .into_iter()
            .zip(objects)
            .map(|(code, object)| match (code, object) {
                (Hresult::OK, Some(object)) => Ok(Ok(object)),
                (Hresult::OK, None) => Err(Error::Null("ppInterfaceData")),
                (code, _) => Ok(Err(code)),
            })
            .collect::<Result<_, _>>()?;
        let result = Ok(Activated {
            exporter: ScmReply {
                oxid,
                bindings: bindings.ok_or(Error::Null("ppdsaOxidBindings"))?,
                rem_unknown,
                authentication_hint,
                version,
            },
            interfaces,
        });
        Ok(Self { that, result })
    }
}
