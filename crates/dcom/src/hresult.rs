//! Result codes of COM methods.

use std::fmt;

/// HRESULT, \[MS-ERREF\] 2.1: the result of a COM method.
///
/// Zero is success. The protocols here use no other success code, so that a caller treats every other value as a failure
/// (\[MS-CSRA\] 3.1.4.1: the methods return errors as HRESULTs and never as exceptions); [`Hresult::ok`] does that.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hresult(pub u32);

impl Hresult {
    /// `S_OK`: success.
    pub const OK: Self = Self(0);
    /// `E_NOTIMPL`: the method exists and does nothing here.
    pub const NOT_IMPLEMENTED: Self = Self(0x8000_4001);
    /// `E_POINTER`: a pointer for a result is NULL.
    pub const POINTER: Self = Self(0x8000_4003);
    /// `E_NOINTERFACE`: the object does not have that interface.
    pub const NO_INTERFACE: Self = Self(0x8000_4002);
    /// `E_FAIL`: failure without a better code.
    pub const FAIL: Self = Self(0x8000_4005);
    /// `E_UNEXPECTED`: called at the wrong time; ERROR_UNEXPECTED_ERROR of \[MS-CSRA\] 2.2.5.
    pub const UNEXPECTED: Self = Self(0x8000_FFFF);
    /// `RPC_E_DISCONNECTED`: the IPID names no object any more, \[MS-DCOM\] 3.1.1.5.4.
    pub const DISCONNECTED: Self = Self(0x8001_0108);
    /// `RPC_E_VERSION_MISMATCH`: the client speaks a newer DCOM, \[MS-DCOM\] 1.7.
    pub const VERSION_MISMATCH: Self = Self(0x8001_0110);
    /// `RPC_E_INVALID_HEADER`: ORPCTHIS is not what an object call needs, \[MS-DCOM\] 3.1.1.5.4.
    pub const INVALID_HEADER: Self = Self(0x8001_0111);
    /// `RPC_E_INVALID_OBJECT`: RemQueryInterface on an unknown IPID, \[MS-DCOM\] 3.1.1.5.6.1.1.
    pub const INVALID_OBJECT: Self = Self(0x8001_0114);
    /// `RPC_E_INVALID_OBJREF`: an object reference that cannot be read.
    pub const INVALID_OBJREF: Self = Self(0x8001_011D);
    /// `REGDB_E_CLASSNOTREG`: no such class on this machine.
    pub const CLASS_NOT_REGISTERED: Self = Self(0x8004_0154);
    /// `CLASS_E_NOAGGREGATION`: the class cannot be part of another object.
    pub const NO_AGGREGATION: Self = Self(0x8004_0110);
    /// `CO_E_OBJNOTREG`: RemAddRef on an unknown IPID, \[MS-DCOM\] 3.1.1.5.6.1.2.
    pub const OBJECT_NOT_REGISTERED: Self = Self(0x8004_01FB);
    /// `ERROR_FILE_NOT_FOUND` as an HRESULT.
    pub const FILE_NOT_FOUND: Self = Self::from_win32(2);
    /// `E_ACCESSDENIED`.
    pub const ACCESS_DENIED: Self = Self::from_win32(5);
    /// `E_HANDLE`.
    pub const INVALID_HANDLE: Self = Self::from_win32(6);
    /// `ERROR_INVALID_DATA` as an HRESULT.
    pub const INVALID_DATA: Self = Self::from_win32(13);
    /// `E_OUTOFMEMORY`.
    pub const OUT_OF_MEMORY: Self = Self::from_win32(14);
    /// `E_INVALIDARG`.
    pub const INVALID_ARGUMENT: Self = Self::from_win32(87);
    /// `ERROR_LOGON_FAILURE` as an HRESULT: wrong account or password.
    pub const LOGON_FAILURE: Self = Self::from_win32(1326);
    /// `RPC_S_SERVER_UNAVAILABLE` as an HRESULT.
    pub const SERVER_UNAVAILABLE: Self = Self::from_win32(1722);

    /// A Win32 error code as an HRESULT (HRESULT_FROM_WIN32): facility 7, failure; zero stays success.
    #[must_use]
    pub const fn from_win32(code: u32) -> Self {
        if code == 0 { Self::OK } else { Self(0x8007_0000 | (code & 0xFFFF)) }
    }

    /// `Ok` for `S_OK`, and the code itself as an error for everything else.
    ///
    /// # Errors
    /// The code, unless it is zero.
    pub const fn ok(self) -> Result<(), Self> {
        if self.0 == Self::OK.0 { Ok(()) } else { Err(self) }
    }

    /// The name that the Windows headers give to the code, if it is one of those used here.
    #[must_use]
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OK => "S_OK",
            Self::NOT_IMPLEMENTED => "E_NOTIMPL",
            Self::POINTER => "E_POINTER",
            Self::NO_INTERFACE => "E_NOINTERFACE",
            Self::FAIL => "E_FAIL",
            Self::UNEXPECTED => "E_UNEXPECTED",
            Self::DISCONNECTED => "RPC_E_DISCONNECTED",
            Self::VERSION_MISMATCH => "RPC_E_VERSION_MISMATCH",
            Self::INVALID_HEADER => "RPC_E_INVALID_HEADER",
            Self::INVALID_OBJECT => "RPC_E_INVALID_OBJECT",
            Self::INVALID_OBJREF => "RPC_E_INVALID_OBJREF",
            Self::CLASS_NOT_REGISTERED => "REGDB_E_CLASSNOTREG",
            Self::NO_AGGREGATION => "CLASS_E_NOAGGREGATION",
            Self::OBJECT_NOT_REGISTERED => "CO_E_OBJNOTREG",
            Self::FILE_NOT_FOUND => "ERROR_FILE_NOT_FOUND",
            Self::ACCESS_DENIED => "E_ACCESSDENIED",
            Self::INVALID_HANDLE => "E_HANDLE",
            Self::INVALID_DATA => "ERROR_INVALID_DATA",
            Self::OUT_OF_MEMORY => "E_OUTOFMEMORY",
            Self::INVALID_ARGUMENT => "E_INVALIDARG",
            Self::LOGON_FAILURE => "ERROR_LOGON_FAILURE",
            Self::SERVER_UNAVAILABLE => "RPC_S_SERVER_UNAVAILABLE",
            _ => return None,
        })
    }
}

/// `0x80070005 (E_ACCESSDENIED)`, or the number alone.
impl fmt::Display for Hresult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "0x{:08X}", self.0)?;
        match self.name() {
            Some(name) => write!(formatter, " ({name})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Hresult {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Hresult({self})")
    }
}

impl std::error::Error for Hresult {}
