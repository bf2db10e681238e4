//! Checksums of pages and segments.

use ese::PageNumber;
use ese::checksum::{self, Verdict};
use ese::header::read_header;

use crate::samples;

/// Pages of a disk that were never this database: a forensic copy with holes.
const GARBAGE: &str = "dissect/SRUDB.dat";

#[test]
fn every_page_that_windows_wrote_fits_its_sum() {
    let (mut files, mut sound, mut blank) = (0, 0, 0);
    for (name, bytes) in samples::files(|bytes| read_header(bytes).is_ok()) {
        let (header, _) = read_header(&bytes).unwrap();
        let pages = bytes.chunks_exact(header.page_size).skip(2);
        let pages = if header.this_backup.low == 0 { pages.len() } else { pages.len() - 1 };
        let mut bad = 0;
        for (number, page) in (1..).zip(bytes.chunks_exact(header.page_size).skip(2).take(pages)) {
            match checksum::verify_page(page, PageNumber(number)) {
                Verdict::Sound => sound += 1,
                Verdict::Blank => blank += 1,
                _ => bad += 1,
            }
        }
        files += 1;
        assert_eq!(bad, if name == GARBAGE { 16 } else { 0 }, "{name}");
    }
    println!("{files} databases, {sound} pages sound, {blank} never written");
}

fn composed(page_size: usize) -> Vec<u8> {
    let mut page: Vec<u8> = (0..page_size).map(|at| (at * 7 + at / 256) as u8).collect();
    checksum::seal_page(&mut page, PageNumber(77));
    page
}

#[test]
fn every_wrong_bit_is_found_and_named() {
    for page_size in [2048, 4096, 8192, 0x4000, 0x8000] {
        let page = composed(page_size);
        assert_eq!(checksum::verify_page(&page, PageNumber(77)), Verdict::Sound, "{page_size}");
        for bit in 0..page_size * 8 {
            let mut broken = page.clone();
            broken[bit / 8] ^= 1 << (bit % 8);
            let verdict = checksum::verify_page(&broken, PageNumber(77));
            // The sum of the first block, and the flag that says of which kind it is, cannot correct themselves.
            if bit < 64 || bit == 36 * 8 + 13 {
                assert!(matches!(verdict, Verdict::Damaged { .. }), "{page_size}: bit {bit}: {verdict:?}");
            } else {
                assert_eq!(verdict, Verdict::Correctable { bits: vec![bit as u32] }, "{page_size}");
                checksum::correct(&mut broken, &[bit as u32]);
                assert_eq!(broken, page);
            }
        }
    }
}

#[test]
fn two_wrong_bits_of_a_block_are_damage() {
    let page = composed(4096);
    for (one, other) in [(500, 501), (500, 500 + 128), (64, 32767), (1000, 20000)] {
        let mut broken = page.clone();
        for bit in [one, other] {
            broken[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(matches!(checksum::verify_page(&broken, PageNumber(77)), Verdict::Damaged { .. }), "{one} {other}");
    }
}

#[test]
fn wrong_bits_in_two_blocks_of_a_large_page_are_both_named() {
    let page = composed(0x8000);
    let (one, other) = (1000, 0x4000 * 8 + 3);
    let mut broken = page.clone();
    for bit in [one, other] {
        broken[bit / 8] ^= 1 << (bit % 8);
    }
    let verdict = checksum::verify_page(&broken, PageNumber(77));
    assert_eq!(verdict, Verdict::Correctable { bits: vec![one as u32, other as u32] });
}

#[test]
fn a_page_in_the_place_of_another_is_damage() {
    assert!(matches!(checksum::verify_page(&composed(4096), PageNumber(78)), Verdict::Damaged { .. }));
}

#[test]
fn a_page_in_the_old_format_names_its_number() {
    let mut page: Vec<u8> = (0..4096).map(|at| (at % 251) as u8).collect();
    page[36..40].fill(0);
    page[4..8].copy_from_slice(&9_u32.to_le_bytes());
    checksum::seal_header(&mut page);
    assert_eq!(checksum::verify_page(&page, PageNumber(9)), Verdict::Sound);
    assert!(matches!(checksum::verify_page(&page, PageNumber(10)), Verdict::Damaged { .. }));
    page[700] ^= 1;
    assert!(matches!(checksum::verify_page(&page, PageNumber(9)), Verdict::Damaged { .. }));
}

#[test]
fn a_page_of_zeros_was_never_written() {
    assert_eq!(checksum::verify_page(&[0; 8192], PageNumber(1)), Verdict::Blank);
}
