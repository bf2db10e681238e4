//! Writing and reading.

use crate::bed::{Bed, insert, rows};

#[test]
fn what_was_written_is_there_after_closing_and_opening() {
    let bed = Bed::new();
    let database = bed.create();
    insert(&database, 0..200);
    assert_eq!(rows(&database), (0..200).collect());
    database.close().unwrap();
    let database = bed.open();
    assert_eq!(rows(&database), (0..200).collect());
    insert(&database, 200..300);
    drop(database);
    assert_eq!(rows(&bed.open()), (0..300).collect());
}
