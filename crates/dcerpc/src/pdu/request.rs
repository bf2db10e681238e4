use uuid::Uuid;

use super::{Error, Flags, Header};
use crate::ndr::{Decoder, Encoder};
use crate::{ContextId, Opnum};

/// Body of a request PDU, C706 12.6.4.9.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 4 | alloc_hint: bytes of stub in this and the following fragments, or 0 |
/// | 20 | 2 | p_cont_id |
/// | 22 | 2 | opnum |
/// | 24 | 16 | object, when [`Flags::OBJECT_UUID`] is set |
/// | 24 or 40 | … | stub data |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request<'a> {
    /// A hint, which nothing is allocated by.
    pub alloc_hint: u32,
    /// The presentation context, and so the interface.
    pub context_id: ContextId,
    /// The operation.
    pub opnum: Opnum,
    /// The object; for DCOM the IPID.
    pub object: Option<Uuid>,
    /// This fragment of the stub.
    pub stub: &'a [u8],
}

impl<'a> Request<'a> {
    /// Where the stub starts in a request with these flags.
    pub fn stub_start(flags: Flags) -> usize {
        Header::SIZE + 8 + if flags.contains(Flags::OBJECT_UUID) { 16 } else { 0 }
    }

    pub(crate) fn decode(flags: Flags, body: &mut Decoder<'a>) -> Result<Request<'a>, Error> {
        Ok(Request {
            alloc_hint: body.u32()?,
            context_id: ContextId(body.u16()?),
            opnum: Opnum(body.u16()?),
            object: if flags.contains(Flags::OBJECT_UUID) { Some(body.uuid()?) } else { None },
            stub: body.bytes(body.remaining())?,
        })
    }

    pub(super) fn encode(&self, body: &mut Encoder) {
        body.u32(self.alloc_hint);
        body.u16(self.context_id.0);
        body.u16(self.opnum.0);
        if let Some(object) = &self.object {
            body.uuid(object);
        }
        body.bytes(self.stub);
    }
}
