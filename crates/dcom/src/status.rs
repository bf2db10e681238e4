use std::fmt;

/// error_status_t, \[MS-DCOM\] 2.2.4: the result of a method that is not an object's, a Win32 error code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErrorStatus(pub u32);

impl ErrorStatus {
    /// Success.
    pub const OK: Self = Self(0);
    /// ERROR_ACCESS_DENIED.
    pub const ACCESS_DENIED: Self = Self(5);
    /// OR_INVALID_OXID: no such object exporter.
    pub const INVALID_OXID: Self = Self(1910);
    /// OR_INVALID_OID: no such object.
    pub const INVALID_OID: Self = Self(1911);
    /// OR_INVALID_SET: no such ping set.
    pub const INVALID_SET: Self = Self(1912);

    /// `Ok` for success, and the code itself as an error for everything else.
    ///
    /// # Errors
    /// The code, unless it is zero.
    pub const fn ok(self) -> Result<(), Self> {
        if self.0 == 0 { Ok(()) } else { Err(self) }
    }
}

impl fmt::Display for ErrorStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            Self::OK => "success",
            Self::ACCESS_DENIED => "access denied",
            Self::INVALID_OXID => "invalid OXID",
            Self::INVALID_OID => "invalid OID",
            Self::INVALID_SET => "invalid ping set",
            _ => return write!(formatter, "{}", self.0),
        };
        write!(formatter, "{} ({name})", self.0)
    }
}

impl fmt::Debug for ErrorStatus {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ErrorStatus({self})")
    }
}

impl std::error::Error for ErrorStatus {}
