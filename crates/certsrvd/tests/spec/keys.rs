use certsrvd::key::{AuthorityKey, KeyError, KeyType, SignatureHash};

use crate::place::{PASSPHRASE, Place, describe, openssl, request, succeed, verifies};

#[test]
fn a_ca_of_every_key_type_issues_certificates_and_lists_that_openssl_accepts() {
    for (key_type, algorithm, key) in [
        ("rsa-2048", "sha256WithRSAEncryption", "Public-Key: (2048 bit)"),
        ("rsa-3072", "sha256WithRSAEncryption", "Public-Key: (3072 bit)"),
        ("rsa-4096", "sha256WithRSAEncryption", "Public-Key: (4096 bit)"),
        ("p-256", "ecdsa-with-SHA256", "NIST CURVE: P-256"),
        ("p-384", "ecdsa-with-SHA384", "NIST CURVE: P-384"),
    ] {
        let place = Place::empty();
        place.init(&["--key-type", key_type]);
        std::fs::write(place.path("csr"), request("/CN=web.example", &[])).unwrap();
        place.ok(&[
            "request",
            "submit",
            place.path("csr").to_str().unwrap(),
            "--out",
            place.path("crt").to_str().unwrap(),
        ]);

        let own = describe(&std::fs::read_to_string(place.certificate()).unwrap());
        let issued = std::fs::read_to_string(place.path("crt")).unwrap();
        assert!(own.contains(key), "{key_type}: {own}");
        assert!(describe(&issued).contains(&format!("Signature Algorithm: {algorithm}")), "{key_type}");
        assert_eq!(verifies(&place.certificate(), &issued, Some(&place.crl())), Ok(()), "{key_type}");
        let list = succeed(
            openssl(&["crl", "-inform", "DER", "-noout", "-text", "-in"])
                .arg(place.crl())
                .arg("-CAfile")
                .arg(place.certificate()),
        );
        assert!(list.contains(algorithm), "{key_type}: {list}");
    }
}

#[test]
fn rsa_signs_with_sha384_when_the_configuration_says_so() {
    let place = Place::empty();
    place.init(&["--key-type", "rsa-2048", "--signature-hash", "sha384"]);
    std::fs::write(place.path("csr"), request("/CN=web.example", &[])).unwrap();
    let reply = place.json(&["request", "submit", place.path("csr").to_str().unwrap()]);
    let pem = reply["pem"].as_str().unwrap();
    assert!(describe(pem).contains("Signature Algorithm: sha384WithRSAEncryption"));
    assert_eq!(verifies(&place.certificate(), pem, Some(&place.crl())), Ok(()));
}

#[test]
fn the_certificate_of_a_root_has_the_extensions_of_a_ca() {
    let place = Place::with_authority();
    let text = describe(&std::fs::read_to_string(place.certificate()).unwrap());
    for expected in [
        "X509v3 Basic Constraints: critical\n                CA:TRUE",
        "X509v3 Key Usage: critical\n                Digital Signature, Certificate Sign, CRL Sign",
        "X509v3 Subject Key Identifier:",
        "Issuer: CN = Test CA",
        "Subject: CN = Test CA",
    ] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn openssl_opens_the_key_file_with_the_passphrase() {
    let place = Place::with_authority();
    let key = place.layout().key();
    let open = |passphrase: &str| {
        openssl(&["pkey", "-noout", "-in"]).arg(&key).args(["-passin", &format!("pass:{passphrase}")]).output().unwrap()
    };
    assert!(open(PASSPHRASE).status.success());
    assert!(!open("something else").status.success());
    assert!(std::fs::read_to_string(&key).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----"));
}

#[test]
fn a_key_opens_with_its_passphrase_and_with_no_other() {
    for kind in [KeyType::Rsa2048, KeyType::P256, KeyType::P384] {
        let key = AuthorityKey::generate(kind, SignatureHash::Sha256).unwrap();
        let pem = key.to_encrypted_pem("right").unwrap();
        let opened = AuthorityKey::from_encrypted_pem(&pem, "right", SignatureHash::Sha256).unwrap();
        assert_eq!(opened.public_key(), key.public_key());
        let refused = AuthorityKey::from_encrypted_pem(&pem, "wrong", SignatureHash::Sha256).unwrap_err();
        assert!(matches!(refused, KeyError::WrongPassphrase), "{refused:?}");
    }
}

#[test]
fn a_key_file_that_is_not_encrypted_is_refused() {
    let plain = succeed(&mut openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]));
    let refused = AuthorityKey::from_encrypted_pem(&plain, "any", SignatureHash::Sha256).unwrap_err();
    assert!(matches!(refused, KeyError::Malformed), "{refused:?}");
}

#[test]
fn the_key_of_another_ca_is_refused() {
    let (one, other) = (Place::with_authority(), Place::with_authority());
    std::fs::copy(other.layout().key(), one.layout().key()).unwrap();
    let (_, said) = one.fails(&["crl", "publish"]);
    assert!(said.contains("does not belong to the CA's certificate"), "{said}");
}
