//! Certificate requests: PKCS#10, and what it may be wrapped in.

use der::Decode;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::request::CertReq;

use super::certificate::{extension, name_of};
use super::tlv::{self, Walk};
use super::{DecodeError, Extension, name};

/// What a request is written in, [MS-WCCE] 2.2.2.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestForm {
    /// RFC 2986.
    Pkcs10,
    /// CMS signed data around a PKCS#10 request: a renewal, or a request on behalf of somebody.
    Pkcs7,
    /// CMS signed data around a PKIData, RFC 5272.
    Cmc,
}

impl RequestForm {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pkcs10 => "PKCS#10",
            Self::Pkcs7 => "PKCS#7",
            Self::Cmc => "CMC",
        }
    }

    /// The label of its PEM.
    #[must_use]
    pub fn pem_label(self) -> &'static str {
        match self {
            Self::Pkcs10 => "CERTIFICATE REQUEST",
            Self::Pkcs7 | Self::Cmc => "CMS",
        }
    }
}

/// What a request asks for, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What it is written in.
    pub form: RequestForm,
    /// RFC 4514; `None` when the PKCS#10 request inside could not be read.
    pub subject: Option<String>,
    /// Name or OID of the algorithm of the key.
    pub key_algorithm: Option<String>,
    /// Name or OID of the algorithm that the PKCS#10 request is signed with.
    pub signature_algorithm: Option<String>,
    /// The alternative names that are asked for.
    pub alternative_names: Vec<String>,
    /// The extensions that are asked for.
    pub extensions: Vec<Extension>,
    /// The attributes of the PKCS#10 request, by name or OID, with their text where they have one.
    pub attributes: Vec<(String, Option<String>)>,
}

impl Request {
    /// Reads DER.
    ///
    /// # Errors
    /// [`DecodeError`]: in none of the forms.
    pub fn decode(der: &[u8]) -> Result<Self, DecodeError> {
        match CertReq::from_der(der) {
            Ok(request) => Ok(Self::of(RequestForm::Pkcs10, Some(&request))),
            Err(error) => match unwrap(der) {
                Some((form, inner)) => {
                    let inner = inner.and_then(|inner| CertReq::from_der(inner).ok());
                    Ok(Self::of(form, inner.as_ref()))
                }
                None => Err(DecodeError::new("request", error)),
            },
        }
    }

    fn of(form: RequestForm, request: Option<&CertReq>) -> Self {
        let Some(request) = request else {
            return Self {
                form,
                subject: None,
                key_algorithm: None,
                signature_algorithm: None,
                alternative_names: Vec::new(),
                extensions: Vec::new(),
                attributes: Vec::new(),
            };
        };
        let asked: Vec<x509_cert::ext::Extension> = request
            .info
            .attributes
            .iter()
            .filter(|attribute| EXTENSION_REQUESTS.contains(&attribute.oid.to_string().as_str()))
            .flat_map(|attribute| attribute.values.iter())
            .filter_map(|value| value.decode_as::<Vec<x509_cert::ext::Extension>>().ok())
            .flatten()
            .collect();
        let names = asked.iter().filter(|extension| extension.extn_id.to_string() == "2.5.29.17");
        let names = names.filter_map(|extension| SubjectAltName::from_der(extension.extn_value.as_bytes()).ok());
        let attribute = |attribute: &x509_cert::attr::Attribute| {
            let text = attribute.values.iter().next().and_then(|value| name::text(&der::Encode::to_der(value).ok()?));
            (name_of(&attribute.oid.to_string()), text)
        };
        Self {
            form,
            subject: Some(request.info.subject.to_string()),
            key_algorithm: Some(name_of(&request.info.public_key.algorithm.oid.to_string())),
            signature_algorithm: Some(name_of(&request.algorithm.oid.to_string())),
            alternative_names: names.flat_map(|names| names.0.iter().map(name::general).collect::<Vec<_>>()).collect(),
            extensions: asked.iter().map(extension).collect(),
            attributes: request.info.attributes.iter().map(attribute).collect(),
        }
    }
}

/// The attribute that carries extensions: as RFC 2985 has it, and as old Windows has it.
const EXTENSION_REQUESTS: [&str; 2] = ["1.2.840.113549.1.9.14", "1.3.6.1.4.1.311.2.1.14"];

/// 1.2.840.113549.1.7.2, signed data.
const SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.7.1, data.
const DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
/// 1.3.6.1.5.5.7.12.2, PKIData.
const PKI_DATA: &[u8] = &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x0C, 0x02];

/// The form of CMS signed data, and the PKCS#10 request in it where it is found; `None` when it is neither form.
fn unwrap(der: &[u8]) -> Option<(RequestForm, Option<&[u8]>)> {
    let info = Walk::new(der).expect(tlv::SEQUENCE).ok()?;
    let mut info = Walk::new(info.contents);
    if info.expect(tlv::OBJECT_IDENTIFIER).ok()?.contents != SIGNED_DATA {
        return None;
    }
    let signed = Walk::new(info.expect(tlv::CONTEXT_0).ok()?.contents).expect(tlv::SEQUENCE).ok()?;
    let mut signed = Walk::new(signed.contents);
    signed.expect(tlv::INTEGER).ok()?;
    signed.expect(tlv::SET).ok()?;
    let mut content = Walk::new(signed.expect(tlv::SEQUENCE).ok()?.contents);
    let form = match content.expect(tlv::OBJECT_IDENTIFIER).ok()?.contents {
        DATA => RequestForm::Pkcs7,
        PKI_DATA => RequestForm::Cmc,
        _ => return None,
    };
    let octets = content.expect(tlv::CONTEXT_0).and_then(|tagged| Walk::new(tagged.contents).expect(tlv::OCTET_STRING));
    let octets = octets.ok().map(|octets| octets.contents);
    let request = match form {
        RequestForm::Cmc => octets.and_then(request_of_pki_data),
        _ => octets,
    };
    Some((form, request))
}

/// PKIData ::= SEQUENCE { controlSequence, reqSequence SEQUENCE OF TaggedRequest, … }: the first tagged PKCS#10 request.
fn request_of_pki_data(der: &[u8]) -> Option<&[u8]> {
    let mut data = Walk::new(Walk::new(der).expect(tlv::SEQUENCE).ok()?.contents);
    data.expect(tlv::SEQUENCE).ok()?;
    let mut requests = Walk::new(data.expect(tlv::SEQUENCE).ok()?.contents);
    while let Some(tagged) = requests.next().ok()? {
        if tagged.tag == tlv::CONTEXT_0 {
            let mut tagged = Walk::new(tagged.contents);
            tagged.expect(tlv::INTEGER).ok()?;
            return Some(tagged.expect(tlv::SEQUENCE).ok()?.whole);
        }
    }
    None
}
