//! Checksums of pages, over every page of the samples and over composed ones.

use ese::checksum::{self, Verdict};
use ese::database::read_header;
use ese::PageNumber;

use crate::samples;

#[test]
fn every_page_that_windows_wrote_fits_its_sum() {
    let mut counts = Vec::new();
    for (name, bytes) in samples::files(|bytes| read_header(bytes).is_ok()) {
        let (header, copy) = read_header(&bytes).expect("it is a database");
        let (mut sound, mut blank, mut bad) = (0, 0, Vec::new());
        for (number, page) in (1..).zip(bytes.chunks_exact(header.page_size).skip(2)) {
            match checksum::verify_page(page, PageNumber(number)) {
                Verdict::Sound => sound += 1,
                Verdict::Blank => blank += 1,
                other => bad.push((number, other)),
            }
        }
        println!("{name}: {copy:?} {:?} {:#x} {}: sound {sound}, blank {blank}, bad {}", header.state, header.update_major, header.page_size, bad.len());
        counts.push((name, sound, bad.len()));
    }
}
