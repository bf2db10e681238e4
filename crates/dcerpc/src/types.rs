use std::fmt;

use uuid::{Uuid, uuid};

/// Operation number of a method within its interface, C706 12.6.4.9 (opnum).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opnum(pub u16);

/// Number of a call within its connection, C706 12.6.3.5 (call_id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u32);

/// Number of a presentation context within its connection, C706 12.6.3.1 (p_context_id_t).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContextId(pub u16);

/// Number of a security context within its connection, \[MS-RPCE\] 2.2.2.11 (auth_context_id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecurityContextId(pub u32);

/// Status of a fault PDU, C706 appendix N and \[MS-ERREF\]: a Win32 code or one of the `nca_s_` codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// ERROR_ACCESS_DENIED: also what a server answers when a security context failed.
    pub const ACCESS_DENIED: Status = Status(0x0000_0005);
    /// RPC_X_BAD_STUB_DATA: the stub cannot be unmarshalled, \[MS-RPCE\] 3.1.3.5.2.
    pub const BAD_STUB_DATA: Status = Status(0x0000_06F7);
    /// nca_s_fault_context_mismatch: a context handle that the server does not know.
    pub const CONTEXT_MISMATCH: Status = Status(0x1C00_001A);
    /// nca_op_rng_error: the interface has no such operation.
    pub const OPERATION_RANGE: Status = Status(0x1C01_0002);
    /// nca_unk_if: the interface, or the presentation context, is not known.
    pub const UNKNOWN_INTERFACE: Status = Status(0x1C01_0003);
    /// nca_proto_error, \[MS-RPCE\] 3.3.3.5.7.
    pub const PROTOCOL_ERROR: Status = Status(0x1C01_000B);
    /// nca_server_too_busy.
    pub const SERVER_TOO_BUSY: Status = Status(0x1C01_0014);

    /// Whether a server must not send it, and a client takes it for a protocol error, \[MS-RPCE\] 3.3.3.5.1.
    pub fn is_forbidden(self) -> bool {
        matches!(
            self.0,
            0x0000_0000
                | 0x8000_0001
                | 0x8000_0002
                | 0x8000_0003
                | 0xC000_0005
                | 0xC000_0006
                | 0xC000_001D
                | 0xC000_0096
                | 0xC000_00AA
                | 0xC000_00FD
                | 0xC000_0194
                | 0xC000_0235
                | 0xC000_0409
                | 0xC000_0420
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Status::ACCESS_DENIED => "access denied",
            Status::BAD_STUB_DATA => "bad stub data",
            Status::CONTEXT_MISMATCH => "context mismatch",
            Status::OPERATION_RANGE => "operation out of range",
            Status::UNKNOWN_INTERFACE => "unknown interface",
            Status::PROTOCOL_ERROR => "protocol error",
            Status::SERVER_TOO_BUSY => "server too busy",
            _ => return write!(f, "{:#010x}", self.0),
        };
        write!(f, "{:#010x} ({name})", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

/// How much a security context protects, \[MS-RPCE\] 2.2.1.1.8. Higher levels compare greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthenticationLevel {
    /// No authentication.
    None = 1,
    /// Authenticates the peers when the context is built, and protects nothing.
    Connect = 2,
    /// The same as `Packet`.
    Call = 3,
    /// Against replay; the packets themselves stay unprotected.
    Packet = 4,
    /// Signs packets.
    Integrity = 5,
    /// Signs and seals packets.
    Privacy = 6,
}

impl AuthenticationLevel {
    /// From `auth_level` of a security trailer; 0 means `Connect`.
    pub fn from_wire(value: u8) -> Option<AuthenticationLevel> {
        Some(match value {
            1 => AuthenticationLevel::None,
            0 | 2 => AuthenticationLevel::Connect,
            3 => AuthenticationLevel::Call,
            4 => AuthenticationLevel::Packet,
            5 => AuthenticationLevel::Integrity,
            6 => AuthenticationLevel::Privacy,
            _ => return None,
        })
    }

    /// As `auth_level` of a security trailer.
    pub fn to_wire(self) -> u8 {
        self as u8
    }

    /// Whether PDUs at this level are signed, and possibly sealed.
    pub fn protects(self) -> bool {
        self >= AuthenticationLevel::Integrity
    }
}

/// A security provider, \[MS-RPCE\] 2.2.1.1.7 (auth_type).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AuthenticationType(pub u8);

impl AuthenticationType {
    /// SPNEGO (RPC_C_AUTHN_GSS_NEGOTIATE).
    pub const NEGOTIATE: AuthenticationType = AuthenticationType(9);
    /// NTLM (RPC_C_AUTHN_WINNT).
    pub const NTLM: AuthenticationType = AuthenticationType(10);
    /// Kerberos (RPC_C_AUTHN_GSS_KERBEROS).
    pub const KERBEROS: AuthenticationType = AuthenticationType(16);

    /// Whether the handshake has three legs, so that the last one travels in an auth3 PDU, \[MS-RPCE\] 2.2.1.1.7.
    pub fn has_three_legs(self) -> bool {
        const NETLOGON: AuthenticationType = AuthenticationType(68);
        self == AuthenticationType::NTLM || self == NETLOGON
    }
}

/// An interface or a transfer syntax with its version, C706 12.6.3.1 (p_syntax_id_t).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SyntaxId {
    /// The interface or transfer syntax.
    pub uuid: Uuid,
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
}

impl SyntaxId {
    /// NDR, version 2.0: the transfer syntax that this crate speaks.
    pub const NDR: SyntaxId = SyntaxId::new(uuid!("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2, 0);
    /// NDR64, version 1.0: offered by Windows, and refused here.
    pub const NDR64: SyntaxId = SyntaxId::new(uuid!("71710533-beba-4937-8319-b5dbef9ccc36"), 1, 0);
    /// No syntax: what a server writes beside a refusal.
    pub const NIL: SyntaxId = SyntaxId::new(Uuid::nil(), 0, 0);

    /// Size on the wire, in bytes.
    pub const SIZE: usize = 16 /* uuid */ + 2 /* major version */ + 2 /* minor version */;

    /// An interface or a transfer syntax.
    pub const fn new(uuid: Uuid, major: u16, minor: u16) -> SyntaxId {
        SyntaxId { uuid, major, minor }
    }

    /// From the wire.
    pub fn from_bytes(bytes: &[u8; SyntaxId::SIZE]) -> SyntaxId {
        let [uuid @ .., a, b, c, d] = *bytes;
        SyntaxId {
            uuid: Uuid::from_bytes_le(uuid),
            major: u16::from_le_bytes([a, b]),
            minor: u16::from_le_bytes([c, d]),
        }
    }

    /// As it is on the wire.
    pub fn to_bytes(&self) -> [u8; SyntaxId::SIZE] {
        let mut bytes = [0; SyntaxId::SIZE];
        bytes[..16].copy_from_slice(&self.uuid.to_bytes_le());
        bytes[16..18].copy_from_slice(&self.major.to_le_bytes());
        bytes[18..].copy_from_slice(&self.minor.to_le_bytes());
        bytes
    }
}

impl fmt::Display for SyntaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}.{}", self.uuid, self.major, self.minor)
    }
}
