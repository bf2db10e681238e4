//! The policy: which requests are granted, and which of their wishes go into the certificate.

use std::net::Ipv6Addr;

use der::Encode;
use der::asn1::{ObjectIdentifier, OctetString};
use der::oid::AssociatedOid;
use der::oid::db::{rfc5280, rfc5912};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName};

use crate::configuration::{AlternativeName, Issuing};
use crate::pkcs10::CertificationRequest;

/// otherName of a user principal name (szOID_NT_PRINCIPAL_NAME).
pub const UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");
/// Certificate template name, version 1 templates (szOID_ENROLL_CERTTYPE_EXTENSION): a BMPString.
pub const TEMPLATE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2");

/// What of a request goes into its certificate.
#[derive(Clone, Debug)]
pub struct Grant {
    /// subjectAltName as asked for; critical when the subject is empty.
    pub alternative_names: Option<Extension>,
    /// The user principal name among the alternative names.
    pub upn: Option<String>,
    /// The first mail address among the alternative names.
    pub email: Option<String>,
    /// keyUsage.
    pub key_usage: KeyUsage,
    /// extendedKeyUsage.
    pub extended_key_usage: ExtendedKeyUsage,
    /// Extensions that were asked for and are left out.
    pub left_out: Vec<Extension>,
}

/// Decides about a request.
///
/// # Errors
/// The reason why it is refused.
pub fn examine(request: &CertificationRequest, issuing: &Issuing) -> Result<Grant, Refusal> {
    let key = request.key_facts();
    let is_rsa = key.algorithm == rfc5912::RSA_ENCRYPTION;
    if is_rsa && key.bits < issuing.minimum_rsa_bits {
        return Err(Refusal::WeakKey { bits: key.bits, minimum: issuing.minimum_rsa_bits });
    }
    let mut grant = Grant {
        alternative_names: None,
        upn: None,
        email: None,
        key_usage: KeyUsage(if is_rsa {
            KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment
        } else {
            KeyUsages::DigitalSignature.into()
        }),
        extended_key_usage: ExtendedKeyUsage(
            issuing.extended_key_usages.iter().filter_map(|name| extended_key_usage(name)).collect(),
        ),
        left_out: Vec::new(),
    };
    for extension in request.extensions() {
        match extension.extn_id {
            rfc5280::ID_CE_SUBJECT_ALT_NAME => {
                let names: SubjectAltName = decode(extension)?;
                take_names(&mut grant, &names, issuing)?;
                grant.alternative_names =
                    Some(Extension { critical: request.subject().is_empty(), ..extension.clone() });
            }
            rfc5280::ID_CE_KEY_USAGE => grant.key_usage = key_usage(decode(extension)?)?,
            rfc5280::ID_CE_EXT_KEY_USAGE => {
                let usages: ExtendedKeyUsage = decode(extension)?;
                let allowed = |oid: &ObjectIdentifier| {
                    issuing.allowed_extended_key_usages.iter().any(|name| extended_key_usage(name) == Some(*oid))
                };
                if let Some(oid) = usages.0.iter().find(|oid| !allowed(oid)) {
                    return Err(Refusal::ExtendedKeyUsage { oid: *oid });
                }
                grant.extended_key_usage = usages;
            }
            rfc5280::ID_CE_BASIC_CONSTRAINTS => {
                let constraints: BasicConstraints = decode(extension)?;
                if constraints.ca {
                    return Err(Refusal::AuthorityCertificate);
                }
            }
            // The CA writes its own.
            rfc5280::ID_CE_SUBJECT_KEY_IDENTIFIER => {}
            oid if extension.critical => return Err(Refusal::CriticalExtension { oid }),
            _ => grant.left_out.push(extension.clone()),
        }
    }
    if request.subject().is_empty() && grant.alternative_names.is_none() {
        return Err(Refusal::NoName);
    }
    let subject_size = request.subject().to_der().map_or(usize::MAX, |der| der.len());
    if subject_size > MAXIMUM_NAME_SIZE {
        return Err(Refusal::NameTooLong { size: subject_size });
    }
    Ok(grant)
}

/// An extended key usage by its name or OID.
pub fn extended_key_usage(name: &str) -> Option<ObjectIdentifier> {
    Some(match name {
        "serverAuth" => rfc5280::ID_KP_SERVER_AUTH,
        "clientAuth" => rfc5280::ID_KP_CLIENT_AUTH,
        "codeSigning" => rfc5280::ID_KP_CODE_SIGNING,
        "emailProtection" => rfc5280::ID_KP_EMAIL_PROTECTION,
        "timeStamping" => rfc5280::ID_KP_TIME_STAMPING,
        "OCSPSigning" => rfc5280::ID_KP_OCSP_SIGNING,
        "smartcardLogon" => ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2"),
        oid => ObjectIdentifier::new(oid).ok()?,
    })
}

fn decode<'a, T: der::Decode<'a> + AssociatedOid>(extension: &'a Extension) -> Result<T, Refusal> {
    T::from_der(extension.extn_value.as_bytes()).map_err(|_| Refusal::MalformedExtension { oid: T::OID })
}

fn key_usage(asked: KeyUsage) -> Result<KeyUsage, Refusal> {
    let allowed = KeyUsages::DigitalSignature
        | KeyUsages::NonRepudiation
        | KeyUsages::KeyEncipherment
        | KeyUsages::DataEncipherment
        | KeyUsages::KeyAgreement;
    if asked.0.is_empty() || !(asked.0 - allowed).is_empty() {
        return Err(Refusal::KeyUsage);
    }
    Ok(asked)
}

fn take_names(grant: &mut Grant, names: &SubjectAltName, issuing: &Issuing) -> Result<(), Refusal> {
    if names.0.is_empty() {
        return Err(Refusal::MalformedExtension { oid: SubjectAltName::OID });
    }
    for name in &names.0 {
        let (kind, text) = match name {
            GeneralName::DnsName(name) => (AlternativeName::Dns, Some(name.as_str().to_owned())),
            GeneralName::Rfc822Name(name) => (AlternativeName::Email, Some(name.as_str().to_owned())),
            GeneralName::UniformResourceIdentifier(name) => (AlternativeName::Uri, Some(name.as_str().to_owned())),
            GeneralName::IpAddress(address) => {
                if !is_address(address) {
                    return Err(Refusal::AlternativeName { name: format!("{name:?}") });
                }
                (AlternativeName::Ip, None)
            }
            GeneralName::OtherName(other) if other.type_id == UPN => {
                let text = other.value.decode_as::<der::asn1::Utf8StringRef<'_>>();
                let text = text.map_err(|_| Refusal::MalformedExtension { oid: SubjectAltName::OID })?;
                (AlternativeName::Upn, Some(text.as_str().to_owned()))
            }
            other => return Err(Refusal::AlternativeName { name: kind_of(other).to_owned() }),
        };
        if !issuing.subject_alternative_names.contains(&kind) {
            return Err(Refusal::AlternativeName { name: kind_of(name).to_owned() });
        }
        if text.as_deref().is_some_and(|text| text.is_empty() || text.chars().any(char::is_control)) {
            return Err(Refusal::AlternativeName { name: format!("{} without a proper value", kind_of(name)) });
        }
        match kind {
            AlternativeName::Upn => grant.upn = grant.upn.take().or(text),
            AlternativeName::Email => grant.email = grant.email.take().or(text),
            AlternativeName::Dns | AlternativeName::Ip | AlternativeName::Uri => {}
        }
    }
    Ok(())
}

fn is_address(address: &OctetString) -> bool {
    matches!(address.as_bytes().len(), 4) || <[u8; 16]>::try_from(address.as_bytes()).map(Ipv6Addr::from).is_ok()
}

fn kind_of(name: &GeneralName) -> &'static str {
    match name {
        GeneralName::OtherName(other) if other.type_id == UPN => "user principal name",
        GeneralName::OtherName(_) => "otherName",
        GeneralName::Rfc822Name(_) => "rfc822Name",
        GeneralName::DnsName(_) => "dNSName",
        GeneralName::DirectoryName(_) => "directoryName",
        GeneralName::EdiPartyName(_) => "ediPartyName",
        GeneralName::UniformResourceIdentifier(_) => "uniformResourceIdentifier",
        GeneralName::IpAddress(_) => "iPAddress",
        GeneralName::RegisteredId(_) => "registeredID",
    }
}

/// Size of the column RawName.
const MAXIMUM_NAME_SIZE: usize = 4096;

/// Why the policy refuses a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The RSA key is too short.
    #[error("the key has {bits} bits, at least {minimum} are required")]
    WeakKey {
        /// Size of the key.
        bits: u32,
        /// Size that is required.
        minimum: u32,
    },
    /// Neither a subject nor alternative names.
    #[error("the request names nobody: its subject is empty and it has no alternative names")]
    NoName,
    /// The subject does not fit into the database.
    #[error("the subject has {size} bytes, at most {MAXIMUM_NAME_SIZE} are stored")]
    NameTooLong {
        /// Its size in DER.
        size: usize,
    },
    /// It asks for a CA certificate.
    #[error("the request asks for a CA certificate")]
    AuthorityCertificate,
    /// It asks for a key usage of a CA, or for none.
    #[error("the request asks for a key usage that end entities do not get")]
    KeyUsage,
    /// It asks for an extended key usage that is not allowed.
    #[error("the extended key usage {oid} is not among issuing.allowed_extended_key_usages")]
    ExtendedKeyUsage {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// It asks for an alternative name of a kind that is not allowed.
    #[error("alternative name of a kind that issuing.subject_alternative_names does not allow: {name}")]
    AlternativeName {
        /// Which kind.
        name: String,
    },
    /// An extension cannot be understood.
    #[error("the extension {oid} is malformed")]
    MalformedExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
    /// A critical extension is unknown.
    #[error("the request has the critical extension {oid}, which this CA does not issue")]
    CriticalExtension {
        /// Which.
        oid: ObjectIdentifier,
    },
}
