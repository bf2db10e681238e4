//! Requests, certificates and revocation lists for the database of a CA: real ones, in DER.

use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Result};
use certsrvd::certificate::{Issuer, self_signed, serial_text, validity_of};
use certsrvd::configuration::{Configuration, Issuing};
use certsrvd::filetime::FileTime;
use certsrvd::key::{AuthorityKey, KeyType, SignatureHash};
use certsrvd::{pkcs10, policy, revocation_list};
use der::Encode;
use der::asn1::Ia5String;
use p256::ecdsa::{DerSignature, SigningKey};
use sha1::{Digest, Sha1};
use x509_cert::builder::Builder;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::request::RequestBuilder;

use super::ca::{Certificate, Request};

const HOUR: Duration = Duration::from_secs(3600);
/// Templates, and whose names ask for them.
const TEMPLATES: [(&str, &str, &str); 3] =
    [("WebServer", "CONTOSO\\web$", "www"), ("User", "CONTOSO\\alice", "alice"), ("Machine", "CONTOSO\\host$", "host")];

/// The key and the certificate of a root CA.
#[derive(Debug)]
pub struct Authority {
    key: AuthorityKey,
    certificate: x509_cert::Certificate,
    issuing: Issuing,
    /// The key of everybody who requests.
    requester: SigningKey,
    since: FileTime,
}

impl Authority {
    /// A new root that is valid since some time before now.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new(name: &str, age: Duration) -> Result<Self> {
        let key = AuthorityKey::generate(KeyType::P256, SignatureHash::Sha256)?;
        let since = FileTime::now().minus(age);
        let certificate = self_signed(&key, name, since, Duration::from_secs(20 * 365 * 86_400))?;
        let issuing = Configuration::for_authority(name).issuing;
        let requester = SigningKey::from_slice(&[0x42; 32]).context("the requesters' key")?;
        Ok(Authority { key, certificate, issuing, requester, since })
    }

    /// A request and its certificate; each number is a later one. Templates take turns, and every fourth has so many alternative
    /// names that neither fits a page with the rest of its row.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn material(&self, number: u32) -> Result<(Request, Certificate)> {
        let (template, requester, stem) = TEMPLATES[number as usize % TEMPLATES.len()];
        let common_name = format!("{stem}{number}.contoso.example");
        let subject = Name::from_str(&format!("CN={common_name}")).context("the subject")?;
        let mut request = RequestBuilder::new(subject).context("the request")?;
        if number % 4 == 1 {
            let names =
                (0..80).map(|host| Ok(GeneralName::DnsName(Ia5String::new(&format!("h{host}.{common_name}"))?)));
            request.add_extension(&SubjectAltName(names.collect::<Result<_>>()?)).context("the alternative names")?;
        }
        let raw = request.build::<_, DerSignature>(&self.requester).context("the request")?.to_der()?;
        let parsed = pkcs10::CertificationRequest::parse(&raw)?;
        let when = self.since.plus(HOUR * (number + 1));
        let grant = policy::examine(&parsed, &self.issuing)?;
        let issuer = Issuer { certificate: &self.certificate, key: &self.key, issuing: &self.issuing };
        let certificate = issuer.issue(parsed.subject(), parsed.public_key(), &grant, when)?;
        let (not_before, not_after) = validity_of(&certificate);
        let extensions = certificate.tbs_certificate().extensions().into_iter().flatten();
        let extensions = extensions
            .map(|extension| (extension.extn_id.to_string(), 0x1_0000, extension.extn_value.as_bytes().to_vec()))
            .collect();
        let der = certificate.to_der()?;
        let hash: Vec<String> = Sha1::digest(&der).iter().map(|byte| format!("{byte:02x}")).collect();
        let request = Request {
            raw,
            requester: requester.to_owned(),
            common_name: common_name.clone(),
            attributes: vec![("CertificateTemplate".to_owned(), template.to_owned())],
            submitted: filetime(when),
        };
        let certificate = Certificate {
            serial: serial_text(&certificate),
            raw: der,
            hash: hash.join(" "),
            template: template.to_owned(),
            common_name,
            not_before: filetime(not_before),
            not_after: filetime(not_after),
            extensions,
        };
        Ok((request, certificate))
    }

    /// A revocation list with nothing in it.
    ///
    /// # Errors
    /// What certsrvd says.
    pub fn revocation_list(&self, number: u32) -> Result<Vec<u8>> {
        let issuer = Issuer { certificate: &self.certificate, key: &self.key, issuing: &self.issuing };
        Ok(revocation_list::build(&issuer, number, self.since, self.since.plus(HOUR * 168), &[])?)
    }
}

fn filetime(time: FileTime) -> u64 {
    u64::try_from(time.0).unwrap_or_default()
}
