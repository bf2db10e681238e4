//! Named attributes inside CHALLENGE and AUTHENTICATE messages.

use super::message::MessageError;

/// A sequence of AV_PAIR structures, [MS-NLMP] 2.2.2.1, that ends with MsvAvEOL.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 2 | AvId |
/// | 2 | 2 | AvLen |
/// | 4 | AvLen | Value |
#[derive(Debug, Clone, Copy)]
pub struct AvPairs<'a>(&'a [u8]);

impl<'a> AvPairs<'a> {
    /// Takes the bytes up to and including MsvAvEOL; anything behind it is not looked at.
    ///
    /// # Errors
    ///
    /// [`MessageError::AttributeList`] when a pair runs over the end or MsvAvEOL is missing.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let mut at = 0;
        loop {
            let header: [u8; 4] = bytes
                .get(at..at + 4)
                .and_then(|header| header.try_into().ok())
                .ok_or(MessageError::AttributeList { at })?;
            let (id, length) = (u16::from_le_bytes([header[0], header[1]]), u16::from_le_bytes([header[2], header[3]]));
            at += 4;
            if id == EOL {
                return Ok(Self(&bytes[..at - 4]));
            }
            at += usize::from(length);
        }
    }

    /// The value of the first pair with this identifier.
    #[must_use]
    pub fn find(&self, id: u16) -> Option<&'a [u8]> {
        self.iter().find(|pair| pair.0 == id).map(|pair| pair.1)
    }

    /// MsvAvFlags; zero when the pair is missing or not four bytes long.
    #[must_use]
    pub fn flags(&self) -> u32 {
        self.find(FLAGS).and_then(|value| value.try_into().ok()).map_or(0, u32::from_le_bytes)
    }

    /// The pairs in order, MsvAvEOL left out.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let (header, behind) = rest.split_at_checked(4)?;
            let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
            let (value, behind) = behind.split_at_checked(length)?;
            rest = behind;
            Some((u16::from_le_bytes([header[0], header[1]]), value))
        })
    }
}

/// Appends one pair.
pub(super) fn push(list: &mut Vec<u8>, id: u16, value: &[u8]) {
    let value = &value[..value.len().min(usize::from(u16::MAX))];
    list.extend_from_slice(&id.to_le_bytes());
    list.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    list.extend_from_slice(value);
}

/// MsvAvEOL.
pub const EOL: u16 = 0;
/// MsvAvNbComputerName.
pub const NB_COMPUTER_NAME: u16 = 1;
/// MsvAvNbDomainName.
pub const NB_DOMAIN_NAME: u16 = 2;
/// MsvAvDnsComputerName.
pub const DNS_COMPUTER_NAME: u16 = 3;
/// MsvAvDnsDomainName.
pub const DNS_DOMAIN_NAME: u16 = 4;
/// MsvAvFlags.
pub const FLAGS: u16 = 6;
/// MsvAvTimestamp.
pub const TIMESTAMP: u16 = 7;
/// Bit of MsvAvFlags: the AUTHENTICATE message carries a message integrity code.
pub const FLAG_MIC_PRESENT: u32 = 0x0000_0002;
