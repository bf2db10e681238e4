use adcs::certsrvd::Database;
use adcs::filter::FilterError;
use adcs::{Catalog, FileTime, Filter, Join, Scan, Table};
use proptest::prelude::*;

use crate::certsrvd::sample;

/// 2024-01-01.
const NOW: FileTime = FileTime(133_485_408_000_000_000);

/// The requests of the sample for which an expression holds.
fn ids(expression: &str) -> Vec<i64> {
    let (_directory, path) = sample("");
    let database = Database::open(&path).unwrap();
    let filter =
        Filter::parse(expression, &Catalog::of(&database), NOW).unwrap_or_else(|error| panic!("{expression}: {error}"));
    let mut scans =
        [Scan::of(Table::Requests).columns(["RequestID"]), Scan::of(Table::Certificates).columns(["RequestID"])];
    filter.need(&mut scans);
    let mut join = Join::new(&database, &scans).unwrap();
    let mut ids = Vec::new();
    while let Some(entry) = join.next().unwrap() {
        if filter.matches(&entry) {
            ids.push(entry.id());
        }
    }
    ids
}

#[test]
fn words_numbers_and_case() {
    assert_eq!(ids("disposition=issued"), [2]);
    assert_eq!(ids("DISPOSITION = Denied OR Disposition=0x15"), [3, 7]);
    assert_eq!(ids("disposition>=20 and disposition<31"), [2, 7]);
    assert_eq!(ids("id>2 and requestid<9"), [3, 7]);
    assert_eq!(ids("reason=keyCompromise"), [7]);
    assert_eq!(ids("status=0x80094014"), [3]);
    assert_eq!(ids("status!=0"), [3, 9]);
}

#[test]
fn dates_are_days_seconds_or_relative_to_now() {
    assert_eq!(ids("submitted=2024-01-01"), [2, 3, 7]);
    assert_eq!(ids("submitted=2024-01-01T00:00:00Z"), [2, 3, 7]);
    assert_eq!(ids("submitted=2024-01-01T00:00:00.0000001Z"), [3]);
    assert_eq!(ids("submitted<2024-01-01"), [0; 0]);
    assert_eq!(ids("submitted<=2024-01-01"), [2, 3, 7]);
    assert_eq!(ids("notafter>now+30d"), [2]);
    assert_eq!(ids("notafter<NOW+30D"), [7]);
    assert_eq!(ids("notafter>=now-1h and notafter<=now+1w"), [7]);
}

#[test]
fn text_serials_and_hashes_compare_as_a_person_means_them() {
    assert_eq!(ids("template~WEB"), [2]);
    assert_eq!(ids("requester='corp\\ALICE'"), [2, 7]);
    assert_eq!(ids("serial=4F2A"), [2]);
    assert_eq!(ids("serial='00:4f 2a'"), [2]);
    assert_eq!(ids("serial~1AB"), [7]);
    assert_eq!(ids("serial>62"), [2, 7], "as numbers, not as text");
    assert_eq!(ids("thumbprint=4f2aAA and hash~'2a a'"), [2]);
    assert_eq!(ids("subject=cn=www or subject~n=mai"), [2, 7], "a value may have operators in it, but not in front");
}

#[test]
fn none_and_what_has_no_value() {
    assert_eq!(ids("revoked=none"), [2, 3, 9]);
    assert_eq!(ids("revoked != NONE"), [7]);
    assert_eq!(ids("template!=user"), [2, 3, 9]);
    assert_eq!(ids("not template=user"), [2, 3, 9]);
    assert_eq!(ids("template<zzz"), [2, 7]);
    assert_eq!(ids("commonname='none'"), [0; 0], "in quotes it is a text");
}

#[test]
fn and_binds_stronger_than_or_and_brackets_strongest() {
    assert_eq!(ids("id=2 or id=3 and template=user"), [2]);
    assert_eq!(ids("(id=2 or id=3) and template=none"), [3]);
    assert_eq!(ids("not id=2 and not (id=3 or id=9)"), [7]);
    assert_eq!(ids("not not id=2"), [2]);
}

#[test]
fn errors_point_at_the_column_and_say_what_is_known() {
    let check = |expression: &str, column: usize, part: &str| {
        let error: FilterError = Filter::parse(expression, &Catalog::standard(), NOW).unwrap_err();
        assert_eq!(error.column, column, "{expression}: {error}");
        assert!(error.problem.contains(part), "{expression}: {error}");
    };
    check("", 1, "a test is wanted");
    check("serial", 7, "one of = != < <= > >= ~ is wanted");
    check("serial =", 9, "a value is wanted");
    check("serial = xyz", 10, "serial is in hexadecimal digits, 'xyz' is not");
    check("id=1 and colour=red", 10, "'colour' is no field; there are id, ");
    check("id=1 id=2", 6, "'and' or 'or' is wanted here");
    check("id==1", 4, "a value is wanted here; quote one that begins with an operator");
    check("(id=1", 6, "')' is wanted for the '(' in column 1");
    check("id=1)", 5, "'and' or 'or' is wanted here");
    check("disposition=lost", 13, "'lost' is no disposition; there are active, pending, ");
    check("notafter<tomorrow", 10, "write 2026-12-01, ");
    check("notafter~2026", 10, "notafter is a date; ~ is for text");
    check("id~2", 4, "id is a number; ~ is for text");
    check("revoked<none", 9, "with none only = and != are possible");
    check("requester='x", 11, "has no closing '");
    check("! id=1", 1, "'!' stands only before '='");
    check("RawRequest=00", 12, "can only be compared with none");
    check("ü=1", 1, "'ü' is no field");
    check(&format!("{}id=1", "(".repeat(100)), 65, "more brackets than can be followed");
    check(&"x".repeat(70_000), 1, "more than 65536 bytes");
    assert!(Filter::parse("colour=red", &Catalog::standard(), NOW).unwrap_err().unknown_field);
    assert!(!Filter::parse("id=red", &Catalog::standard(), NOW).unwrap_err().unknown_field);
}

/// Something like an expression.
fn expression() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "id",
        "serial",
        "disposition",
        "notafter",
        "template",
        "hash",
        "status",
        "Request.CommonName",
    ]);
    let operator = prop::sample::select(vec!["=", "!=", "<", "<=", ">", ">=", "~"]);
    let value = prop_oneof![
        Just("none".to_owned()),
        Just("issued".to_owned()),
        "[0-9a-f]{1,20}",
        "\"[^\"]{0,12}\"",
        "'[^']{0,12}'",
        "now[+-][0-9]{1,3}[hdw]",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T12:34:56(\\.[0-9]{1,9})?(Z|[+-]0[0-9]:30)",
    ];
    let test = (field, operator, value).prop_map(|(field, operator, value)| format!("{field} {operator} {value}"));
    test.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|inner| format!("not ({inner})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{a} and {b}")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or {b}")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_understood_is_understood_again_when_written_down(text in expression()) {
        if let Ok(filter) = Filter::parse(&text, &Catalog::standard(), NOW) {
            let again = Filter::parse(&filter.to_string(), &Catalog::standard(), NOW);
            prop_assert_eq!(again, Ok(filter));
        }
    }

    #[test]
    fn anything_is_parsed_or_refused_inside_the_text(text in "\\PC{0,60}") {
        if let Err(error) = Filter::parse(&text, &Catalog::standard(), NOW) {
            prop_assert!((1..=text.chars().count() + 1).contains(&error.column));
        }
    }
}
