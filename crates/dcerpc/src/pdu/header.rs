use super::Error;
use crate::CallId;

/// Common header, C706 12.6.3.1.
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 1 | rpc_vers, 5 |
/// | 1 | 1 | rpc_vers_minor, 0 |
/// | 2 | 1 | PTYPE |
/// | 3 | 1 | pfc_flags |
/// | 4 | 4 | packed_drep, 10 00 00 00 |
/// | 8 | 2 | frag_length |
/// | 10 | 2 | auth_length |
/// | 12 | 4 | call_id |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Type of the PDU.
    pub kind: Kind,
    /// Flags.
    pub flags: Flags,
    /// Length of the whole PDU, in bytes. At least [`Header::SIZE`].
    pub frag_length: u16,
    /// Length of the security token, in bytes; 0 when there is no security trailer.
    pub auth_length: u16,
    /// The call that the PDU belongs to.
    pub call_id: CallId,
}

impl Header {
    /// Size in bytes.
    pub const SIZE: usize = 16;

    /// Little-endian integers, ASCII characters, IEEE floats.
    pub(crate) const DATA_REPRESENTATION: [u8; 4] = [0x10, 0, 0, 0];

    /// Reads the header at the start of `bytes`, which may be shorter or longer than the PDU.
    ///
    /// # Errors
    /// [`Error::Length`] when there is no whole header or its `frag_length` is shorter than itself; [`Error::Version`],
    /// [`Error::DataRepresentation`] and [`Error::Kind`] for what this crate does not speak.
    pub fn decode(bytes: &[u8]) -> Result<Header, Error> {
        let Some(&[major, minor, kind, flags, d0, d1, d2, d3, f0, f1, a0, a1, c0, c1, c2, c3]) =
            bytes.first_chunk::<{ Header::SIZE }>()
        else {
            return Err(Error::Length { claimed: Header::SIZE, actual: bytes.len() });
        };
        if (major, minor) != (5, 0) {
            return Err(Error::Version { major, minor });
        }
        // The last two octets are reserved and ignored.
        if [d0, d1] != Header::DATA_REPRESENTATION[..2] {
            return Err(Error::DataRepresentation([d0, d1, d2, d3]));
        }
        let frag_length = u16::from_le_bytes([f0, f1]);
        if usize::from(frag_length) < Header::SIZE {
            return Err(Error::Length { claimed: frag_length.into(), actual: bytes.len() });
        }
        Ok(Header {
            kind: Kind::from_wire(kind).ok_or(Error::Kind(kind))?,
            flags: Flags::from_bits_retain(flags),
            frag_length,
            auth_length: u16::from_le_bytes([a0, a1]),
            call_id: CallId(u32::from_le_bytes([c0, c1, c2, c3])),
        })
    }

    /// As it is on the wire.
    pub fn encode(&self) -> [u8; Header::SIZE] {
        let mut bytes = [0; Header::SIZE];
        bytes[0] = 5;
        bytes[2] = self.kind as u8;
        bytes[3] = self.flags.bits();
        bytes[4..8].copy_from_slice(&Header::DATA_REPRESENTATION);
        bytes[8..10].copy_from_slice(&self.frag_length.to_le_bytes());
        bytes[10..12].copy_from_slice(&self.auth_length.to_le_bytes());
        bytes[12..].copy_from_slice(&self.call_id.0.to_le_bytes());
        bytes
    }
}

/// Type of a connection-oriented PDU, C706 12.6.3.1 (PTYPE) and \[MS-RPCE\] 2.2.2.10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "named as in C706")]
pub enum Kind {
    Request = 0,
    Response = 2,
    Fault = 3,
    Bind = 11,
    BindAck = 12,
    BindNak = 13,
    AlterContext = 14,
    AlterContextResponse = 15,
    Auth3 = 16,
    Shutdown = 17,
    CoCancel = 18,
    Orphaned = 19,
}

impl Kind {
    fn from_wire(value: u8) -> Option<Kind> {
        Some(match value {
            0 => Kind::Request,
            2 => Kind::Response,
            3 => Kind::Fault,
            11 => Kind::Bind,
            12 => Kind::BindAck,
            13 => Kind::BindNak,
            14 => Kind::AlterContext,
            15 => Kind::AlterContextResponse,
            16 => Kind::Auth3,
            17 => Kind::Shutdown,
            18 => Kind::CoCancel,
            19 => Kind::Orphaned,
            _ => return None,
        })
    }
}

bitflags::bitflags! {
    /// Flags of a PDU, C706 12.6.3.1 (pfc_flags).
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u8 {
        /// First fragment.
        const FIRST = 0x01;
        /// Last fragment.
        const LAST = 0x02;
        /// In bind, alter_context, their replies and auth3: header signing, \[MS-RPCE\] 2.2.2.3. Elsewhere: a cancel is
        /// pending.
        const HEADER_SIGNING = 0x04;
        /// Supports concurrent multiplexing of calls.
        const CONCURRENT_MULTIPLEXING = 0x10;
        /// In a fault: the call was not executed.
        const DID_NOT_EXECUTE = 0x20;
        /// The call has maybe semantics.
        const MAYBE = 0x40;
        /// In a request: an object UUID is present.
        const OBJECT_UUID = 0x80;
        /// The only fragment.
        const WHOLE = Self::FIRST.bits() | Self::LAST.bits();
        // The rest round-trips.
        const _ = !0;
    }
}
