//! A database that does not go with its logs, and the ways on.

use std::fs;

use crate::network::{Session, place};
use crate::place::{Place, request};

/// A CA that has issued one certificate and stopped in order.
fn stopped() -> Place {
    let place = place(&["operator"]);
    fs::write(place.path("csr"), request("/CN=x", &[])).unwrap();
    place.ok(&["request", "submit", place.path("csr").to_str().unwrap()]);
    place
}

fn edit(place: &Place) {
    let connection = rusqlite::Connection::open(place.layout().database().join("Test CA.db")).unwrap();
    connection.execute("UPDATE Requests SET RequesterName = 'somebody' WHERE RequestID = 2", []).unwrap();
}

#[test]
fn a_database_that_was_edited_is_refused_with_a_way_on_and_adopted_when_asked() {
    let place = stopped();
    edit(&place);
    for command in [&["serve"][..], &["status"]] {
        let (code, said) = place.fails(command);
        assert_eq!(code, 20, "{said}");
        assert!(said.contains("changed while the database was stopped"), "{said}");
        let restore = format!("cabak restore SET --data-dir {}", place.data().display());
        assert!(said.contains(&restore) && said.contains("certsrvd database adopt"), "{said}");
    }
    let adopted = place.json(&["database", "adopt"]);
    assert_eq!(adopted["reply"], "adopted");
    assert_eq!(adopted["generation"], 2);
    let earlier = place.data().join("log/before-00002");
    assert_eq!(adopted["earlier_logs"], earlier.display().to_string());
    assert!(earlier.join("edb.log").is_file());
    let audited = place.audited("database_adopted");
    assert_eq!(audited.len(), 1);
    assert_eq!((&audited[0]["reason"], &audited[0]["caller"]["via"]), (&adopted["reason"], &"local".into()));

    let server = place.serve();
    assert_eq!(place.json(&["request", "list"])["requests"][0]["requester"], "somebody");
    assert_eq!(Session::open(&server, "operator").prepare(1), Err(0xC800_0230), "the next backup must be full");
}

#[test]
fn lost_logs_are_adopted_in_words_that_say_what_it_costs() {
    let place = stopped();
    fs::remove_dir_all(place.data().join("log")).unwrap();
    let (code, said) = place.fails(&["serve"]);
    assert_eq!(code, 20, "{said}");
    assert!(said.contains("has no logs here") && said.contains("certsrvd database adopt"), "{said}");
    let said = place.ok(&["database", "adopt"]);
    assert!(said.contains("none of them can be used") && said.contains("make a full backup"), "{said}");
    place.serve().terminate();
}

#[test]
fn a_missing_database_is_restored_not_adopted() {
    let place = stopped();
    fs::remove_file(place.layout().database().join("Test CA.db")).unwrap();
    for command in [&["serve"][..], &["database", "adopt"]] {
        let (code, said) = place.fails(command);
        assert_eq!(code, 20, "{said}");
        assert!(said.contains("there is no database") && said.contains("hint: restore"), "{said}");
        assert!(!said.contains("database adopt"), "{said}");
    }
}

#[test]
fn adoption_waits_for_the_server_for_a_restore_and_for_a_reason() {
    let place = stopped();
    let (code, said) = place.fails(&["database", "adopt"]);
    assert_eq!(code, 4, "{said}");
    assert!(said.contains("nothing to adopt"), "{said}");

    let server = place.serve();
    assert_eq!(place.fails(&["database", "adopt"]).0, 11);
    server.terminate();

    edit(&place);
    fs::write(place.layout().restore_instruction(), "{}").unwrap();
    assert_eq!(place.fails(&["database", "adopt"]).0, 14);
    assert!(place.audited("database_adopted").is_empty());
}

#[test]
fn a_full_disk_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let stop = certdb::Stop {
        kind: certdb::StopKind::DiskFull,
        doing: "writing the log".to_owned(),
        message: "no space left on device".to_owned(),
    };
    let directories = vec![directory.path().to_owned(), directory.path().to_owned()];
    let failure = certsrvd::authority::Error::Stopped { stop, earlier: true, directories }.to_failure();
    assert_eq!(
        failure.message,
        "the database takes no writes until it is opened again: writing the log: no space left on device"
    );
    let path = directory.path().display();
    let expected = format!("free space on the file system of {path}, then restart certsrvd");
    assert_eq!(failure.hint.unwrap(), expected);
}
