use super::{Error, Header};
use crate::ContextId;
use crate::ndr::{Decoder, Encoder};

/// Body of a response PDU, C706 12.6.4.10.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 4 | alloc_hint: bytes of stub in this and the following fragments, or 0 |
/// | 20 | 2 | p_cont_id |
/// | 22 | 1 | cancel_count |
/// | 23 | 1 | reserved |
/// | 24 | … | stub data |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response<'a> {
    /// A hint, which nothing is allocated by.
    pub alloc_hint: u32,
    /// The presentation context of the request.
    pub context_id: ContextId,
    /// Cancels that the server received.
    pub cancel_count: u8,
    /// This fragment of the stub.
    pub stub: &'a [u8],
}

impl<'a> Response<'a> {
    /// Where the stub starts in a response.
    pub const STUB_START: usize = Header::SIZE + 8;

    pub(crate) fn decode(body: &mut Decoder<'a>) -> Result<Response<'a>, Error> {
        let alloc_hint = body.u32()?;
        let context_id = ContextId(body.u16()?);
        let cancel_count = body.u8()?;
        body.u8()?;
        let stub = body.bytes(body.remaining())?;
        Ok(Response { alloc_hint, context_id, cancel_count, stub })
    }

    pub(super) fn encode(&self, body: &mut Encoder) {
        body.u32(self.alloc_hint);
        body.u16(self.context_id.0);
        body.u8(self.cancel_count);
        body.u8(0);
        body.bytes(self.stub);
    }
}
