//! Compressed values.

use ese::compression::CompressionError::{Corrupt, Scrubbed, Unsupported};
use ese::compression::{CompressionError, decompress};
use proptest::prelude::*;

fn check(bytes: &str, expected: Result<&str, CompressionError>) {
    let result = decompress(&hex::decode(bytes.replace(' ', "")).unwrap());
    assert_eq!(result, expected.map(|text| text.as_bytes().to_vec()), "{bytes}");
}

#[test]
fn seven_bit_ascii() {
    // 1100001 1100010, lowest bits first; of the last byte 6 bits count.
    check("0d 6131", Ok("ab"));
    // Eight characters fill seven bytes.
    check("0f 61f1985c369fd1", Ok("abcdefgh".get(..8).unwrap()));
    check("0e 61", Ok("a"));
    check("0f 61", Err(Corrupt));
    check("0f", Err(Corrupt));
}

#[test]
fn seven_bit_unicode() {
    check("15 6131", Ok("a\0b\0"));
    check("16 61", Ok("a\0"));
}

#[test]
fn xpress_as_the_specification_has_it() {
    // [MS-XCA] 3.1: literals only, then one match of 297 bytes.
    check("18 1a00 3f000000 6162636465666768696a6b6c6d6e6f707172737475767778797a", Ok("abcdefghijklmnopqrstuvwxyz"));
    check("18 2c01 ffffff1f 616263 1700 0f ff 2601", Ok(&"abc".repeat(100)));
}

#[test]
fn xpress_lengths_share_a_byte() {
    // One character, then matches of 7 + 2 + 3 and 7 + 5 + 3 bytes whose nibbles are 2 and 5.
    check("18 1c00 ffffff7f 61 0700 52 0700", Ok(&"a".repeat(28)));
}

#[test]
fn xpress_that_is_no_xpress() {
    // A distance before the start, a length of 16 bits that would have fitted a byte, an end within a match.
    check("18 1a00 ffffff7f 61 1700 00", Err(Corrupt));
    check("18 2c01 ffffff1f 616263 1700 0f ff 1401", Err(Corrupt));
    check("18 2c01 ffffff1f 616263 17", Err(Corrupt));
    check("18 2c", Err(Corrupt));
    check("", Err(Corrupt));
}

#[test]
fn other_schemes_are_named() {
    check("20 4c4c", Err(Scrubbed));
    check("28 00", Err(Unsupported("XPRESS9 compression")));
    check("30 00", Err(Unsupported("XPRESS10 compression")));
    check("38 00", Err(Unsupported("LZ4 compression")));
    check("00 00", Err(Corrupt));
    check("f8 00", Err(Corrupt));
}

/// Seven bits a character, lowest first.
fn pack(characters: &[u8]) -> Vec<u8> {
    let mut bits = Vec::new();
    for character in characters {
        bits.extend((0..7).map(|bit| character >> bit & 1));
    }
    let last = u8::try_from((bits.len() - 1) % 8).unwrap();
    let bytes = bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit));
    [1 << 3 | last].into_iter().chain(bytes).collect()
}

proptest! {
    #[test]
    fn packed_characters_come_back(characters in prop::collection::vec(0..128_u8, 1..100)) {
        prop_assert_eq!(decompress(&pack(&characters)), Ok(characters));
    }

    #[test]
    fn arbitrary_bytes_never_panic(scheme in 0..8_u8, mut bytes in prop::collection::vec(any::<u8>(), 1..300)) {
        bytes[0] = scheme << 3 | bytes[0] & 7;
        if let Ok(result) = decompress(&bytes) {
            prop_assert!(result.len() <= usize::from(u16::MAX));
        }
    }
}
