//! Endpoint mapper, C706 appendix O and \[MS-RPCE\] 2.2.1.2: protocol towers and ept_map.

mod map;
mod tower;

pub use map::{MapReply, MapRequest};
pub use tower::{Floor, Tower};

use uuid::uuid;

use crate::{Opnum, SyntaxId};

/// The interface of the endpoint mapper, version 3.0.
pub const INTERFACE: SyntaxId = SyntaxId::new(uuid!("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), 3, 0);

/// ept_map.
pub const MAP: Opnum = Opnum(3);

/// Port of the endpoint mapper over TCP, C706 appendix H.
pub const PORT: u16 = 135;

/// Status of ept_map when nothing matches, \[MS-RPCE\] 2.2.1.2.5.
pub const NOT_REGISTERED: u32 = 0x16C9_A0D6;
