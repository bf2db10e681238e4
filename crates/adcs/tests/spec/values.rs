use adcs::{FileTime, SerialNumber, Value};
use proptest::prelude::*;

#[test]
fn times_are_shown_in_utc_with_a_fraction_only_when_they_have_one() {
    assert_eq!(FileTime(133_485_408_000_000_000).to_string(), "2024-01-01T00:00:00Z");
    assert_eq!(FileTime(133_485_408_000_000_001).to_string(), "2024-01-01T00:00:00.0000001Z");
    assert_eq!(FileTime(0).to_string(), "1601-01-01T00:00:00Z");
    assert_eq!(FileTime(i64::MAX).to_string(), "FILETIME 9223372036854775807");
    assert_eq!(
        FileTime::from_le_bytes([0x00, 0x80, 0x3E, 0xD5, 0xDE, 0xB1, 0x9D, 0x01]),
        FileTime(116_444_736_000_000_000)
    );
}

#[test]
fn serial_numbers_compare_as_numbers() {
    let parse = |text| SerialNumber::parse(text).map(|serial| serial.to_string());
    for text in ["4f2aa3", "4F 2A A3", "00:4f:2a:a3", "0x4F2AA3", "  004f2aa3 "] {
        assert_eq!(parse(text).as_deref(), Some("4f2aa3"), "{text}");
    }
    assert_eq!(parse("000").as_deref(), Some("0"));
    for text in ["", " ", "0x", "4g", "-4f", "4f-2a"] {
        assert_eq!(parse(text), None, "{text}");
    }
    assert_eq!(SerialNumber::of_bytes(&[0, 0x4F, 0x2A]).to_string(), "4f2a");
}

#[test]
fn codes_are_32_bits_however_they_were_stored() {
    assert_eq!(Value::Long(0x8009_4014).code(), Some(0x8009_4014));
    assert_eq!(Value::Long(i64::from(0x8009_4014_u32.cast_signed())).code(), Some(0x8009_4014));
    assert_eq!(Value::Long(-1).code(), Some(0xFFFF_FFFF));
    assert_eq!(Value::Long(i64::MAX).code(), None);
    assert_eq!(Value::Text("1".to_owned()).code(), None);
}

proptest! {
    #[test]
    fn every_time_has_a_text(intervals: i64) {
        prop_assert!(!FileTime(intervals).to_string().is_empty());
    }

    #[test]
    fn a_serial_number_survives_its_text(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
        let serial = SerialNumber::of_bytes(&bytes);
        prop_assert_eq!(SerialNumber::parse(&serial.to_string()), Some(serial));
    }
}
