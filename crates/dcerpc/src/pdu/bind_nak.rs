use std::fmt;

use super::Error;
use crate::ndr::{Decoder, Encoder};

/// Body of a bind_nak PDU, \[MS-RPCE\] 2.2.2.9.
///
/// | offset in the PDU | size | field |
/// |-------:|-----:|-------|
/// | 16 | 2 | provider_reject_reason |
/// | 18 | 1 | n_protocols |
/// | 19 | 2 each | major and minor version |
///
/// Padded to a multiple of 4. Extended error information behind it is ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BindNak {
    /// Why the server rejects the bind.
    pub reason: RejectReason,
    /// Protocol versions that the server speaks, major and minor.
    pub versions: Vec<(u8, u8)>,
}

impl BindNak {
    /// A rejection by a server that speaks version 5.0.
    pub fn new(reason: RejectReason) -> BindNak {
        BindNak { reason, versions: vec![(5, 0)] }
    }

    pub(super) fn decode(body: &mut Decoder<'_>) -> Result<BindNak, Error> {
        let reason = RejectReason(body.u16()?);
        // Some servers leave the versions out.
        let count = if body.remaining() == 0 { 0 } else { body.u8()? };
        let mut versions = Vec::new();
        for _ in 0..count {
            versions.push((body.u8()?, body.u8()?));
        }
        Ok(BindNak { reason, versions })
    }

    pub(super) fn encode(&self, body: &mut Encoder) -> Result<(), Error> {
        let claimed = self.versions.len();
        let count = u8::try_from(claimed).map_err(|_| Error::Limit {
            what: "protocol versions",
            claimed,
            limit: u8::MAX.into(),
        })?;
        body.u16(self.reason.0);
        body.u8(count);
        for &(major, minor) in &self.versions {
            body.u8(major);
            body.u8(minor);
        }
        body.align(4);
        Ok(())
    }
}

/// Reason of a bind_nak, \[MS-RPCE\] 2.2.2.5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RejectReason(pub u16);

impl RejectReason {
    /// REASON_NOT_SPECIFIED.
    pub const NOT_SPECIFIED: RejectReason = RejectReason(0);
    /// LOCAL_LIMIT_EXCEEDED: the server has no resources left.
    pub const LOCAL_LIMIT: RejectReason = RejectReason(2);
    /// PROTOCOL_VERSION_NOT_SPECIFIED: the bind itself was wrong.
    pub const PROTOCOL_VERSION: RejectReason = RejectReason(4);
    /// authentication_type_not_recognized.
    pub const AUTHENTICATION_TYPE: RejectReason = RejectReason(8);
    /// invalid_checksum: the security provider failed.
    pub const INVALID_CHECKSUM: RejectReason = RejectReason(9);
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            RejectReason::NOT_SPECIFIED => "no reason given",
            RejectReason(1) | RejectReason::LOCAL_LIMIT => "the server is short of resources",
            RejectReason::PROTOCOL_VERSION => "protocol error in the bind",
            RejectReason::AUTHENTICATION_TYPE => "authentication type not recognized",
            RejectReason::INVALID_CHECKSUM => "authentication failed",
            RejectReason(other) => return write!(f, "reason {other}"),
        })
    }
}
