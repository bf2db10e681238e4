use dcerpc::ndr::{Decoder, Encoder};
use uuid::Uuid;

use crate::objref::{ObjRef, StdObjRef, decode_interface_pointer, encode_interface_pointer};
use crate::{Error, Hresult, Ipid, limits};

/// The request of IRemUnknown::RemQueryInterface, \[MS-DCOM\] 3.1.1.5.6.1.1: further interfaces of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemQueryInterface {
    /// Any interface of the object that is known already.
    pub ipid: Ipid,
    /// Public references wanted on each new interface; Windows asks for five.
    pub references: u32,
    /// The interfaces wanted.
    pub interfaces: Vec<Uuid>,
}

impl RemQueryInterface {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.uuid(&self.ipid.0);
        stub.u32(self.references);
        encode_interfaces(&self.interfaces, stub);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short or too many, [`Error::Value`] when the counts contradict each other.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { ipid: Ipid(stub.uuid()?), references: stub.u32()?, interfaces: decode_interfaces(stub)? })
    }
}

/// The reply of IRemUnknown::RemQueryInterface.
///
/// With at least one interface the call succeeds; `S_FALSE` and friends are not used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemQueryInterfaceReply {
    /// One for each interface asked for, [`Hresult::NO_INTERFACE`] where the object does not have it; or
    /// [`Hresult::INVALID_OBJECT`] for the whole call.
    pub result: Result<Vec<Result<StdObjRef, Hresult>>, Hresult>,
}

impl RemQueryInterfaceReply {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        let results = match &self.result {
            Ok(results) => results,
            Err(code) => {
                stub.null();
                stub.u32(code.0);
                return;
            }
        };
        stub.referent();
        stub.u32(results.len() as u32);
        for result in results {
            // REMQIRESULT, 2.2.24: 48 bytes, aligned to 8.
            stub.align(8);
            let (code, reference) = match result {
                Ok(reference) => (Hresult::OK, reference),
                Err(code) => (*code, &StdObjRef::NIL),
            };
            stub.u32(code.0);
            reference.encode(stub);
        }
        stub.u32(Hresult::OK.0);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short or too many, [`Error::Null`] when the call succeeded without results.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let mut results = None;
        if stub.referent()? {
            let count = stub.count(limits::INTERFACES, 8 + StdObjRef::SIZE)?;
            let mut list = Vec::with_capacity(count);
            for _ in 0..count {
                stub.align(8)?;
                let code = Hresult(stub.u32()?);
                let reference = StdObjRef::decode(stub)?;
                list.push(code.ok().map(|()| reference));
            }
            results = Some(list);
        }
        let result = match (Hresult(stub.u32()?), results) {
            (Hresult::OK, Some(results)) => Ok(results),
            (Hresult::OK, None) => return Err(Error::Null("ppQIResults")),
            (code, _) => Err(code),
        };
        Ok(Self { result })
    }
}

/// The request of IRemUnknown2::RemQueryInterface2, \[MS-DCOM\] 3.1.1.5.7.1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemQueryInterface2 {
    /// Any interface of the object that is known already.
    pub ipid: Ipid,
    /// The interfaces wanted.
    pub interfaces: Vec<Uuid>,
}

impl RemQueryInterface2 {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.uuid(&self.ipid.0);
        encode_interfaces(&self.interfaces, stub);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short or too many, [`Error::Value`] when the counts contradict each other.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { ipid: Ipid(stub.uuid()?), interfaces: decode_interfaces(stub)? })
    }
}

/// The reply of IRemUnknown2::RemQueryInterface2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemQueryInterface2Reply {
    /// One for each interface asked for.
    pub results: Vec<Result<ObjRef, Hresult>>,
    /// The result of the whole call.
    pub code: Hresult,
}

impl RemQueryInterface2Reply {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        let count = self.results.len() as u32;
        stub.u32(count);
        for result in &self.results {
            stub.u32(result.as_ref().err().map_or(0, |code| code.0));
        }
        stub.u32(count);
        for result in &self.results {
            match result {
                Ok(_) => stub.referent(),
                Err(_) => stub.null(),
            }
        }
        for object in self.results.iter().flatten() {
            encode_interface_pointer(&object.to_bytes(), stub);
        }
        stub.u32(self.code.0);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error`] when they are cut short, too many, or contradict each other.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let count = stub.count(limits::INTERFACES, 4)?;
        let codes: Vec<Hresult> = (0..count).map(|_| stub.u32().map(Hresult)).collect::<Result<_, _>>()?;
        let pointers = stub.count(limits::INTERFACES, 4)?;
        if pointers != count {
            return Err(Error::Value { field: "ppMIF", found: pointers as u64 });
        }
        let present: Vec<bool> = (0..count).map(|_| stub.referent()).collect::<Result<_, _>>()?;
        let mut results = Vec::with_capacity(count);
        for (code, present) in codes.into_iter().zip(present) {
            let object = if present { Some(ObjRef::from_bytes(decode_interface_pointer(stub)?)?) } else { None };
            results.push(match (code, object) {
                (Hresult::OK, Some(object)) => Ok(object),
                (Hresult::OK, None) => return Err(Error::Null("ppMIF")),
                (code, _) => Err(code),
            });
        }
        Ok(Self { results, code: Hresult(stub.u32()?) })
    }
}

/// `[in] unsigned short cIids, [in, size_is(cIids)] IID* iids`.
fn encode_interfaces(interfaces: &[Uuid], stub: &mut Encoder) {
    stub.u16(interfaces.len() as u16);
    stub.u32(interfaces.len() as u32);
    for iid in interfaces {
        stub.uuid(iid);
    }
}

fn decode_interfaces(stub: &mut Decoder<'_>) -> Result<Vec<Uuid>, Error> {
    let claimed = stub.u16()?;
    let count = stub.count(limits::INTERFACES, 16)?;
    if count != usize::from(claimed) {
        return Err(Error::Value { field: "cIids", found: claimed.into() });
    }
    Ok((0..count).map(|_| stub.uuid()).collect::<Result<_, _>>()?)
}
