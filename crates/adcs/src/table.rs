//! The five tables of a CA database, and what a column is.

use std::fmt;

/// A table of the database, [MS-CSRA] 3.1.1.1 to 3.1.1.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// One row per request, [MS-CSRA] 3.1.1.1.
    Requests,
    /// One row per request that came to a certificate; the columns of the Request table that have no prefix.
    Certificates,
    /// Name and value of what was sent with a request, [MS-CSRA] 3.1.1.2.
    RequestAttributes,
    /// The extensions of certificates and of requests that wait, [MS-CSRA] 3.1.1.3.
    CertificateExtensions,
    /// One row per revocation list, [MS-CSRA] 3.1.1.4.
    Crls,
}

impl Table {
    /// All of them, in the order in which they are exported.
    pub const ALL: [Self; 5] =
        [Self::Requests, Self::Certificates, Self::RequestAttributes, Self::CertificateExtensions, Self::Crls];

    /// Its name in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "Requests",
            Self::Certificates => "Certificates",
            Self::RequestAttributes => "RequestAttributes",
            Self::CertificateExtensions => "CertificateExtensions",
            Self::Crls => "CRLs",
        }
    }

    /// The table with this name; case does not count.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|table| table.name().eq_ignore_ascii_case(name))
    }

    /// The column that orders it: the number of the request, or of the list.
    #[must_use]
    pub fn id_column(self) -> &'static str {
        match self {
            Self::Requests | Self::Certificates => "RequestID",
            Self::RequestAttributes => "AttributeRequestId",
            Self::CertificateExtensions => "ExtensionRequestId",
            Self::Crls => "CRLRowId",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What the values of a column are, by the types of [MS-CSRA] appendix A note 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A number (1).
    Long,
    /// A time (2).
    Date,
    /// Bytes (3).
    Binary,
    /// Text (4).
    Text,
}

/// A column of a table as a database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in [MS-CSRA], or the database's own name where no specification has one.
    pub name: String,
    /// Its name in the database.
    pub physical: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether [MS-CSRA] knows it.
    pub known: bool,
}
