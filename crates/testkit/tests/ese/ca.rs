//! The database of a CA, with the tables of AD CS.

use std::time::Duration;

use ese::{Database, PageSource};
use testkit::ese::{Authority, CaDatabase, Format, disposition};

use crate::redo::{apply, over};

#[test]
fn a_sample_has_requests_of_every_kind_and_some_only_in_the_logs() {
    let authority = Authority::new("Lab CA", Duration::from_secs(100 * 3600)).unwrap();
    let material: Vec<_> = (0..50).map(|number| authority.material(number).unwrap()).collect();
    let crl = authority.revocation_list(1).unwrap();
    let set = CaDatabase::sample(Format::SERVER_2022, "Lab CA", 4, &material, &crl);
    let counts = |name: &str| set.truth.tables[name].len();
    // The last request was never committed.
    assert_eq!(counts("Requests"), 49);
    assert_eq!(counts("Certificates"), 49);
    assert_eq!(counts("RequestAttributes"), 49);
    assert_eq!(counts("CRLs"), 4);
    let mut kinds = std::collections::BTreeMap::new();
    for row in &set.truth.tables["Requests"] {
        let kind = u32::from_le_bytes(row["Disposition"][0].as_slice().try_into().unwrap());
        *kinds.entry(kind).or_insert(0) += 1;
    }
    let expected = [
        (disposition::PENDING, 5),
        (disposition::ISSUED, 29),
        (disposition::REVOKED, 5),
        (disposition::ERROR, 5),
        (disposition::DENIED, 5),
    ];
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), expected);

    let mut redo = over(&set);
    apply(&mut redo, &set.logs.values().cloned().collect::<Vec<_>>());
    assert_eq!(redo.open_transactions(), 1);
    redo.roll_back().unwrap();
    for (name, rows) in &set.truth.tables {
        assert_eq!(count(&redo, name), rows.len(), "{name}");
    }
    let before = over(&set);
    assert!(count(&before, "Requests") < 49, "every request is in the copy of the database already");
}

/// Rows that a reader finds; none when it cannot go on.
fn count<S: PageSource>(source: &S, table: &str) -> usize {
    let format = ese::Format { version: 0x620, update: Format::SERVER_2022.update_major };
    let Ok(database) = Database::open(source, format) else { return 0 };
    let Ok(table) = database.table(table) else { return 0 };
    let Ok(mut rows) = table.rows() else { return 0 };
    let mut count = 0;
    while let Ok(Some(_)) = rows.next() {
        count += 1;
    }
    count
}
