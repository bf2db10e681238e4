//! Names taken apart into the columns of the database.

use der::asn1::{BmpString, Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use der::{Encode, Tag, Tagged};
use x509_cert::attr::AttributeValue;
use x509_cert::name::Name;

/// The name columns in the order of the schema, with the OID of their attribute. Requests and Certificates have them all
/// but the last, which only Requests has.
pub const COLUMNS: [(&str, &str); 16] = [
    ("Country", "2.5.4.6"),
    ("Organization", "2.5.4.10"),
    ("OrgUnit", "2.5.4.11"),
    ("CommonName", "2.5.4.3"),
    ("Locality", "2.5.4.7"),
    ("State", "2.5.4.8"),
    ("Title", "2.5.4.12"),
    ("GivenName", "2.5.4.42"),
    ("Initials", "2.5.4.43"),
    ("SurName", "2.5.4.4"),
    ("DomainComponent", "0.9.2342.19200300.100.1.25"),
    ("EMail", "1.2.840.113549.1.9.1"),
    ("StreetAddress", "2.5.4.9"),
    ("UnstructuredName", "1.2.840.113549.1.9.2"),
    ("UnstructuredAddress", "1.2.840.113549.1.9.8"),
    ("DeviceSerialNumber", "2.5.4.5"),
];

/// A name as the database stores it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// RFC 4514, most specific part first: DistinguishedName.
    pub distinguished_name: String,
    /// DER: RawName.
    pub raw_name: Vec<u8>,
    /// The values of [`COLUMNS`]; several values of one attribute stand in lines of their own.
    pub parts: [Option<String>; COLUMNS.len()],
}

impl Columns {
    /// Takes a name apart.
    ///
    /// # Errors
    /// When the name has no DER form, which a decoded name always has.
    pub fn of(name: &Name) -> der::Result<Self> {
        let parts = COLUMNS.map(|(_, oid)| {
            let values = name.iter().filter(|part| part.oid.to_string() == oid).filter_map(|part| text(&part.value));
            let values: Vec<String> = values.collect();
            (!values.is_empty()).then(|| values.join("\n"))
        });
        Ok(Self { distinguished_name: name.to_string(), raw_name: name.to_der()?, parts })
    }
}

/// The text of an attribute value, whichever of the string types it has.
fn text(value: &AttributeValue) -> Option<String> {
    match value.tag() {
        Tag::Utf8String => value.decode_as::<Utf8StringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::PrintableString => value.decode_as::<PrintableStringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::Ia5String => value.decode_as::<Ia5StringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::TeletexString => value.decode_as::<TeletexStringRef<'_>>().ok().map(|text| text.as_str().to_owned()),
        Tag::BmpString => value.decode_as::<BmpString>().ok().map(|text| text.to_string()),
        _ => None,
    }
}
