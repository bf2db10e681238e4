//! Certificate revocation lists, RFC 5280 section 5.

use der::Encode;
use der::asn1::{BitString, OctetString, Uint};
use der::oid::AssociatedOid;
use der::oid::db::rfc5280::ID_CE_CRL_REASONS;
use ecdsa::signature::Signer;
use spki::{DynSignatureAlgorithmIdentifier, SignatureBitStringEncoding};
use x509_cert::certificate::Version;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{AuthorityKeyIdentifier, CrlNumber};
use x509_cert::serial_number::SerialNumber;

use crate::certificate::{IssueError, Issuer, time};
use crate::filetime::FileTime;
use crate::key::KeySignature;

/// One revoked certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The serial number, big-endian.
    pub serial: Vec<u8>,
    /// Since when it is revoked.
    pub when: FileTime,
    /// CRLReason, RFC 5280 5.3.1.
    pub reason: u8,
}

/// Makes a complete (base) list in DER.
///
/// # Errors
/// [`IssueError::Encoding`].
pub fn build(
    issuer: &Issuer<'_>,
    number: u32,
    this_update: FileTime,
    next_update: FileTime,
    entries: &[Entry],
) -> Result<Vec<u8>, IssueError> {
    let revoked: Vec<RevokedCert> = entries.iter().map(revoked).collect::<Result<_, _>>()?;
    let identifier = AuthorityKeyIdentifier {
        key_identifier: Some(OctetString::new(issuer.key_identifier())?),
        ..Default::default()
    };
    let signature =
        issuer.key.signature_algorithm_identifier().map_err(|error| IssueError::Encoding(Box::new(error)))?;
    let list = TbsCertList {
        version: Version::V2,
        signature: signature.clone(),
        issuer: issuer.certificate.tbs_certificate().subject().clone(),
        this_update: time(this_update)?,
        next_update: Some(time(next_update)?),
        // An empty list must be absent, RFC 5280 5.1.2.6.
        revoked_certificates: (!revoked.is_empty()).then_some(revoked),
        crl_extensions: Some(vec![
            plain(AuthorityKeyIdentifier::OID, &identifier)?,
            plain(CrlNumber::OID, &CrlNumber(Uint::new(&number.to_be_bytes())?))?,
        ]),
    };
    let signed: KeySignature =
        issuer.key.try_sign(&list.to_der()?).map_err(|error| IssueError::Encoding(Box::new(error)))?;
    let signature_value: BitString = signed.to_bitstring()?;
    let list: CertificateList =
        CertificateList { tbs_cert_list: list, signature_algorithm: signature, signature: signature_value };
    Ok(list.to_der()?)
}

fn revoked(entry: &Entry) -> Result<RevokedCert, IssueError> {
    // Unspecified is expressed by leaving the extension out, RFC 5280 5.3.1.
    let extensions = if entry.reason == 0 {
        None
    } else {
        // ENUMERATED, one byte long.
        let value = OctetString::new([0x0A, 0x01, entry.reason])?;
        Some(vec![Extension { extn_id: ID_CE_CRL_REASONS, critical: false, extn_value: value }])
    };
    Ok(RevokedCert {
        serial_number: SerialNumber::new(&entry.serial)?,
        revocation_date: time(entry.when)?,
        crl_entry_extensions: extensions,
    })
}

fn plain(oid: der::asn1::ObjectIdentifier, value: &impl Encode) -> Result<Extension, IssueError> {
    Ok(Extension { extn_id: oid, critical: false, extn_value: OctetString::new(value.to_der()?)? })
}
