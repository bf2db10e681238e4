use dcerpc::ndr::{Decoder, Encoder};

use crate::{Error, Hresult, Ipid, limits};

/// REMINTERFACEREF, \[MS-DCOM\] 2.2.23: references to add to an interface, or to take from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceReference {
    /// The interface.
    pub ipid: Ipid,
    /// Public references: anyone's.
    pub public: u32,
    /// Private references: this client's only.
    pub private: u32,
}

impl InterfaceReference {
    const SIZE: usize = 16 /* ipid */ + 4 /* cPublicRefs */ + 4 /* cPrivateRefs */;
}

/// The request of IRemUnknown::RemAddRef and RemRelease, \[MS-DCOM\] 3.1.1.5.6.1.2 and 3.1.1.5.6.1.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemReferences {
    /// Interfaces and numbers of references.
    pub references: Vec<InterfaceReference>,
}

impl RemReferences {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u16(self.references.len() as u16);
        stub.u32(self.references.len() as u32);
        for reference in &self.references {
            stub.uuid(&reference.ipid.0);
            stub.u32(reference.public);
            stub.u32(reference.private);
        }
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short or too many, [`Error::Value`] when the counts contradict each other.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let claimed = stub.u16()?;
        let count = stub.count(limits::INTERFACE_REFERENCES, InterfaceReference::SIZE)?;
        if count != usize::from(claimed) {
            return Err(Error::Value { field: "cInterfaceRefs", found: claimed.into() });
        }
        let mut references = Vec::with_capacity(count);
        for _ in 0..count {
            references.push(InterfaceReference { ipid: Ipid(stub.uuid()?), public: stub.u32()?, private: stub.u32()? });
        }
        Ok(Self { references })
    }
}

/// The reply of IRemUnknown::RemAddRef.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemAddRefReply {
    /// One for each interface: [`Hresult::OK`], or [`Hresult::OBJECT_NOT_REGISTERED`] for an unknown one.
    pub results: Vec<Hresult>,
    /// The result of the whole call.
    pub code: Hresult,
}

impl RemAddRefReply {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u32(self.results.len() as u32);
        for result in &self.results {
            stub.u32(result.0);
        }
        stub.u32(self.code.0);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short or too many.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let count = stub.count(limits::INTERFACE_REFERENCES, 4)?;
        Ok(Self {
            results: (0..count).map(|_| stub.u32().map(Hresult)).collect::<Result<_, _>>()?,
            code: Hresult(stub.u32()?),
        })
    }
}

/// The reply of IRemUnknown::RemRelease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemReleaseReply {
    /// The result of the call; unknown interfaces are no failure.
    pub code: Hresult,
}

impl RemReleaseReply {
    /// Writes the parameters.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u32(self.code.0);
    }

    /// Reads the parameters.
    ///
    /// # Errors
    /// [`Error::Ndr`] when they are cut short.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { code: Hresult(stub.u32()?) })
    }
}
