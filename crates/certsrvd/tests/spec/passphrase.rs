use std::fs;
use std::process::Stdio;

use certsrvd::passphrase::{PassphraseError, Sources};
use zeroize::Zeroizing;

use crate::place::{NAME, PASSPHRASE, Place, failure};

#[test]
fn the_file_comes_first_then_the_environment_then_the_credential() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "from file\n").unwrap();
    fs::write(directory.path().join("ca-passphrase"), "from credential").unwrap();
    let mut sources = Sources {
        file: Some(directory.path().join("file")),
        environment: Some(Zeroizing::new("from environment".to_owned())),
        credentials_directory: Some(directory.path().into()),
    };
    assert_eq!(*sources.read().unwrap(), "from file");
    sources.file = None;
    assert_eq!(*sources.read().unwrap(), "from environment");
    sources.environment = None;
    assert_eq!(*sources.read().unwrap(), "from credential");
    sources.credentials_directory = None;
    assert!(matches!(sources.read(), Err(PassphraseError::Missing)));
}

#[test]
fn an_empty_passphrase_is_refused_and_hides_nothing_behind_it() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("file"), "\n").unwrap();
    let sources = Sources {
        file: Some(directory.path().join("file")),
        environment: Some(Zeroizing::new("from environment".to_owned())),
        credentials_directory: None,
    };
    assert!(matches!(sources.read(), Err(PassphraseError::Empty { .. })));
}

#[test]
fn init_without_a_passphrase_makes_nothing() {
    let place = Place::empty();
    let mut command = place.certsrvd(&["init", "--name", NAME, "--key-type", "p-256"]);
    let (code, said) = failure(command.env_remove("CERTSRVD_PASSPHRASE").stdin(Stdio::null()).output().unwrap());
    assert_eq!(code, 12, "{said}");
    assert!(!place.layout().key().exists());
}

#[test]
fn a_wrong_passphrase_ends_serve_with_a_code_of_its_own() {
    let place = Place::with_authority();
    let (code, said) = failure(place.certsrvd(&["serve"]).env("CERTSRVD_PASSPHRASE", "wrong").output().unwrap());
    assert_eq!(code, 12, "{said}");
    assert!(!said.contains("wrong\n") && said.contains("does not open the CA's key"), "{said}");
}

#[test]
fn the_credential_of_systemd_opens_the_key() {
    let place = Place::with_authority();
    fs::write(place.path("ca-passphrase"), PASSPHRASE).unwrap();
    let mut command = place.certsrvd(&["crl", "publish"]);
    command.env_remove("CERTSRVD_PASSPHRASE").env("CREDENTIALS_DIRECTORY", place.path(""));
    assert!(command.output().unwrap().status.success());
}
