use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::Value;

use crate::place::{Place, request};

fn say(place: &Place, line: &[u8]) -> Value {
    let mut stream = UnixStream::connect(place.layout().control_socket()).unwrap();
    stream.write_all(line).unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}

#[test]
fn while_the_server_runs_commands_go_through_a_private_socket() {
    let place = Place::with_authority();
    assert_eq!(place.json(&["status"])["running"], false);
    let server = place.serve();
    let socket = place.layout().control_socket();
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let status = place.json(&["status"]);
    assert_eq!(status["running"], true);
    assert_eq!(status["endpoint_mapper"], server.ready["endpoint_mapper"]);

    // The server has the key: no passphrase is needed here.
    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    let mut submit = place.certsrvd(&["request", "submit", place.path("csr").to_str().unwrap()]);
    assert!(submit.env_remove("CERTSRVD_PASSPHRASE").output().unwrap().status.success());
    let issued = place.audited("certificate_issued");
    assert_eq!(issued[0]["caller"]["uid"], rustix::process::getuid().as_raw());
    assert_ne!(issued[0]["caller"]["pid"], server.id());
    assert!(server.terminate().success());
    assert!(!socket.exists());
    assert_eq!(place.json(&["status"])["running"], false);
}

#[test]
fn a_second_server_does_not_start() {
    let place = Place::with_authority();
    let _server = place.serve();
    let (code, said) = place.fails(&["serve"]);
    assert_eq!(code, 11, "{said}");
}

#[test]
fn a_socket_that_a_killed_server_left_is_no_obstacle() {
    let place = Place::with_authority();
    place.serve().kill();
    assert!(place.layout().control_socket().exists());
    assert_eq!(place.json(&["status"])["running"], false);
    place.serve().terminate();
}

#[test]
fn lines_that_are_no_request_get_an_answer_and_do_no_harm() {
    let place = Place::with_authority();
    let _server = place.serve();
    for line in [
        &b"\n"[..],
        b"hello\n",
        b"{\"request\":\"destroy\"}\n",
        b"{\"request\":\"request_submit\",\"content\":\"zz\",\"attributes\":[]}\n",
        b"\xFF\xFE\n",
    ] {
        let answer = say(&place, line);
        assert_eq!(answer["error"]["code"], "configuration", "{answer}");
    }
    assert_eq!(say(&place, b"{\"request\":\"status\"}\n")["ok"]["reply"], "status");
}

#[test]
fn a_line_without_end_is_cut_off() {
    let place = Place::with_authority();
    let _server = place.serve();
    let answer = say(&place, &vec![b'x'; (1 << 20) + 1]);
    assert!(answer["error"]["message"].as_str().unwrap().contains("too long"), "{answer}");
}

#[test]
fn accounts_change_without_a_restart() {
    let place = Place::with_authority();
    let _server = place.serve();
    fs::write(place.path("password"), "x").unwrap();
    let password = place.path("password");
    place.ok(&["account", "add", "backup", "--role", "operator", "--password-file", password.to_str().unwrap()]);
    assert_eq!(place.json(&["account", "list"])["accounts"][0]["name"], "backup");
    place.ok(&["account", "remove", "backup"]);
    assert_eq!(place.json(&["account", "list"])["accounts"], serde_json::json!([]));
}
