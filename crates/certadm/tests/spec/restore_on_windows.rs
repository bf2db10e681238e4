//! `CertSrvRestorePrepareW`, where there is no certsrvd to restore into.

use certadm::{Error, Hresult, RestoreSession};

#[test]
fn a_restore_is_refused_whatever_the_directory_holds() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("certsrvd.toml"), "").unwrap();
    let error = RestoreSession::prepare(directory.path()).unwrap_err();
    assert!(matches!(error, Error::NoCertsrvdHere), "{error:?}");
    assert_eq!(error.hresult(), Hresult::NOT_IMPLEMENTED);
    let names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["certsrvd.toml"]);
}
