//! [MS-NLMP] 4.2.4, "NTLMv2 Authentication": the values of the specification.

use orpc::security::accounts::NtHash;
use orpc::security::ntlm::flags::Flags;
use orpc::security::ntlm::keys::{self, Purpose};
use orpc::security::ntlm::message::{Authenticate, Challenge};
use orpc::security::ntlm::seal::Protection;

const SERVER_CHALLENGE: [u8; 8] = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
const RANDOM_SESSION_KEY: [u8; 16] = [0x55; 16];

fn hex<const N: usize>(text: &str) -> [u8; N] {
    hex::decode(text.replace([' ', '\n'], "")).unwrap().try_into().unwrap()
}

fn response_key() -> [u8; 16] {
    *keys::ntowf_v2(&NtHash::of_password("Password"), "User", "Domain")
}

/// 4.2.4.1.3
fn temp() -> [u8; 68] {
    hex("01 01 00 00 00 00 00 00  00 00 00 00 00 00 00 00  aa aa aa aa aa aa aa aa  00 00 00 00
         02 00 0c 00 44 00 6f 00 6d 00 61 00 69 00 6e 00
         01 00 0c 00 53 00 65 00 72 00 76 00 65 00 72 00
         00 00 00 00 00 00 00 00")
}

#[test]
fn ntowf_v2_of_4_2_4_1_1() {
    assert_eq!(response_key(), hex("0c868a403bfd7a93a3001ef22ef02e3f"));
}

#[test]
fn nt_proof_of_4_2_4_2_2() {
    assert_eq!(*keys::nt_proof(&response_key(), &SERVER_CHALLENGE, &temp()), hex("68cd0ab851e51c96aabc927bebef6a1c"));
}

#[test]
fn session_base_key_of_4_2_4_1_2() {
    let proof = hex("68cd0ab851e51c96aabc927bebef6a1c");
    assert_eq!(*keys::session_base_key(&response_key(), &proof), hex("8de40ccadbc14a82f15cb0ad0de95ca3"));
}

#[test]
fn encrypted_session_key_of_4_2_4_2_3_goes_both_ways() {
    let key_exchange_key = hex("8de40ccadbc14a82f15cb0ad0de95ca3");
    let encrypted = hex("c5dad2544fc9799094ce1ce90bc9d03e");
    assert_eq!(*keys::exported_session_key(&key_exchange_key, &RANDOM_SESSION_KEY), encrypted);
    assert_eq!(*keys::exported_session_key(&key_exchange_key, &encrypted), RANDOM_SESSION_KEY);
}

#[test]
fn challenge_of_4_2_4_3_is_read() {
    let message = hex::<104>(
        "4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
         060070170000000f 530065007200760065007200
         02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000",
    );
    let challenge = Challenge::decode(&message).unwrap();
    assert_eq!(challenge.server_challenge, SERVER_CHALLENGE);
    assert_eq!(Flags::REQUIRED - challenge.flags, Flags::empty());
    assert_eq!(challenge.target_info, &message[0x44..]);
}

#[test]
fn authenticate_of_4_2_4_3_is_read() {
    let message = hex::<232>(
        "4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000
         100010005c000000 10001000d8000000 358288e2 0501280a0000000f
         44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200
         86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa
         68cd0ab851e51c96aabc927bebef6a1c 0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
         02000c0044006f006d00610069006e00 01000c00530065007200760065007200 0000000000000000
         c5dad2544fc9799094ce1ce90bc9d03e",
    );
    let authenticate = Authenticate::decode(&message).unwrap();
    assert_eq!((authenticate.domain.as_str(), authenticate.user.as_str()), ("Domain", "User"));
    assert_eq!(authenticate.encrypted_random_session_key, hex::<16>("c5dad2544fc9799094ce1ce90bc9d03e"));
    let response = authenticate.response().unwrap();
    assert_eq!(response.proof, hex("68cd0ab851e51c96aabc927bebef6a1c"));
    assert_eq!(response.client_challenge, temp());
    assert_eq!(response.attributes.flags(), 0);
    let proof = keys::nt_proof(&response_key(), &SERVER_CHALLENGE, response.client_challenge);
    assert_eq!(*proof, response.proof);
}

#[test]
fn directional_keys_of_4_2_4_4() {
    let key = |purpose| *keys::directional_key(&RANDOM_SESSION_KEY, purpose);
    assert_eq!(key(Purpose::ClientSealing), hex("59f600973cc4960a25480a7c196e4c58"));
    assert_eq!(key(Purpose::ClientSigning), hex("4788dc861b4782f35d43fd98fe1a2d39"));
}

#[test]
fn sealed_message_of_4_2_4_4() {
    let mut message = hex::<18>("50006c00610069006e007400650078007400").to_vec();
    message.extend_from_slice(&[0; 16]);
    Protection::of_client(&RANDOM_SESSION_KEY).seal(&mut message, 0..18).unwrap();
    assert_eq!(message, hex::<34>("54e50165bf1936dc996020c1811b0f06fb5f 01000000 7fb38ec5c55d4976 00000000"));
    Protection::of_server(&RANDOM_SESSION_KEY).unseal(&mut message, 0..18).unwrap();
    assert_eq!(message[..18], hex::<18>("50006c00610069006e007400650078007400"));
}
