//! Names of object identifiers.

use const_oid::ObjectIdentifier;
use const_oid::db::DB;

/// What an object identifier is called; those of Microsoft and of extensions by their usual names, others as RFCs name them.
#[must_use]
pub fn oid(text: &str) -> Option<&'static str> {
    if let Some((_, name)) = NAMES.iter().find(|(known, _)| *known == text) {
        return Some(name);
    }
    let oid = ObjectIdentifier::new(text).ok()?;
    DB.by_oid(&oid)
}

const NAMES: &[(&str, &str)] = &[
    ("2.5.29.9", "Subject Directory Attributes"),
    ("2.5.29.14", "Subject Key Identifier"),
    ("2.5.29.15", "Key Usage"),
    ("2.5.29.16", "Private Key Usage Period"),
    ("2.5.29.17", "Subject Alternative Name"),
    ("2.5.29.18", "Issuer Alternative Name"),
    ("2.5.29.19", "Basic Constraints"),
    ("2.5.29.20", "CRL Number"),
    ("2.5.29.21", "CRL Reason"),
    ("2.5.29.27", "Delta CRL Indicator"),
    ("2.5.29.28", "Issuing Distribution Point"),
    ("2.5.29.30", "Name Constraints"),
    ("2.5.29.31", "CRL Distribution Points"),
    ("2.5.29.32", "Certificate Policies"),
    ("2.5.29.33", "Policy Mappings"),
    ("2.5.29.35", "Authority Key Identifier"),
    ("2.5.29.36", "Policy Constraints"),
    ("2.5.29.37", "Extended Key Usage"),
    ("2.5.29.46", "Freshest CRL"),
    ("2.5.29.54", "Inhibit Any Policy"),
    ("1.3.6.1.5.5.7.1.1", "Authority Information Access"),
    ("1.3.6.1.5.5.7.1.24", "TLS Feature"),
    ("1.3.6.1.5.5.7.3.1", "Server Authentication"),
    ("1.3.6.1.5.5.7.3.2", "Client Authentication"),
    ("1.3.6.1.5.5.7.3.3", "Code Signing"),
    ("1.3.6.1.5.5.7.3.4", "Secure Email"),
    ("1.3.6.1.5.5.7.3.8", "Time Stamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSP Signing"),
    ("1.3.6.1.5.2.3.5", "KDC Authentication"),
    ("1.3.6.1.5.5.7.48.1.5", "OCSP No Check"),
    ("1.3.6.1.4.1.11129.2.4.2", "Signed Certificate Timestamps"),
    ("1.3.6.1.4.1.11129.2.4.3", "Precertificate Poison"),
    ("1.3.6.1.4.1.311.10.3.4", "Encrypting File System"),
    ("1.3.6.1.4.1.311.10.3.12", "Document Signing"),
    ("1.3.6.1.4.1.311.13.2.1", "Enrollment Name Value Pair"),
    ("1.3.6.1.4.1.311.13.2.2", "Enrollment CSP"),
    ("1.3.6.1.4.1.311.13.2.3", "OS Version"),
    ("1.3.6.1.4.1.311.20.2", "Certificate Template Name"),
    ("1.3.6.1.4.1.311.20.2.1", "Certificate Request Agent"),
    ("1.3.6.1.4.1.311.20.2.2", "Smart Card Logon"),
    ("1.3.6.1.4.1.311.20.2.3", "User Principal Name"),
    ("1.3.6.1.4.1.311.21.1", "CA Version"),
    ("1.3.6.1.4.1.311.21.2", "Previous CA Certificate Hash"),
    ("1.3.6.1.4.1.311.21.3", "Virtual Base CRL Number"),
    ("1.3.6.1.4.1.311.21.4", "Next CRL Publish"),
    ("1.3.6.1.4.1.311.21.5", "Private Key Archival"),
    ("1.3.6.1.4.1.311.21.7", "Certificate Template Information"),
    ("1.3.6.1.4.1.311.21.10", "Application Policies"),
    ("1.3.6.1.4.1.311.21.11", "Application Policy Mappings"),
    ("1.3.6.1.4.1.311.21.12", "Application Policy Constraints"),
    ("1.3.6.1.4.1.311.21.14", "Published CRL Locations"),
    ("1.3.6.1.4.1.311.21.20", "Request Client Information"),
    ("1.3.6.1.4.1.311.25.1", "NTDS Replication"),
    ("1.3.6.1.4.1.311.25.2", "NTDS CA Security (SID)"),
];
