//! Pages and their order.

use ese::PageNumber;
use ese::checksum::{Verdict, verify_page};
use ese::page::Page;

use crate::scene::{at_rest, formats};

#[test]
fn every_page_is_sound_and_accounts_for_every_byte() {
    for format in formats() {
        let (engine, _) = at_rest(format);
        let file = engine.database_file();
        let mut written = 0;
        for (number, bytes) in (1..).zip(file.chunks(format.page_size).skip(2)) {
            match verify_page(bytes, PageNumber(number)) {
                Verdict::Blank => continue,
                verdict => assert_eq!(verdict, Verdict::Sound, "page {number}"),
            }
            Page::new(PageNumber(number), bytes).unwrap().check().unwrap();
            written += 1;
        }
        assert!(written > 30, "{written} pages of {format:?}");
    }
}

#[test]
fn small_pages_make_trees_of_three_levels() {
    use testkit::ese::{Engine, Format, Row, Session};

    let mut engine = Engine::create(Format::SERVER_2022, r"C:\ca\ca.edb", 1, 256);
    let table = engine.create_table(crate::scene::table());
    let session = Session(7);
    engine.begin(session);
    for number in 0..9000u32 {
        let mut row = Row::new();
        row.insert("Plain".to_owned(), vec![vec![b'x'; 200]]);
        row.insert("Id".to_owned(), vec![number.wrapping_mul(0x9E37_79B9).to_le_bytes().to_vec()]);
        engine.insert_row(session, table, row);
    }
    engine.commit(session);
    let (levels, leaves) = engine.shape(table);
    assert!(levels == 3 && leaves > 500, "{levels} levels, {leaves} leaves");
}

#[test]
fn the_same_calls_make_the_same_bytes() {
    let format = testkit::ese::Format::SERVER_2022;
    let file = || at_rest(format).0.database_file();
    assert!(file() == file());
}
