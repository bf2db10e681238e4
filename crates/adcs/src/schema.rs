//! The columns that [MS-CSRA] names, and under which names they are found in files.
//!
//! The protocol's names differ from those in the databases of Windows: columns of text begin with `$` there, those of CRLs lack
//! their `CRL`, and some are called otherwise altogether. Everything here compares without case.

use std::sync::Arc;

use crate::{Column, Kind, Table};

use Kind::{Binary, Date, Long, Text};

/// The columns of a table as [MS-CSRA] appendix A note 4 lists them for the newest version.
#[must_use]
pub fn standard(table: Table) -> Arc<[Column]> {
    let column = |known: &Known| Column {
        name: known.name.to_owned(),
        physical: known.name.to_owned(),
        kind: known.kind,
        known: true,
    };
    known(table).map(column).collect()
}

/// Names the columns of a table by [MS-CSRA]. Takes the database's names in its order, each with the kind of its values to fall back on for a
/// column that no specification knows. Every name is then there once: where two columns could have the same, the later one keeps its own.
#[must_use]
pub fn columns<'a>(table: Table, physical: impl IntoIterator<Item = (&'a str, Kind)>) -> Arc<[Column]> {
    let mut columns: Vec<Column> = Vec::new();
    for (name, kind) in physical {
        let found = find(table, name).filter(|known| columns.iter().all(|column| column.name != known.name));
        columns.push(match found {
            Some(known) => {
                Column { name: known.name.to_owned(), physical: name.to_owned(), kind: known.kind, known: true }
            }
            None => Column { name: name.to_owned(), physical: name.to_owned(), kind, known: false },
        });
    }
    columns.into()
}

/// The name in [MS-CSRA] of what a file, or a person, calls a column; `None` when it has none.
#[must_use]
pub fn canonical(table: Table, name: &str) -> Option<&'static str> {
    find(table, name).map(|known| known.name)
}

fn find(table: Table, name: &str) -> Option<&'static Known> {
    let name = name.strip_prefix('$').unwrap_or(name);
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    let is = |known: &&Known| same(known.name) || known.variants.iter().any(|variant| same(variant));
    let without_prefix = |known: &&Known| table == Table::Crls && known.name.strip_prefix("CRL").is_some_and(same);
    known(table).find(is).or_else(|| known(table).find(without_prefix))
}

fn known(table: Table) -> impl Iterator<Item = &'static Known> {
    let own = match table {
        Table::Requests => REQUESTS,
        Table::Certificates => CERTIFICATES,
        Table::RequestAttributes => ATTRIBUTES,
        Table::CertificateExtensions => EXTENSIONS,
        Table::Crls => CRLS,
    };
    let names: &[Known] = if matches!(table, Table::Requests | Table::Certificates) { NAMES } else { &[] };
    let (before, after) =
        own.split_at(own.iter().position(|known| known.name == "RawName").map_or(own.len(), |at| at + 1));
    before.iter().chain(names).chain(after)
}

struct Known {
    name: &'static str,
    kind: Kind,
    /// What else it is called.
    variants: &'static [&'static str],
}

const fn known_as(name: &'static str, kind: Kind, variants: &'static [&'static str]) -> Known {
    Known { name, kind, variants }
}

const fn plain(name: &'static str, kind: Kind) -> Known {
    known_as(name, kind, &[])
}

const REQUESTS: &[Known] = &[
    plain("RequestID", Long),
    plain("RawRequest", Binary),
    plain("RawArchivedKey", Binary),
    plain("KeyRecoveryHashes", Text),
    plain("RawOldCertificate", Binary),
    plain("RequestAttributes", Text),
    plain("RequestType", Long),
    plain("RequestFlags", Long),
    plain("StatusCode", Long),
    plain("Disposition", Long),
    plain("DispositionMessage", Text),
    plain("SubmittedWhen", Date),
    plain("ResolvedWhen", Date),
    plain("RevokedWhen", Date),
    plain("RevokedEffectiveWhen", Date),
    plain("RevokedReason", Long),
    plain("RequesterName", Text),
    plain("CallerName", Text),
    plain("SignerPolicies", Text),
    plain("SignerApplicationPolicies", Text),
    plain("Officer", Long),
    plain("DistinguishedName", Text),
    plain("RawName", Binary),
    plain("AttestationChallenge", Binary),
    plain("EndorsementKeyHash", Text),
    plain("EndorsementCertificateHash", Text),
    plain("RawPrecertificate", Binary),
    plain("CRLPartitionIndex", Long),
    plain("LinterCertificate", Binary),
    plain("RequesterNameFromOldCertificate", Text),
];

const CERTIFICATES: &[Known] = &[
    plain("RequestID", Long),
    plain("RawCertificate", Binary),
    plain("CertificateHash", Text),
    plain("CertificateTemplate", Text),
    plain("EnrollmentFlags", Long),
    plain("GeneralFlags", Long),
    plain("PrivateKeyFlags", Long),
    plain("SerialNumber", Text),
    known_as("IssuerNameId", Long, &["IssuerNameID", "NameId"]),
    plain("NotBefore", Date),
    plain("NotAfter", Date),
    plain("SubjectKeyIdentifier", Text),
    known_as("RawPublicKey", Binary, &["PublicKey"]),
    plain("PublicKeyLength", Long),
    plain("PublicKeyAlgorithm", Text),
    known_as("RawPublicKeyAlgorithmParameters", Binary, &["PublicKeyParams", "PublicKeyAlgorithmParameters"]),
    plain("PublishExpiredCertInCRL", Long),
    plain("UPN", Text),
    plain("DistinguishedName", Text),
    plain("RawName", Binary),
];

/// Requests and Certificates have these behind RawName.
const NAMES: &[Known] = &[
    plain("Country", Text),
    plain("Organization", Text),
    known_as("OrgUnit", Text, &["OrganizationalUnit"]),
    plain("CommonName", Text),
    plain("Locality", Text),
    known_as("State", Text, &["StateOrProvince"]),
    plain("Title", Text),
    plain("GivenName", Text),
    plain("Initials", Text),
    plain("SurName", Text),
    plain("DomainComponent", Text),
    plain("EMail", Text),
    plain("StreetAddress", Text),
    plain("UnstructuredName", Text),
    plain("UnstructuredAddress", Text),
    plain("DeviceSerialNumber", Text),
];

const ATTRIBUTES: &[Known] = &[
    known_as("AttributeRequestId", Long, &["RequestID"]),
    plain("AttributeName", Text),
    plain("AttributeValue", Text),
];

const EXTENSIONS: &[Known] = &[
    known_as("ExtensionRequestId", Long, &["RequestID"]),
    plain("ExtensionName", Text),
    plain("ExtensionFlags", Long),
    plain("ExtensionRawValue", Binary),
];

const CRLS: &[Known] = &[
    plain("CRLRowId", Long),
    plain("CRLNumber", Long),
    plain("CRLMinBase", Long),
    plain("CRLNameId", Long),
    plain("CRLCount", Long),
    plain("CRLThisUpdate", Date),
    plain("CRLNextUpdate", Date),
    plain("CRLThisPublish", Date),
    plain("CRLNextPublish", Date),
    plain("CRLEffective", Date),
    known_as("CRLPropagationComplete", Date, &["PropgationComplete", "CRLPropgationComplete"]),
    known_as("CRLLastPublish", Date, &["LastPublished", "CRLLastPublished"]),
    plain("CRLPublishAttempts", Long),
    plain("CRLPublishFlags", Long),
    plain("CRLPublishStatusCode", Long),
    plain("CRLPublishError", Text),
    plain("CRLRawCRL", Binary),
    known_as("CRLPartitionIndex", Long, &["PartitionIndex"]),
];
