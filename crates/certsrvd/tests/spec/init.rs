use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::place::{NAME, Place};

#[test]
fn init_makes_the_layout_with_the_right_modes() {
    let place = Place::with_authority();
    let layout = place.layout();
    for (path, mode) in [
        (layout.configuration(), 0o640),
        (layout.accounts(), 0o600),
        (layout.key(), 0o600),
        (layout.certificate(), 0o644),
        (layout.audit(), 0o600),
        (layout.database(), 0o700),
        (layout.crls(), 0o755),
        (place.data().join("log"), 0o700),
        (place.crl(), 0o644),
    ] {
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(found & !mode, 0, "{} has mode {found:o}, at most {mode:o} is right", path.display());
    }
    assert!(!layout.incomplete_marker().exists());
    assert!(layout.database().join("Test CA.db").exists());
}

#[test]
fn init_never_overwrites() {
    let place = Place::with_authority();
    let before = fs::read(place.layout().key()).unwrap();
    for name in [NAME, "Other CA"] {
        let (code, said) = place.fails(&["init", "--name", name, "--key-type", "p-256"]);
        assert_eq!(code, 13, "{said}");
    }
    assert_eq!(fs::read(place.layout().key()).unwrap(), before);
}

#[test]
fn init_refuses_a_directory_that_has_a_part_of_a_ca() {
    for part in ["key.pem", "accounts.toml", "database/old.db", "log/edb.log"] {
        let place = Place::empty();
        let path = place.data().join(part);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "old").unwrap();
        let (code, said) = place.fails(&["init", "--name", NAME, "--key-type", "p-256"]);
        assert_eq!(code, 13, "{part}: {said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert!(!place.layout().incomplete_marker().exists());
    }
}

#[test]
fn init_uses_a_configuration_that_is_there_already() {
    let place = Place::empty();
    fs::create_dir_all(place.data()).unwrap();
    let text = "[authority]\nname = \"Prepared CA\"\n[database]\nlog_directory = \"journal\"\n";
    fs::write(place.layout().configuration(), text).unwrap();
    assert_eq!(place.fails(&["init", "--name", "Another", "--key-type", "p-256"]).0, 16);
    place.ok(&["init", "--key-type", "p-256"]);
    assert_eq!(fs::read_to_string(place.layout().configuration()).unwrap(), text);
    assert!(place.data().join("journal/edb.log").exists());
    assert_eq!(place.json(&["status"])["authority"], "Prepared CA");
}

#[test]
fn a_half_finished_init_is_recognised_and_can_be_discarded() {
    let place = Place::with_authority();
    // As if the last step, the removal of the marker, and the one before it had not happened.
    let layout = place.layout();
    let made = [
        layout.key(),
        layout.certificate(),
        layout.accounts(),
        layout.database(),
        layout.crls(),
        place.data().join("log"),
    ];
    let marker = serde_json::json!({ "made": made });
    fs::write(layout.incomplete_marker(), marker.to_string()).unwrap();
    fs::remove_file(layout.configuration()).unwrap();
    let old = fs::read(layout.key()).unwrap();
    for command in [&["status"][..], &["serve"], &["init", "--name", NAME, "--key-type", "p-256"]] {
        let (code, said) = place.fails(command);
        assert_eq!(code, 19, "{said}");
        assert!(said.contains("--discard-incomplete"), "{said}");
    }
    place.init(&["--key-type", "p-256", "--discard-incomplete"]);
    assert_ne!(fs::read(layout.key()).unwrap(), old);
    assert!(!layout.incomplete_marker().exists());
    place.ok(&["status"]);
}

#[test]
fn names_that_need_escapes_work_throughout() {
    let place = Place::empty();
    place.ok(&["init", "--name", "Zürich / \"CA\" #1", "--key-type", "p-256"]);
    let sanitized = "Z!00fcrich !002f !0022CA!0022 !00231";
    assert!(place.layout().database().join(format!("{sanitized}.db")).exists());
    assert!(place.layout().crls().join(format!("{sanitized}.crl")).exists());
    assert_eq!(place.json(&["status"])["authority"], "Zürich / \"CA\" #1");
}
