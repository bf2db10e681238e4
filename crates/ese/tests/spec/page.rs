//! Pages by themselves.

use ese::page::{Key, Layout, NodeFlags, Page, PageFlags, PageHeader, Tag};
use ese::{Error, JetError, ObjectId, PageNumber, PageSource};
use proptest::prelude::*;

use crate::samples;

#[test]
fn every_page_of_the_samples_is_sound_by_itself() {
    for sample in samples::databases() {
        let mut buffer = vec![0; sample.page_size()];
        let mut bad = Vec::new();
        for number in 1..=sample.last_page().0 {
            let number = PageNumber(number);
            sample.read_page(number, &mut buffer).unwrap();
            match Page::new(number, &buffer).and_then(|page| page.check()) {
                Err(Error::Page { code: JetError::PAGE_NOT_INITIALIZED, .. }) | Ok(()) => {}
                Err(_) => bad.push(number.0),
            }
        }
        // Raw disk garbage in one forensic copy; the trailer page of the backup copies, which is no page of a tree.
        let expected = match sample.name.as_str() {
            "dissect/SRUDB.dat" => (143..=158).collect(),
            name if name.starts_with("synthetic/fuzzy") => vec![sample.last_page().0],
            _ => Vec::new(),
        };
        assert_eq!(bad, expected, "{}", sample.name);
    }
}

#[test]
fn a_page_of_zeros_was_never_written() {
    let error = Page::new(PageNumber(7), &[0; 4096]).unwrap_err();
    assert_eq!(error.to_string(), "page 7: the page was never written (-1019 JET_errPageNotInitialized)");
}

#[test]
fn a_large_page_has_its_flags_in_the_nodes() {
    let bytes = include_bytes!("../../../testkit/corpus/ese_page/large");
    let page = Page::new(PageNumber(7), bytes).unwrap();
    page.check().unwrap();
    let keys: Vec<_> = page.nodes().map(|node| node.unwrap()).map(|node| (node.flags, node.key.to_vec())).collect();
    let key = |last| (NodeFlags::COMPRESSED, vec![0x7f, 0x80, 0, 0, last]);
    assert_eq!(keys, [key(2), key(3)]);
}

#[test]
fn the_key_of_a_child_is_above_its_own() {
    // Two children: up to, and from, key 7f 80000002.
    let bytes = include_bytes!("../../../testkit/corpus/ese_page/inner");
    let page = Page::new(PageNumber(5), bytes).unwrap();
    let child = |last| page.child_for(&[0x7f, 0x80, 0, 0, last]).unwrap();
    assert_eq!([child(1), child(2), child(3)], [0, 1, 1]);
    let children: Vec<_> = page.nodes().map(|node| node.unwrap().child().unwrap().0).collect();
    assert_eq!(children, [8, 9]);
}

#[test]
fn reserved_tags_come_before_the_nodes() {
    let bytes = include_bytes!("../../../testkit/corpus/ese_page/reserved_tag");
    let page = Page::new(PageNumber(7), bytes).unwrap();
    page.check().unwrap();
    assert_eq!((page.header().tag_count, page.header().reserved_tags, page.node_count()), (3, 2, 1));
    assert_eq!(page.line(1).unwrap().1, b"\x01x");
    assert_eq!(page.node(0).unwrap().key.to_vec(), [0x7f, 0x80, 0, 0, 2]);
}

#[test]
fn tags_that_overlap_are_found() {
    // Two nodes of 5 bytes, the second of which begins within the first.
    let header = PageHeader {
        checksum: 0,
        dbtime: 1,
        previous: None,
        next: None,
        objid: ObjectId(2),
        free: 4096 - 40 - 12 - 10,
        uncommitted_free: 0,
        first_free: 9,
        tag_count: 3,
        reserved_tags: 0,
        flags: PageFlags::LEAF,
    };
    let mut bytes = vec![0; 4096];
    bytes[..40].copy_from_slice(&header.to_bytes());
    let layout = Layout::of(4096).unwrap();
    for (index, offset) in [(2, 0), (3, 4)] {
        let tag = Tag { offset, size: 5, flags: NodeFlags::empty() };
        let at = 4096 - index * Tag::SIZE;
        bytes[at..at + Tag::SIZE].copy_from_slice(&tag.to_bytes(layout));
    }
    let page = Page::new(PageNumber(7), &bytes).unwrap();
    assert_eq!(page.check().unwrap_err().to_string(), "page 7: tags 1 and 2 overlap (-357 JET_errPageTagCorrupted)");
}

proptest! {
    #[test]
    fn keys_compare_as_one_piece(prefix in "[ab]{0,3}", suffix in "[ab]{0,3}", other in "[ab]{0,5}", cut in 0..5_usize) {
        let key = Key { prefix: prefix.as_bytes(), suffix: suffix.as_bytes() };
        let whole = format!("{prefix}{suffix}");
        prop_assert_eq!(key.cmp_bytes(other.as_bytes()), whole.as_bytes().cmp(other.as_bytes()));
        let (start, rest) = other.split_at(cut.min(other.len()));
        let other_key = Key { prefix: start.as_bytes(), suffix: rest.as_bytes() };
        prop_assert_eq!(key.cmp(&other_key), whole.as_bytes().cmp(other.as_bytes()));
    }

    #[test]
    fn headers_survive_a_round_trip(bytes in prop::array::uniform32(any::<u8>()), rest in prop::array::uniform8(any::<u8>())) {
        let mut bytes = [&bytes[..], &rest].concat();
        bytes[35] &= 0x7f;
        prop_assert_eq!(PageHeader::parse(&bytes).unwrap().to_bytes().to_vec(), bytes);
    }

    #[test]
    fn arbitrary_bytes_never_panic(seed in prop::collection::vec(any::<u8>(), 512), size in 0..6_u32) {
        let bytes: Vec<u8> = seed.iter().copied().cycle().take(1024 << size).collect();
        if let Ok(page) = Page::new(PageNumber(1), &bytes) {
            let _ = page.check();
            let _ = page.external_header();
            let _ = page.lower_bound(&seed[..8]);
            for node in page.nodes().flatten() {
                let _ = (node.child(), node.key.cmp_bytes(&seed[..3]), node.key.to_vec());
            }
        }
    }
}
