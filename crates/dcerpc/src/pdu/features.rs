use uuid::Uuid;

use crate::SyntaxId;

bitflags::bitflags! {
    /// Bind-time feature negotiation, \[MS-RPCE\] 2.2.2.14 and 2.2.2.15.
    ///
    /// A client puts the bits into the last eight octets of a transfer syntax of their own; a server answers with the bits
    /// that it shares, in place of a reason.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Features: u64 {
        /// Several security contexts on one connection, \[MS-RPCE\] 3.3.1.5.4.
        const SECURITY_CONTEXT_MULTIPLEXING = 0x01;
        /// The connection stays open after an orphaned PDU, \[MS-RPCE\] 3.3.1.5.10.
        const KEEP_CONNECTION_ON_ORPHAN = 0x02;
        // The rest round-trips.
        const _ = !0;
    }
}

impl Features {
    /// What this crate supports.
    pub const SUPPORTED: Features = Features::SECURITY_CONTEXT_MULTIPLEXING.union(Features::KEEP_CONNECTION_ON_ORPHAN);

    /// The transfer syntax that proposes them: `6cb71c2c-9812-4540-XXXX-XXXXXXXXXXXX`, version 1.0.
    pub fn to_syntax(self) -> SyntaxId {
        let mut uuid = [0; 16];
        uuid[..8].copy_from_slice(&PREFIX);
        uuid[8..].copy_from_slice(&self.bits().to_le_bytes());
        SyntaxId::new(Uuid::from_bytes(uuid), 1, 0)
    }

    /// The features that a transfer syntax proposes; `None` when it is an ordinary one.
    pub fn from_syntax(syntax: &SyntaxId) -> Option<Features> {
        let bits = syntax.uuid.as_bytes().strip_prefix(&PREFIX)?;
        let bits = u64::from_le_bytes(*bits.first_chunk()?);
        ((syntax.major, syntax.minor) == (1, 0)).then_some(Features::from_bits_retain(bits))
    }

    /// As the two octets of BindTimeFeatureNegotiationResponseBitmask.
    pub(super) fn response(self) -> u16 {
        let [low, high, ..] = self.bits().to_le_bytes();
        u16::from_le_bytes([low, high])
    }
}

const PREFIX: [u8; 8] = [0x6c, 0xb7, 0x1c, 0x2c, 0x98, 0x12, 0x45, 0x40];
