use adcs::words;

#[test]
fn numbers_have_words_and_words_numbers() {
    assert_eq!(words::disposition(20), Some("issued"));
    assert_eq!(words::disposition(99), None);
    assert_eq!(words::number(words::DISPOSITIONS, "CA-Certificate"), Some(15));
    assert_eq!(words::reason(-1), Some("releasedFromHold"));
    assert_eq!(words::reason(0xFFFF_FFFF), Some("releasedFromHold"));
    assert_eq!(words::number(words::REASONS, "keycompromise"), Some(1));
    assert_eq!(words::number(words::REASONS, "boredom"), None);
    // The low byte is the encoding in which the request came.
    assert_eq!(
        [0x100, 0x301, 0x4_0402, 0].map(words::request_type),
        [Some("PKCS#10"), Some("PKCS#7"), Some("CMC"), None]
    );
}

#[test]
fn flags_that_have_no_word_stay_numbers() {
    assert_eq!(words::publish_flags(0x1 | 0x4 | 0x40), "base, complete, manual");
    assert_eq!(words::publish_flags(0x4000_0001), "base, 0x40000000");
    assert_eq!(words::request_flags(0x8000_0002), "renewal, publish error");
    assert_eq!(words::extension_flags(0x2_0001), "critical, from the policy");
    assert_eq!(words::extension_flags(0x3), "critical, disabled");
    assert_eq!(words::extension_flags(0xF_0000), "0xf0000");
    assert_eq!(words::extension_flags(0x4_0000), "from the server");
}

#[test]
fn codes_and_identifiers_have_names() {
    assert_eq!(words::status(0x8009_4012), Some("CERTSRV_E_TEMPLATE_DENIED"));
    assert_eq!(words::status(0x8007_0525), Some("ERROR_NO_SUCH_USER"));
    assert_eq!(words::status(0x8009_4820), Some("CERTSRV_E_PENDING_CLIENT_RESPONSE"));
    assert_eq!(words::status(0), Some("success"));
    assert_eq!(words::status(0x8009_4FFF), None);
    assert_eq!(words::oid("2.5.29.17"), Some("Subject Alternative Name"));
    assert_eq!(words::oid("1.3.6.1.4.1.311.25.2"), Some("NTDS CA Security (SID)"));
    assert_eq!(words::oid("1.2.840.113549.1.1.11"), Some("sha256WithRSAEncryption"));
    assert_eq!(words::oid("not an oid"), None);
}
