//! Pages that are taken apart and put together again.

use ese::page::{Page, PageImage};
use ese::{PageNumber, PageSource, checksum};

use crate::samples;

#[test]
fn every_page_of_the_samples_survives_being_taken_apart() {
    for sample in samples::databases() {
        let mut bytes = vec![0; sample.page_size()];
        let mut pages = 0;
        for number in (1..=sample.last_page().0).map(PageNumber) {
            sample.read_page(number, &mut bytes).unwrap();
            if checksum::verify_page(&bytes, number) != checksum::Verdict::Sound {
                continue;
            }
            let page = Page::new(number, &bytes).unwrap();
            let image = PageImage::of(&page).unwrap();
            assert_eq!(image.free(), Some(usize::from(page.header().free)), "{}: page {number}", sample.name);
            let again = image.to_bytes().unwrap();
            assert_eq!(checksum::verify_page(&again, number), checksum::Verdict::Sound);
            let again = Page::new(number, &again).unwrap();
            again.check().unwrap();
            assert_eq!(PageImage::of(&again).unwrap(), image, "{}: page {number}", sample.name);
            pages += 1;
        }
        println!("{}: {pages} pages", sample.name);
    }
}
