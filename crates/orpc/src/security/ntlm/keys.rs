//! Key derivation and proofs of NTLMv2.

use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use zeroize::Zeroizing;

use super::message::utf16;
use super::rc4::Rc4;
use crate::security::accounts::NtHash;

/// NTOWFv2, [MS-NLMP] 3.3.2: the response key of one account.
///
/// The user name is folded to upper case, the domain is taken as it is.
#[must_use]
pub fn ntowf_v2(hash: &NtHash, user: &str, domain: &str) -> Zeroizing<[u8; 16]> {
    let mut name = utf16(&upper_case(user));
    name.extend_from_slice(&utf16(domain));
    hmac_md5(hash.as_bytes(), &[&name])
}

/// NTProofStr, [MS-NLMP] 3.3.2: the proof over the server's nonce and the client's blob ("temp").
#[must_use]
pub fn nt_proof(response_key: &[u8; 16], server_challenge: &[u8; 8], client_challenge: &[u8]) -> Zeroizing<[u8; 16]> {
    hmac_md5(response_key, &[server_challenge, client_challenge])
}

/// SessionBaseKey of NTLMv2, [MS-NLMP] 3.3.2, which is the KeyExchangeKey too (3.4.5.1).
#[must_use]
pub fn session_base_key(response_key: &[u8; 16], nt_proof: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    hmac_md5(response_key, &[nt_proof])
}

/// ExportedSessionKey from EncryptedRandomSessionKey (RC4K), [MS-NLMP] 3.2.5.1.2; its own inverse.
#[must_use]
pub fn exported_session_key(key_exchange_key: &[u8; 16], encrypted: &[u8; 16]) -> Zeroizing<[u8; 16]> {
    let mut key = Zeroizing::new(*encrypted);
    Rc4::new(key_exchange_key).apply(key.as_mut_slice());
    key
}

/// MIC, [MS-NLMP] 3.1.5.1.2, over the three messages; the field inside the third counts as zeros.
#[must_use]
pub fn message_integrity_code(
    exported_session_key: &[u8; 16],
    negotiate: &[u8],
    challenge: &[u8],
    authenticate: &[u8],
) -> Zeroizing<[u8; 16]> {
    let mic = super::message::Authenticate::MIC;
    let (front, rest) = authenticate.split_at(mic.min(authenticate.len()));
    hmac_md5(exported_session_key, &[negotiate, challenge, front, &[0; 16], rest.get(16..).unwrap_or_default()])
}

/// SIGNKEY and SEALKEY with extended session security and 128-bit keys, [MS-NLMP] 3.4.5.2 and 3.4.5.3.
#[must_use]
pub fn directional_key(exported_session_key: &[u8; 16], purpose: Purpose) -> Zeroizing<[u8; 16]> {
    let digest = Md5::new().chain_update(exported_session_key).chain_update(purpose.constant()).finalize();
    Zeroizing::new(digest.into())
}

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Signatures of the client.
    ClientSigning,
    /// Encryption of the client.
    ClientSealing,
    /// Signatures of the server.
    ServerSigning,
    /// Encryption of the server.
    ServerSealing,
}

impl Purpose {
    fn constant(self) -> &'static [u8] {
        match self {
            Self::ClientSigning => b"session key to client-to-server signing key magic constant\0",
            Self::ClientSealing => b"session key to client-to-server sealing key magic constant\0",
            Self::ServerSigning => b"session key to server-to-client signing key magic constant\0",
            Self::ServerSealing => b"session key to server-to-client sealing key magic constant\0",
        }
    }
}

/// A keyed HMAC-MD5 that can be cloned for each message.
pub(super) fn keyed(key: &[u8; 16]) -> Hmac<Md5> {
    // HMAC takes keys of any length: a block that starts with the key and goes on with zeros is what it makes of ours.
    let mut block = Zeroizing::new([0; 64]);
    block[..16].copy_from_slice(key);
    Hmac::new((&*block).into())
}

fn hmac_md5(key: &[u8; 16], parts: &[&[u8]]) -> Zeroizing<[u8; 16]> {
    let mut mac = keyed(key);
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// Upper case the way of Windows: one unit for one unit, so that `ß` stays.
fn upper_case(text: &str) -> String {
    text.chars()
        .map(|original| {
            let mut upper = original.to_uppercase();
            match (upper.next(), upper.next()) {
                (Some(single), None) => single,
                _ => original,
            }
        })
        .collect()
}
