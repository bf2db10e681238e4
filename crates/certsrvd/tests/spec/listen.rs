use std::net::TcpListener;

use crate::place::Place;

#[test]
fn each_reason_not_to_listen_has_its_own_hint() {
    let place = Place::with_authority();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (option, value, hint) in [
        ("--object-port", port.as_str(), "another program listens there"),
        // TEST-NET-1 belongs to nobody.
        ("--listen", "192.0.2.1", "this host has no address 192.0.2.1"),
    ] {
        let (code, said) = place.fails(&["serve", option, value]);
        assert_eq!(code, 18, "{said}");
        assert!(said.contains(hint) && said.contains(value) && !said.contains("CAP_NET_BIND_SERVICE"), "{said}");
    }
}
