use certsrvd::authority::Error;
use certsrvd::disposition::{Disposition, RevocationReason};
use certsrvd::filetime::FileTime;

use crate::place::{InProcess, authority, caller, openssl, request, succeed, verifies};

fn issued(ca: &InProcess) -> (String, String) {
    let submitted = ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap();
    (submitted.serial.unwrap(), submitted.pem.unwrap())
}

fn list(ca: &InProcess) -> String {
    ca.authority.publish_crl(&caller()).unwrap();
    let (file, own) = (ca.authority.crl_file(), ca.authority.directory().certificate());
    succeed(openssl(&["crl", "-inform", "DER", "-noout", "-text", "-in"]).arg(file).arg("-CAfile").arg(own))
}

#[test]
fn a_revoked_certificate_no_longer_verifies() {
    let ca = authority(|_| {});
    let (serial, pem) = issued(&ca);
    let check = || verifies(&ca.authority.directory().certificate(), &pem, Some(&ca.authority.crl_file()));
    assert_eq!(check(), Ok(()));
    ca.authority.revoke(&caller(), &serial, RevocationReason::KeyCompromise, None).unwrap();
    ca.authority.publish_crl(&caller()).unwrap();
    assert!(check().unwrap_err().contains("certificate revoked"));
    let (summary, _) = ca.authority.certificate_of(&serial, false).unwrap();
    assert_eq!((summary.disposition, summary.reason), (Disposition::Revoked, Some(RevocationReason::KeyCompromise)));
}

#[test]
fn the_list_gives_every_reason_but_unspecified() {
    let ca = authority(|_| {});
    for (reason, text) in [
        (RevocationReason::KeyCompromise, "Key Compromise"),
        (RevocationReason::CaCompromise, "CA Compromise"),
        (RevocationReason::AffiliationChanged, "Affiliation Changed"),
        (RevocationReason::Superseded, "Superseded"),
        (RevocationReason::CessationOfOperation, "Cessation Of Operation"),
        (RevocationReason::CertificateHold, "Certificate Hold"),
    ] {
        let (serial, _) = issued(&ca);
        ca.authority.revoke(&caller(), &serial, reason, None).unwrap();
        assert!(list(&ca).contains(text), "{text}");
    }
    let before = list(&ca).matches("X509v3 CRL Reason Code").count();
    let (serial, _) = issued(&ca);
    ca.authority.revoke(&caller(), &serial, RevocationReason::Unspecified, None).unwrap();
    let after = list(&ca);
    assert!(after.contains(&serial.to_uppercase()));
    assert_eq!(after.matches("X509v3 CRL Reason Code").count(), before);
}

#[test]
fn a_certificate_on_hold_can_be_released() {
    let ca = authority(|_| {});
    let (serial, pem) = issued(&ca);
    ca.authority.revoke(&caller(), &serial, RevocationReason::CertificateHold, None).unwrap();
    assert!(list(&ca).contains(&serial.to_uppercase()));
    ca.authority.release(&caller(), &serial).unwrap();
    assert!(list(&ca).contains("No Revoked Certificates"));
    assert_eq!(verifies(&ca.authority.directory().certificate(), &pem, Some(&ca.authority.crl_file())), Ok(()));
    assert!(matches!(ca.authority.release(&caller(), &serial), Err(Error::NotOnHold { .. })));
}

#[test]
fn only_a_hold_can_be_released_and_only_a_valid_certificate_held() {
    let ca = authority(|_| {});
    let (serial, _) = issued(&ca);
    assert!(matches!(ca.authority.release(&caller(), &serial), Err(Error::NotOnHold { .. })));
    ca.authority.revoke(&caller(), &serial, RevocationReason::Superseded, None).unwrap();
    assert!(matches!(ca.authority.release(&caller(), &serial), Err(Error::NotOnHold { .. })));
    let held = ca.authority.revoke(&caller(), &serial, RevocationReason::CertificateHold, None);
    assert!(matches!(held, Err(Error::RevokedForGood { .. })), "{held:?}");
    // The reason of a revoked certificate can be changed, and a held one be revoked for good.
    ca.authority.revoke(&caller(), &serial, RevocationReason::KeyCompromise, None).unwrap();
}

#[test]
fn a_revocation_without_a_reason_does_not_take_a_reason_away() {
    let ca = authority(|_| {});
    let (serial, _) = issued(&ca);
    ca.authority.revoke(&caller(), &serial, RevocationReason::KeyCompromise, None).unwrap();
    let again = ca.authority.revoke(&caller(), &serial, RevocationReason::Unspecified, None);
    assert!(matches!(again, Err(Error::ReasonKept { .. })), "{again:?}");
    assert!(list(&ca).contains("Key Compromise"));
}

#[test]
fn a_revocation_in_the_future_is_not_listed_yet_and_one_in_the_past_has_its_date() {
    let ca = authority(|_| {});
    let (future, _) = issued(&ca);
    let (past, _) = issued(&ca);
    let at = |text| Some(FileTime::parse_rfc3339(text).unwrap());
    ca.authority.revoke(&caller(), &future, RevocationReason::Superseded, at("2100-01-01T00:00:00Z")).unwrap();
    ca.authority.revoke(&caller(), &past, RevocationReason::Superseded, at("2020-02-03T04:05:06Z")).unwrap();
    let list = list(&ca);
    assert!(!list.contains(&future.to_uppercase()));
    assert!(list.contains(&past.to_uppercase()) && list.contains("Feb  3 04:05:06 2020 GMT"), "{list}");
}

#[test]
fn remove_from_crl_revokes_without_an_entry() {
    let ca = authority(|_| {});
    let (serial, _) = issued(&ca);
    ca.authority.revoke(&caller(), &serial, RevocationReason::RemoveFromCrl, None).unwrap();
    assert!(list(&ca).contains("No Revoked Certificates"));
}

#[test]
fn serial_numbers_are_understood_as_people_write_them() {
    let ca = authority(|_| {});
    let (serial, _) = issued(&ca);
    let colons = serial
        .to_uppercase()
        .as_bytes()
        .chunks(2)
        .map(|c| std::str::from_utf8(c).unwrap())
        .collect::<Vec<_>>()
        .join(":");
    for text in [colons, format!("00{serial}"), serial.clone()] {
        assert_eq!(ca.authority.certificate_of(&text, false).unwrap().0.serial, serial);
    }
    for text in ["", "xyz", "0x12"] {
        assert!(matches!(ca.authority.certificate_of(text, false), Err(Error::Argument { .. })), "{text}");
    }
    let unknown = ca.authority.revoke(&caller(), "1234", RevocationReason::Unspecified, None);
    assert!(matches!(unknown, Err(Error::NoSuchCertificate { .. })), "{unknown:?}");
}

#[test]
fn the_ca_does_not_revoke_itself() {
    let ca = authority(|_| {});
    let (own, _) = ca.authority.certificate_of("1", true).unwrap();
    let refused = ca.authority.revoke(&caller(), &own.serial, RevocationReason::Unspecified, None);
    assert!(matches!(refused, Err(Error::WrongDisposition { .. })), "{refused:?}");
}
