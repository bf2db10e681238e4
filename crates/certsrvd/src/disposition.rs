//! The states of a request as the column Disposition has them, [MS-CSRA] 3.1.1.1.1, and the reasons of a revocation.

use std::fmt;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

/// State of a request, with the numbers that Windows uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Disposition {
    /// It waits for an officer.
    Pending = 9,
    /// The row is the CA's own certificate.
    AuthorityCertificate = 15,
    /// A certificate was issued.
    Issued = 20,
    /// A certificate was issued and has been revoked.
    Revoked = 21,
    /// The policy refused it; it cannot be submitted again.
    Failed = 30,
    /// An officer refused it.
    Denied = 31,
}

impl Disposition {
    /// The state with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            9 => Self::Pending,
            15 => Self::AuthorityCertificate,
            20 => Self::Issued,
            21 => Self::Revoked,
            30 => Self::Failed,
            31 => Self::Denied,
            _ => return None,
        })
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::AuthorityCertificate => "authority_certificate",
            Self::Issued => "issued",
            Self::Revoked => "revoked",
            Self::Failed => "failed",
            Self::Denied => "denied",
        })
    }
}

impl ToSql for Disposition {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok((*self as i64).into())
    }
}

impl FromSql for Disposition {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = value.as_i64()?;
        Self::from_number(number).ok_or(FromSqlError::OutOfRange(number))
    }
}

/// Reason of a revocation, RFC 5280 5.3.1, as RevokeCertificate takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "camelCase")]
#[value(rename_all = "camelCase")]
pub enum RevocationReason {
    /// No reason is given.
    Unspecified,
    /// Somebody else may have the key.
    KeyCompromise,
    /// Somebody else may have the CA's key.
    #[serde(rename = "cACompromise")]
    #[value(name = "cACompromise", alias = "caCompromise")]
    CaCompromise,
    /// The subject has another affiliation now.
    AffiliationChanged,
    /// Another certificate takes its place.
    Superseded,
    /// The subject needs it no more.
    CessationOfOperation,
    /// For the time being; can be released.
    CertificateHold,
    /// Revoked in the database, left out of complete lists.
    #[serde(rename = "removeFromCRL")]
    #[value(name = "removeFromCRL")]
    RemoveFromCrl,
}

impl RevocationReason {
    /// The number in the database and in the list.
    pub const fn number(self) -> u8 {
        match self {
            Self::Unspecified => 0,
            Self::KeyCompromise => 1,
            Self::CaCompromise => 2,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::CertificateHold => 6,
            Self::RemoveFromCrl => 8,
        }
    }

    /// The reason with this number.
    pub fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Unspecified,
            1 => Self::KeyCompromise,
            2 => Self::CaCompromise,
            3 => Self::AffiliationChanged,
            4 => Self::Superseded,
            5 => Self::CessationOfOperation,
            6 => Self::CertificateHold,
            8 => Self::RemoveFromCrl,
            _ => return None,
        })
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unspecified => "unspecified",
            Self::KeyCompromise => "keyCompromise",
            Self::CaCompromise => "cACompromise",
            Self::AffiliationChanged => "affiliationChanged",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessationOfOperation",
            Self::CertificateHold => "certificateHold",
            Self::RemoveFromCrl => "removeFromCRL",
        })
    }
}
