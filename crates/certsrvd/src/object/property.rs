//! GetCAProperty: the properties of the CA, [MS-CSRA] 3.1.4.2.2 and [MS-WCCE] 3.2.1.4.3.2.

use csra::ca_property::{self, CaInfo};
use csra::{Hresult, hresult};

use crate::authority::Authority;
use crate::control::CrlSummary;

/// The largest property number that is known here (CR_PROP_CRLPARTITIONCOUNT).
const LARGEST: i32 = 0x2E;
/// CA_DISP_VALID: a certificate or list that can be used.
const VALID: u8 = 3;
/// CPF_BASE | CPF_COMPLETE
const PUBLISHED: u32 = 0x5;

/// The value of a property, in the form of its type.
///
/// # Errors
/// E_INVALIDARG for an unknown property, a wrong type or index; `0x80070002` for one that this CA does not have.
pub(super) fn value(authority: &Authority, id: i32, index: i32, kind: i32) -> Result<Vec<u8>, Hresult> {
    let property = ca_property::check(id, kind)?;
    if property.indexed && index != 0 && index != ca_property::NEWEST {
        return Err(hresult::INVALID_PARAMETER);
    }
    if property.in_ca_info {
        // A field of CAINFO, which is returned as a whole.
        return Ok(information(authority).to_bytes());
    }
    let configuration = authority.configuration();
    let missing = Err(Hresult::FILE_NOT_FOUND);
    match id {
        // FILEVERSION, PRODUCTVERSION
        0x01 | 0x02 => Ok(ca_property::string_to_bytes(concat!("certsrvd ", env!("CARGO_PKG_VERSION")))),
        // POLICYDESCRIPTION
        0x05 => Ok(ca_property::string_to_bytes("certsrvd policy")),
        // CANAME
        0x06 => Ok(ca_property::string_to_bytes(authority.name())),
        // SANITIZEDCANAME
        0x07 => Ok(ca_property::string_to_bytes(&csra::ca_name::sanitize(authority.name()))),
        // CASIGCERT
        0x0C => Ok(authority.certificate_der().to_vec()),
        // CASIGCERTCHAIN
        0x0D => Ok(signed_data(&[authority.certificate_der()], &[])),
        // BASECRL
        0x11 => newest_crl(authority),
        // CACERTSTATE, CRLSTATE: one byte for each certificate.
        0x13 | 0x14 => Ok(vec![VALID]),
        // DNSNAME
        0x16 => Ok(ca_property::string_to_bytes(&authority.host_name())),
        // TEMPLATES: a stand-alone CA has none.
        0x1D => Ok(ca_property::string_to_bytes("")),
        // BASECRLPUBLISHSTATUS
        0x1E => match authority.newest_crl_summary() {
            Ok(Some(CrlSummary { .. })) => Ok(PUBLISHED.to_le_bytes().to_vec()),
            Ok(None) => missing,
            Err(error) => Err(internal(&error)),
        },
        // CASIGCERTCRLCHAIN
        0x20 => Ok(signed_data(&[authority.certificate_der()], &[&newest_crl(authority)?])),
        // CACERTSTATUSCODE, CACERTVERSION
        0x22 | 0x27 => Ok(0_u32.to_le_bytes().to_vec()),
        // SANITIZEDCASHORTNAME
        0x28 => Ok(ca_property::string_to_bytes(&csra::ca_name::sanitize_short(authority.name()))),
        // CERTCDPURLS
        0x29 => Ok(ca_property::string_to_bytes(&configuration.issuing.crl_distribution_points.join("\n"))),
        // CERTAIAURLS
        0x2A => Ok(ca_property::string_to_bytes(&configuration.issuing.authority_information_access.join("\n"))),
        // CERTAIAOCSPURLS
        0x2B => Ok(ca_property::string_to_bytes("")),
        // LOCALENAME
        0x2C => Ok(ca_property::string_to_bytes("en-US")),
        // CRLPARTITIONCOUNT
        0x2E => Ok(0_u32.to_le_bytes().to_vec()),
        // What a stand-alone root without exit modules, exchange certificate, delta lists, key recovery agents and cross
        // certificates does not have.
        _ => missing,
    }
}

fn newest_crl(authority: &Authority) -> Result<Vec<u8>, Hresult> {
    authority.newest_crl().map_err(|error| internal(&error))?.ok_or(Hresult::FILE_NOT_FOUND)
}

fn information(authority: &Authority) -> CaInfo {
    CaInfo {
        ca_type: CaInfo::STANDALONE_ROOT,
        signature_certificates: 1,
        property_id_max: LARGEST,
        role_separation: authority.configuration().server.role_separation.into(),
        advanced_server: 1,
        ..CaInfo::default()
    }
}

/// SignedData without a signer (RFC 2315 9.1): the usual way to carry certificates and lists.
fn signed_data(certificates: &[&[u8]], lists: &[&[u8]]) -> Vec<u8> {
    /// 1.2.840.113549.1.7.2
    const SIGNED_DATA: [u8; 11] = [0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
    /// ContentInfo with 1.2.840.113549.1.7.1 and no content
    const NO_CONTENT: [u8; 13] = [0x30, 0x0B, 0x06, 0x09, 0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];

    let mut body = vec![0x02, 0x01, 0x01]; // version 1
    body.extend(element(0x31, &[])); // digestAlgorithms
    body.extend(NO_CONTENT);
    body.extend(element(0xA0, &certificates.concat()));
    if !lists.is_empty() {
        body.extend(element(0xA1, &lists.concat()));
    }
    body.extend(element(0x31, &[])); // signerInfos
    let mut content = SIGNED_DATA.to_vec();
    content.extend(element(0xA0, &element(0x30, &body)));
    element(0x30, &content)
}

/// Tag, length and content in DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len();
    if length < 0x80 {
        bytes.push(length as u8);
    } else {
        let digits = length.to_be_bytes();
        let digits = &digits[length.leading_zeros() as usize / 8..];
        bytes.push(0x80 | digits.len() as u8);
        bytes.extend(digits);
    }
    bytes.extend(content);
    bytes
}

/// The answer when the CA itself failed; what happened goes into the server's own log.
pub(super) fn internal(error: &crate::authority::Error) -> Hresult {
    tracing::error!(%error, "a call failed");
    hresult::UNEXPECTED
}
