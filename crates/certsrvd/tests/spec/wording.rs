//! What people read when all is well, and when they have made a mistake.

use std::fs;

use crate::place::{Place, request};

#[test]
fn commands_say_what_they_have_done() {
    let place = Place::with_authority();
    fs::write(place.path("password"), "x").unwrap();
    let password = place.path("password");
    let add = ["account", "add", "backup", "--role", "operator", "--password-file", password.to_str().unwrap()];
    assert_eq!(place.ok(&add), "account backup is added\n");
    assert_eq!(place.json(&["account", "remove", "backup"])["message"], "account backup is removed");

    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    let serial = place.json(&["request", "submit", place.path("csr").to_str().unwrap()])["serial"].clone();
    let serial = serial.as_str().unwrap();
    assert!(place.ok(&["crl", "publish"]).starts_with("CRL 2 with 0 certificates, "));
    assert_eq!(
        place.ok(&["certificate", "revoke", serial, "--reason", "certificateHold"]),
        format!("certificate {serial} is revoked (certificateHold); the next list shows it\n")
    );
    assert!(place.ok(&["crl", "publish"]).starts_with("CRL 3 with 1 certificate, "));
    assert_eq!(
        place.ok(&["certificate", "revoke", serial, "--release"]),
        format!("certificate {serial} is released from hold; the next list no longer shows it\n")
    );
}

#[test]
fn the_list_of_requests_says_why_one_was_refused() {
    let place = Place::with_authority();
    fs::write(place.path("csr"), request("/CN=x", &["basicConstraints=CA:TRUE"])).unwrap();
    assert_eq!(place.fails(&["request", "submit", place.path("csr").to_str().unwrap()]).0, 5);
    let list = place.ok(&["request", "list"]);
    assert!(list.contains("REASON") && list.contains("CN=x     Denied by the policy: "), "{list}");
}

#[test]
fn a_wrong_state_is_told_with_the_right_one() {
    let place = Place::with_authority();
    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    place.ok(&["request", "submit", place.path("csr").to_str().unwrap()]);
    let (_, said) = place.fails(&["request", "approve", "2"]);
    assert_eq!(said, "error: request 2 is issued, so it cannot be approved: it would have to be pending or denied\n");
    let (_, said) = place.fails(&["request", "deny", "2"]);
    assert_eq!(said, "error: request 2 is issued, so it cannot be denied: it would have to be pending\n");
}

#[test]
fn an_empty_secret_is_called_by_its_name() {
    let place = Place::with_authority();
    fs::write(place.path("empty"), "\n").unwrap();
    let empty = place.path("empty");
    let file = empty.to_str().unwrap();
    let (_, said) = place.fails(&["account", "add", "backup", "--role", "read", "--password-file", file]);
    assert_eq!(said, format!("error: the password in the file {file} is empty\n"));
    let (_, said) = place.fails(&["serve", "--passphrase-file", file]);
    assert_eq!(said, format!("error: the passphrase in the file {file} is empty\n"));
}
