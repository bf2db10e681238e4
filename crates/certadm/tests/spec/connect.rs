//! `CertSrvIsServerOnlineW`, and what comes before it.

use certadm::{Cancel, Error, Hresult, Options, Server, Target};
use csra::ids;

use crate::fake::{Fake, credentials};

fn connect(target: &Target, password: &str) -> Result<Server, Error> {
    Server::connect(target, &credentials(password), &Options::default(), &Cancel::new())
}

#[test]
fn a_ready_server_is_online() {
    let fake = Fake::start();
    let mut server = fake.connect();
    assert!(server.is_online().unwrap());
    assert_eq!(server.authority().unwrap(), "Test CA");
}

#[test]
fn a_paused_server_is_not_online_and_no_error() {
    let fake = Fake::with(|script| script.state = 0);
    assert!(!fake.connect().is_online().unwrap());
}

#[test]
fn a_server_that_pings_only_for_administrators_is_online_for_operators() {
    let fake = Fake::with(|script| script.ping = Err(Hresult::ACCESS_DENIED));
    assert!(fake.connect().is_online().unwrap());
}

#[test]
fn a_wrong_name_is_told() {
    let fake = Fake::start();
    let target = Target { authority: Some("Other CA".to_owned()), ..fake.target() };
    let error = connect(&target, "secret").unwrap().is_online().unwrap_err();
    assert!(matches!(&error, Error::WrongAuthority { authority, .. } if authority == "Other CA"), "{error}");
}

#[test]
fn an_older_server_without_the_second_interface_is_served() {
    let fake = Fake::with(|script| script.interfaces = vec![ids::IID_ICERT_ADMIN_D]);
    let mut server = fake.connect();
    assert!(server.is_online().unwrap());
}

#[test]
fn a_wrong_password_is_an_authentication_failure() {
    let fake = Fake::start();
    let error = connect(&fake.target(), "wrong").err().unwrap();
    assert!(matches!(&error, Error::AuthenticationFailed { account, .. } if account == "backup"), "{error}");
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[test]
fn a_port_where_nobody_listens_is_unreachable() {
    // Port 1 of this machine; nothing in these tests listens on a privileged port.
    let target = "127.0.0.1:1".parse().unwrap();
    let error = connect(&target, "secret").err().unwrap();
    assert!(matches!(&error, Error::Unreachable { port: 1, .. }), "{error}");
}

#[test]
fn a_cancelled_token_stops_before_anything_is_sent() {
    let fake = Fake::start();
    let cancel = Cancel::new();
    cancel.cancel();
    let error = Server::connect(&fake.target(), &credentials("secret"), &Options::default(), &cancel).err().unwrap();
    assert!(matches!(error, Error::Cancelled), "{error}");
}

#[test]
fn properties_come_over_the_wire() {
    let fake = Fake::start();
    let mut server = fake.connect();
    assert_eq!(server.ca_certificate_count().unwrap(), 2);
    assert_eq!(server.ca_certificate(0).unwrap(), b"certificate");
    assert!(server.base_crl(0).unwrap_err().is_refusal());
    // A refusal does not end the connection.
    assert_eq!(server.interface_flags().unwrap().bits(), 0);
    assert_eq!(server.my_roles().unwrap().bits(), 0x108);
}

#[test]
fn locations_are_both_names_and_bytes() {
    let fake = Fake::start();
    let locations = fake.connect().database_locations().unwrap();
    assert_eq!(locations.databases().collect::<Vec<_>>(), [r"\\ca01\CertSrv$\DataBase\Test CA.db"]);
    assert_eq!(locations.log_directory(), Some(r"\\ca01\CertSrv$\Log"));
    assert_eq!(locations.checkpoint_directory(), Some(r"\\ca01\CertSrv$\DataBase"));
    assert_eq!(certadm::DatabaseLocations::from_bytes(locations.as_bytes()).unwrap(), locations);
}

#[test]
fn a_server_can_be_asked_to_stop() {
    let fake = Fake::start();
    fake.connect().shut_down().unwrap();
    assert!(fake.calls().contains(&"control 1".to_owned()));
}

#[test]
fn the_object_is_released_when_the_server_value_goes() {
    let fake = Fake::start();
    drop(fake.connect());
    assert!(fake.wait_for("released"));
}
