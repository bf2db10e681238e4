//! Certificate requests to submit: PKCS #10 with a fixed key, a new subject each time.

use std::str::FromStr;

use anyhow::{Context, Result};
use der::pem::LineEnding;
use der::{DecodePem, Encode, EncodePem};
use p256::ecdsa::{DerSignature, SigningKey};
use sha1::{Digest, Sha1};
use x509_cert::Certificate;
use x509_cert::builder::Builder;
use x509_cert::name::Name;
use x509_cert::request::RequestBuilder;

/// A request for the subject `CN=<common_name>`, in PEM.
pub(crate) fn pem(common_name: &str) -> Result<String> {
    // What is demonstrated is the CA, not the requester: any key will do, and the same one every time is the fastest.
    let key = SigningKey::from_slice(&[0x42; 32]).context("the requester's key")?;
    let subject = Name::from_str(&format!("CN={common_name}")).context("the subject")?;
    let request = RequestBuilder::new(subject).context("the request")?.build::<_, DerSignature>(&key)?;
    Ok(request.to_pem(LineEnding::LF)?)
}

/// SHA-1 of a PEM certificate's DER form, in the notation of the column CertificateHash: two digits a byte, separated by blanks.
pub(crate) fn sha1_of_pem(pem: &str) -> Result<String> {
    let certificate = Certificate::from_pem(pem).context("the certificate")?;
    let digest = Sha1::digest(certificate.to_der()?);
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" "))
}
