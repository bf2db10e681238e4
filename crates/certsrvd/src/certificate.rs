//! Certificates: the CA's own and those that it issues.

use std::time::{Duration, UNIX_EPOCH};

use der::asn1::{Ia5String, OctetString};
use der::oid::db::rfc4519;
use der::oid::db::rfc5280::ID_AD_CA_ISSUERS;
use der::{Any, Encode};
use spki::{SubjectPublicKeyInfoOwned, SubjectPublicKeyInfoRef};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::builder::profile::BuilderProfile;
use x509_cert::builder::{self, Builder, CertificateBuilder};
use x509_cert::certificate::{Certificate, TbsCertificate};
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints,
    KeyUsage, KeyUsages, SubjectKeyIdentifier,
};
use x509_cert::ext::{Extension, ToExtension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::time::{Time, Validity};

use crate::configuration::Issuing;
use crate::filetime::FileTime;
use crate::key::{AuthorityKey, KeySignature, key_identifier};
use crate::policy::Grant;

/// Makes the self-signed certificate of a new root: basicConstraints and keyUsage critical, key identifier.
///
/// # Errors
/// [`IssueError`] when a part of it has no DER form.
pub fn self_signed(
    key: &AuthorityKey,
    name: &str,
    not_before: FileTime,
    validity: Duration,
) -> Result<Certificate, IssueError> {
    let subject = common_name(name)?;
    let extensions = vec![
        extension(&BasicConstraints { ca: true, path_len_constraint: None }, &subject)?,
        extension(&KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyCertSign | KeyUsages::CRLSign), &subject)?,
        extension(&SubjectKeyIdentifier(octets(key_identifier(key.public_key()))?), &subject)?,
    ];
    let profile = Content { issuer: subject.clone(), subject, extensions };
    let validity = Validity::new(time(not_before)?, time(not_before.plus(validity))?);
    build(profile, serial_number()?, validity, key.public_key().clone(), key)
}

/// What all certificates of a CA have in common.
#[derive(Debug)]
pub struct Issuer<'a> {
    /// The CA's certificate.
    pub certificate: &'a Certificate,
    /// Its key.
    pub key: &'a AuthorityKey,
    /// How it issues.
    pub issuing: &'a Issuing,
}

impl Issuer<'_> {
    /// Issues a certificate.
    ///
    /// # Errors
    /// [`IssueError::AuthorityExpired`] when the CA's own certificate has run out, [`IssueError::Encoding`].
    pub fn issue(
        &self,
        subject: &Name,
        public_key: &SubjectPublicKeyInfoOwned,
        grant: &Grant,
        now: FileTime,
    ) -> Result<Certificate, IssueError> {
        let authority = self.certificate.tbs_certificate();
        let (authority_from, authority_to) = validity_of(self.certificate);
        if now >= authority_to {
            return Err(IssueError::AuthorityExpired);
        }
        let skew = Duration::from_secs(u64::from(self.issuing.clock_skew_minutes) * 60);
        let from = now.minus(skew).max(authority_from);
        let to = now.plus(Duration::from_secs(u64::from(self.issuing.validity_days) * 86_400)).min(authority_to);

        let authority_identifier = OctetString::new(self.key_identifier())?;
        let mut extensions = vec![
            extension(&BasicConstraints { ca: false, path_len_constraint: None }, subject)?,
            extension(&grant.key_usage, subject)?,
        ];
        if !grant.extended_key_usage.0.is_empty() {
            extensions.push(extension(&grant.extended_key_usage, subject)?);
        }
        extensions.push(extension(&SubjectKeyIdentifier(octets(key_identifier(public_key))?), subject)?);
        let identifier = AuthorityKeyIdentifier { key_identifier: Some(authority_identifier), ..Default::default() };
        extensions.push(extension(&identifier, subject)?);
        extensions.extend(grant.alternative_names.clone());
        if !self.issuing.crl_distribution_points.is_empty() {
            let names = urls(&self.issuing.crl_distribution_points)?;
            let point = DistributionPoint {
                distribution_point: Some(DistributionPointName::FullName(names)),
                reasons: None,
                crl_issuer: None,
            };
            extensions.push(extension(&CrlDistributionPoints(vec![point]), subject)?);
        }
        if !self.issuing.authority_information_access.is_empty() {
            let names = urls(&self.issuing.authority_information_access)?;
            let list = names
                .into_iter()
                .map(|access_location| AccessDescription { access_method: ID_AD_CA_ISSUERS, access_location })
                .collect();
            extensions.push(extension(&AuthorityInfoAccessSyntax(list), subject)?);
        }
        let content = Content { issuer: authority.subject().clone(), subject: subject.clone(), extensions };
        build(content, serial_number()?, Validity::new(time(from)?, time(to)?), public_key.clone(), self.key)
    }

    /// The key identifier of the CA: from its certificate, or computed when that has none.
    pub fn key_identifier(&self) -> Vec<u8> {
        subject_key_identifier(self.certificate)
    }
}

/// The key identifier of a certificate: its extension, or what [`key_identifier`] computes when it has none.
pub fn subject_key_identifier(certificate: &Certificate) -> Vec<u8> {
    match certificate.tbs_certificate().get_extension::<SubjectKeyIdentifier>() {
        Ok(Some((_, identifier))) => identifier.0.as_bytes().to_vec(),
        _ => key_identifier(certificate.tbs_certificate().subject_public_key_info()),
    }
}

/// From when to when a certificate is valid.
pub fn validity_of(certificate: &Certificate) -> (FileTime, FileTime) {
    let validity = certificate.tbs_certificate().validity();
    let convert = |time: Time| FileTime::from_unix_seconds(time.to_unix_duration().as_secs());
    (convert(validity.not_before), convert(validity.not_after))
}

/// The serial number as the database has it: lower-case hexadecimal digits.
pub fn serial_text(certificate: &Certificate) -> String {
    hex::encode(certificate.tbs_certificate().serial_number().as_bytes())
}

/// A name that consists of one common name.
///
/// # Errors
/// When the text has no DER form.
pub fn common_name(name: &str) -> Result<Name, IssueError> {
    let value = AttributeTypeAndValue { oid: rfc4519::CN, value: Any::encode_from(&name.to_owned())? };
    let mut part = RelativeDistinguishedName::default();
    part.insert(value)?;
    let mut parts = RdnSequence::default();
    parts.push(part);
    let der = parts.to_der()?;
    Ok(der::Decode::from_der(&der)?)
}

/// Seconds resolution, as X.509 has it: UTCTime until 2049, GeneralizedTime after.
///
/// # Errors
/// When the year is past 9999.
pub fn time(time: FileTime) -> Result<Time, IssueError> {
    let mut time = Time::try_from(UNIX_EPOCH + Duration::from_secs(time.unix_seconds()))?;
    if let Time::GeneralTime(general) = &time
        && let Ok(utc) = der::asn1::UtcTime::from_date_time(general.to_date_time())
    {
        time = Time::UtcTime(utc);
    }
    Ok(time)
}

struct Content {
    issuer: Name,
    subject: Name,
    extensions: Vec<Extension>,
}

impl BuilderProfile for Content {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        _key: SubjectPublicKeyInfoRef<'_>,
        _issuer_key: SubjectPublicKeyInfoRef<'_>,
        _certificate: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        Ok(self.extensions.clone())
    }
}

fn build(
    content: Content,
    serial: SerialNumber,
    validity: Validity,
    public_key: SubjectPublicKeyInfoOwned,
    key: &AuthorityKey,
) -> Result<Certificate, IssueError> {
    let builder = CertificateBuilder::new(content, serial, validity, public_key)?;
    Ok(builder.build::<_, KeySignature>(key)?)
}

/// 16 random bytes; the first is neither zero nor has its top bit set, so the number has 16 bytes in DER.
fn serial_number() -> Result<SerialNumber, IssueError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| IssueError::Random)?;
    bytes[0] = (bytes[0] & 0x7F) | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

fn extension<T>(value: &T, subject: &Name) -> Result<Extension, IssueError>
where
    for<'a> &'a T: ToExtension<Error = der::Error>,
{
    Ok(value.to_extension(subject, &[])?)
}

fn octets(bytes: Vec<u8>) -> Result<OctetString, IssueError> {
    Ok(OctetString::new(bytes)?)
}

fn urls(list: &[String]) -> Result<Vec<GeneralName>, IssueError> {
    list.iter().map(|url| Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(url)?))).collect()
}

/// Why there is no certificate or list.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// The CA's own certificate is no longer valid.
    #[error("the CA's certificate has expired")]
    AuthorityExpired,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
    /// A part has no DER form.
    #[error("cannot encode")]
    Encoding(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<der::Error> for IssueError {
    fn from(error: der::Error) -> Self {
        Self::Encoding(Box::new(error))
    }
}

impl From<builder::Error> for IssueError {
    fn from(error: builder::Error) -> Self {
        Self::Encoding(Box::new(error))
    }
}
