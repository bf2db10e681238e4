use cabak::contents::show::Which;

use super::{events, failure, str, text, world};

#[test]
fn everything_about_a_request_is_shown() {
    let full = world().path("full");
    let page = text(&["show", str(&full), "2"], 0);
    for part in [
        "Requests\n  RequestID                        2\n",
        "  Disposition                      issued\n",
        "  RequestType                      0x100 (PKCS#10)\n",
        "  RequestFlags                     0x20 (subject unmodified)\n",
        "\nCertificates\n",
        "\nRequestAttributes\n",
        "  CertificateTemplate              WebServer\n",
        "  ccm                              host\n",
        "\nCertificateExtensions\n",
        "  2.5.29.17 (Subject Alternative Name) 0x10000 (from the request): ",
        "\nThe certificate says\n",
        "  Issuer                           CN=Test CA\n",
        "\nThe request says\n  Form                             PKCS#10\n",
        "\n-----BEGIN CERTIFICATE-----\n",
        "\n-----BEGIN CERTIFICATE REQUEST-----\n",
    ] {
        assert!(page.contains(part), "{part:?} is not in:\n{page}");
    }
    assert!(page.contains(world().web.pem.trim()), "the certificate as it was issued");
    let denied = text(&["show", str(&full), "5"], 0);
    assert!(
        denied.contains("  StatusCode                       0x80094014 (CERTSRV_E_ADMIN_DENIED_REQUEST)\n"),
        "{denied}"
    );
    assert!(!denied.contains("BEGIN CERTIFICATE-----"), "{denied}");
}

#[test]
fn a_serial_number_is_found_however_it_is_written() {
    let full = world().path("full");
    let serial = &world().held.serial;
    let pairs: Vec<&str> = serial.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap()).collect();
    for written in [serial.clone(), serial.to_uppercase(), format!("serial:00{serial}"), pairs.join(":")] {
        let events = events(&["show", str(&full), &written], "request", 0);
        assert_eq!((events.len(), &events[0]["id"]), (1, &6.into()), "{written}");
    }
}

#[test]
fn json_has_rows_words_and_what_was_decoded() {
    let full = world().path("full");
    let shown = &events(&["show", str(&full), "3"], "request", 0)[0];
    assert_eq!(shown["request"]["Disposition"], 21);
    assert_eq!(shown["words"]["Disposition"], "revoked");
    assert_eq!(shown["words"]["RevokedReason"], "keyCompromise");
    assert_eq!(shown["certificate"]["SerialNumber"], world().revoked.serial.as_str());
    assert_eq!(shown["decoded_certificate"]["serial"], world().revoked.serial.as_str());
    assert_eq!(shown["decoded_certificate"]["issuer"], "CN=Test CA");
    assert_eq!(shown["decoded_request"]["form"], "PKCS#10");
    assert_eq!(shown["attributes"][0]["AttributeValue"], "User");
    assert_eq!(shown["certificate_pem"].as_str().unwrap(), world().revoked.pem);
    assert!(shown["extensions"].as_array().unwrap().len() >= 4, "{shown}");
}

#[test]
fn what_is_not_there_ends_with_10() {
    let full = world().path("full");
    let error = failure(&["show", str(&full), "99"], 10);
    assert!(error.contains("has no request 99\n"), "{error}");
    let error = failure(&["show", str(&full), "serial:99"], 10);
    assert!(error.contains("has no certificate with the serial number 99\n"), "{error}");
    assert_eq!(super::cabak(&["show", str(&full), "nonsense"]).status.code(), Some(2));
}

#[test]
fn decimal_digits_that_fit_are_the_number_of_a_request() {
    assert_eq!(Which::parse("12"), Ok(Which::Request(12)));
    assert_eq!(Which::parse("2147483647"), Ok(Which::Request(2_147_483_647)));
    for text in ["2147483648", "0", "0x12", "serial:12", "4f", "4f 2a"] {
        assert!(matches!(Which::parse(text), Ok(Which::Serial(_))), "{text}");
    }
    for text in ["", "serial:", "-1", "xyz"] {
        assert!(Which::parse(text).unwrap_err().ends_with("is wanted"), "{text}");
    }
}
