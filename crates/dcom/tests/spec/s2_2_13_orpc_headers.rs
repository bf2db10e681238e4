use dcerpc::ndr::{self, Decoder};
use dcom::{CausalityId, ComVersion, Error, Hresult, OrpcExtent, OrpcThat, OrpcThis};
use proptest::prelude::*;
use uuid::Uuid;

use crate::support::{check_round_trip, encoded, hex, these, those};

fn this() -> OrpcThis {
    OrpcThis::new(ComVersion::NEWEST, CausalityId(Uuid::from_bytes_le(*b"0123456789abcdef")))
}

#[test]
fn a_header_without_extensions_is_32_bytes_and_8_in_the_reply() {
    let expected = hex("
        0500 0700                         # version 5.7
        00000000                          # flags
        00000000                          # reserved1
        30313233343536373839616263646566  # cid
        00000000                          # extensions
    ");
    assert_eq!(encoded(|stub| this().encode(stub)), expected);
    assert_eq!(expected.len(), OrpcThis::SIZE);
    assert_eq!(encoded(|stub| OrpcThat::default().encode(stub)), [0; OrpcThat::SIZE]);
}

#[test]
fn extensions_are_padded_to_eight_bytes_and_to_an_even_number() {
    let that = OrpcThat {
        flags: 0,
        extensions: vec![OrpcExtent { id: Uuid::from_bytes_le(*b"0123456789abcdef"), data: vec![1, 2, 3] }],
    };
    let expected = hex("
        00000000                          # flags
        00000200                          # extensions
        01000000                          # size
        00000000                          # reserved
        04000200                          # extent
        02000000                          # maximum count: size rounded up to 2
        08000200 00000000                 # one extension, no second one
        08000000                          # maximum count: its size rounded up to 8
        30313233343536373839616263646566  # id
        03000000                          # size
        0102030000000000                  # data
    ");
    assert_eq!(encoded(|stub| that.encode(stub)), expected);
}

#[test]
fn an_array_of_no_extensions_is_no_extensions() {
    // impacket sends it with RemoteActivation.
    let bytes = hex("
        00000000            # flags
        00000200            # extensions
        00000000 00000000   # size, reserved
        04000200            # extent
        00000000            # maximum count
    ");
    let mut stub = Decoder::new(&bytes);
    assert_eq!(OrpcThat::decode(&mut stub), Ok(OrpcThat::default()));
    assert_eq!(stub.remaining(), 0);
}

#[test]
fn more_extensions_than_anyone_sends_are_refused() {
    let bytes = hex("00000000 00000200 00000000 00000000 04000200 11000000");
    assert_eq!(
        OrpcThat::decode(&mut Decoder::new(&bytes)),
        Err(Error::Ndr(ndr::Error::Limit { at: 20, claimed: 17, limit: 16 }))
    );
}

#[test]
fn an_extension_larger_than_its_array_is_refused() {
    let bytes = hex("
        00000000 00000200 01000000 00000000 04000200 01000000 08000200
        08000000 30313233343536373839616263646566
        09000000            # size, and the array has 8
        000000000000000000
    ");
    assert_eq!(OrpcThat::decode(&mut Decoder::new(&bytes)), Err(Error::Value { field: "ORPC_EXTENT.size", found: 9 }));
}

/// \[MS-DCOM\] 3.1.1.5.4: the version first, then the flags.
#[test]
fn object_calls_need_zero_flags() {
    let server = ComVersion::NEWEST;
    assert_eq!(this().accept_call(server), Ok(()));
    let flagged = OrpcThis { flags: 1, ..this() };
    assert_eq!(flagged.accept_call(server), Err(Hresult::INVALID_HEADER));
    let newer = OrpcThis { version: ComVersion { major: 5, minor: 8 }, ..flagged };
    assert_eq!(newer.accept_call(server), Err(Hresult::VERSION_MISMATCH));
}

proptest! {
    #[test]
    fn headers_survive(this in these(), that in those()) {
        check_round_trip(&this, OrpcThis::encode, OrpcThis::decode)?;
        check_round_trip(&that, OrpcThat::encode, OrpcThat::decode)?;
    }

    #[test]
    fn headers_leave_the_parameters_aligned_to_eight(this in these(), that in those()) {
        prop_assert_eq!(encoded(|stub| this.encode(stub)).len() % 8, 0);
        prop_assert_eq!(encoded(|stub| that.encode(stub)).len() % 8, 0);
    }
}
