use certdb::BackupKind;
use serde_json::{Value, json};
use testkit::population::Population;

use super::{events, str, text, world};

fn differences(before: &str, after: &str, code: i32) -> Vec<Value> {
    events(&["diff", before, after], "difference", code)
}

/// Kind and request of each difference.
fn kinds(differences: &[Value]) -> Vec<(&str, Option<i64>)> {
    differences.iter().map(|one| (one["kind"].as_str().unwrap(), one["request"].as_i64())).collect()
}

#[test]
fn a_set_does_not_differ_from_itself_nor_from_the_same_state_in_another_form() {
    let (chain, last) = (world().path("sets/latest"), world().path("last"));
    for (before, after) in [(&chain, &chain), (&chain, &last), (&last, &chain)] {
        assert_eq!(differences(str(before), str(after), 0), [] as [Value; 0]);
        let text = text(&["diff", str(before), str(after)], 0);
        assert!(text.ends_with(": no differences\n"), "{text}");
    }
}

#[test]
fn what_happened_between_two_backups_is_told() {
    let (full, chain) = (world().path("full"), world().path("sets/latest"));
    let differences = differences(str(&full), str(&chain), 4);
    assert_eq!(
        kinds(&differences),
        [("revoked", Some(2)), ("issued", Some(4)), ("unrevoked", Some(6)), ("issued", Some(7)), ("crl_added", None),]
    );
    let changes = |index: usize, column: &str| {
        let changes = differences[index]["changes"].as_array().unwrap();
        changes.iter().find(|change| change["column"] == column).cloned().unwrap_or_default()
    };
    assert_eq!(
        changes(0, "Request.Disposition"),
        json!({ "column": "Request.Disposition", "before": 20, "after": 21 })
    );
    assert_eq!(changes(0, "Request.RevokedReason")["before"], Value::Null);
    assert_eq!(changes(1, "SerialNumber")["before"], Value::Null);
    assert!(changes(1, "extension 2.5.29.15")["after"]["bytes"].as_u64().unwrap() > 2);
    assert_eq!(differences[3]["is"]["serial"], world().later.serial.as_str());
    assert_eq!((&differences[4]["number"], &differences[4]["entries"]), (&3.into(), &2.into()));
    let result = &events(&["diff", str(&full), str(&chain)], "result", 4)[0];
    let counts = json!({ "crl_added": 1, "issued": 2, "revoked": 1, "unrevoked": 1 });
    assert_eq!((&result["same"], &result["counts"]), (&false.into(), &counts));

    let text = text(&["diff", str(&full), str(&chain)], 4);
    assert!(text.contains("\n             Request.Disposition: issued -> revoked\n"), "{text}");
    assert!(text.starts_with("revoked    request 2, serial "), "{text}");
    assert!(text.ends_with(": 1 crl added, 2 issued, 1 revoked, 1 unrevoked\n"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn going_back_is_a_rollback() {
    let (full, chain) = (world().path("full"), world().path("sets/latest"));
    let differences = differences(str(&chain), str(&full), 4);
    assert_eq!(
        kinds(&differences),
        [
            ("unrevoked", Some(2)),
            ("pending", Some(4)),
            ("revoked", Some(6)),
            ("deleted", Some(7)),
            ("rollback", None),
            ("crl_deleted", None),
            ("rollback", None),
        ]
    );
    let facts = |index: usize| (&differences[index]["of"], &differences[index]["before"], &differences[index]["after"]);
    assert_eq!(facts(4), (&"requests".into(), &7.into(), &6.into()));
    assert_eq!(facts(6), (&"crls".into(), &3.into(), &2.into()));
    assert_eq!(differences[3]["was"]["serial"], world().later.serial.as_str());
}

/// Two backups of one CA, and what happens between them.
fn between(prepare: impl FnOnce(&Population), happen: impl FnOnce(&Population)) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let ca = Population::new().unwrap();
    prepare(&ca);
    let (before, after) = (directory.path().join("before"), directory.path().join("after"));
    ca.back_up(BackupKind::Full, &before).unwrap();
    happen(&ca);
    ca.back_up(BackupKind::Full, &after).unwrap();
    differences(str(&before), str(&after), 4)
}

#[test]
fn numbers_that_are_given_out_again_are_told() {
    let differences = between(
        |ca| {
            ca.issue(&[]).unwrap();
            ca.issue(&[]).unwrap();
        },
        |ca| {
            // What a restore from before request 3 does.
            ca.execute(
                "DELETE FROM CertificateExtensions WHERE ExtensionRequestId = 3; DELETE FROM Certificates WHERE RequestID = 3;
                 DELETE FROM RequestAttributes WHERE AttributeRequestId = 3; DELETE FROM Requests WHERE RequestID = 3;
                 UPDATE sqlite_sequence SET seq = 2 WHERE name = 'Requests'",
            )
            .unwrap();
            assert_eq!(ca.issue(&[]).unwrap().id, 3);
            ca.issue(&[]).unwrap();
        },
    );
    assert_eq!(kinds(&differences), [("replaced", Some(3)), ("issued", Some(4)), ("rollback", None)]);
    assert_eq!(differences[2]["given_again"], 1);
    assert_ne!(differences[0]["was"]["serial"], differences[0]["is"]["serial"]);
}

#[test]
fn rows_that_are_deleted_changed_or_were_never_seen_are_told() {
    let differences = between(
        |ca| {
            ca.issue(&["CertificateTemplate:User"]).unwrap();
            let denied = ca.submit(&[]).unwrap();
            ca.deny(denied).unwrap();
            ca.submit(&[]).unwrap();
        },
        |ca| {
            ca.execute(
                "UPDATE Requests SET DispositionMessage = 'rewritten' WHERE RequestID = 2;
                 UPDATE RequestAttributes SET AttributeValue = 'Admin' WHERE AttributeRequestId = 2;
                 DELETE FROM Requests WHERE RequestID = 3;
                 UPDATE CRLs SET CRLPublishAttempts = 9",
            )
            .unwrap();
            ca.deny(4).unwrap();
            let lost = ca.submit(&[]).unwrap();
            ca.submit(&[]).unwrap();
            ca.execute(&format!("DELETE FROM Requests WHERE RequestID = {lost}")).unwrap();
        },
    );
    assert_eq!(
        kinds(&differences),
        [
            ("changed", Some(2)),
            ("deleted", Some(3)),
            ("denied", Some(4)),
            ("numbers_missing", None),
            ("pending", Some(6)),
            ("crl_changed", None),
        ]
    );
    assert_eq!(
        differences[0]["changes"],
        json!([
            { "column": "Request.DispositionMessage", "before": "Issued", "after": "rewritten" },
            { "column": "attribute CertificateTemplate", "before": "User", "after": "Admin" },
        ])
    );
    assert_eq!((&differences[3]["first"], &differences[3]["last"]), (&5.into(), &5.into()));
    assert_eq!(differences[5]["changes"][0]["column"], "CRLPublishAttempts");
}

#[test]
fn large_lists_are_compared_by_their_bytes() {
    let differences = between(
        |ca| ca.execute("UPDATE CRLs SET CRLRawCRL = zeroblob(200000)").unwrap(),
        |ca| ca.execute("UPDATE CRLs SET CRLRawCRL = CAST(zeroblob(199999) || x'01' AS BLOB)").unwrap(),
    );
    assert_eq!(kinds(&differences), [("crl_replaced", None)]);
    let differences = between(
        |ca| ca.execute("UPDATE CRLs SET CRLRawCRL = zeroblob(200000)").unwrap(),
        |ca| ca.publish_crl().unwrap(),
    );
    assert_eq!(kinds(&differences), [("crl_added", None)], "the same large list is the same");
}
