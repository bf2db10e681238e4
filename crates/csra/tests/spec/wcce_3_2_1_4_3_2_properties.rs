use csra::Hresult;
use csra::ca_property::{self, CaInfo, PropertyType, check, find, string_from_bytes, string_to_bytes};
use expect_test::expect;
use proptest::prelude::*;

use crate::support::hex;

#[test]
fn properties_are_numbered_from_1_to_50() {
    let mut table = String::new();
    for property in (i32::MIN..0).step_by(1 << 28).chain(0..60).filter_map(find) {
        table += &format!(
            "{:02X} {} {:?}{}{}\n",
            property.id,
            property.name,
            property.property_type,
            if property.indexed { " indexed" } else { "" },
            if property.in_ca_info { " CAINFO" } else { "" },
        );
    }
    expect![[r#"
        01 FILEVERSION String
        02 PRODUCTVERSION String
        03 EXITCOUNT Long CAINFO
        04 EXITDESCRIPTION String indexed
        05 POLICYDESCRIPTION String
        06 CANAME String
        07 SANITIZEDCANAME String
        08 SHAREDFOLDER String
        09 PARENTCA String
        0A CATYPE Long CAINFO
        0B CASIGCERTCOUNT Long CAINFO
        0C CASIGCERT Binary indexed
        0D CASIGCERTCHAIN Binary indexed
        0E CAXCHGCERTCOUNT Long CAINFO
        0F CAXCHGCERT Binary indexed
        10 CAXCHGCERTCHAIN Binary indexed
        11 BASECRL Binary indexed
        12 DELTACRL Binary indexed
        13 CACERTSTATE Long indexed
        14 CRLSTATE Long indexed
        15 CAPROPIDMAX Long CAINFO
        16 DNSNAME String
        17 ROLESEPARATIONENABLED Long CAINFO
        18 KRACERTUSEDCOUNT Long CAINFO
        19 KRACERTCOUNT Long CAINFO
        1A KRACERT Binary indexed
        1B KRACERTSTATE Long indexed
        1C ADVANCEDSERVER Long CAINFO
        1D TEMPLATES String
        1E BASECRLPUBLISHSTATUS Long indexed
        1F DELTACRLPUBLISHSTATUS Long indexed
        20 CASIGCERTCRLCHAIN Binary indexed
        21 CAXCHGCERTCRLCHAIN Binary indexed
        22 CACERTSTATUSCODE Long indexed
        23 CAFORWARDCROSSCERT Binary indexed
        24 CABACKWARDCROSSCERT Binary indexed
        25 CAFORWARDCROSSCERTSTATE Long indexed
        26 CABACKWARDCROSSCERTSTATE Long indexed
        27 CACERTVERSION Long indexed
        28 SANITIZEDCASHORTNAME String
        29 CERTCDPURLS String indexed
        2A CERTAIAURLS String indexed
        2B CERTAIAOCSPURLS String indexed
        2C LOCALENAME String
        2D SUBJECTTEMPLATE_OIDS String
        2E CRLPARTITIONCOUNT Long
        2F PARTITIONED_BASECRL Binary indexed
        30 PARTITIONED_DELTACRL Binary indexed
        31 PARTITIONED_BASECRLPUBLISHSTATUS Long indexed
        32 PARTITIONED_DELTACRLPUBLISHSTATUS Long indexed
    "#]]
    .assert_eq(&table);
}

#[test]
fn constants_name_their_properties() {
    let names = [
        (ca_property::CA_NAME, "CANAME"),
        (ca_property::SANITIZED_CA_NAME, "SANITIZEDCANAME"),
        (ca_property::CA_TYPE, "CATYPE"),
        (ca_property::CA_SIGNING_CERTIFICATE_COUNT, "CASIGCERTCOUNT"),
        (ca_property::CA_SIGNING_CERTIFICATE, "CASIGCERT"),
        (ca_property::CA_SIGNING_CERTIFICATE_CHAIN, "CASIGCERTCHAIN"),
        (ca_property::BASE_CRL, "BASECRL"),
        (ca_property::DELTA_CRL, "DELTACRL"),
        (ca_property::CA_PROPERTY_ID_MAX, "CAPROPIDMAX"),
        (ca_property::DNS_NAME, "DNSNAME"),
        (ca_property::SANITIZED_CA_SHORT_NAME, "SANITIZEDCASHORTNAME"),
    ];
    for (id, name) in names {
        assert_eq!(find(id).map(|property| property.name), Some(name));
    }
}

#[test]
fn an_unknown_property_and_a_wrong_type_are_invalid_arguments() {
    let invalid = Err(Hresult::INVALID_ARGUMENT);
    assert_eq!(check(0, 1), invalid);
    assert_eq!(check(-1, 1), invalid);
    assert_eq!(check(51, 1), invalid);
    assert_eq!(check(ca_property::CA_NAME, 3), invalid);
    assert_eq!(check(ca_property::CA_NAME, 2), invalid);
    assert_eq!(check(ca_property::CA_NAME, 4).unwrap().name, "CANAME");
}

#[test]
fn types_are_1_3_and_4() {
    for property_type in [PropertyType::Long, PropertyType::Binary, PropertyType::String] {
        let wire = property_type.to_wire();
        assert_eq!(PropertyType::from_wire(wire), Some(property_type));
    }
    assert_eq!(PropertyType::from_wire(2), None);
}

#[test]
fn ca_info_is_forty_bytes() {
    let info = CaInfo {
        ca_type: CaInfo::STANDALONE_ROOT,
        signature_certificates: 1,
        exchange_certificates: 2,
        exit_algorithms: 3,
        property_id_max: 0x2E,
        role_separation: 0,
        key_recovery_certificates_used: 4,
        key_recovery_certificates: 5,
        advanced_server: 1,
    };
    let bytes = hex("
        28000000 03000000 01000000 02000000 03000000
        2e000000 00000000 04000000 05000000 01000000
    ");
    assert_eq!(info.to_bytes(), bytes);
    assert_eq!(CaInfo::from_bytes(&bytes), Ok(info));
    let later = [&bytes[..], &[7; 4]].concat();
    assert_eq!(CaInfo::from_bytes(&later), Ok(info), "a later version");
    assert!(CaInfo::from_bytes(&bytes[..36]).is_err());
    let smaller = [&[36, 0, 0, 0], &bytes[4..]].concat();
    assert!(CaInfo::from_bytes(&smaller).is_err());
}

#[test]
fn ca_info_has_the_value_of_each_property_that_is_in_it() {
    let info = CaInfo {
        ca_type: 1,
        signature_certificates: 2,
        exchange_certificates: 3,
        exit_algorithms: 4,
        property_id_max: 5,
        role_separation: 6,
        key_recovery_certificates_used: 7,
        key_recovery_certificates: 8,
        advanced_server: 9,
    };
    let values: Vec<_> = (0..60).filter_map(|id| info.value(id).map(|value| (id, value))).collect();
    let expected = [(0x03, 4), (0x0A, 1), (0x0B, 2), (0x0E, 3), (0x15, 5), (0x17, 6), (0x18, 7), (0x19, 8), (0x1C, 9)];
    assert_eq!(values, expected);
    for id in 0..60 {
        let in_ca_info = find(id).is_some_and(|property| property.in_ca_info);
        assert_eq!(in_ca_info, info.value(id).is_some(), "{id}");
    }
}

#[test]
fn strings_end_with_a_terminator_and_are_read_without_one() {
    assert_eq!(string_to_bytes("CA"), b"C\0A\0\0\0");
    assert_eq!(string_from_bytes(b"C\0A\0\0\0").as_deref(), Some("CA"));
    assert_eq!(string_from_bytes(b"C\0A\0").as_deref(), Some("CA"));
    assert_eq!(string_from_bytes(b"").as_deref(), Some(""));
    assert_eq!(string_from_bytes(b"C\0A"), None, "odd");
    assert_eq!(string_from_bytes(b"C\0\0\0A\0"), None, "NUL inside");
    assert_eq!(string_from_bytes(b"\0\xD8"), None, "half a pair");
}

proptest! {
    #[test]
    fn values_survive(text in "[^\0]{0,20}", numbers: [u32; 9]) {
        prop_assert_eq!(string_from_bytes(&string_to_bytes(&text)), Some(text));
        let info = CaInfo {
            ca_type: numbers[0].cast_signed(),
            signature_certificates: numbers[1],
            exchange_certificates: numbers[2],
            exit_algorithms: numbers[3],
            property_id_max: numbers[4].cast_signed(),
            role_separation: numbers[5].cast_signed(),
            key_recovery_certificates_used: numbers[6],
            key_recovery_certificates: numbers[7],
            advanced_server: numbers[8],
        };
        prop_assert_eq!(CaInfo::from_bytes(&info.to_bytes()).unwrap(), info);
    }
}
