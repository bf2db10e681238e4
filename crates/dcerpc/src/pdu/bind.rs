use super::presentation::{decode_contexts, encode_contexts};
use super::{Error, PresentationContext};
use crate::ndr::{Decoder, Encoder};

/// Body of a bind or alter_context PDU, C706 12.6.4.3 and 12.6.4.1.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 2 | max_xmit_frag |
/// | 18 | 2 | max_recv_frag |
/// | 20 | 4 | assoc_group_id |
/// | 24 | 1 + 3 | n_context_elem, reserved |
/// | 28 | 44 each | p_cont_elem, with one transfer syntax |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// Largest fragment that the client will send, in bytes.
    pub max_transmit: u16,
    /// Largest fragment that the client will take, in bytes.
    pub max_receive: u16,
    /// Association group to join; 0 for a new one.
    pub association_group: u32,
    /// Presentation contexts to negotiate; at most [`limits::PRESENTATION_CONTEXTS`](crate::limits::PRESENTATION_CONTEXTS).
    pub contexts: Vec<PresentationContext>,
}

impl Bind {
    pub(super) fn decode(body: &mut Decoder<'_>) -> Result<Bind, Error> {
        Ok(Bind {
            max_transmit: body.u16()?,
            max_receive: body.u16()?,
            association_group: body.u32()?,
            contexts: decode_contexts(body)?,
        })
    }

    pub(super) fn encode(&self, body: &mut Encoder) -> Result<(), Error> {
        body.u16(self.max_transmit);
        body.u16(self.max_receive);
        body.u32(self.association_group);
        encode_contexts(&self.contexts, body)
    }
}
