//! Names and general names as text.

use der::Decode;
use der::asn1::{BmpString, Ia5StringRef, ObjectIdentifier, Utf8StringRef};
use x509_cert::ext::pkix::name::GeneralName;

/// UPN in an alternative name.
const USER_PRINCIPAL_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// A general name with its kind: `DNS:www.example`, `UPN:user@example`.
pub(super) fn general(name: &GeneralName) -> String {
    match name {
        GeneralName::OtherName(other) if other.type_id == USER_PRINCIPAL_NAME => {
            let upn = other.value.decode_as::<Utf8StringRef<'_>>().map(|text| text.as_str().to_owned());
            format!("UPN:{}", upn.unwrap_or_else(|_| "(not UTF-8)".to_owned()))
        }
        GeneralName::OtherName(other) => format!("other:{}", other.type_id),
        GeneralName::Rfc822Name(text) => format!("email:{}", text.as_str()),
        GeneralName::DnsName(text) => format!("DNS:{}", text.as_str()),
        GeneralName::DirectoryName(name) => format!("directory:{name}"),
        GeneralName::EdiPartyName(_) => "EDI party".to_owned(),
        GeneralName::UniformResourceIdentifier(text) => format!("URI:{}", text.as_str()),
        GeneralName::IpAddress(octets) => address(octets.as_bytes()),
        GeneralName::RegisteredId(id) => format!("OID:{id}"),
    }
}

fn address(octets: &[u8]) -> String {
    if let Ok(octets) = <[u8; 4]>::try_from(octets) {
        return format!("IP:{}", std::net::Ipv4Addr::from(octets));
    }
    match <[u8; 16]>::try_from(octets) {
        Ok(octets) => format!("IP:{}", std::net::Ipv6Addr::from(octets)),
        Err(_) => format!("IP:{}", hex::encode(octets)),
    }
}

/// The text of a string type, whichever it is.
pub(super) fn text(der: &[u8]) -> Option<String> {
    BmpString::from_der(der)
        .map(|text| text.to_string())
        .or_else(|_| Utf8StringRef::from_der(der).map(|text| text.as_str().to_owned()))
        .or_else(|_| Ia5StringRef::from_der(der).map(|text| text.as_str().to_owned()))
        .ok()
}
