//! Pages that are taken apart and put together again.

use ese::page::{Layout, Page, PageFlags, PageHeader, PageImage, StoredNode, Tag};
use ese::{ObjectId, PageNumber, PageSource, checksum};

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

#[test]
fn what_no_page_can_hold_is_not_written() {
    let empty = || PageImage::new(PageNumber(7), Layout::of(0x8000).unwrap(), ObjectId(2), PageFlags::LEAF, 1);
    let node = |suffix: usize| StoredNode { suffix: vec![b'k'; suffix], ..StoredNode::default() };
    let most = usize::from(PageHeader::MOST_TAGS);
    let check = |image: PageImage, problem: Option<&str>| {
        assert_eq!(image.problem(), problem);
        assert_eq!(image.to_bytes().is_err(), problem.is_some());
    };
    check(PageImage { nodes: vec![node(0); most - 1], ..empty() }, None);
    check(PageImage { nodes: vec![node(0); most], ..empty() }, Some("there are more nodes than a page has tags"));
    check(PageImage { nodes: vec![node(0x1FFF)], ..empty() }, None);
    check(PageImage { nodes: vec![node(0x2000)], ..empty() }, Some("a key is longer than a node can say"));
    let nodes = vec![StoredNode { prefix: 3, ..node(1) }];
    check(PageImage { nodes: nodes.clone(), ..empty() }, Some("a key is longer than a node can say"));
    check(PageImage { nodes, reserved: vec![b"abc".to_vec()], ..empty() }, None);
    check(
        PageImage { nodes: vec![node(1)], reserved: Vec::new(), ..empty() },
        Some("there are nodes on a page without an external header"),
    );
    check(
        PageImage { nodes: vec![node(0x1FFF); 4], ..empty() },
        Some("there is more on the page than it has room for"),
    );
}

#[test]
fn a_page_whose_tags_share_their_bytes_is_not_taken_apart() {
    // 250 tags that all point at the same 3000 bytes.
    let layout = Layout::of(4096).unwrap();
    let mut bytes = PageImage::new(PageNumber(7), layout, ObjectId(2), PageFlags::LEAF, 1).to_bytes().unwrap();
    let tags = 250_u16;
    bytes[34..36].copy_from_slice(&tags.to_le_bytes());
    for index in 0..usize::from(tags) {
        let at = 4096 - (index + 1) * Tag::SIZE;
        bytes[at..at + 4].copy_from_slice(&[0xB8, 0x0B, 0, 0]);
    }
    let page = Page::new(PageNumber(7), &bytes).unwrap();
    assert_eq!(
        PageImage::of(&page).unwrap_err().to_string(),
        "page 7: the tags overlap (-357 JET_errPageTagCorrupted)"
    );
}
