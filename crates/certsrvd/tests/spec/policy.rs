use certsrvd::configuration::{AlternativeName, Issuing};
use certsrvd::pkcs10::{CertificationRequest, RequestError};
use certsrvd::policy::{Refusal, examine};

use crate::place::{openssl, request, request_with, succeed};

fn decide(subject: &str, extensions: &[&str], issuing: &Issuing) -> Result<(), Refusal> {
    let request = CertificationRequest::parse(&request(subject, extensions)).unwrap();
    examine(&request, issuing).map(drop)
}

fn refused(subject: &str, extensions: &[&str]) -> String {
    decide(subject, extensions, &Issuing::default()).unwrap_err().to_string()
}

#[test]
fn alternative_names_are_carried_over() {
    let names = "subjectAltName=DNS:a.example,IP:10.0.0.1,IP:fd00::1,email:a@b.example,URI:https://a.example";
    let request = CertificationRequest::parse(&request("/CN=x", &[names])).unwrap();
    let grant = examine(&request, &Issuing::default()).unwrap();
    let extension = grant.alternative_names.unwrap();
    assert!(!extension.critical);
    assert_eq!(extension.extn_value, request.extensions()[0].extn_value);
    assert_eq!(grant.email.as_deref(), Some("a@b.example"));
}

#[test]
fn alternative_names_are_critical_when_the_subject_is_empty() {
    let request = CertificationRequest::parse(&request("/", &["subjectAltName=DNS:a.example"])).unwrap();
    assert!(examine(&request, &Issuing::default()).unwrap().alternative_names.unwrap().critical);
}

#[test]
fn a_request_that_names_nobody_is_refused() {
    assert_eq!(decide("/", &[], &Issuing::default()), Err(Refusal::NoName));
}

#[test]
fn a_user_principal_name_is_refused_unless_it_is_allowed() {
    let upn = "subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:admin@corp.example";
    assert!(refused("/CN=x", &[upn]).contains("user principal name"));
    let issuing = Issuing { subject_alternative_names: vec![AlternativeName::Upn], ..Issuing::default() };
    let request = CertificationRequest::parse(&request("/CN=x", &[upn])).unwrap();
    assert_eq!(examine(&request, &issuing).unwrap().upn.as_deref(), Some("admin@corp.example"));
}

#[test]
fn names_of_other_kinds_are_refused() {
    for name in ["RID:1.2.3.4", "otherName:1.2.3.4;UTF8:x"] {
        let said = refused("/CN=x", &[&format!("subjectAltName={name}")]);
        assert!(said.contains("alternative name"), "{name}: {said}");
    }
}

#[test]
fn nobody_gets_a_ca_certificate() {
    assert_eq!(
        decide("/CN=x", &["basicConstraints=critical,CA:TRUE"], &Issuing::default()),
        Err(Refusal::AuthorityCertificate)
    );
    for usage in ["keyCertSign", "cRLSign", "digitalSignature,keyCertSign", "encipherOnly,keyAgreement"] {
        assert_eq!(
            decide("/CN=x", &[&format!("keyUsage={usage}")], &Issuing::default()),
            Err(Refusal::KeyUsage),
            "{usage}"
        );
    }
}

#[test]
fn an_end_entity_may_say_that_it_is_one() {
    let extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature,keyAgreement"];
    assert_eq!(decide("/CN=x", &extensions, &Issuing::default()), Ok(()));
}

#[test]
fn extended_key_usages_must_be_allowed() {
    assert_eq!(decide("/CN=x", &["extendedKeyUsage=codeSigning"], &Issuing::default()), Ok(()));
    for usage in ["anyExtendedKeyUsage", "OCSPSigning", "1.3.6.1.4.1.311.20.2.1"] {
        let said = refused("/CN=x", &[&format!("extendedKeyUsage={usage}")]);
        assert!(said.contains("allowed_extended_key_usages"), "{usage}: {said}");
    }
    let issuing = Issuing { allowed_extended_key_usages: vec!["OCSPSigning".to_owned()], ..Issuing::default() };
    assert_eq!(decide("/CN=x", &["extendedKeyUsage=OCSPSigning"], &issuing), Ok(()));
}

#[test]
fn unknown_extensions_are_left_out_and_critical_ones_are_refused() {
    let parsed = CertificationRequest::parse(&request("/CN=x", &["1.2.3.4=DER:0500"])).unwrap();
    let grant = examine(&parsed, &Issuing::default()).unwrap();
    assert_eq!(grant.left_out.iter().map(|e| e.extn_id.to_string()).collect::<Vec<_>>(), ["1.2.3.4"]);
    assert!(refused("/CN=x", &["1.2.3.4=critical,DER:0500"]).contains("critical extension 1.2.3.4"));
}

#[test]
fn short_rsa_keys_are_refused() {
    let short = CertificationRequest::parse(&request_with(&["-newkey", "rsa:1024"], "/CN=x", &[])).unwrap();
    assert_eq!(examine(&short, &Issuing::default()).unwrap_err(), Refusal::WeakKey { bits: 1024, minimum: 2048 });
    let enough = CertificationRequest::parse(&request_with(&["-newkey", "rsa:2048"], "/CN=x", &[])).unwrap();
    assert!(examine(&enough, &Issuing::default()).is_ok());
    let issuing = Issuing { minimum_rsa_bits: 3072, ..Issuing::default() };
    assert_eq!(examine(&enough, &issuing).unwrap_err(), Refusal::WeakKey { bits: 2048, minimum: 3072 });
}

#[test]
fn requests_are_signed_with_rsa_or_ecdsa_and_a_hash_of_the_sha_2_family() {
    let accepted: [&[&str]; 6] = [
        &["-newkey", "rsa:2048", "-sha256"],
        &["-newkey", "rsa:2048", "-sha384"],
        &["-newkey", "rsa:2048", "-sha512"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-sha512"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha256"],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-sha384"],
    ];
    for key in accepted {
        assert!(CertificationRequest::parse(&request_with(key, "/CN=x", &[])).is_ok(), "{key:?}");
    }
    let sha1 = CertificationRequest::parse(&request_with(&["-newkey", "rsa:2048", "-sha1"], "/CN=x", &[]));
    assert!(matches!(sha1, Err(RequestError::UnsupportedSignature { .. })), "{sha1:?}");
    for key in [
        &["-newkey", "ed25519"][..],
        &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
        &["-newkey", "rsa:2048", "-pkeyopt", "rsa_keygen_pubexp:3"],
    ] {
        let refused = CertificationRequest::parse(&request_with(key, "/CN=x", &[]));
        assert!(matches!(refused, Err(RequestError::UnsupportedKey)), "{key:?}: {refused:?}");
    }
}

#[test]
fn the_requests_own_signature_must_fit() {
    let mut der = to_der(&request("/CN=web.example", &[]));
    let at = der.windows(11).position(|window| window == b"web.example").unwrap();
    der[at..at + 11].copy_from_slice(b"bad.example");
    assert_eq!(CertificationRequest::parse(&der).unwrap_err(), RequestError::WrongSignature);
}

#[test]
fn der_and_pem_are_the_same_request() {
    let pem = request("/CN=x", &[]);
    let der = to_der(&pem);
    assert_eq!(CertificationRequest::parse(&pem).unwrap().as_der(), der);
    assert_eq!(CertificationRequest::parse(&der).unwrap().as_der(), der);
    let windows = String::from_utf8(pem).unwrap().replace("CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST");
    let with_text = format!("Certificate Request:\n    Data:\n{}", windows.replace('\n', "\r\n"));
    assert_eq!(CertificationRequest::parse(with_text.as_bytes()).unwrap().as_der(), der);
}

#[test]
fn other_bytes_are_no_request() {
    let der = to_der(&request("/CN=x", &[]));
    for bytes in [&b""[..], b"hello", &der[..der.len() - 1], &[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF]] {
        assert_eq!(CertificationRequest::parse(bytes).unwrap_err(), RequestError::Malformed);
    }
    assert_eq!(CertificationRequest::parse(&vec![0x30; 200_000]).unwrap_err(), RequestError::TooLarge);
}

fn to_der(pem: &[u8]) -> Vec<u8> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("pem"), pem).unwrap();
    let out = directory.path().join("der");
    succeed(openssl(&["req", "-outform", "DER", "-in"]).arg(directory.path().join("pem")).arg("-out").arg(&out));
    std::fs::read(out).unwrap()
}
