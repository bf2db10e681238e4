use super::Error;
use crate::ndr::{Decoder, Encoder};
use crate::{ContextId, Status};

/// Body of a fault PDU, C706 12.6.4.7 and \[MS-RPCE\] 2.2.2.8.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 4 | alloc_hint, 32 |
/// | 20 | 2 | p_cont_id |
/// | 22 | 1 | cancel_count |
/// | 23 | 1 | reserved; bit 0: extended error information follows |
/// | 24 | 4 | status |
/// | 28 | 4 | reserved |
///
/// Stub data and extended error information are ignored, and never written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The presentation context of the request, 0 when there was none.
    pub context_id: ContextId,
    /// Cancels that the server received.
    pub cancel_count: u8,
    /// What went wrong.
    pub status: Status,
}

impl Fault {
    pub(super) fn decode(body: &mut Decoder<'_>) -> Result<Fault, Error> {
        body.u32()?;
        let context_id = ContextId(body.u16()?);
        let cancel_count = body.u8()?;
        body.u8()?;
        Ok(Fault { context_id, cancel_count, status: Status(body.u32()?) })
    }

    pub(super) fn encode(&self, body: &mut Encoder) {
        body.u32(SIZE);
        body.u16(self.context_id.0);
        body.u8(self.cancel_count);
        body.u8(0);
        body.u32(self.status.0);
        body.u32(0);
    }
}

const SIZE: u32 = 32;
