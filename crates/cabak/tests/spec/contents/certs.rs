use std::io::Read;
use std::process::Stdio;

use serde_json::Value;

use super::{HOSTILE, command, events, failure, str, text, world};

fn ids(set: &str, more: &[&str]) -> Vec<i64> {
    let events = events(&[&["certs", set], more].concat(), "certificate", 0);
    events.iter().map(|event| event["id"].as_i64().unwrap()).collect()
}

#[test]
fn certificates_are_listed_and_other_requests_only_when_asked_for() {
    let full = world().path("full");
    assert_eq!(ids(str(&full), &[]), [1, 2, 3, 6]);
    assert_eq!(ids(str(&full), &["--all"]), [1, 2, 3, 4, 5, 6]);
    assert_eq!(ids(str(&full), &["--where", "disposition=pending or disposition=denied"]), [4, 5]);
    assert_eq!(ids(str(&full), &["--where", "template~web"]), [2]);
    let result = &events(&["certs", str(&full)], "result", 0)[0];
    assert_eq!(result["certificates"], 4);
}

#[test]
fn what_exists_only_in_the_logs_is_there() {
    let set = world().path("sets/incremental");
    assert_eq!(ids(str(&set), &[]), [1, 2, 3, 4, 6, 7]);
    let certificate = &events(&["certs", str(&set), "--where", "id=7"], "certificate", 0)[0];
    assert_eq!(certificate["serial"], Value::from(world().later.serial.as_str()));
    assert_eq!(certificate["disposition"], "issued");
    assert_eq!(certificate["template"], "WebServer");
    assert_eq!(certificate["requester"], certificate["requester"].as_str().unwrap());
    assert_eq!(ids(str(&world().path("sets/latest")), &["--where", "disposition=revoked"]), [2, 3]);
}

#[test]
fn the_table_has_headings_and_one_line_each() {
    let full = world().path("full");
    let table = text(&["certs", str(&full), "--where", "reason=keyCompromise"], 0);
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(lines.len(), 2, "{table}");
    assert!(lines[0].starts_with("ID      DISPOSITION  SERIAL "), "{table}");
    assert!(lines[1].starts_with("3       revoked      "), "{table}");
    assert!(lines[1].contains(&world().revoked.serial), "{table}");
}

#[test]
fn csv_is_read_back_by_another_reader_and_terminals_obey_nothing() {
    let full = world().path("full");
    let csv = text(&["certs", str(&full), "--csv", "--columns", "id,requester,san", "--where", "id>=6"], 0);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    assert_eq!(reader.headers().unwrap(), vec!["id", "requester", "san"]);
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(&rows[0][1], "CORP\\evil\\u{1b}[31m,\"x\"\\n\\u{202e}=2");
    assert!(rows[0][2].contains("DNS:"), "{rows:?}");
    for args in [&["certs", str(&full)][..], &["certs", str(&full), "--csv"], &["show", str(&full), "6"]] {
        let text = text(args, 0);
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\r']), "{args:?}: {text:?}");
        assert!(text.contains("\\u{1b}[31m"), "{args:?}: {text:?}");
    }
    let certificate = &events(&["certs", str(&full), "--where", "id=6"], "certificate", 0)[0];
    assert_eq!(certificate["requester"], HOSTILE, "programs get the value as it is");
}

#[test]
fn expressions_and_columns_that_are_wrong_end_with_2_and_point_at_it() {
    let full = world().path("full");
    let error = failure(&["certs", str(&full), "--where", "id=1 and colour=red"], 2);
    assert!(error.starts_with("error: --where: column 10: 'colour' is no field; there are id, "), "{error}");
    let error = failure(&["certs", str(&full), "--where", "disposition=lost"], 2);
    assert!(error.starts_with("error: --where: column 13: 'lost' is no disposition"), "{error}");
    let error = failure(&["certs", str(&full), "--columns", "id,,serial"], 2);
    assert!(error.starts_with("error: --columns: '' is no field"), "{error}");
    assert_eq!(super::cabak(&["certs", str(&full), "--csv", "--json"]).status.code(), Some(2));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let full = world().path("full");
    let mut child =
        command(&["certs", str(&full), "--all"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!((child.wait().unwrap().code(), errors.as_str()), (Some(0), ""));
}

#[test]
fn output_that_cannot_be_written_is_an_error() {
    let full = world().path("full");
    let device = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = command(&["certs", str(&full)]).stdout(device).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(errors.starts_with("error: cannot write to standard output: "), "{errors}");
}
