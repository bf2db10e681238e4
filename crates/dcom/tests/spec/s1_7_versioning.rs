use dcom::{ComVersion, Hresult};

fn version(major: u16, minor: u16) -> ComVersion {
    ComVersion { major, minor }
}

#[test]
fn a_server_takes_clients_of_its_own_and_older_versions() {
    for minor in [1, 2, 4, 6, 7] {
        assert_eq!(ComVersion::NEWEST.accept(version(5, minor)), Ok(()));
    }
}

#[test]
fn a_server_refuses_a_newer_minor_and_another_major_version() {
    for client in [version(5, 8), version(4, 1), version(6, 1)] {
        assert_eq!(ComVersion::NEWEST.accept(client), Err(Hresult::VERSION_MISMATCH));
    }
}

#[test]
fn a_client_speaks_the_lower_of_both_minor_versions() {
    assert_eq!(ComVersion::NEWEST.common(version(5, 4)), Some(version(5, 4)));
    assert_eq!(version(5, 4).common(ComVersion::NEWEST), Some(version(5, 4)));
}

#[test]
fn a_client_does_not_call_a_server_of_another_major_version() {
    assert_eq!(ComVersion::NEWEST.common(version(6, 1)), None);
}
