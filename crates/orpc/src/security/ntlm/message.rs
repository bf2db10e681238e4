//! The three messages of the handshake.

use super::av_pair::{self, AvPairs};
use super::flags::Flags;
use super::names::ServerNames;

/// NEGOTIATE_MESSAGE, [MS-NLMP] 2.2.1.1: what the client offers. The optional names are ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Negotiate {
    /// The offered options.
    pub flags: Flags,
}

impl Negotiate {
    /// Reads the fixed part.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when the signature, the type or the length is wrong.
    pub fn decode(message: &[u8]) -> Result<Self, MessageError> {
        check_header(message, 1)?;
        Ok(Self { flags: Flags::from_bits_retain(u32_at(message, 12)?) })
    }
}

/// CHALLENGE_MESSAGE, [MS-NLMP] 2.2.1.2: what the server accepts, its nonce and its names.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | Signature |
/// | 8 | 4 | MessageType (2) |
/// | 12 | 8 | TargetNameFields |
/// | 20 | 4 | NegotiateFlags |
/// | 24 | 8 | ServerChallenge |
/// | 32 | 8 | Reserved |
/// | 40 | 8 | TargetInfoFields |
/// | 48 | 8 | Version |
/// | 56 | | TargetName, TargetInfo |
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// The accepted options.
    pub flags: Flags,
    /// ServerChallenge, the nonce.
    pub server_challenge: [u8; 8],
    /// TargetInfo, the attribute list.
    pub target_info: &'a [u8],
}

impl<'a> Challenge<'a> {
    /// Reads what a client has to judge before it answers.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when the message is not a well-formed CHALLENGE or its attribute list is not.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        check_header(message, 2)?;
        let target_info = field_at(message, 40)?;
        AvPairs::decode(target_info)?;
        Ok(Self {
            flags: Flags::from_bits_retain(u32_at(message, 20)?),
            server_challenge: array_at(message, 24)?,
            target_info,
        })
    }

    /// Writes the CHALLENGE of a stand-alone server; `time` is a FILETIME.
    #[must_use]
    pub fn encode(offered: Flags, server_challenge: [u8; 8], names: &ServerNames, time: u64) -> Vec<u8> {
        let flags = Flags::REQUIRED
            | Flags::REQUEST_TARGET
            | Flags::NTLM
            | Flags::ALWAYS_SIGN
            | Flags::TARGET_TYPE_SERVER
            | Flags::TARGET_INFO
            | offered & (Flags::KEY_56 | Flags::VERSION);
        let target_name = utf16(&names.netbios_computer);
        let mut target_info = Vec::with_capacity(256);
        av_pair::push(&mut target_info, av_pair::NB_DOMAIN_NAME, &utf16(&names.netbios_domain));
        av_pair::push(&mut target_info, av_pair::NB_COMPUTER_NAME, &utf16(&names.netbios_computer));
        av_pair::push(&mut target_info, av_pair::DNS_DOMAIN_NAME, &utf16(&names.dns_domain));
        av_pair::push(&mut target_info, av_pair::DNS_COMPUTER_NAME, &utf16(&names.dns_computer));
        av_pair::push(&mut target_info, av_pair::TIMESTAMP, &time.to_le_bytes());
        av_pair::push(&mut target_info, av_pair::EOL, &[]);

        let mut message = Vec::with_capacity(CHALLENGE_HEADER + target_name.len() + target_info.len());
        message.extend_from_slice(SIGNATURE);
        message.extend_from_slice(&2_u32.to_le_bytes());
        push_field(&mut message, &target_name, CHALLENGE_HEADER);
        message.extend_from_slice(&flags.bits().to_le_bytes());
        message.extend_from_slice(&server_challenge);
        message.extend_from_slice(&[0; 8]);
        push_field(&mut message, &target_info, CHALLENGE_HEADER + target_name.len());
        message.extend_from_slice(&VERSION);
        message.extend_from_slice(&target_name);
        message.extend_from_slice(&target_info);
        message
    }
}

/// AUTHENTICATE_MESSAGE, [MS-NLMP] 2.2.1.3: who the client is, and the proof.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 8 | Signature |
/// | 8 | 4 | MessageType (3) |
/// | 12 | 8 | LmChallengeResponseFields |
/// | 20 | 8 | NtChallengeResponseFields |
/// | 28 | 8 | DomainNameFields |
/// | 36 | 8 | UserNameFields |
/// | 44 | 8 | WorkstationFields |
/// | 52 | 8 | EncryptedRandomSessionKeyFields |
/// | 60 | 4 | NegotiateFlags |
/// | 64 | 8 | Version, when negotiated |
/// | 72 | 16 | MIC, when MsvAvFlags announces it |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticate<'a> {
    /// The agreed options.
    pub flags: Flags,
    /// DomainName as the client typed it; the proof covers it in this case.
    pub domain: String,
    /// UserName.
    pub user: String,
    /// NtChallengeResponse; empty for an anonymous client.
    pub nt_challenge_response: &'a [u8],
    /// EncryptedRandomSessionKey.
    pub encrypted_random_session_key: &'a [u8],
    message: &'a [u8],
}

impl<'a> Authenticate<'a> {
    /// Offset of the MIC.
    pub const MIC: usize = 72;

    /// Reads the message.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when a field lies outside the message or a name is not UTF-16.
    pub fn decode(message: &'a [u8]) -> Result<Self, MessageError> {
        check_header(message, 3)?;
        let flags = Flags::from_bits_retain(u32_at(message, 60)?);
        if !flags.contains(Flags::UNICODE) {
            return Err(MessageError::NotUnicode);
        }
        Ok(Self {
            flags,
            domain: text(field_at(message, 28)?)?,
            user: text(field_at(message, 36)?)?,
            nt_challenge_response: field_at(message, 20)?,
            encrypted_random_session_key: field_at(message, 52)?,
            message,
        })
    }

    /// The NTLMv2 answer inside NtChallengeResponse.
    ///
    /// # Errors
    ///
    /// [`MessageError`] when it is that of another version (NTLMv1: 24 bytes) or its attribute list is broken.
    pub fn response(&self) -> Result<Response<'a>, MessageError> {
        Response::decode(self.nt_challenge_response)
    }

    /// The MIC; `None` when the message is too short to have one.
    #[must_use]
    pub fn mic(&self) -> Option<[u8; 16]> {
        array_at(self.message, Self::MIC).ok()
    }
}

/// NTLMv2_RESPONSE, [MS-NLMP] 2.2.2.8, around NTLMv2_CLIENT_CHALLENGE, 2.2.2.7.
///
/// | offset | size | field |
/// |---|---|---|
/// | 0 | 16 | Response (NTProofStr) |
/// | 16 | 1 | RespType (1) |
/// | 17 | 1 | HiRespType (1) |
/// | 18 | 6 | Reserved |
/// | 24 | 8 | TimeStamp |
/// | 32 | 8 | ChallengeFromClient |
/// | 40 | 4 | Reserved |
/// | 44 | | AvPairs |
#[derive(Debug, Clone, Copy)]
pub struct Response<'a> {
    /// NTProofStr: the proof that the client knows the password.
    pub proof: [u8; 16],
    /// Everything behind the proof ("temp"), which the proof covers.
    pub client_challenge: &'a [u8],
    /// TimeStamp, a FILETIME.
    pub time: u64,
    /// The attributes, among them whether a MIC is present.
    pub attributes: AvPairs<'a>,
}

impl<'a> Response<'a> {
    /// Reads the contents of NtChallengeResponse.
    ///
    /// # Errors
    ///
    /// [`MessageError::NotNtlmV2`] for other versions, [`MessageError::AttributeList`].
    pub fn decode(bytes: &'a [u8]) -> Result<Self, MessageError> {
        let client_challenge = bytes.get(16..).unwrap_or_default();
        if client_challenge.len() < 28 || client_challenge[..2] != [1, 1] {
            return Err(MessageError::NotNtlmV2 { length: bytes.len() });
        }
        Ok(Self {
            proof: array_at(bytes, 0)?,
            client_challenge,
            time: u64::from_le_bytes(array_at(bytes, 24)?),
            attributes: AvPairs::decode(&client_challenge[28..])?,
        })
    }
}

/// Why the bytes of a peer are not the message that was due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// The signature or the message type is another one.
    #[error("not an NTLM message of type {expected}")]
    NotThisMessage {
        /// The type that was due.
        expected: u32,
    },
    /// A field lies outside the message.
    #[error("NTLM message of {length} bytes ends before the field at {at}")]
    Truncated {
        /// Offset of the field or of its descriptor.
        at: usize,
        /// Length of the message.
        length: usize,
    },
    /// The peer wants strings in a code page.
    #[error("NTLM message without Unicode strings")]
    NotUnicode,
    /// A name is not UTF-16.
    #[error("NTLM message with a name that is not UTF-16")]
    Name,
    /// The answer is that of NTLMv1 or of an unknown version.
    #[error("NtChallengeResponse of {length} bytes is not an NTLMv2 response")]
    NotNtlmV2 {
        /// Length of the response.
        length: usize,
    },
    /// The attribute list is not well formed.
    #[error("NTLM attribute list is broken at {at}")]
    AttributeList {
        /// Offset inside the list.
        at: usize,
    },
}

/// UTF-16LE without a terminator.
pub(super) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn text(bytes: &[u8]) -> Result<String, MessageError> {
    let (units, odd) = bytes.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(MessageError::Name);
    }
    char::decode_utf16(units.iter().copied().map(u16::from_le_bytes))
        .collect::<Result<_, _>>()
        .map_err(|_| MessageError::Name)
}

fn check_header(message: &[u8], expected: u32) -> Result<(), MessageError> {
    if message.get(..8) == Some(SIGNATURE) && u32_at(message, 8) == Ok(expected) {
        Ok(())
    } else {
        Err(MessageError::NotThisMessage { expected })
    }
}

fn array_at<const N: usize>(message: &[u8], at: usize) -> Result<[u8; N], MessageError> {
    message
        .get(at..at + N)
        .and_then(|bytes| bytes.try_into().ok())
        .ok_or(MessageError::Truncated { at, length: message.len() })
}

fn u32_at(message: &[u8], at: usize) -> Result<u32, MessageError> {
    array_at(message, at).map(u32::from_le_bytes)
}

/// The bytes that a descriptor {length u16, maximum u16, offset u32} points to.
fn field_at(message: &[u8], at: usize) -> Result<&[u8], MessageError> {
    let descriptor: [u8; 8] = array_at(message, at)?;
    let length = usize::from(u16::from_le_bytes([descriptor[0], descriptor[1]]));
    if length == 0 {
        return Ok(&[]);
    }
    let offset = u32::from_le_bytes([descriptor[4], descriptor[5], descriptor[6], descriptor[7]]);
    usize::try_from(offset)
        .ok()
        .and_then(|start| message.get(start..start.checked_add(length)?))
        .ok_or(MessageError::Truncated { at, length: message.len() })
}

fn push_field(message: &mut Vec<u8>, value: &[u8], offset: usize) {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX);
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(&length.to_le_bytes());
    message.extend_from_slice(&u32::try_from(offset).unwrap_or(u32::MAX).to_le_bytes());
}

const SIGNATURE: &[u8] = b"NTLMSSP\0";
const CHALLENGE_HEADER: usize = 48 + 8 /* Version */;
/// VERSION, 2.2.2.10: 10.0, build 17763, NTLMSSP_REVISION_W2K3.
const VERSION: [u8; 8] = [10, 0, 0x63, 0x45, 0, 0, 0, 15];
