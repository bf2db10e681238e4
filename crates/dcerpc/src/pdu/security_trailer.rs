use super::Error;
use crate::{AuthenticationLevel, AuthenticationType, SecurityContextId};

/// Security trailer, \[MS-RPCE\] 2.2.2.11 (sec_trailer).
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 1 | auth_type |
/// | 1 | 1 | auth_level |
/// | 2 | 1 | auth_pad_length |
/// | 3 | 1 | auth_reserved |
/// | 4 | 4 | auth_context_id |
///
/// Stands `auth_length + 8` bytes before the end of a PDU, behind the padding and in front of the security token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecurityTrailer {
    /// Security provider.
    pub authentication_type: AuthenticationType,
    /// Authentication level.
    pub level: AuthenticationLevel,
    /// Padding in front of the trailer, in bytes.
    pub pad_length: u8,
    /// The security context of the PDU.
    pub context_id: SecurityContextId,
}

impl SecurityTrailer {
    /// Size in bytes.
    pub const SIZE: usize = 8;

    /// From the wire.
    ///
    /// # Errors
    /// [`Error::Level`] for an authentication level that does not exist.
    pub fn decode(bytes: &[u8; SecurityTrailer::SIZE]) -> Result<SecurityTrailer, Error> {
        let [authentication_type, level, pad_length, _, c0, c1, c2, c3] = *bytes;
        Ok(SecurityTrailer {
            authentication_type: AuthenticationType(authentication_type),
            level: AuthenticationLevel::from_wire(level).ok_or(Error::Level(level))?,
            pad_length,
            context_id: SecurityContextId(u32::from_le_bytes([c0, c1, c2, c3])),
        })
    }

    /// As it is on the wire.
    pub fn encode(&self) -> [u8; SecurityTrailer::SIZE] {
        let [c0, c1, c2, c3] = self.context_id.0.to_le_bytes();
        [self.authentication_type.0, self.level.to_wire(), self.pad_length, 0, c0, c1, c2, c3]
    }
}
