//! Certificates.

use der::Decode;
use sha1::Digest;
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};

use super::{DecodeError, name};
use crate::{FileTime, SerialNumber, words};

/// What a certificate says, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// Its number.
    pub serial: SerialNumber,
    /// RFC 4514.
    pub subject: String,
    /// RFC 4514.
    pub issuer: String,
    /// From when it is valid.
    pub not_before: FileTime,
    /// Until when it is valid.
    pub not_after: FileTime,
    /// Name or OID of the algorithm that it is signed with.
    pub signature_algorithm: String,
    /// Name or OID of the algorithm of its key.
    pub key_algorithm: String,
    /// The alternative names with their kinds: `DNS:www.example`.
    pub alternative_names: Vec<String>,
    /// What the key may do: `digitalSignature`.
    pub key_usage: Vec<String>,
    /// What the certificate is for, by name or OID.
    pub extended_key_usage: Vec<String>,
    /// Whether it is that of a CA.
    pub authority: bool,
    /// Its extensions, in their order.
    pub extensions: Vec<Extension>,
    /// SHA-1 of its bytes, by which Windows knows it.
    pub thumbprint: String,
}

/// An extension of a certificate, a request or a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The object identifier.
    pub oid: String,
    /// Whether it is critical.
    pub critical: bool,
    /// Bytes of its value.
    pub size: usize,
}

impl Certificate {
    /// Reads DER.
    ///
    /// # Errors
    /// [`DecodeError`]. What only a part of it says wrongly (an extension that does not decode) is left out instead.
    pub fn decode(der: &[u8]) -> Result<Self, DecodeError> {
        // Whatever other CAs put into serial numbers: it is shown, not judged.
        let certificate =
            CertificateInner::<Raw>::from_der(der).map_err(|error| DecodeError::new("certificate", error))?;
        let body = certificate.tbs_certificate();
        let validity = body.validity();
        let algorithm = |oid: &der::asn1::ObjectIdentifier| name_of(&oid.to_string());
        Ok(Self {
            serial: SerialNumber::of_bytes(body.serial_number().as_bytes()),
            subject: body.subject().to_string(),
            issuer: body.issuer().to_string(),
            not_before: validity.not_before.to_system_time().into(),
            not_after: validity.not_after.to_system_time().into(),
            signature_algorithm: algorithm(&certificate.signature_algorithm().oid),
            key_algorithm: algorithm(&body.subject_public_key_info().algorithm.oid),
            alternative_names: match body.get_extension::<SubjectAltName>() {
                Ok(Some((_, names))) => names.0.iter().map(name::general).collect(),
                _ => Vec::new(),
            },
            key_usage: match body.get_extension::<KeyUsage>() {
                Ok(Some((_, usage))) => usage.0.into_iter().map(|usage| usage_name(&format!("{usage:?}"))).collect(),
                _ => Vec::new(),
            },
            extended_key_usage: match body.get_extension::<ExtendedKeyUsage>() {
                Ok(Some((_, usage))) => usage.0.iter().map(|oid| name_of(&oid.to_string())).collect(),
                _ => Vec::new(),
            },
            authority: matches!(body.get_extension::<BasicConstraints>(), Ok(Some((_, constraints))) if constraints.ca),
            extensions: body.extensions().into_iter().flatten().map(extension).collect(),
            thumbprint: hex::encode(sha1::Sha1::digest(der)),
        })
    }
}

pub(super) fn extension(extension: &x509_cert::ext::Extension) -> Extension {
    Extension {
        oid: extension.extn_id.to_string(),
        critical: extension.critical,
        size: extension.extn_value.as_bytes().len(),
    }
}

/// An object identifier by its name, or as it is.
pub(super) fn name_of(oid: &str) -> String {
    words::oid(oid).map_or_else(|| oid.to_owned(), str::to_owned)
}

/// RFC 5280 writes it with a small letter in front.
fn usage_name(name: &str) -> String {
    let mut letters = name.chars();
    match letters.next() {
        Some(first) if !name.starts_with("CRL") => first.to_lowercase().chain(letters).collect(),
        _ => name.replace("CRL", "cRL"),
    }
}
