use std::net::Ipv4Addr;

use crate::ndr::{Decoder, Encoder, Error};
use crate::{SyntaxId, limits};

/// A protocol tower, C706 appendix L: an interface and the way to it, floor by floor.
///
/// | offset | size | field |
/// |-------:|-----:|-------|
/// | 0 | 2 | floor count |
/// | 2 | 2 | length of the left-hand side |
/// | 4 | … | left-hand side: protocol identifier, and what belongs to it |
/// | … | 2 | length of the right-hand side |
/// | … | … | right-hand side: address |
///
/// Nothing is aligned. Ports and IP addresses are big-endian.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tower {
    /// The floors from the interface down; at most [`limits::FLOORS`].
    pub floors: Vec<Floor>,
}

/// A floor of a tower.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Floor {
    /// Interface or transfer syntax, identifier 0x0D.
    Syntax(SyntaxId),
    /// Connection-oriented RPC with its minor version, identifier 0x0B.
    ConnectionOriented(u16),
    /// TCP port, identifier 0x07.
    Tcp(u16),
    /// IPv4 address, identifier 0x09.
    Ip(Ipv4Addr),
    /// Named pipe like `\PIPE\cert`, identifier 0x0F.
    NamedPipe(String),
    /// NetBIOS host name, identifier 0x11.
    NetBios(String),
    /// Anything else, as it was.
    Other {
        /// Left-hand side.
        left: Vec<u8>,
        /// Right-hand side.
        right: Vec<u8>,
    },
}

impl Tower {
    /// The tower of an interface over TCP.
    pub fn tcp(interface: SyntaxId, port: u16, address: Ipv4Addr) -> Tower {
        Tower {
            floors: vec![
                Floor::Syntax(interface),
                Floor::Syntax(SyntaxId::NDR),
                Floor::ConnectionOriented(0),
                Floor::Tcp(port),
                Floor::Ip(address),
            ],
        }
    }

    /// From the octets of a twr_t.
    ///
    /// # Errors
    /// [`Error::Limit`] for more than six floors, \[MS-RPCE\] 3.1.3.5.3; [`Error::Truncated`] when a floor is longer than
    /// what is left.
    pub fn decode(octets: &[u8]) -> Result<Tower, Error> {
        let mut tower = octets;
        let field = |tower: &mut &[u8]| -> Result<u16, Error> {
            let at = octets.len() - tower.len();
            let (length, rest) =
                tower.split_first_chunk().ok_or(Error::Truncated { at, needed: 2, remaining: tower.len() })?;
            *tower = rest;
            Ok(u16::from_le_bytes(*length))
        };
        let count = usize::from(field(&mut tower)?);
        if count > limits::FLOORS {
            return Err(Error::Limit { at: 0, claimed: count, limit: limits::FLOORS });
        }
        let mut floors = Vec::with_capacity(count);
        for _ in 0..count {
            let mut side = || -> Result<&[u8], Error> {
                let needed = usize::from(field(&mut tower)?);
                let at = octets.len() - tower.len();
                let (side, rest) =
                    tower.split_at_checked(needed).ok_or(Error::Truncated { at, needed, remaining: tower.len() })?;
                tower = rest;
                Ok(side)
            };
            floors.push(Floor::from_sides(side()?, side()?));
        }
        Ok(Tower { floors })
    }

    /// As the octets of a twr_t.
    pub fn encode(&self) -> Vec<u8> {
        let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes();
        let mut octets = Vec::new();
        octets.extend_from_slice(&u16::try_from(self.floors.len()).unwrap_or(u16::MAX).to_le_bytes());
        for floor in &self.floors {
            let (left, right) = floor.to_sides();
            for side in [&left, &right] {
                octets.extend_from_slice(&length(side));
                octets.extend_from_slice(&side[..side.len().min(u16::MAX.into())]);
            }
        }
        octets
    }

    /// The interface: the first floor.
    pub fn interface(&self) -> Option<SyntaxId> {
        match self.floors.first() {
            Some(Floor::Syntax(interface)) => Some(*interface),
            _ => None,
        }
    }

    /// The transfer syntax: the second floor.
    pub fn transfer_syntax(&self) -> Option<SyntaxId> {
        match self.floors.get(1) {
            Some(Floor::Syntax(syntax)) => Some(*syntax),
            _ => None,
        }
    }

    /// The TCP port, when the tower leads over TCP.
    pub fn port(&self) -> Option<u16> {
        self.floors.iter().find_map(|floor| match floor {
            Floor::Tcp(port) => Some(*port),
            _ => None,
        })
    }

    /// The IPv4 address, when the tower names one.
    pub fn address(&self) -> Option<Ipv4Addr> {
        self.floors.iter().find_map(|floor| match floor {
            Floor::Ip(address) => Some(*address),
            _ => None,
        })
    }

    /// The named pipe, when the tower leads over SMB.
    pub fn named_pipe(&self) -> Option<&str> {
        self.floors.iter().find_map(|floor| match floor {
            Floor::NamedPipe(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// A twr_t: maximum count in front, tower_length, octets.
    pub(super) fn write(&self, stub: &mut Encoder) {
        let octets = self.encode();
        let length = u32::try_from(octets.len()).unwrap_or(u32::MAX);
        stub.u32(length);
        stub.u32(length);
        stub.bytes(&octets);
    }

    pub(super) fn read(stub: &mut Decoder<'_>) -> Result<Tower, Error> {
        let maximum = stub.u32()?;
        let length = stub.count(limits::TOWER, 1)?;
        if u64::from(maximum) != length as u64 {
            let at = stub.position() - 4;
            return Err(Error::Contradiction {
                at,
                field: "tower_length",
                found: length as u64,
                expected: maximum.into(),
            });
        }
        Tower::decode(stub.bytes(length)?)
    }
}

impl Floor {
    fn from_sides(left: &[u8], right: &[u8]) -> Floor {
        let known = match (left, right) {
            ([SYNTAX, uuid_and_major @ ..], minor) => {
                let bytes: Option<[u8; SyntaxId::SIZE]> = [uuid_and_major, minor].concat().try_into().ok();
                bytes.filter(|_| minor.len() == 2).map(|bytes| Floor::Syntax(SyntaxId::from_bytes(&bytes)))
            }
            ([CONNECTION_ORIENTED], &[low, high]) => Some(Floor::ConnectionOriented(u16::from_le_bytes([low, high]))),
            ([TCP], &[high, low]) => Some(Floor::Tcp(u16::from_be_bytes([high, low]))),
            ([IP], &[a, b, c, d]) => Some(Floor::Ip(Ipv4Addr::new(a, b, c, d))),
            ([NAMED_PIPE], [name @ .., 0]) => name_of(name).map(Floor::NamedPipe),
            ([NET_BIOS], [name @ .., 0]) => name_of(name).map(Floor::NetBios),
            _ => None,
        };
        known.unwrap_or_else(|| Floor::Other { left: left.to_vec(), right: right.to_vec() })
    }

    fn to_sides(&self) -> (Vec<u8>, Vec<u8>) {
        let name = |name: &str| [name.as_bytes(), &[0]].concat();
        match self {
            Floor::Syntax(syntax) => {
                let bytes = syntax.to_bytes();
                let (uuid_and_major, minor) = bytes.split_at(18);
                ([&[SYNTAX], uuid_and_major].concat(), minor.to_vec())
            }
            Floor::ConnectionOriented(minor) => (vec![CONNECTION_ORIENTED], minor.to_le_bytes().to_vec()),
            Floor::Tcp(port) => (vec![TCP], port.to_be_bytes().to_vec()),
            Floor::Ip(address) => (vec![IP], address.octets().to_vec()),
            Floor::NamedPipe(pipe) => (vec![NAMED_PIPE], name(pipe)),
            Floor::NetBios(host) => (vec![NET_BIOS], name(host)),
            Floor::Other { left, right } => (left.clone(), right.clone()),
        }
    }
}

/// Names are ASCII, \[MS-RPCE\] 2.1.1.2.
fn name_of(bytes: &[u8]) -> Option<String> {
    let printable = bytes.iter().all(|byte| byte.is_ascii() && !byte.is_ascii_control());
    printable.then(|| String::from_utf8_lossy(bytes).into_owned())
}

const SYNTAX: u8 = 0x0D;
const CONNECTION_ORIENTED: u8 = 0x0B;
const TCP: u8 = 0x07;
const IP: u8 = 0x09;
const NAMED_PIPE: u8 = 0x0F;
const NET_BIOS: u8 = 0x11;
