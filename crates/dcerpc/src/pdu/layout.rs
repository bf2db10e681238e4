use std::ops::Range;

use super::{Error, Flags, Header, SecurityTrailer};

/// Where the segments of a PDU are, \[MS-RPCE\] 2.2.2.1: header, body, padding, security trailer, token.
///
/// Found without looking into the body, which may still be sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The header.
    pub header: Header,
    /// The body behind the header, without padding.
    pub body: Range<usize>,
    /// The security trailer, when there is one.
    pub trailer: Option<SecurityTrailer>,
    /// The token or signature at the end; empty without a security trailer.
    pub token: Range<usize>,
}

impl Layout {
    /// Takes one whole PDU apart.
    ///
    /// # Errors
    /// As for [`Header::decode`]; [`Error::Length`] when `pdu` is not exactly as long as it claims;
    /// [`Error::SecurityTrailer`] and [`Error::Level`] for a security trailer that cannot be.
    pub fn decode(pdu: &[u8]) -> Result<Layout, Error> {
        let header = Header::decode(pdu)?;
        let length = usize::from(header.frag_length);
        if length != pdu.len() {
            return Err(Error::Length { claimed: length, actual: pdu.len() });
        }
        let auth_length = usize::from(header.auth_length);
        if auth_length == 0 {
            return Ok(Layout { header, body: Header::SIZE..length, trailer: None, token: length..length });
        }
        let misfit = |pad_length| Error::SecurityTrailer { auth_length, pad_length };
        let at = length
            .checked_sub(auth_length + SecurityTrailer::SIZE)
            .filter(|&at| at >= Header::SIZE)
            .ok_or(misfit(0))?;
        let trailer = pdu[at..].first_chunk().ok_or(misfit(0))?;
        let trailer = SecurityTrailer::decode(trailer)?;
        let pad_length = usize::from(trailer.pad_length);
        let end = at.checked_sub(pad_length).filter(|&end| end >= Header::SIZE).ok_or(misfit(pad_length))?;
        Ok(Layout {
            header,
            body: Header::SIZE..end,
            trailer: Some(trailer),
            token: at + SecurityTrailer::SIZE..length,
        })
    }

    /// The part of a request or response that is sealed: the stub from `stub_start` on, and the padding.
    ///
    /// # Errors
    /// [`Error::SecurityTrailer`] when the padding reaches into the fields in front of the stub.
    pub fn sealed(&self, stub_start: usize) -> Result<Range<usize>, Error> {
        let pad_length = self.trailer.map_or(0, |trailer| trailer.pad_length.into());
        if self.body.end < stub_start {
            return Err(Error::SecurityTrailer { auth_length: self.header.auth_length.into(), pad_length });
        }
        Ok(stub_start..self.body.end + pad_length)
    }

    /// Whether the PDU is both first and last fragment.
    pub fn is_whole(&self) -> bool {
        self.header.flags.contains(Flags::WHOLE)
    }
}
