use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use super::blob;
use crate::objref::{DualStringArray, ObjRef, decode_interface_pointer, encode_interface_pointer};
use crate::{ComVersion, Error, Hresult, Ipid, Oxid, ids, limits};

/// What a server answers, ActivationPropertiesOut: the blob of \[MS-DCOM\] 3.1.2.5.2.3.3.
///
/// Two properties, PropsOutInfo before ScmReplyInfoData: impacket takes them by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertiesOut {
    /// One for each interface asked for, in that order; at least one.
    pub interfaces: Vec<ActivatedInterface>,
    /// Where the object lives.
    pub exporter: ScmReply,
}

/// An interface that was asked for, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivatedInterface {
    /// The interface.
    pub iid: Uuid,
    /// A reference to it, or why there is none.
    pub result: Result<ObjRef, Hresult>,
}

/// customREMOTE_REPLY_SCM_INFO, \[MS-DCOM\] 2.2.22.2.8.1: where the exporter of the object listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScmReply {
    /// The exporter.
    pub oxid: Oxid,
    /// Its bindings, with endpoints.
    pub bindings: DualStringArray,
    /// Its Remote Unknown, for reference counts and further interfaces.
    pub rem_unknown: Ipid,
    /// The lowest authentication level that it takes; impacket uses this one for all calls that follow.
    pub authentication_hint: u32,
    /// Its version.
    pub version: ComVersion,
}

impl PropertiesOut {
    /// The object reference that carries the answer.
    #[must_use]
    pub fn encode(&self) -> ObjRef {
        blob::encode(
            ids::IID_ACTIVATION_PROPERTIES_OUT,
            ids::CLSID_ACTIVATION_PROPERTIES_OUT,
            &[(ids::CLSID_PROPS_OUT_INFO, self.props_out_info()), (ids::CLSID_SCM_REPLY_INFO, self.scm_reply_info())],
        )
    }

    /// Reads the object reference that carries an answer; other properties are ignored.
    ///
    /// # Errors
    /// [`Error::Identifier`] when it carries something else, [`Error::MissingProperty`] without PropsOutInfo or
    /// ScmReplyInfoData, and what is wrong with those otherwise.
    pub fn decode(objref: &ObjRef) -> Result<Self, Error> {
        let properties = blob::decode(objref, ids::CLSID_ACTIVATION_PROPERTIES_OUT)?;
        Ok(Self {
            interfaces: read_props_out_info(properties.find(ids::CLSID_PROPS_OUT_INFO, "PropsOutInfo")?)?,
            exporter: read_scm_reply_info(properties.find(ids::CLSID_SCM_REPLY_INFO, "ScmReplyInfoData")?)?,
        })
    }

    /// PropsOutInfo, \[MS-DCOM\] 2.2.22.2.9.
    fn props_out_info(&self) -> Vec<u8> {
        let count = self.interfaces.len() as u32;
        let mut body = Encoder::new();
        body.u32(count);
        body.referent(); // piid
        body.referent(); // phresults
        body.referent(); // ppIntfData
        body.u32(count);
        for interface in &self.interfaces {
            body.uuid(&interface.iid);
        }
        body.u32(count);
        for interface in &self.interfaces {
            body.u32(interface.result.as_ref().err().map_or(0, |code| code.0));
        }
        body.u32(count);
        for interface in &self.interfaces {
            match interface.result {
                Ok(_) => body.referent(),
                Err(_) => body.null(),
            }
        }
        for object in self.interfaces.iter().flat_map(|i| &i.result) {
            encode_interface_pointer(&object.to_bytes(), &mut body);
        }
        body.into_bytes()
    }

    /// ScmReplyInfoData, \[MS-DCOM\] 2.2.22.2.8.
    fn scm_reply_info(&self) -> Vec<u8> {
        let mut body = Encoder::new();
        body.null(); // pdwReserved
        body.referent(); // remoteReply
        body.u64(self.exporter.oxid.0);
        body.referent(); // pdsaOxidBindings
        body.uuid(&self.exporter.rem_unknown.0);
        body.u32(self.exporter.authentication_hint);
        self.exporter.version.encode(&mut body);
        self.exporter.bindings.encode(&mut body);
        body.into_bytes()
    }
}

fn read_props_out_info(mut body: Decoder<'_>) -> Result<Vec<ActivatedInterface>, Error> {
    let claimed = body.u32()?;
    let pointers = [body.referent()?, body.referent()?, body.referent()?];
    if pointers.contains(&false) {
        return Err(Error::Null("PropsOutInfo.piid, phresults or ppIntfData"));
    }
    let same = |count: usize| {
        if count == 0 || count as u64 != u64::from(claimed) {
            return Err(Error::Value { field: "PropsOutInfo.cIfs", found: claimed.into() });
        }
        Ok(count)
    };
    let count = same(body.count(limits::INTERFACES, 16)?)?;
    let iids: Vec<Uuid> = (0..count).map(|_| body.uuid()).collect::<Result<_, _>>()?;
    same(body.count(limits::INTERFACES, 4)?)?;
    let codes: Vec<Hresult> = (0..count).map(|_| body.u32().map(Hresult)).collect::<Result<_, _>>()?;
    same(body.count(limits::INTERFACES, 4)?)?;
    let present: Vec<bool> = (0..count).map(|_| body.referent()).collect::<Result<_, _>>()?;

    let mut interfaces = Vec::with_capacity(count);
    for ((iid, code), present) in iids.into_iter().zip(codes).zip(present) {
        let object = if present { Some(ObjRef::from_bytes(decode_interface_pointer(&mut body)?)?) } else { None };
        let result = match (code, object) {
            (Hresult::OK, Some(object)) => Ok(object),
            (Hresult::OK, None) => return Err(Error::Null("PropsOutInfo.ppIntfData")),
            (code, _) => Err(code),
        };
        interfaces.push(ActivatedInterface { iid, result });
    }
    Ok(interfaces)
}

fn read_scm_reply_info(mut body: Decoder<'_>) -> Result<ScmReply, Error> {
    let reserved = body.referent()?;
    if !body.referent()? {
        return Err(Error::Null("ScmReplyInfoData.remoteReply"));
    }
    if reserved {
        let _reserved = body.u32()?;
    }
    let oxid = Oxid(body.u64()?);
    if !body.referent()? {
        return Err(Error::Null("customREMOTE_REPLY_SCM_INFO.pdsaOxidBindings"));
    }
    let rem_unknown = Ipid(body.uuid()?);
    let authentication_hint = body.u32()?;
    let version = ComVersion::decode(&mut body)?;
    Ok(ScmReply { oxid, bindings: DualStringArray::decode(&mut body)?, rem_unknown, authentication_hint, version })
}
