//! [MS-NLMP] 2.2: messages that are not well formed.

use orpc::security::ntlm::av_pair::AvPairs;
use orpc::security::ntlm::message::{Authenticate, Challenge, MessageError, Negotiate, Response};

use crate::support::ntlm_client::Client;

#[test]
fn a_message_of_another_type_is_refused() {
    let negotiate = Client::alice().negotiate();
    assert_eq!(Authenticate::decode(&negotiate), Err(MessageError::NotThisMessage { expected: 3 }));
    assert_eq!(Challenge::decode(&negotiate), Err(MessageError::NotThisMessage { expected: 2 }));
    assert_eq!(Negotiate::decode(b"NTLMSSP\0"), Err(MessageError::NotThisMessage { expected: 1 }));
}

#[test]
fn a_field_outside_the_message_is_refused() {
    let mut message = [0; 88];
    message[..12].copy_from_slice(b"NTLMSSP\0\x03\0\0\0");
    message[60] = 1; // Unicode
    message[36..44].copy_from_slice(&[2, 0, 2, 0, 0xff, 0xff, 0xff, 0xff]); // user name
    assert_eq!(Authenticate::decode(&message), Err(MessageError::Truncated { at: 36, length: 88 }));
}

#[test]
fn a_name_that_is_not_utf_16_is_refused() {
    let mut message = [0; 88];
    message[..12].copy_from_slice(b"NTLMSSP\0\x03\0\0\0");
    message[60] = 1; // Unicode
    message[36..44].copy_from_slice(&[3, 0, 3, 0, 64, 0, 0, 0]);
    assert_eq!(Authenticate::decode(&message), Err(MessageError::Name));
    message[36..44].copy_from_slice(&[2, 0, 2, 0, 86, 0, 0, 0]);
    message[86..].copy_from_slice(&[0x00, 0xd8]); // half of a surrogate pair
    assert_eq!(Authenticate::decode(&message), Err(MessageError::Name));
}

#[test]
fn code_page_strings_are_refused() {
    let mut message = [0; 88];
    message[..12].copy_from_slice(b"NTLMSSP\0\x03\0\0\0");
    assert_eq!(Authenticate::decode(&message), Err(MessageError::NotUnicode));
}

#[test]
fn an_attribute_list_must_end() {
    assert_eq!(AvPairs::decode(&[]).err(), Some(MessageError::AttributeList { at: 0 }));
    assert_eq!(AvPairs::decode(&[1, 0, 2, 0, 65, 0]).err(), Some(MessageError::AttributeList { at: 6 }));
    assert_eq!(AvPairs::decode(&[1, 0, 9, 0, 0, 0, 0, 0]).err(), Some(MessageError::AttributeList { at: 13 }));
}

#[test]
fn an_ntlm_v1_response_is_refused() {
    assert_eq!(Response::decode(&[0; 24]).err(), Some(MessageError::NotNtlmV2 { length: 24 }));
}
