use std::fs;
use std::process::Command;

use certsrvd::failure::Code;

use crate::place::{Place, request};

fn help(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_certsrvd")).args(arguments).arg("--help").output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_command_explains_itself_with_an_example() {
    for arguments in [
        &[][..],
        &["init"],
        &["serve"],
        &["account", "add"],
        &["account", "list"],
        &["account", "remove"],
        &["request", "submit"],
        &["request", "list"],
        &["request", "approve"],
        &["request", "deny"],
        &["certificate", "list"],
        &["certificate", "show"],
        &["certificate", "revoke"],
        &["crl", "publish"],
        &["database", "adopt"],
        &["status"],
    ] {
        let text = help(arguments);
        assert!(text.contains("Example:\n  "), "{arguments:?}: {text}");
        assert!(text.contains(&format!("certsrvd {}", arguments.join(" "))), "{arguments:?}: {text}");
    }
}

#[test]
fn every_exit_code_is_documented() {
    let text = help(&[]);
    let page = include_str!("../../../../docs/certsrvd.md");
    for code in Code::ALL {
        let number = code.exit_code();
        assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("{number}  "))), "{code:?} {number}");
        assert!(page.contains(&format!("| {number} |")), "{code:?} {number} is not in docs/certsrvd.md");
    }
    let mut numbers: Vec<u8> = Code::ALL.iter().map(|code| code.exit_code()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), Code::ALL.len());
    assert!(!numbers.contains(&0) && !numbers.contains(&2));
}

#[test]
fn failures_are_json_when_that_is_asked_for() {
    let place = Place::empty();
    let (code, said) = place.fails(&["--json", "status"]);
    assert_eq!(code, 10);
    let failure: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(failure["error"]["code"], "no_authority");
    assert!(failure["error"]["hint"].as_str().unwrap().contains("init"));
}

#[test]
fn what_is_not_there_has_a_code_of_its_own() {
    let place = Place::with_authority();
    assert_eq!(place.fails(&["certificate", "show", "1234"]).0, 3);
    assert_eq!(place.fails(&["request", "approve", "99"]).0, 3);
    assert_eq!(place.fails(&["request", "deny", "1"]).0, 4, "the CA's own certificate was never pending");
    assert_eq!(place.fails(&["certificate", "revoke", "xyz"]).0, 16);
    assert_eq!(place.fails(&["destroy"]).0, 2);
}

#[test]
fn secrets_are_no_arguments() {
    for arguments in [&["init"][..], &["serve"], &["account", "add"], &["request", "submit"]] {
        let text = help(arguments);
        for option in ["--passphrase ", "--passphrase=", "--password ", "--password="] {
            assert!(!text.contains(option), "{arguments:?} has {option}");
        }
    }
}

#[test]
fn the_certificate_is_written_into_links_and_devices_not_over_them() {
    let place = Place::with_authority();
    fs::write(place.path("a.csr"), request("/CN=a", &[])).unwrap();
    let csr = place.path("a.csr");
    let link = place.path("link.crt");
    std::os::unix::fs::symlink(place.path("target.crt"), &link).unwrap();
    place.ok(&["request", "submit", csr.to_str().unwrap(), "--out", link.to_str().unwrap()]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(place.path("target.crt")).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
}

#[test]
fn nothing_is_issued_when_the_certificate_could_not_be_written() {
    let place = Place::with_authority();
    fs::write(place.path("a.csr"), request("/CN=a", &[])).unwrap();
    let csr = place.path("a.csr");
    for out in [place.path("missing/a.crt"), place.path("")] {
        let (code, message) =
            place.fails(&["request", "submit", csr.to_str().unwrap(), "--out", out.to_str().unwrap()]);
        assert_eq!(code, 16, "{message}");
        assert!(message.contains(out.to_str().unwrap()), "{message}");
    }
    assert_eq!(place.json(&["request", "list"])["requests"], serde_json::json!([]));
}
