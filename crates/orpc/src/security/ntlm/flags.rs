//! The options that client and server agree on.

use bitflags::bitflags;

bitflags! {
    /// NEGOTIATE, [MS-NLMP] 2.2.2.5: what each side offers and, in the AUTHENTICATE message, what was agreed.
    ///
    /// Bits without a name here are kept as they came.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub struct Flags: u32 {
        /// NTLMSSP_NEGOTIATE_UNICODE: strings are UTF-16LE.
        const UNICODE = 0x0000_0001;
        /// NTLM_NEGOTIATE_OEM: strings may be in the code page of the machine.
        const OEM = 0x0000_0002;
        /// NTLMSSP_REQUEST_TARGET: the CHALLENGE names the server.
        const REQUEST_TARGET = 0x0000_0004;
        /// NTLMSSP_NEGOTIATE_SIGN.
        const SIGN = 0x0000_0010;
        /// NTLMSSP_NEGOTIATE_SEAL.
        const SEAL = 0x0000_0020;
        /// NTLMSSP_NEGOTIATE_DATAGRAM: the connectionless variant, which RPC over TCP never uses.
        const DATAGRAM = 0x0000_0040;
        /// NTLMSSP_NEGOTIATE_NTLM.
        const NTLM = 0x0000_0200;
        /// NTLMSSP_NEGOTIATE_ALWAYS_SIGN.
        const ALWAYS_SIGN = 0x0000_8000;
        /// NTLMSSP_TARGET_TYPE_SERVER: the target name is that of a machine, not of a domain.
        const TARGET_TYPE_SERVER = 0x0002_0000;
        /// NTLMSSP_NEGOTIATE_EXTENDED_SESSIONSECURITY.
        const EXTENDED_SESSION_SECURITY = 0x0008_0000;
        /// NTLMSSP_NEGOTIATE_TARGET_INFO.
        const TARGET_INFO = 0x0080_0000;
        /// NTLMSSP_NEGOTIATE_VERSION.
        const VERSION = 0x0200_0000;
        /// NTLMSSP_NEGOTIATE_128: 128-bit session keys.
        const KEY_128 = 0x2000_0000;
        /// NTLMSSP_NEGOTIATE_KEY_EXCH: the client chooses the session key.
        const KEY_EXCHANGE = 0x4000_0000;
        /// NTLMSSP_NEGOTIATE_56: 56-bit session keys, offered next to 128-bit ones for old peers.
        const KEY_56 = 0x8000_0000;

        const _ = !0;
    }
}

impl Flags {
    /// What both sides must have for this implementation to go on: Unicode, NTLMv2 session security with 128-bit keys
    /// chosen by the client, signing and sealing.
    pub const REQUIRED: Self = Self::UNICODE
        .union(Self::SIGN)
        .union(Self::SEAL)
        .union(Self::EXTENDED_SESSION_SECURITY)
        .union(Self::KEY_128)
        .union(Self::KEY_EXCHANGE);
}
