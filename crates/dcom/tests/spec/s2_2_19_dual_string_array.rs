use dcerpc::ndr::Decoder;
use dcom::Error;
use dcom::objref::{DualStringArray, SecurityBinding, StringBinding, TOWER_TCP};
use proptest::prelude::*;

use crate::support::{bindings, check_round_trip, encoded, hex};

fn decode(bytes: &[u8]) -> Result<DualStringArray, Error> {
    DualStringArray::decode(&mut Decoder::new(bytes))
}

#[test]
fn the_smallest_array_has_four_units() {
    let bytes = hex("04000000 0400 0200 0000 0000 0000 0000");
    assert_eq!(encoded(|stub| DualStringArray::default().encode(stub)), bytes);
    assert_eq!(decode(&bytes), Ok(DualStringArray::default()));
}

#[test]
fn the_ndr_form_has_a_maximum_count_in_front() {
    let bytes = hex("
        0c000000                     # maximum count
        0c00 0700                    # wNumEntries, wSecurityOffset
        0700 6300 5b00 3100 5d00 0000# TCP, 'c[1]'
        0000                         # end of string bindings
        0a00 ffff 7300 0000          # NTLM, 's'
        0000                         # end of security bindings
    ");
    let array = DualStringArray::new(
        vec![StringBinding::tcp("c", Some(1)).unwrap()],
        vec![SecurityBinding::new(10, "s".into()).unwrap()],
    )
    .unwrap();
    assert_eq!(encoded(|stub| array.encode(stub)), bytes);
    assert_eq!(decode(&bytes), Ok(array));
}

#[test]
fn counts_that_contradict_each_other_are_refused() {
    assert_eq!(
        decode(&hex("05000000 0400 0200 0000 0000 0000 0000 0000")),
        Err(Error::Value { field: "DUALSTRINGARRAY.wNumEntries", found: 4 })
    );
    assert_eq!(
        decode(&hex("04000000 0400 0500 0000 0000 0000 0000")),
        Err(Error::Value { field: "DUALSTRINGARRAY.wSecurityOffset", found: 5 })
    );
}

#[test]
fn a_name_without_its_end_is_refused() {
    let result = decode(&hex("04000000 0400 0400 0700 6300 6100 6200"));
    assert_eq!(result, Err(Error::Truncated { structure: "STRINGBINDING.aNetworkAddr", needed: 2, remaining: 0 }));
}

#[test]
fn half_a_surrogate_pair_is_refused() {
    let result = decode(&hex("06000000 0600 0400 0700 00d8 0000 0000 0000 0000"));
    assert_eq!(result, Err(Error::Value { field: "STRINGBINDING.aNetworkAddr", found: 0xD800 }));
}

#[test]
fn host_and_port_come_apart() {
    let parts = |tower, address: &str| {
        let binding = StringBinding::new(tower, address.into()).unwrap();
        binding.tcp_address().map(|(host, port)| (host.to_owned(), port))
    };
    let found = |host: &str, port| Some((host.to_owned(), port));
    assert_eq!(parts(TOWER_TCP, "ca[49152]"), found("ca", Some(49152)));
    assert_eq!(parts(TOWER_TCP, "10.0.0.1"), found("10.0.0.1", None));
    assert_eq!(parts(TOWER_TCP, "fe80::1[135]"), found("fe80::1", Some(135)));
    assert_eq!(parts(TOWER_TCP, "ca[65536]"), None);
    assert_eq!(parts(TOWER_TCP, "ca]"), None);
    assert_eq!(parts(15, "ca[\\PIPE\\cert]"), None);
}

#[test]
fn what_would_end_a_list_early_is_no_binding() {
    assert!(StringBinding::new(0, "ca".into()).is_err());
    assert!(StringBinding::new(7, "c\0a".into()).is_err());
    assert!(SecurityBinding::new(0, String::new()).is_err());
    assert!(SecurityBinding::new(10, "a\0b".into()).is_err());
}

#[test]
fn more_than_the_structure_holds_is_refused() {
    let binding = StringBinding::new(7, "x".repeat(40_000)).unwrap();
    assert!(DualStringArray::new(vec![binding.clone()], Vec::new()).is_ok());
    assert!(DualStringArray::new(vec![binding.clone(), binding], Vec::new()).is_err());
}

proptest! {
    #[test]
    fn bindings_survive(bindings in bindings()) {
        check_round_trip(&bindings, DualStringArray::encode, DualStringArray::decode)?;
    }
}
