use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64ct::{Base64, Encoding};
use rusqlite::Connection;

use super::{events, failure, str, text, world};

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// What openssl says about a file; `None` where it is not installed.
fn openssl(arguments: &[&str], file: &Path) -> Option<String> {
    let Ok(output) = Command::new("openssl").args(arguments).arg("-in").arg(file).output() else {
        eprintln!("skipped: openssl is not installed");
        return None;
    };
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn pem_files_are_those_that_were_issued_and_openssl_reads_them() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("pem");
    let line = text(&["export", str(&world().path("sets/latest")), "--pem", str(&out)], 0);
    assert_eq!(line, format!("{}: 6 certificates, 3 crls\n", out.display()));
    let web = format!("00000002-{}.pem", world().web.serial);
    let later = format!("00000007-{}.pem", world().later.serial);
    let names = names(&out);
    assert_eq!(names.len(), 9, "{names:?}");
    assert!(names.contains(&web) && names.contains(&later), "{names:?}");
    assert_eq!(names[6..], ["crl-00000001-1.pem", "crl-00000002-2.pem", "crl-00000003-3.pem"]);
    assert_eq!(fs::read_to_string(out.join(&web)).unwrap(), world().web.pem);
    for name in &names[..6] {
        if let Some(text) = openssl(&["x509", "-noout", "-serial"], &out.join(name)) {
            let serial = text.trim().strip_prefix("serial=").unwrap().to_lowercase();
            assert!(name.contains(serial.trim_start_matches('0')), "{name}: {text}");
        }
    }
    if let Some(text) = openssl(&["crl", "-noout", "-text"], &out.join(&names[8])) {
        assert!(text.to_lowercase().contains(&world().web.serial), "{text}");
        assert!(!text.to_lowercase().contains(&world().held.serial), "{text}");
    }
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(out.join(&web)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn only_what_was_asked_for_becomes_pem() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("pem");
    let full = world().path("full");
    let result = &events(&["export", str(&full), "--pem", str(&out), "--where", "disposition=revoked"], "result", 0)[0];
    assert_eq!(result["written"], serde_json::json!({ "certificates": 2, "crls": 0 }));
    assert_eq!(names(&out).len(), 2);
}

#[test]
fn the_sqlite_database_has_the_tables_with_types_and_every_value() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("ca.sqlite");
    let set = world().path("sets/latest");
    let result = &events(&["export", str(&set), "--sqlite", str(&out)], "result", 0)[0];
    assert_eq!((&result["written"]["Requests"], &result["written"]["CRLs"]), (&7.into(), &3.into()));
    let database = Connection::open(&out).unwrap();
    let check: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let kinds = |table: &str| -> Vec<(String, String)> {
        let mut statement = database.prepare("SELECT name, type FROM pragma_table_info(?1)").unwrap();
        statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let requests = kinds("Requests");
    for (name, kind) in
        [("RequestID", "INTEGER"), ("RawRequest", "BLOB"), ("SubmittedWhen", "TEXT"), ("RequesterName", "TEXT")]
    {
        assert!(requests.contains(&(name.to_owned(), kind.to_owned())), "{name}");
    }
    let (submitted, kind, requester): (String, String, String) = database
        .query_row(
            "SELECT SubmittedWhen, typeof(RawRequest), RequesterName FROM Requests WHERE RequestID = 6",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    assert!(submitted.starts_with("20") && submitted.ends_with('Z'), "{submitted}");
    assert_eq!((kind.as_str(), requester.as_str()), ("blob", super::HOSTILE), "values are as they were");
    let crl: Vec<u8> =
        database.query_row("SELECT CRLRawCRL FROM CRLs WHERE CRLNumber = 3", [], |row| row.get(0)).unwrap();
    assert_eq!(adcs::decode::Crl::decode(&crl).unwrap().entries, 2);
    let template: String = database
        .query_row(
            "SELECT AttributeValue FROM RequestAttributes WHERE AttributeRequestId = 7 AND AttributeName = 'CertificateTemplate'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(template, "WebServer");
    assert_eq!(names(directory.path()), ["ca.sqlite"], "nothing else is left");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn csv_files_are_one_per_table_and_lists_are_files_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("csv");
    let set = world().path("sets/latest");
    assert_eq!(super::cabak(&["export", str(&set), "--csv", str(&out)]).status.code(), Some(0));
    assert_eq!(
        names(&out),
        [
            "CRLs.csv",
            "CertificateExtensions.csv",
            "Certificates.csv",
            "RequestAttributes.csv",
            "Requests.csv",
            "crl-00000001.crl",
            "crl-00000002.crl",
            "crl-00000003.crl",
        ]
    );
    let read = |name: &str| -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_path(out.join(name)).unwrap();
        reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
    };
    let requests = read("Requests.csv");
    assert_eq!((requests.len(), requests[0][0].as_str()), (8, "RequestID"));
    let requester = requests[0].iter().position(|name| name == "RequesterName").unwrap();
    assert_eq!(requests[6][requester], "CORP\\evil\\u{1b}[31m,\"x\"\\n\\u{202e}=2");
    let certificates = read("Certificates.csv");
    let raw = certificates[0].iter().position(|name| name == "RawCertificate").unwrap();
    let web: String = world().web.pem.lines().filter(|line| !line.starts_with("-----")).collect();
    assert_eq!(certificates[2][raw], web, "base64 of the same bytes");
    let crls = read("CRLs.csv");
    let raw = crls[0].iter().position(|name| name == "CRLRawCRL").unwrap();
    assert_eq!(crls[3][raw], "crl-00000003.crl");
    openssl(&["crl", "-inform", "DER", "-noout"], &out.join("crl-00000003.crl"));
}

#[test]
fn values_larger_than_what_comes_with_a_row_are_whole() {
    let ca = testkit::population::Population::new().unwrap();
    let directory = tempfile::tempdir().unwrap();
    ca.execute(
        "UPDATE CRLs SET CRLRawCRL = randomblob(3000001); UPDATE Requests SET RawArchivedKey = randomblob(2000003)",
    )
    .unwrap();
    ca.back_up(certdb::BackupKind::Full, &directory.path().join("set")).unwrap();
    let set = directory.path().join("set");
    let crl = &events(&["crls", str(&set)], "crl", 0)[0];
    assert_eq!(crl["size"], 3_000_001);
    let sqlite = directory.path().join("ca.sqlite");
    let tables = directory.path().join("tables");
    let pem = directory.path().join("pem");
    for (option, out) in [("--sqlite", &sqlite), ("--csv", &tables), ("--pem", &pem)] {
        assert_eq!(super::cabak(&["export", str(&set), option, str(out)]).status.code(), Some(0), "{option}");
    }
    let database = Connection::open(&sqlite).unwrap();
    let blob = |statement: &str| -> Vec<u8> { database.query_row(statement, [], |row| row.get(0)).unwrap() };
    let crl = blob("SELECT CRLRawCRL FROM CRLs");
    assert_eq!(crl.len(), 3_000_001);
    assert!(fs::read(tables.join("crl-00000001.crl")).unwrap() == crl);
    let key = blob("SELECT RawArchivedKey FROM Requests");
    assert!(fs::read(tables.join("Requests-00000001-RawArchivedKey.bin")).unwrap() == key);
    let text = fs::read_to_string(pem.join("crl-00000001-1.pem")).unwrap();
    let body: String = text.lines().filter(|line| !line.starts_with("-----")).collect();
    assert!(Base64::encode_string(&crl) == body, "PEM of the same bytes");
}

#[test]
fn nothing_is_replaced_and_nothing_half_done_is_left() {
    let directory = tempfile::tempdir().unwrap();
    let full = world().path("full");
    let there = directory.path().join("there");
    fs::write(&there, "mine").unwrap();
    for option in ["--pem", "--sqlite", "--csv"] {
        let error = failure(&["export", str(&full), option, str(&there)], 2);
        assert!(error.contains("exists already"), "{error}");
        let error = failure(&["export", str(&full), option, str(&directory.path().join("no/where"))], 10);
        assert!(error.contains("there is no directory "), "{error}");
    }
    assert_eq!(fs::read_to_string(&there).unwrap(), "mine");
    assert_eq!(names(directory.path()), ["there"]);
    assert_eq!(super::cabak(&["export", str(&full)]).status.code(), Some(2));
    let (a, b) = (directory.path().join("a"), directory.path().join("b"));
    for wrong in [&["--pem", str(&a), "--csv", str(&b)][..], &["--csv", str(&b), "--where", "id=1"]] {
        assert_eq!(super::cabak(&[&["export", str(&full)], wrong].concat()).status.code(), Some(2), "{wrong:?}");
    }
    assert_eq!(names(directory.path()), ["there"]);
}
