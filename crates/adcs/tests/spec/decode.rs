use adcs::decode::{Certificate, Crl, Request, RequestForm};

fn corpus(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../testkit/corpus/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_certificate_tells_what_openssl_put_into_it() {
    let certificate = Certificate::decode(&corpus("adcs_certificate/root.der")).unwrap();
    assert_eq!(certificate.subject, "CN=Root,O=Example,C=DE");
    assert_eq!(certificate.issuer, certificate.subject);
    assert!(certificate.authority);
    assert_eq!(
        certificate.alternative_names,
        ["DNS:www.example", "IP:10.1.2.3", "email:a@b.example", "URI:http://x.example/", "UPN:user@corp.example"]
    );
    assert_eq!(certificate.key_usage, ["digitalSignature", "keyCertSign", "cRLSign"]);
    assert_eq!(certificate.extended_key_usage, ["Server Authentication", "Smart Card Logon"]);
    assert_eq!(certificate.signature_algorithm, "ecdsa-with-SHA256");
    assert_eq!(certificate.key_algorithm, "id-ecPublicKey");
    assert_eq!((certificate.not_after.0 - certificate.not_before.0) / 10_000_000, 3650 * 86_400);
    let critical: Vec<&str> =
        certificate.extensions.iter().filter(|extension| extension.critical).map(|e| e.oid.as_str()).collect();
    assert_eq!(critical, ["2.5.29.19", "2.5.29.15"]);
}

#[test]
fn a_list_is_counted_and_not_built() {
    let crl = Crl::decode(&corpus("adcs_crl/two.der")).unwrap();
    assert_eq!((crl.entries, crl.issuer.as_str()), (2, "CN=Root,O=Example,C=DE"));
    assert_eq!(crl.number.map(|number| number.to_string()).as_deref(), Some("10"));
    assert_eq!(crl.delta_of, None);
    assert_eq!(crl.next_update.map(|next| (next.0 - crl.this_update.0) / 10_000_000), Some(7 * 86_400));
    assert_eq!(crl.signature_algorithm, "ecdsa-with-SHA256");
}

#[test]
fn requests_are_found_in_what_they_are_wrapped_in() {
    for (file, form) in [("pkcs7.der", RequestForm::Pkcs7), ("cmc.der", RequestForm::Cmc)] {
        let request = Request::decode(&corpus(&format!("adcs_request/{file}"))).unwrap();
        assert_eq!((request.form, request.subject.as_deref()), (form, Some("CN=renewed")));
        assert_eq!(request.key_algorithm.as_deref(), Some("id-ecPublicKey"));
    }
    let request = Request::decode(&corpus("adcs_request/pkcs10.der")).unwrap();
    assert_eq!(request.form, RequestForm::Pkcs10);
    assert!(request.subject.is_some());
}

#[test]
fn what_does_not_decode_is_an_error_that_says_what_it_should_be() {
    for bytes in [&b""[..], b"\x30", b"\x30\x80\x00\x00", b"-----BEGIN CERTIFICATE-----", &[0xFF; 64]] {
        let certificate = Certificate::decode(bytes).unwrap_err().to_string();
        assert!(certificate.starts_with("does not decode as certificate: "), "{certificate}");
        assert!(Crl::decode(bytes).unwrap_err().to_string().starts_with("does not decode as CRL: "));
        assert!(Request::decode(bytes).unwrap_err().to_string().starts_with("does not decode as request: "));
    }
    let mut der = corpus("adcs_crl/two.der");
    der.push(0);
    der.push(0);
    assert_eq!(Crl::decode(&der).unwrap_err().reason, "bytes behind its end");
}

#[test]
fn no_truncation_and_no_flipped_byte_panics() {
    let files = ["adcs_certificate/root.der", "adcs_crl/two.der", "adcs_request/cmc.der", "adcs_request/pkcs7.der"];
    for file in files {
        let der = corpus(file);
        for at in 0..der.len() {
            let mut flipped = der.clone();
            flipped[at] ^= 0x55;
            for bytes in [&der[..at], &flipped] {
                let _ = (Certificate::decode(bytes), Crl::decode(bytes), Request::decode(bytes));
            }
        }
    }
}
