use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use certsrvd::audit::{AuditLog, Caller, Event};
use serde_json::{Value, json};

use crate::place::{Place, request};

#[test]
fn every_line_says_when_what_and_who() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let log = AuditLog::open(&path).unwrap();
    let network = Caller::Network { account: "CORP\\backup".to_owned(), address: "192.0.2.1:50000".to_owned() };
    log.record(Event::BackupStarted, &network, json!({ "kind": "full" })).unwrap();
    log.record(Event::ServiceStopped, &Caller::Server, json!({})).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["event"], "backup_started");
    assert_eq!(lines[0]["windows_event"], 4876);
    assert_eq!(lines[0]["kind"], "full");
    assert_eq!(
        lines[0]["caller"],
        json!({ "via": "network", "account": "CORP\\backup", "address": "192.0.2.1:50000" })
    );
    assert_eq!(lines[1]["caller"], json!({ "via": "server" }));
    assert!(text.starts_with(r#"{"time":"20"#), "{text}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_a_crash_cut_off_is_closed_and_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    AuditLog::open(&path).unwrap().record(Event::ServiceStarted, &Caller::Server, json!({})).unwrap();
    OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"time\":\"20").unwrap();
    AuditLog::open(&path).unwrap().record(Event::ServiceStarted, &Caller::Server, json!({})).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1], "{\"time\":\"20");
    assert!(serde_json::from_str::<Value>(lines[2]).is_ok());
}

#[test]
fn the_life_of_a_certificate_is_in_the_log() {
    let place = Place::with_authority();
    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    let serial = place.json(&["request", "submit", place.path("csr").to_str().unwrap()])["serial"].clone();
    place.ok(&["certificate", "revoke", serial.as_str().unwrap(), "--reason", "superseded"]);
    place.ok(&["crl", "publish"]);
    let events: Vec<String> = place.audit().iter().map(|line| line["event"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        events,
        ["authority_created", "crl_published", "certificate_issued", "certificate_revoked", "crl_published"]
    );
    for line in place.audit() {
        assert_eq!(line["caller"]["via"], "local", "{line}");
        assert_eq!(line["caller"]["uid"], rustix::process::getuid().as_raw(), "{line}");
    }
    let revoked = &place.audited("certificate_revoked")[0];
    assert_eq!((&revoked["serial"], &revoked["reason"]), (&serial, &json!("superseded")));
}

#[test]
fn start_stop_and_a_changed_configuration_are_in_the_log() {
    let place = Place::with_authority();
    place.serve().terminate();
    place.serve().terminate();
    assert!(place.audited("configuration_changed").is_empty(), "the first start has nothing to compare with");
    place.configure("interface_flags = 1024", "interface_flags = 1088");
    place.serve().terminate();
    let changed = place.audited("configuration_changed");
    assert_eq!(changed.len(), 1);
    assert_eq!(changed[0]["changes"], json!({ "server.interface_flags": { "from": 1024, "to": 1088 } }));
    assert_eq!(place.audited("service_started").len(), 3);
    assert_eq!(place.audited("service_stopped")[2]["reason"], "SIGTERM");
}
