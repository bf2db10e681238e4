//! What an administrator can ask a CA for: one [`Request`], one [`Reply`].
//!
//! While the server runs these travel over its control socket, one JSON object a line; otherwise the command line program
//! opens the data directory and hands the same request to the same [`crate::authority::Authority`].

mod client;
mod server;

use serde::{Deserialize, Serialize};

pub use client::{Client, ConnectError};
pub use server::{ControlServer, parse};

use crate::accounts::{Account, Role};
use crate::disposition::{Disposition, RevocationReason};
use crate::failure::Failure;

/// Longest line on the control socket, in bytes: a request of 64 KiB in hexadecimal, with attributes.
pub const MAXIMUM_LINE: usize = 1 << 20;

/// A question to a CA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// `account add`
    AccountAdd {
        /// The account, with the hash of its password.
        account: Account,
    },
    /// `account list`
    AccountList,
    /// `account remove`
    AccountRemove {
        /// Its name.
        name: String,
    },
    /// `request submit`
    RequestSubmit {
        /// PKCS#10 in DER or PEM, in hexadecimal digits.
        content: String,
        /// Request attributes, `name:value`.
        attributes: Vec<String>,
    },
    /// `request list`
    RequestList {
        /// Only requests in this state.
        disposition: Option<Disposition>,
        /// Only requests behind this one.
        after: i64,
        /// At most this many.
        limit: u32,
    },
    /// `request approve`
    RequestApprove {
        /// Which.
        id: i64,
    },
    /// `request deny`
    RequestDeny {
        /// Which.
        id: i64,
    },
    /// `certificate list`
    CertificateList {
        /// Only certificates in this state: issued or revoked.
        disposition: Option<Disposition>,
        /// Only certificates of requests behind this one.
        after: i64,
        /// At most this many.
        limit: u32,
    },
    /// `certificate show`
    CertificateShow {
        /// Serial number in hexadecimal digits, or a request number in decimal ones when `by_request`.
        serial: String,
        /// Whether `serial` is the number of a request.
        by_request: bool,
    },
    /// `certificate revoke`
    CertificateRevoke {
        /// Serial number in hexadecimal digits.
        serial: String,
        /// Why.
        reason: RevocationReason,
        /// Since when, RFC 3339. Default: now.
        when: Option<String>,
    },
    /// `certificate revoke --release`
    CertificateRelease {
        /// Serial number in hexadecimal digits.
        serial: String,
    },
    /// `crl publish`
    CrlPublish,
    /// `status`
    Status,
}

impl Request {
    /// Whether the CA's key is needed to answer. Submitting needs it when requests are issued at once.
    pub fn needs_key(&self) -> bool {
        matches!(self, Self::RequestSubmit { .. } | Self::RequestApprove { .. } | Self::CrlPublish)
    }
}

/// The answer to a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// It is done.
    Done {
        /// What, in words.
        message: String,
    },
    /// To `account list`.
    Accounts {
        /// Without their hashes.
        accounts: Vec<AccountSummary>,
    },
    /// To `request submit`, `request approve` and `request deny`.
    Submitted(Submitted),
    /// To `request list`.
    Requests {
        /// Ordered by number.
        requests: Vec<RequestSummary>,
    },
    /// To `certificate list`.
    Certificates {
        /// Ordered by the number of the request.
        certificates: Vec<CertificateSummary>,
    },
    /// To `certificate show`.
    Certificate {
        /// What the list would say.
        summary: CertificateSummary,
        /// The certificate in PEM.
        pem: String,
    },
    /// To `crl publish`.
    Crl(CrlSummary),
    /// To `status`.
    Status(Box<Status>),
}

/// An account as others may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSummary {
    /// Its name.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// Whether it is locked after too many failures.
    pub locked: bool,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submitted {
    /// Its number.
    pub request_id: i64,
    /// Its state now.
    pub disposition: Disposition,
    /// Why, in words.
    pub message: String,
    /// The serial number, when a certificate was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The certificate in PEM, when one was issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pem: Option<String>,
}

/// A row of `request list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestSummary {
    /// Its number.
    pub request_id: i64,
    /// Its state.
    pub disposition: Disposition,
    /// The state in words.
    pub message: Option<String>,
    /// When it came in, RFC 3339.
    pub submitted: Option<String>,
    /// Who brought it.
    pub requester: Option<String>,
    /// The subject that it asks for.
    pub subject: Option<String>,
}

/// A row of `certificate list`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateSummary {
    /// Number of the request.
    pub request_id: i64,
    /// Its state.
    pub disposition: Disposition,
    /// Serial number, lower-case hexadecimal digits.
    pub serial: String,
    /// Subject, RFC 4514.
    pub subject: Option<String>,
    /// From when it is valid, RFC 3339.
    pub not_before: Option<String>,
    /// Until when it is valid, RFC 3339.
    pub not_after: Option<String>,
    /// SHA-1 of the certificate, as Windows writes it.
    pub hash: Option<String>,
    /// Since when it is revoked, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<String>,
    /// Why it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RevocationReason>,
}

/// A published CRL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrlSummary {
    /// Its number.
    pub number: u32,
    /// How many certificates it names.
    pub count: u32,
    /// thisUpdate, RFC 3339.
    pub this_update: String,
    /// nextUpdate, RFC 3339.
    pub next_update: String,
    /// The file.
    pub file: String,
}

/// The answer to `status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Name of the CA.
    pub authority: String,
    /// Whether the server runs.
    pub running: bool,
    /// Where it listens, when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_mapper: Option<String>,
    /// Where the objects listen, when it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// Until when the CA's certificate is valid, RFC 3339.
    pub not_after: String,
    /// SHA-256 of the CA's certificate.
    pub fingerprint: String,
    /// How many requests are in each state.
    pub requests: Vec<(Disposition, u64)>,
    /// The newest CRL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crl: Option<CrlSummary>,
    /// The database.
    pub database: DatabaseStatus,
    /// Accounts, and how many of them are operators.
    pub accounts: u64,
}

/// The part of [`Status`] that the database knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseStatus {
    /// The file.
    pub file: String,
    /// Generation of the open log.
    pub log_generation: u32,
    /// Whether logging is circular.
    pub circular_logging: bool,
    /// Whether a backup session is open.
    pub backup_in_progress: bool,
    /// Why the next backup must be full, when it must.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_backup_required: Option<String>,
    /// Why nothing is written any more, when the disk failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
}

/// One line from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// It worked.
    Ok(Reply),
    /// It did not.
    Error(Failure),
}
