//! GetConfigEntry: the configuration as a registry, [MS-CSRA] 3.1.4.2.14.

use std::path::Path;

use csra::ca_property::CaInfo;
use csra::variant::Variant;
use csra::{Hresult, hresult};
use sha1::Digest;

use super::property::internal;
use crate::authority::Authority;
use crate::configuration::RequestDisposition;
use crate::key::SignatureHash;

/// The name that clients look under; it is fixed by 3.1.4.2.14.
const POLICY: &str = "CertificateAuthority_MicrosoftDefault.Policy";
/// The version that Windows Server 2016 and 2019 report.
const VERSION: i32 = 0x0007_0001;
/// SETUP_SERVER_FLAG
const SERVER_INSTALLED: i32 = 0x1;
/// EDITF_REQUESTEXTENSIONLIST | EDITF_DISABLEEXTENSIONLIST | EDITF_BASICCONSTRAINTSCRITICAL | EDITF_ENABLEAKIKEYID
const EDIT_FLAGS: i32 = 0x2 | 0x4 | 0x40 | 0x100;
/// REQDISP_ISSUE
const ISSUE: i32 = 0x1;
/// REQDISP_PENDINGFIRST | REQDISP_ISSUE, the default of a stand-alone CA
const PENDING_FIRST: i32 = 0x101;
/// Everything is audited.
const AUDIT_ALL: i32 = 0x7F;

type Entries = Vec<(&'static str, Variant)>;

/// The value of an entry, or the names of the entries when `entry` is empty. Names are compared without case.
///
/// # Errors
/// E_INVALIDARG for a node without an authority, `0x80070002` for what does not exist.
pub(super) fn entry(authority: &Authority, has_authority: bool, node: &str, entry: &str) -> Result<Variant, Hresult> {
    if !has_authority && !node.is_empty() {
        return Err(hresult::INVALID_PARAMETER);
    }
    let entries = match has_authority {
        false => root(authority),
        true => self::node(authority, node)?,
    };
    if entry.is_empty() {
        return Ok(Variant::BstrArray(entries.into_iter().map(|(name, _)| name.to_owned()).collect()));
    }
    let found = entries.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(entry));
    found.map(|(_, value)| value).ok_or(Hresult::FILE_NOT_FOUND)
}

fn root(authority: &Authority) -> Entries {
    let text = |path: &Path| Variant::Bstr(absolute(path));
    let directory = authority.directory();
    vec![
        ("Active", Variant::Bstr(authority.sanitized_name())),
        ("DBDirectory", text(&directory.database())),
        ("DBLogDirectory", text(&authority.configuration().log_directory(directory.root()))),
        ("DBSystemDirectory", text(&directory.database())),
        ("SetupStatus", Variant::I4(SERVER_INSTALLED)),
        ("Version", Variant::I4(VERSION)),
    ]
}

fn node(authority: &Authority, node: &str) -> Result<Entries, Hresult> {
    let configuration = authority.configuration();
    let bstr = |text: &str| Variant::Bstr(text.to_owned());
    if node.is_empty() {
        return authority_node(authority);
    }
    if node.eq_ignore_ascii_case("CSP") {
        let hash = match signature_hash(authority) {
            SignatureHash::Sha256 => "SHA256",
            SignatureHash::Sha384 => "SHA384",
        };
        return Ok(vec![
            ("CNGHashAlgorithm", bstr(hash)),
            ("Provider", bstr("certsrvd")),
            ("ProviderType", Variant::I4(0)),
        ]);
    }
    if node.eq_ignore_ascii_case("PolicyModules") {
        return Ok(vec![("Active", bstr(POLICY))]);
    }
    if node.eq_ignore_ascii_case("ExitModules") {
        return Ok(vec![("Active", Variant::BstrArray(Vec::new()))]);
    }
    if node.eq_ignore_ascii_case(&format!("PolicyModules\\{POLICY}")) {
        let disposition = match configuration.issuing.request_disposition {
            RequestDisposition::Issue => ISSUE,
            RequestDisposition::Pending => PENDING_FIRST,
        };
        return Ok(vec![("EditFlags", Variant::I4(EDIT_FLAGS)), ("RequestDisposition", Variant::I4(disposition))]);
    }
    Err(Hresult::FILE_NOT_FOUND)
}

fn authority_node(authority: &Authority) -> Result<Entries, Hresult> {
    let configuration = authority.configuration();
    let bstr = |text: &str| Variant::Bstr(text.to_owned());
    let units = |number: u32| Variant::I4(i32::try_from(number).unwrap_or(i32::MAX));
    let hash = sha1::Sha1::digest(authority.certificate_der());
    let hash = hash.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ");
    let next_publish = authority.next_crl_publish().map_err(|error| internal(&error))?;
    // 1: published there; 2: in the certificates.
    let mut lists = vec![format!("1:{}", absolute(&authority.crl_file()))];
    lists.extend(configuration.issuing.crl_distribution_points.iter().map(|url| format!("2:{url}")));
    let certificates = configuration.issuing.authority_information_access.iter().map(|url| format!("2:{url}"));
    let mut entries = vec![
        ("AuditFilter", Variant::I4(AUDIT_ALL)),
        ("CACertHash", Variant::BstrArray(vec![hash])),
        ("CACertPublicationURLs", Variant::BstrArray(certificates.collect())),
        ("CAServerName", bstr(&authority.host_name())),
        ("CAType", Variant::I4(CaInfo::STANDALONE_ROOT)),
        ("ClockSkewMinutes", units(configuration.issuing.clock_skew_minutes)),
        ("CommonName", bstr(authority.name())),
        ("CRLDeltaPeriod", bstr("Days")),
        ("CRLDeltaPeriodUnits", Variant::I4(0)),
        ("CRLOverlapPeriod", bstr("Hours")),
        ("CRLOverlapUnits", units(configuration.crl.overlap_hours)),
        ("CRLPeriod", bstr("Hours")),
        ("CRLPeriodUnits", units(configuration.crl.period_hours)),
        ("CRLPublicationURLs", Variant::BstrArray(lists)),
        ("InterfaceFlags", Variant::I4(configuration.server.interface_flags as i32)),
        ("KRAFlags", Variant::I4(0)),
        ("RoleSeparationEnabled", Variant::I4(configuration.server.role_separation.into())),
        ("UseDS", Variant::I4(0)),
        ("ValidityPeriod", bstr("Days")),
        ("ValidityPeriodUnits", units(configuration.issuing.validity_days)),
    ];
    if let Some(time) = next_publish {
        entries.push(("CRLNextPublish", Variant::Bytes(time.0.to_le_bytes().to_vec())));
    }
    Ok(entries)
}

/// The hash of the CA's own certificate: P-384 has its own whatever the configuration says.
fn signature_hash(authority: &Authority) -> SignatureHash {
    use der::oid::db::rfc5912::{ECDSA_WITH_SHA_384, SHA_384_WITH_RSA_ENCRYPTION};
    let oid = authority.certificate().signature_algorithm().oid;
    if oid == ECDSA_WITH_SHA_384 || oid == SHA_384_WITH_RSA_ENCRYPTION {
        SignatureHash::Sha384
    } else {
        SignatureHash::Sha256
    }
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string()
}
