use super::presentation::{decode_results, encode_results};
use super::{ContextResult, Error};
use crate::ndr::{Decoder, Encoder};

/// Body of a bind_ack or alter_context_resp PDU, C706 12.6.4.4 and 12.6.4.2.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 2 | max_xmit_frag |
/// | 18 | 2 | max_recv_frag |
/// | 20 | 4 | assoc_group_id |
/// | 24 | 2 | length of sec_addr, terminator included |
/// | 26 | length | sec_addr, then padding to a multiple of 4 |
/// | … | 1 + 3 | n_results, reserved |
/// | … | 24 each | p_results |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindAck {
    /// Largest fragment that the server will send, in bytes.
    pub max_transmit: u16,
    /// Largest fragment that the server will take, in bytes.
    pub max_receive: u16,
    /// The association group.
    pub association_group: u32,
    /// Secondary address: the port in decimal; empty in an alter_context_resp. Clients ignore it, \[MS-RPCE\] 3.3.1.5.5.
    pub secondary_address: String,
    /// One result for each presentation context of the request, in its order.
    pub results: Vec<ContextResult>,
}

impl BindAck {
    pub(super) fn decode(body: &mut Decoder<'_>) -> Result<BindAck, Error> {
        let max_transmit = body.u16()?;
        let max_receive = body.u16()?;
        let association_group = body.u32()?;
        let length = usize::from(body.u16()?);
        let address = body.bytes(length)?;
        let address = address.split(|&byte| byte == 0).next().unwrap_or_default();
        let secondary_address = String::from_utf8_lossy(address).into_owned();
        body.align(4)?;
        let results = decode_results(body)?;
        Ok(BindAck { max_transmit, max_receive, association_group, secondary_address, results })
    }

    pub(super) fn encode(&self, body: &mut Encoder) -> Result<(), Error> {
        body.u16(self.max_transmit);
        body.u16(self.max_receive);
        body.u32(self.association_group);
        if self.secondary_address.is_empty() {
            body.u16(0);
        } else {
            let claimed = self.secondary_address.len() + 1;
            let limit = u16::MAX.into();
            body.u16(u16::try_from(claimed).map_err(|_| Error::Limit { what: "secondary address", claimed, limit })?);
            body.bytes(self.secondary_address.as_bytes());
            body.u8(0);
        }
        body.align(4);
        encode_results(&self.results, body)
    }
}
