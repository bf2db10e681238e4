//! Revocation lists.

use der::Decode;
use der::asn1::ObjectIdentifier;
use x509_cert::ext::Extensions;
use x509_cert::name::Name;
use x509_cert::time::Time;

use super::certificate::{extension, name_of};
use super::tlv::{self, Walk};
use super::{DecodeError, Extension};
use crate::{FileTime, SerialNumber};

/// What a revocation list says but for its entries, which are only counted: lists of hundreds of mebibytes occur.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    /// RFC 4514.
    pub issuer: String,
    /// When it was made.
    pub this_update: FileTime,
    /// When the next one comes.
    pub next_update: Option<FileTime>,
    /// Its number, in hexadecimal digits.
    pub number: Option<SerialNumber>,
    /// Of a delta: the number of the complete list that it adds to.
    pub delta_of: Option<SerialNumber>,
    /// How many certificates it names.
    pub entries: u64,
    /// Name or OID of the algorithm that it is signed with.
    pub signature_algorithm: String,
    /// Its extensions.
    pub extensions: Vec<Extension>,
}

impl Crl {
    /// Reads DER.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(der: &[u8]) -> Result<Self, DecodeError> {
        read(der).map_err(|reason| DecodeError::new("CRL", reason))
    }
}

/// CertificateList, RFC 5280 5.1.
fn read(der: &[u8]) -> Result<Crl, String> {
    let mut outer = Walk::new(der);
    let mut list = Walk::new(outer.expect(tlv::SEQUENCE)?.contents);
    if outer.next()?.is_some() {
        return Err("bytes behind its end".to_owned());
    }
    let mut body = Walk::new(list.expect(tlv::SEQUENCE)?.contents);
    let algorithm = Walk::new(list.expect(tlv::SEQUENCE)?.contents).expect(tlv::OBJECT_IDENTIFIER)?;
    let wrong = |error: der::Error| error.to_string();
    let algorithm: ObjectIdentifier = ObjectIdentifier::from_der(algorithm.whole).map_err(wrong)?;

    body.optional(&[tlv::INTEGER])?;
    body.expect(tlv::SEQUENCE)?;
    let issuer = Name::from_der(body.expect(tlv::SEQUENCE)?.whole).map_err(wrong)?;
    let times = &[tlv::UTC_TIME, tlv::GENERALIZED_TIME];
    let time = |der: &[u8]| Time::from_der(der).map(|time| FileTime::from(time.to_system_time())).map_err(wrong);
    let this_update = time(body.optional(times)?.ok_or("no time of this update")?.whole)?;
    let next_update = body.optional(times)?.map(|element| time(element.whole)).transpose()?;
    let mut entries = 0;
    if let Some(revoked) = body.optional(&[tlv::SEQUENCE])? {
        let mut revoked = Walk::new(revoked.contents);
        while revoked.next()?.is_some() {
            entries += 1;
        }
    }
    let extensions = match body.optional(&[tlv::CONTEXT_0])? {
        Some(tagged) => Extensions::from_der(tagged.contents).map_err(wrong)?,
        None => Extensions::default(),
    };
    let number = |oid: &str| {
        let extension = extensions.iter().find(|extension| extension.extn_id.to_string() == oid)?;
        let number = Walk::new(extension.extn_value.as_bytes()).expect(tlv::INTEGER).ok()?;
        Some(SerialNumber::of_bytes(number.contents))
    };
    Ok(Crl {
        issuer: issuer.to_string(),
        this_update,
        next_update,
        number: number("2.5.29.20"),
        delta_of: number("2.5.29.27"),
        entries,
        signature_algorithm: name_of(&algorithm.to_string()),
        extensions: extensions.iter().map(extension).collect(),
    })
}
