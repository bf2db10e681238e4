//! The database of a CA, with the tables of AD CS.

use ese::{Database, PageSource};
use testkit::ese::{CaDatabase, Certificate, Format, Request, disposition};

use crate::redo::{apply, over};

/// Requests and certificates of a CA in files that the tests have anyway; the bytes alone count here.
fn material() -> Vec<(Request, Certificate)> {
    const REQUEST: &[u8] = include_bytes!("../../corpus/certsrvd_pkcs10/p256.der");
    (0..50u32)
        .map(|number| {
            let name = format!("host{number}.example");
            let submitted = 133_500_000_000_000_000 + u64::from(number) * 36_000_000_000;
            let request = Request {
                raw: REQUEST.to_vec(),
                requester: format!("CONTOSO\\user{}", number % 7),
                common_name: name.clone(),
                attributes: vec![("CertificateTemplate".into(), "WebServer".into()), ("ccm".into(), name.clone())],
                submitted,
            };
            let certificate = Certificate {
                raw: REQUEST.repeat(3),
                serial: format!("4100000{number:04x}"),
                hash: format!("4f 2a {number:02x}"),
                template: "WebServer".into(),
                common_name: name,
                not_before: submitted,
                not_after: submitted + 365 * 864_000_000_000,
                extensions: vec![
                    ("2.5.29.15".into(), 0x1_0001, vec![3, 2, 5, 0xA0]),
                    ("2.5.29.17".into(), 0, vec![0x30, 0]),
                ],
            };
            (request, certificate)
        })
        .collect()
}

#[test]
fn a_sample_has_requests_of_every_kind_and_some_only_in_the_logs() {
    let crl = vec![0x30; 9000];
    let set = CaDatabase::sample(Format::SERVER_2022, "Lab CA", 4, &material(), &crl);
    let counts = |name: &str| set.truth.tables[name].len();
    // The last request was never committed.
    assert_eq!(counts("Requests"), 49);
    assert_eq!(counts("Certificates"), 49);
    assert_eq!(counts("RequestAttributes"), 98);
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
