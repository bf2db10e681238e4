use std::net::Ipv4Addr;

use dcerpc::SyntaxId;
use dcerpc::epm::{Floor, Tower};
use dcerpc::ndr::Error;
use proptest::prelude::*;
use uuid::{Uuid, uuid};

use crate::support::bytes;

const ICPR: SyntaxId = SyntaxId::new(uuid!("91ae6020-9e3c-11cf-8d7c-00aa00c091be"), 0, 0);

/// Made with impacket 0.13.1 (`EPMTower`).
const TCP: &str = "
    0500                                             # floors
    1300 0d 2060ae913c9ecf118d7c00aa00c091be 0000    # interface, major version
    0200 0000                                        # minor version
    1300 0d 045d888aeb1cc9119fe808002b104860 0200    # NDR
    0200 0000
    0100 0b 0200 0000                                # connection-oriented RPC
    0100 07 0200 c200                                # TCP port, big-endian
    0100 09 0400 c0000207                            # IPv4 address";

#[test]
fn a_tower_over_tcp() {
    let tower = Tower::tcp(ICPR, 49664, Ipv4Addr::new(192, 0, 2, 7));
    assert_eq!(tower.encode(), bytes(TCP));
    assert_eq!(Tower::decode(&bytes(TCP)), Ok(tower.clone()));
    assert_eq!(tower.interface(), Some(ICPR));
    assert_eq!(tower.transfer_syntax(), Some(SyntaxId::NDR));
    assert_eq!(tower.port(), Some(49664));
    assert_eq!(tower.address(), Some(Ipv4Addr::new(192, 0, 2, 7)));
    assert_eq!(tower.named_pipe(), None);
}

/// Made with impacket 0.13.1.
#[test]
fn a_tower_over_a_named_pipe() {
    let octets = bytes(
        "0500
         1300 0d 2060ae913c9ecf118d7c00aa00c091be 0000 0200 0000
         1300 0d 045d888aeb1cc9119fe808002b104860 0200 0200 0000
         0100 0b 0200 0000
         0100 0f 0b00 5c504950455c6365727400  # \\PIPE\\cert
         0100 11 0300 434100                  # CA",
    );
    let tower = Tower::decode(&octets).unwrap();
    assert_eq!(tower.named_pipe(), Some("\\PIPE\\cert"));
    assert_eq!(tower.floors.last(), Some(&Floor::NetBios("CA".to_owned())));
    assert_eq!(tower.port(), None);
    assert_eq!(tower.encode(), octets);
}

#[test]
fn unknown_floors_survive() {
    let octets = bytes("0300 0100 1f 0000  0200 0701 0200 0087  0000 0000");
    let tower = Tower::decode(&octets).unwrap();
    assert!(tower.floors.iter().all(|floor| matches!(floor, Floor::Other { .. })), "{tower:?}");
    assert_eq!(tower.encode(), octets);
}

/// \[MS-RPCE\] 3.1.3.5.3.
#[test]
fn more_than_six_floors_are_refused() {
    let floors = |count: usize| [&(count as u16).to_le_bytes()[..], &vec![0; 4 * count]].concat();
    assert_eq!(Tower::decode(&floors(6)).unwrap().floors.len(), 6);
    assert_eq!(Tower::decode(&floors(7)), Err(Error::Limit { at: 0, claimed: 7, limit: 6 }));
}

#[test]
fn floors_that_end_early_are_refused() {
    let tcp = bytes(TCP);
    for length in 0..tcp.len() {
        let decoded = Tower::decode(&tcp[..length]);
        assert!(matches!(decoded, Err(Error::Truncated { .. })), "{length}: {decoded:?}");
    }
}

fn floor() -> impl Strategy<Value = Floor> {
    prop_oneof![
        (any::<u128>(), any::<u16>(), any::<u16>()).prop_map(|(uuid, major, minor)| Floor::Syntax(SyntaxId::new(
            Uuid::from_u128(uuid),
            major,
            minor
        ))),
        any::<u16>().prop_map(Floor::ConnectionOriented),
        any::<u16>().prop_map(Floor::Tcp),
        any::<u32>().prop_map(|address| Floor::Ip(address.into())),
        "[ -~]{0,20}".prop_map(Floor::NamedPipe),
        "[ -~]{0,20}".prop_map(Floor::NetBios),
    ]
}

proptest! {
    #[test]
    fn towers_survive_the_wire(floors in proptest::collection::vec(floor(), 0..=6)) {
        let tower = Tower { floors };
        prop_assert_eq!(Tower::decode(&tower.encode()), Ok(tower));
    }
}
