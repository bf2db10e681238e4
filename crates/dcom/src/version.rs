//! The version of DCOM that the two sides speak.

use dcerpc::ndr::{Decoder, Encoder};

use crate::{Error, Hresult};

/// COMVERSION, \[MS-DCOM\] 2.2.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ComVersion {
    /// Always 5 in practice.
    pub major: u16,
    /// 1, 2, 4, 6 or 7.
    pub minor: u16,
}

impl ComVersion {
    /// 5.7, the newest: what this crate speaks.
    pub const NEWEST: Self = Self { major: 5, minor: 7 };
    /// 5.1: what a server speaks that knows neither ServerAlive2 nor ResolveOxid2, \[MS-DCOM\] 1.7.
    pub const OLDEST: Self = Self { major: 5, minor: 1 };

    /// What a server that speaks `self` says to a client's ORPCTHIS, \[MS-DCOM\] 1.7 and 3.1.1.5.4.
    ///
    /// # Errors
    /// [`Hresult::VERSION_MISMATCH`] when the client's major version differs, or its minor version is higher.
    pub fn accept(self, client: Self) -> Result<(), Hresult> {
        if client.major != self.major || client.minor > self.minor {
            return Err(Hresult::VERSION_MISMATCH);
        }
        Ok(())
    }

    /// What a client that speaks `self` puts into its ORPCTHIS for a server: the lower of the minor versions,
    /// \[MS-DCOM\] 1.7. `None` when the major versions differ, and the server must not be called.
    #[must_use]
    pub fn common(self, server: Self) -> Option<Self> {
        (self.major == server.major).then_some(Self { major: self.major, minor: self.minor.min(server.minor) })
    }

    /// Writes major and minor version.
    pub fn encode(&self, stub: &mut Encoder) {
        stub.align(2);
        stub.u16(self.major);
        stub.u16(self.minor);
    }

    /// Reads major and minor version.
    ///
    /// # Errors
    /// [`Error::Ndr`] at the end of the stub.
    pub fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { major: stub.u16()?, minor: stub.u16()? })
    }
}
