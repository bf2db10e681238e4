//! [MS-NLMP] 3.4: signed and sealed messages, and `sspi` as the judge of their bytes.

use std::sync::Arc;

use dcerpc::AuthenticationLevel;
use dcerpc::security::{SecurityContext, SecurityError, Step};
use orpc::security::accounts::NtHash;
use orpc::security::ntlm::seal::{Protection, ProtectionError};
use orpc::security::ntlm::{Acceptor, Initiator, ServerNames};
use sspi::{
    AuthIdentityBuffers, BufferType, ClientRequestFlags, DataRepresentation, EncryptionFlags, Ntlm, NtlmHash,
    SecurityBuffer, SecurityBufferFlags, SecurityBufferRef, Sspi, SspiImpl,
};

use crate::support::accounts::TestAccounts;

const KEY: [u8; 16] = *b"0123456789abcdef";
const HEADER: usize = 24;
const TRAILER: usize = 8;

/// A fragment as the association lays it out: header, body, security trailer, room for the signature.
fn fragment(body: usize, seed: u8) -> Vec<u8> {
    let mut pdu: Vec<u8> = (0..HEADER + body + TRAILER).map(|at| (at as u8).wrapping_mul(31) ^ seed).collect();
    pdu.extend_from_slice(&[0; 16]);
    pdu
}

fn pair() -> (Protection, Protection) {
    (Protection::of_client(&KEY), Protection::of_server(&KEY))
}

#[test]
fn fragments_survive_the_way_in_both_directions() {
    let (mut client, mut server) = pair();
    for (turn, body) in [0, 1, 7, 8, 9, 16, 5760, 65_472].into_iter().enumerate() {
        let plain = fragment(body, turn as u8);
        let mut pdu = plain.clone();
        client.seal(&mut pdu, HEADER..HEADER + body).unwrap();
        assert_eq!(pdu[..HEADER], plain[..HEADER], "the header stays readable");
        server.unseal(&mut pdu, HEADER..HEADER + body).unwrap();
        assert_eq!(pdu[..pdu.len() - 16], plain[..plain.len() - 16]);

        let mut pdu = plain.clone();
        server.seal(&mut pdu, HEADER..HEADER + body).unwrap();
        client.unseal(&mut pdu, HEADER..HEADER + body).unwrap();
        assert_eq!(pdu[..pdu.len() - 16], plain[..plain.len() - 16]);
    }
}

#[test]
fn one_changed_bit_anywhere_is_noticed() {
    for at in 0..fragment(32, 0).len() {
        let (mut client, mut server) = pair();
        let mut pdu = fragment(32, 0);
        client.seal(&mut pdu, HEADER..HEADER + 32).unwrap();
        pdu[at] ^= 0x10;
        assert_eq!(server.unseal(&mut pdu, HEADER..HEADER + 32), Err(ProtectionError::Altered), "byte {at}");
    }
}

#[test]
fn a_replayed_fragment_is_noticed() {
    let (mut client, mut server) = pair();
    let mut pdu = fragment(32, 0);
    client.seal(&mut pdu, HEADER..HEADER + 32).unwrap();
    let mut replayed = pdu.clone();
    server.unseal(&mut pdu, HEADER..HEADER + 32).unwrap();
    assert_eq!(server.unseal(&mut replayed, HEADER..HEADER + 32), Err(ProtectionError::Altered));
}

#[test]
fn a_fragment_that_was_left_out_is_noticed() {
    let (mut client, mut server) = pair();
    let (mut first, mut second) = (fragment(32, 1), fragment(32, 2));
    client.seal(&mut first, HEADER..HEADER + 32).unwrap();
    client.seal(&mut second, HEADER..HEADER + 32).unwrap();
    assert_eq!(server.unseal(&mut second, HEADER..HEADER + 32), Err(ProtectionError::Altered));
}

#[test]
fn a_reflected_fragment_is_noticed() {
    let (mut client, _) = pair();
    let mut pdu = fragment(32, 0);
    client.seal(&mut pdu, HEADER..HEADER + 32).unwrap();
    assert_eq!(client.unseal(&mut pdu, HEADER..HEADER + 32), Err(ProtectionError::Altered));
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    let (mut client, _) = pair();
    assert_eq!(client.seal(&mut [0; 15], 0..0), Err(ProtectionError::Layout));
    assert_eq!(client.seal(&mut [0; 32], 0..17), Err(ProtectionError::Layout));
}

#[test]
fn integrity_leaves_the_body_readable_and_covers_it() {
    let (mut initiator, mut acceptor) = established();
    let plain = fragment(64, 0);
    let mut pdu = plain.clone();
    initiator.protect(AuthenticationLevel::Integrity, &mut pdu, HEADER..HEADER + 64).unwrap();
    assert_eq!(pdu[..pdu.len() - 16], plain[..plain.len() - 16]);
    let mut altered = pdu.clone();
    altered[HEADER] ^= 1;
    acceptor.unprotect(AuthenticationLevel::Integrity, &mut pdu, HEADER..HEADER + 64).unwrap();
    initiator.protect(AuthenticationLevel::Integrity, &mut altered, HEADER..HEADER + 64).unwrap();
    altered[HEADER] ^= 1;
    let error = acceptor.unprotect(AuthenticationLevel::Integrity, &mut altered, HEADER..HEADER + 64).unwrap_err();
    assert!(matches!(error, SecurityError::Signature));
}

#[test]
fn nothing_is_protected_before_the_handshake_is_complete() {
    let mut initiator = Initiator::new("", "alice", &NtHash::of_password("Alice's password"));
    assert!(initiator.protect(AuthenticationLevel::Privacy, &mut fragment(16, 0), HEADER..HEADER + 16).is_err());
    assert!(initiator.unprotect(AuthenticationLevel::Privacy, &mut fragment(16, 0), HEADER..HEADER + 16).is_err());
    assert_eq!(initiator.signature_size(AuthenticationLevel::Privacy), 16);
}

/// An initiator of `sspi` and our acceptor; then `sspi` seals what we unseal, unseals what we seal, and both make the same bytes.
#[test]
fn sealing_is_byte_identical_to_sspi() {
    let mut acceptor = acceptor();
    let mut ntlm = Ntlm::new();
    let hash = NtlmHash::from_bytes(*NtHash::of_password("Alice's password").as_bytes());
    let mut credentials = Some(AuthIdentityBuffers::from_utf8_with_hash("alice", "CORP", &hash));
    let Step::Continue(challenge) = acceptor.step(&sspi_leg(&mut ntlm, &mut credentials, &[])).unwrap() else {
        panic!()
    };
    acceptor.step(&sspi_leg(&mut ntlm, &mut credentials, &challenge)).unwrap();
    let key = ntlm.query_context_session_key().unwrap().session_key.as_ref().as_slice().try_into().unwrap();
    let mut ours = Protection::of_client(&key);

    for body in [16, 33, 4096] {
        let plain = fragment(body, 9);
        let mut mine = plain.clone();
        ours.seal(&mut mine, HEADER..HEADER + body).unwrap();
        let mut theirs = plain.clone();
        with_sspi_buffers(&mut theirs, body, |buffers| {
            ntlm.encrypt_message(EncryptionFlags::empty(), buffers).unwrap();
        });
        assert_eq!(mine, theirs);
        acceptor.unprotect(AuthenticationLevel::Privacy, &mut theirs, HEADER..HEADER + body).unwrap();
        assert_eq!(theirs[..theirs.len() - 16], plain[..plain.len() - 16]);

        let mut reply = plain.clone();
        acceptor.protect(AuthenticationLevel::Privacy, &mut reply, HEADER..HEADER + body).unwrap();
        with_sspi_buffers(&mut reply, body, |buffers| {
            ntlm.decrypt_message(buffers).unwrap();
        });
        assert_eq!(reply[..reply.len() - 16], plain[..plain.len() - 16]);
    }
}

fn with_sspi_buffers(pdu: &mut [u8], body: usize, work: impl FnOnce(&mut [SecurityBufferRef<'_>])) {
    let (header, rest) = pdu.split_at_mut(HEADER);
    let (body, rest) = rest.split_at_mut(body);
    let (trailer, signature) = rest.split_at_mut(TRAILER);
    let read_only = SecurityBufferFlags::SECBUFFER_READONLY_WITH_CHECKSUM;
    work(&mut [
        SecurityBufferRef::data_buf(header).with_flags(read_only),
        SecurityBufferRef::data_buf(body),
        SecurityBufferRef::data_buf(trailer).with_flags(read_only),
        SecurityBufferRef::token_buf(signature),
    ]);
}

fn sspi_leg(ntlm: &mut Ntlm, credentials: &mut Option<AuthIdentityBuffers>, token: &[u8]) -> Vec<u8> {
    let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    let mut builder = ntlm
        .initialize_security_context()
        .with_credentials_handle(credentials)
        .with_context_requirements(ClientRequestFlags::CONFIDENTIALITY | ClientRequestFlags::INTEGRITY)
        .with_target_data_representation(DataRepresentation::Native)
        .with_input(&mut input)
        .with_output(&mut output);
    ntlm.initialize_security_context_impl(&mut builder).unwrap().resolve_to_result().unwrap();
    output[0].buffer.clone()
}

fn acceptor() -> Acceptor {
    let names = Arc::new(ServerNames::stand_alone("ca1.example.test"));
    Acceptor::new(Arc::new(TestAccounts::default()), names, "192.0.2.1:49152".parse().unwrap())
}

fn established() -> (Initiator, Acceptor) {
    let mut initiator = Initiator::new("", "alice", &NtHash::of_password("Alice's password"));
    let mut acceptor = acceptor();
    let Step::Continue(negotiate) = initiator.step(&[]).unwrap() else { panic!() };
    let Step::Continue(challenge) = acceptor.step(&negotiate).unwrap() else { panic!() };
    let Step::Complete(Some(authenticate)) = initiator.step(&challenge).unwrap() else { panic!() };
    acceptor.step(&authenticate).unwrap();
    (initiator, acceptor)
}
