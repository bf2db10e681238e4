//! Verification trailer behind the stub of a request, \[MS-RPCE\] 2.2.2.13.
//!
//! Clients whose security provider does not cover the headers of PDUs repeat there what they meant to send. A server that
//! finds one compares; [`server::Call::verify`](crate::server::Call::verify) does so for a call.
//!
//! | offset | size | field |
//! |-------:|-----:|-------|
//! | 0 | 8 | signature 8a e3 13 71 02 f4 36 71, at a multiple of 4 |
//! | 8 | 2 | command: type in bits 0–13, bit 14 the last one, bit 15 must be understood |
//! | 10 | 2 | length of what follows, a multiple of 4 |
//! | 12 | length | the command, then the next one |

use crate::ndr::{self, Decoder};
use crate::pdu::{Header, Kind};
use crate::{CallId, ContextId, Opnum, SyntaxId, limits};

/// A verification trailer, \[MS-RPCE\] 2.2.2.13 (rpc_sec_verification_trailer and its commands).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trailer {
    /// The commands, in their order; at least one.
    pub commands: Vec<Command>,
}

/// A command of a verification trailer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// Whether a server that does not know it has to reject the request (SEC_VT_MUST_PROCESS_COMMAND).
    pub must_process: bool,
    /// What it says.
    pub kind: CommandKind,
}

/// What a command says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandKind {
    /// rpc_sec_vt_bitmask; bit 0: the client supports header signing.
    Bitmask1(u32),
    /// rpc_sec_vt_pcontext: the presentation context.
    PresentationContext {
        /// The interface.
        interface: SyntaxId,
        /// The transfer syntax.
        transfer_syntax: SyntaxId,
    },
    /// rpc_sec_vt_header2: the header of the request.
    Header2 {
        /// Type of the PDU.
        kind: u8,
        /// packed_drep.
        data_representation: [u8; 4],
        /// call_id.
        call_id: CallId,
        /// p_cont_id.
        context_id: ContextId,
        /// opnum.
        opnum: Opnum,
    },
    /// A command that is not defined.
    Unknown {
        /// Its type, 14 bits.
        command: u16,
        /// Its content.
        value: Vec<u8>,
    },
}

/// What a server knows about a request, to compare with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expected {
    /// The interface of the presentation context.
    pub interface: SyntaxId,
    /// The transfer syntax of the presentation context.
    pub transfer_syntax: SyntaxId,
    /// call_id.
    pub call_id: CallId,
    /// p_cont_id.
    pub context_id: ContextId,
    /// opnum.
    pub opnum: Opnum,
    /// Whether the client announced header signing in its bind.
    pub header_signing: bool,
}

impl Trailer {
    /// Looks for a verification trailer behind the first `consumed` bytes of a stub.
    ///
    /// # Errors
    /// [`ndr::Error`] when there is one and it is malformed.
    pub fn find(stub: &[u8], consumed: usize) -> Result<Option<Trailer>, ndr::Error> {
        let Some(mut at) = consumed.checked_next_multiple_of(4) else { return Ok(None) };
        while let Some(candidate) = stub.get(at..) {
            if candidate.len() < SIGNATURE.len() {
                break;
            }
            if candidate.starts_with(&SIGNATURE) {
                return Trailer::decode(&candidate[SIGNATURE.len()..]).map(Some);
            }
            at += 4;
        }
        Ok(None)
    }

    fn decode(commands: &[u8]) -> Result<Trailer, ndr::Error> {
        let mut body = Decoder::new(commands);
        let mut commands = Vec::new();
        loop {
            let at = body.position();
            let command = body.u16()?;
            let length = body.u16()?;
            if length % 4 != 0 {
                return Err(ndr::Error::Value { at: at + 2, field: "length", found: length.into() });
            }
            if commands.len() == limits::VERIFICATION_COMMANDS {
                let limit = limits::VERIFICATION_COMMANDS;
                return Err(ndr::Error::Limit { at, claimed: limit + 1, limit });
            }
            let value = body.bytes(length.into())?;
            let kind = CommandKind::decode(command & TYPE, value, at + 2)?;
            commands.push(Command { must_process: command & MUST_PROCESS != 0, kind });
            if command & END != 0 {
                return Ok(Trailer { commands });
            }
        }
    }

    /// Appends the trailer to a stub, aligned to 4.
    pub fn encode(&self, stub: &mut Vec<u8>) {
        stub.resize(stub.len().next_multiple_of(4), 0);
        stub.extend_from_slice(&SIGNATURE);
        for (index, command) in self.commands.iter().enumerate() {
            let end = if index + 1 == self.commands.len() { END } else { 0 };
            let must_process = if command.must_process { MUST_PROCESS } else { 0 };
            let (kind, value) = command.kind.encode();
            stub.extend_from_slice(&(kind & TYPE | end | must_process).to_le_bytes());
            // Values are 65532 bytes at most: they come from a length field, or have a fixed size.
            stub.extend_from_slice(&u16::try_from(value.len()).unwrap_or(0xFFFC).to_le_bytes());
            stub.extend_from_slice(&value[..value.len().min(0xFFFC)]);
        }
    }

    /// Whether every command agrees with the request, and none is unknown that must be understood.
    pub fn agrees(&self, expected: &Expected) -> bool {
        self.commands.iter().all(|command| match &command.kind {
            CommandKind::Bitmask1(bits) => bits & HEADER_SIGNING == 0 || expected.header_signing,
            CommandKind::PresentationContext { interface, transfer_syntax } => {
                *interface == expected.interface && *transfer_syntax == expected.transfer_syntax
            }
            CommandKind::Header2 { kind, data_representation, call_id, context_id, opnum } => {
                *kind == Kind::Request as u8
                    && *data_representation == Header::DATA_REPRESENTATION
                    && *call_id == expected.call_id
                    && *context_id == expected.context_id
                    && *opnum == expected.opnum
            }
            CommandKind::Unknown { .. } => !command.must_process,
        })
    }
}

impl CommandKind {
    /// `at` is where the length stands, from the first command on.
    fn decode(command: u16, value: &[u8], at: usize) -> Result<CommandKind, ndr::Error> {
        let mut body = Decoder::new(value);
        Ok(match (command, value.len()) {
            (1, 4) => CommandKind::Bitmask1(body.u32()?),
            (2, 40) => {
                let mut syntax = || Ok(SyntaxId { uuid: body.uuid()?, major: body.u16()?, minor: body.u16()? });
                CommandKind::PresentationContext { interface: syntax()?, transfer_syntax: syntax()? }
            }
            (3, 16) => {
                let kind = body.u8()?;
                body.bytes(3)?;
                let representation = body.bytes(4)?;
                CommandKind::Header2 {
                    kind,
                    data_representation: representation.first_chunk().copied().unwrap_or_default(),
                    call_id: CallId(body.u32()?),
                    context_id: ContextId(body.u16()?),
                    opnum: Opnum(body.u16()?),
                }
            }
            (1..=3, length) => {
                return Err(ndr::Error::Value { at, field: "length", found: length as u64 });
            }
            _ => CommandKind::Unknown { command, value: value.to_vec() },
        })
    }

    fn encode(&self) -> (u16, Vec<u8>) {
        match self {
            CommandKind::Bitmask1(bits) => (1, bits.to_le_bytes().to_vec()),
            CommandKind::PresentationContext { interface, transfer_syntax } => {
                (2, [interface.to_bytes(), transfer_syntax.to_bytes()].concat())
            }
            CommandKind::Header2 { kind, data_representation, call_id, context_id, opnum } => {
                let mut value = vec![*kind, 0, 0, 0];
                value.extend_from_slice(data_representation);
                value.extend_from_slice(&call_id.0.to_le_bytes());
                value.extend_from_slice(&context_id.0.to_le_bytes());
                value.extend_from_slice(&opnum.0.to_le_bytes());
                (3, value)
            }
            CommandKind::Unknown { command, value } => {
                let mut value = value.clone();
                value.resize(value.len().next_multiple_of(4), 0);
                (*command, value)
            }
        }
    }
}

/// The signature of a verification trailer.
pub const SIGNATURE: [u8; 8] = [0x8a, 0xe3, 0x13, 0x71, 0x02, 0xf4, 0x36, 0x71];

const TYPE: u16 = 0x3FFF;
const END: u16 = 0x4000;
const MUST_PROCESS: u16 = 0x8000;
const HEADER_SIGNING: u32 = 1;
