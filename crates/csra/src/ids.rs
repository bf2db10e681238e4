//! Class and interfaces of the protocol, \[MS-CSRA\] 1.9 and 2.1. All interfaces have version 0.0 on the wire.

use uuid::{Uuid, uuid};

/// The class that a client activates.
pub const CLSID_CCERT_ADMIN_D: Uuid = uuid!("d99e6e73-fc88-11d0-b498-00a0c90312f3");
/// ICertAdminD: opnums 3 to 30.
pub const IID_ICERT_ADMIN_D: Uuid = uuid!("d99e6e71-fc88-11d0-b498-00a0c90312f3");
/// ICertAdminD2: opnums 3 to 48.
pub const IID_ICERT_ADMIN_D2: Uuid = uuid!("7fe0d935-dda6-443f-85d0-1cfb58fe41dd");
