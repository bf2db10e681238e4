use certsrvd::authority::Error;
use certsrvd::configuration::RequestDisposition;
use certsrvd::disposition::Disposition;

use crate::place::{authority, caller, describe, request, verifies};

#[test]
fn a_request_is_issued_at_once_when_the_configuration_says_so() {
    let ca = authority(|_| {});
    let submitted =
        ca.authority.submit(&caller(), &request("/C=DE/CN=web.example", &["subjectAltName=DNS:web.example"]), &[]);
    let submitted = submitted.unwrap();
    assert_eq!(submitted.disposition, Disposition::Issued);
    let pem = submitted.pem.unwrap();
    assert_eq!(verifies(&ca.authority.directory().certificate(), &pem, Some(&ca.authority.crl_file())), Ok(()));
    let text = describe(&pem);
    for expected in [
        "Subject: C = DE, CN = web.example",
        "X509v3 Basic Constraints: critical\n                CA:FALSE",
        "X509v3 Key Usage: critical\n                Digital Signature",
        "TLS Web Server Authentication, TLS Web Client Authentication",
        "DNS:web.example",
        "X509v3 Authority Key Identifier",
        "X509v3 Subject Key Identifier",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn the_urls_of_the_configuration_go_into_the_certificate() {
    let ca = authority(|configuration| {
        configuration.issuing.crl_distribution_points = vec!["http://pki.example/ca.crl".to_owned()];
        configuration.issuing.authority_information_access = vec!["http://pki.example/ca.crt".to_owned()];
    });
    let pem = ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap().pem.unwrap();
    let text = describe(&pem);
    assert!(text.contains("X509v3 CRL Distribution Points: \n                Full Name:\n                  URI:http://pki.example/ca.crl"), "{text}");
    assert!(text.contains("CA Issuers - URI:http://pki.example/ca.crt"), "{text}");
    assert_eq!(verifies(&ca.authority.directory().certificate(), &pem, None), Ok(()));
}

#[test]
fn numbers_rise_and_serial_numbers_are_random() {
    let ca = authority(|_| {});
    let issue = || ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap();
    let (first, second) = (issue(), issue());
    assert_eq!((first.request_id, second.request_id), (2, 3), "the CA's own certificate is number 1");
    let (first, second) = (first.serial.unwrap(), second.serial.unwrap());
    assert_ne!(first, second);
    assert_eq!(first.len(), 32, "16 bytes");
}

#[test]
fn a_certificate_is_never_valid_longer_than_the_ca() {
    let ca = authority(|configuration| configuration.issuing.validity_days = 36_500);
    let issued = ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap();
    let (issued, _) = ca.authority.certificate_of(&issued.serial.unwrap(), false).unwrap();
    assert_eq!(issued.not_after.unwrap(), ca.authority.status().unwrap().not_after);
}

#[test]
fn a_request_waits_until_an_officer_approves_it() {
    let ca = authority(|configuration| configuration.issuing.request_disposition = RequestDisposition::Pending);
    let submitted = ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap();
    assert_eq!((submitted.disposition, &submitted.serial), (Disposition::Pending, &None));
    let id = submitted.request_id;
    let waiting = ca.authority.requests(Some(Disposition::Pending), 0, 10).unwrap();
    assert_eq!(waiting.iter().map(|request| request.request_id).collect::<Vec<_>>(), [id]);

    let approved = ca.authority.approve(&caller(), id).unwrap();
    assert_eq!((approved.request_id, approved.disposition), (id, Disposition::Issued));
    assert_eq!(verifies(&ca.authority.directory().certificate(), &approved.pem.unwrap(), None), Ok(()));
    let again = ca.authority.approve(&caller(), id).unwrap_err();
    assert!(matches!(again, Error::WrongDisposition { disposition: Disposition::Issued, .. }), "{again:?}");
}

#[test]
fn a_denied_request_is_not_issued_but_can_be_considered_again() {
    let ca = authority(|configuration| configuration.issuing.request_disposition = RequestDisposition::Pending);
    let id = ca.authority.submit(&caller(), &request("/CN=x", &[]), &[]).unwrap().request_id;
    assert_eq!(ca.authority.deny(&caller(), id).unwrap().disposition, Disposition::Denied);
    let again = ca.authority.deny(&caller(), id).unwrap_err();
    assert!(matches!(again, Error::WrongDisposition { .. }), "{again:?}");
    assert!(matches!(ca.authority.certificate_of(&id.to_string(), true), Err(Error::NoSuchRequest { .. })));
    assert_eq!(ca.authority.approve(&caller(), id).unwrap().disposition, Disposition::Issued);
}

#[test]
fn a_request_that_the_policy_refuses_is_kept_as_failed() {
    let ca = authority(|_| {});
    let submitted = ca.authority.submit(&caller(), &request("/CN=x", &["basicConstraints=CA:TRUE"]), &[]).unwrap();
    assert_eq!(submitted.disposition, Disposition::Failed);
    assert!(submitted.message.contains("CA certificate"), "{}", submitted.message);
    assert_eq!(ca.authority.requests(Some(Disposition::Failed), 0, 10).unwrap().len(), 1);
    assert!(ca.authority.approve(&caller(), submitted.request_id).is_err());
}

#[test]
fn bytes_that_are_no_request_leave_no_row() {
    let ca = authority(|_| {});
    assert!(matches!(ca.authority.submit(&caller(), b"hello", &[]), Err(Error::Request(_))));
    assert!(ca.authority.requests(None, 0, 10).unwrap().is_empty());
}

#[test]
fn lists_come_in_pages() {
    let ca = authority(|_| {});
    for name in ["/CN=a", "/CN=b", "/CN=c"] {
        ca.authority.submit(&caller(), &request(name, &[]), &[]).unwrap();
    }
    let page = |after| {
        let rows = ca.authority.requests(None, after, 2).unwrap();
        rows.into_iter().map(|request| request.subject.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(page(0), ["CN=a", "CN=b"]);
    assert_eq!(page(3), ["CN=c"]);
    assert!(page(4).is_empty());
}
