use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};

use super::{Answer, Call, decode_name};
use crate::roles::Roles;
use crate::{Error, blob, opnum};

/// ServerControl, \[MS-CSRA\] 3.1.4.1.15: stop serving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerControl {
    /// The CA, by any of its names.
    pub authority: Option<String>,
    /// [`SHUTDOWN`](Self::SHUTDOWN), [`SUSPEND`](Self::SUSPEND) or [`RESTART`](Self::RESTART).
    pub flags: u32,
}

impl ServerControl {
    /// Unregister the interfaces.
    pub const SHUTDOWN: u32 = 1;
    /// Does nothing.
    pub const SUSPEND: u32 = 2;
    /// Does nothing.
    pub const RESTART: u32 = 3;
}

impl Call for ServerControl {
    const OPNUM: Opnum = opnum::SERVER_CONTROL;
    type Reply = ();

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
        stub.u32(self.flags);
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)?, flags: stub.u32()? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<(), Error> {
        blob::decode(stub).map(drop)
    }
}

impl Answer for ServerControl {
    fn encode_reply((): &(), stub: &mut Encoder) {
        blob::encode(&[], stub);
    }
}

/// Ping, \[MS-CSRA\] 3.1.4.1.16: whether the CA answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The CA, by any of its names; none means any.
    pub authority: Option<String>,
}

impl Call for Ping {
    const OPNUM: Opnum = opnum::PING;
    type Reply = ();

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)? })
    }

    fn decode_reply(&self, _stub: &mut Decoder<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Answer for Ping {
    fn encode_reply((): &(), _stub: &mut Encoder) {}
}

/// Ping2, \[MS-CSRA\] 3.1.4.2.8: the same on the newer interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ping2 {
    /// The CA, by any of its names; none means any.
    pub authority: Option<String>,
}

impl Call for Ping2 {
    const OPNUM: Opnum = opnum::PING2;
    type Reply = ();

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)? })
    }

    fn decode_reply(&self, _stub: &mut Decoder<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Answer for Ping2 {
    fn encode_reply((): &(), _stub: &mut Encoder) {}
}

/// GetServerState, \[MS-CSRA\] 3.1.4.1.17: whether the caller may read the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetServerState {
    /// The CA, by any of its names.
    pub authority: Option<String>,
}

impl Call for GetServerState {
    const OPNUM: Opnum = opnum::GET_SERVER_STATE;
    /// 1 if the caller may read the database, 0 if not.
    type Reply = u32;

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<u32, Error> {
        Ok(stub.u32()?)
    }
}

impl Answer for GetServerState {
    fn encode_reply(state: &u32, stub: &mut Encoder) {
        stub.u32(*state);
    }
}

/// GetMyRoles, \[MS-CSRA\] 3.1.4.2.17: what the caller is to the CA.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetMyRoles {
    /// The CA, by any of its names.
    pub authority: Option<String>,
}

impl Call for GetMyRoles {
    const OPNUM: Opnum = opnum::GET_MY_ROLES;
    /// Bits without a name are left out.
    type Reply = Roles;

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<Roles, Error> {
        Ok(Roles::from_bits_truncate(stub.u32()?))
    }
}

impl Answer for GetMyRoles {
    fn encode_reply(roles: &Roles, stub: &mut Encoder) {
        stub.u32(roles.bits());
    }
}
