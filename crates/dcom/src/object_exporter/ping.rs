use dcerpc::ndr::{Decoder, Encoder};

use crate::{Error, ErrorStatus, Oid, SetId, limits};

/// The request of IObjectExporter::SimplePing, \[MS-DCOM\] 3.1.2.5.1.2: the objects of a set are still in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimplePing {
    /// A set that ComplexPing made.
    pub set: SetId,
}

impl SimplePing {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u64(self.set.0);
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { set: SetId(stub.u64()?) })
    }
}

/// The request of IObjectExporter::ComplexPing, \[MS-DCOM\] 3.1.2.5.1.3: makes, changes and pings a set of objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplexPing {
    /// The set; zero makes a new one.
    pub set: SetId,
    /// Orders the requests for one set; an older one than the last changes nothing.
    pub sequence: u16,
    /// Objects to be kept alive by the set from now on.
    pub add: Vec<Oid>,
    /// Objects that are no longer used.
    pub delete: Vec<Oid>,
}

impl ComplexPing {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u64(self.set.0);
        stub.u16(self.sequence);
        stub.u16(self.add.len() as u16);
        stub.u16(self.delete.len() as u16);
        for list in [&self.add, &self.delete] {
            if list.is_empty() {
                stub.null();
                continue;
            }
            stub.referent();
            stub.u32(list.len() as u32);
            for oid in list {
                stub.u64(oid.0);
            }
        }
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short or names more than [`limits::PINGED_OBJECTS`], [`Error::Value`] when the counts
    /// contradict each other.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        let set = SetId(stub.u64()?);
        let sequence = stub.u16()?;
        let (add, delete) = (stub.u16()?, stub.u16()?);
        Ok(Self {
            set,
            sequence,
            add: decode_objects(add, "cAddToSet", stub)?,
            delete: decode_objects(delete, "cDelFromSet", stub)?,
        })
    }
}

/// The reply of IObjectExporter::ComplexPing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ComplexPingReply {
    /// The set that was asked for, or the new one.
    pub set: SetId,
    /// How much less often to ping; may be ignored.
    pub backoff_factor: u16,
    /// [`ErrorStatus::INVALID_SET`], [`ErrorStatus::INVALID_OID`] or success.
    pub status: ErrorStatus,
}

impl ComplexPingReply {
    /// Writes the whole stub.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.u64(self.set.0);
        stub.u16(self.backoff_factor);
        stub.u32(self.status.0);
    }

    /// Reads the whole stub.
    ///
    /// # Errors
    /// [`Error::Ndr`] when it is cut short.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { set: SetId(stub.u64()?), backoff_factor: stub.u16()?, status: ErrorStatus(stub.u32()?) })
    }
}

/// `[in, unique, size_is(claimed)] OID[]`.
fn decode_objects(claimed: u16, field: &'static str, stub: &mut Decoder<'_>) -> Result<Vec<Oid>, Error> {
    let count = if stub.referent()? { stub.count(limits::PINGED_OBJECTS, 8)? } else { 0 };
    if count != usize::from(claimed) {
        return Err(Error::Value { field, found: claimed.into() });
    }
    Ok((0..count).map(|_| stub.u64().map(Oid)).collect::<Result<_, _>>()?)
}
