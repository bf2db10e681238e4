use uuid::Uuid;

use super::Tower;
use crate::limits;
use crate::ndr::{Decoder, Encoder, Error};

/// Request of ept_map, \[MS-RPCE\] 2.2.1.2.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRequest {
    /// The object, when it matters which.
    pub object: Option<Uuid>,
    /// What to look for: the interface, and a way to it without addresses.
    pub tower: Option<Tower>,
    /// Context handle of an earlier reply; zero for the first one.
    pub entry_handle: [u8; 20],
    /// How many towers the client wants; at most [`limits::TOWERS`].
    pub max_towers: u32,
}

impl MapRequest {
    /// Looks for one way to an interface.
    pub fn new(tower: Tower) -> MapRequest {
        MapRequest { object: None, tower: Some(tower), entry_handle: [0; 20], max_towers: 1 }
    }

    /// Reads the stub.
    ///
    /// # Errors
    /// [`Error`] when it is malformed, or asks for more towers than may be asked for.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<MapRequest, Error> {
        let object = if stub.referent()? { Some(stub.uuid()?) } else { None };
        let tower = if stub.referent()? { Some(Tower::read(stub)?) } else { None };
        let entry_handle = entry_handle(stub)?;
        let max_towers = stub.u32()?;
        if max_towers as usize > limits::TOWERS {
            let at = stub.position() - 4;
            return Err(Error::Limit { at, claimed: max_towers as usize, limit: limits::TOWERS });
        }
        Ok(MapRequest { object, tower, entry_handle, max_towers })
    }

    /// Writes the stub.
    pub fn encode(&self, stub: &mut Encoder) {
        match &self.object {
            Some(object) => {
                stub.referent();
                stub.uuid(object);
            }
            None => stub.null(),
        }
        match &self.tower {
            Some(tower) => {
                stub.referent();
                tower.write(stub);
            }
            None => stub.null(),
        }
        stub.align(4);
        stub.bytes(&self.entry_handle);
        stub.u32(self.max_towers);
    }
}

/// Reply of ept_map, \[MS-RPCE\] 2.2.1.2.5.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapReply {
    /// Context handle for more; zero when there are none.
    pub entry_handle: [u8; 20],
    /// The `max_towers` of the request: the size of the array that the towers are marshalled in.
    pub max_towers: u32,
    /// What was found; at most `max_towers`.
    pub towers: Vec<Tower>,
    /// 0, or [`NOT_REGISTERED`](super::NOT_REGISTERED).
    pub status: u32,
}

impl MapReply {
    /// Reads the stub.
    ///
    /// # Errors
    /// [`Error`] when it is malformed.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<MapReply, Error> {
        let entry_handle = entry_handle(stub)?;
        let count = stub.count(limits::TOWERS, 0)?;
        let max_towers = stub.u32()?;
        let offset = stub.u32()?;
        let actual = stub.count(limits::TOWERS, 4)?;
        let contradiction = |at, field, found: usize, expected: usize| Error::Contradiction {
            at,
            field,
            found: found as u64,
            expected: expected as u64,
        };
        if actual != count {
            return Err(contradiction(stub.position() - 4, "actual_count", actual, count));
        }
        if offset != 0 {
            return Err(contradiction(stub.position() - 8, "offset", offset as usize, 0));
        }
        if max_towers as usize > limits::TOWERS || actual > max_towers as usize {
            return Err(contradiction(stub.position() - 12, "max_count", max_towers as usize, actual));
        }
        let mut present = Vec::with_capacity(actual);
        for _ in 0..actual {
            present.push(stub.referent()?);
        }
        let mut towers = Vec::with_capacity(actual);
        for present in present {
            if present {
                towers.push(Tower::read(stub)?);
            }
        }
        Ok(MapReply { entry_handle, max_towers, towers, status: stub.u32()? })
    }

    /// Writes the stub.
    pub fn encode(&self, stub: &mut Encoder) {
        let count = u32::try_from(self.towers.len()).unwrap_or(u32::MAX);
        stub.align(4);
        stub.bytes(&self.entry_handle);
        stub.u32(count);
        stub.u32(self.max_towers.max(count));
        stub.u32(0);
        stub.u32(count);
        for _ in &self.towers {
            stub.referent();
        }
        for tower in &self.towers {
            tower.write(stub);
        }
        stub.u32(self.status);
    }
}

/// A context handle: attributes, 4 bytes, and a UUID.
fn entry_handle(stub: &mut Decoder<'_>) -> Result<[u8; 20], Error> {
    stub.align(4)?;
    let bytes = stub.bytes(20)?;
    Ok(bytes.first_chunk().copied().unwrap_or_default())
}
