//! Protection of messages once both sides have the key.

use std::ops::Range;

use hmac::{Hmac, Mac};
use md5::Md5;
use subtle::ConstantTimeEq;

use super::keys::{self, Purpose};
use super::rc4::Rc4;

/// Both directions of one established context, [MS-NLMP] 3.4.4.2 with NTLMSSP_NEGOTIATE_KEY_EXCH, extended session security and
/// 128-bit keys.
///
/// Works inside the buffer of the message: nothing is allocated or copied. The keyed HMAC is computed once and cloned per message.
pub struct Protection {
    sending: Direction,
    receiving: Direction,
}

impl Protection {
    /// Length of NTLMSSP_MESSAGE_SIGNATURE, 2.2.2.9.2.
    pub const SIGNATURE: usize = 4 /* Version */ + 8 /* Checksum */ + 4 /* SeqNum */;

    /// The client's view of a session.
    #[must_use]
    pub fn of_client(exported_session_key: &[u8; 16]) -> Self {
        Self {
            sending: Direction::new(exported_session_key, Purpose::ClientSigning, Purpose::ClientSealing),
            receiving: Direction::new(exported_session_key, Purpose::ServerSigning, Purpose::ServerSealing),
        }
    }

    /// The server's view of a session.
    #[must_use]
    pub fn of_server(exported_session_key: &[u8; 16]) -> Self {
        Self {
            sending: Direction::new(exported_session_key, Purpose::ServerSigning, Purpose::ServerSealing),
            receiving: Direction::new(exported_session_key, Purpose::ClientSigning, Purpose::ClientSealing),
        }
    }

    /// SEAL, 3.4.3: the last 16 bytes of `message` receive the signature over what precedes them; `sealed` is encrypted in place.
    ///
    /// An empty range gives a signature alone (SIGN, 3.4.4).
    ///
    /// # Errors
    ///
    /// [`ProtectionError::Layout`] when `message` is shorter than a signature or `sealed` does not lie in front of it.
    pub fn seal(&mut self, message: &mut [u8], sealed: Range<usize>) -> Result<(), ProtectionError> {
        let (text, signature) = split(message)?;
        let direction = &mut self.sending;
        let (front, body, back) = parts(text, sealed)?;
        let mut mac = direction.begin();
        mac.update(front);
        for block in body.chunks_mut(BLOCK) {
            mac.update(block);
            direction.cipher.apply(block);
        }
        mac.update(back);
        *signature = direction.signature(mac);
        Ok(())
    }

    /// Decrypts in place and checks the signature in constant time.
    ///
    /// # Errors
    ///
    /// [`ProtectionError::Altered`] when the message was changed, repeated, left out or made with another key. The streams of both
    /// sides have parted then and the session cannot go on. [`ProtectionError::Layout`] as in [`Protection::seal`].
    pub fn unseal(&mut self, message: &mut [u8], sealed: Range<usize>) -> Result<(), ProtectionError> {
        let (text, signature) = split(message)?;
        let direction = &mut self.receiving;
        let (front, body, back) = parts(text, sealed)?;
        let mut mac = direction.begin();
        mac.update(front);
        for block in body.chunks_mut(BLOCK) {
            direction.cipher.apply(block);
            mac.update(block);
        }
        mac.update(back);
        let expected = direction.signature(mac);
        if bool::from(expected.ct_eq(signature)) { Ok(()) } else { Err(ProtectionError::Altered) }
    }
}

/// Why a message could not be protected or was not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProtectionError {
    /// The signature is wrong.
    #[error("the signature of the message is wrong")]
    Altered,
    /// The caller gave ranges that do not fit the message.
    #[error("the parts of the message do not fit its length")]
    Layout,
}

struct Direction {
    signing: Hmac<Md5>,
    cipher: Rc4,
    sequence: u32,
}

impl Direction {
    fn new(exported_session_key: &[u8; 16], signing: Purpose, sealing: Purpose) -> Self {
        Self {
            signing: keys::keyed(&keys::directional_key(exported_session_key, signing)),
            cipher: Rc4::new(&keys::directional_key(exported_session_key, sealing)),
            sequence: 0,
        }
    }

    /// The MAC over the next sequence number, ready for the message.
    fn begin(&self) -> Hmac<Md5> {
        let mut mac = self.signing.clone();
        mac.update(&self.sequence.to_le_bytes());
        mac
    }

    /// Completes the signature and moves on to the next sequence number.
    fn signature(&mut self, mac: Hmac<Md5>) -> [u8; Protection::SIGNATURE] {
        let mut signature = [0; Protection::SIGNATURE];
        signature[0] = 1; // Version, 32 bits
        signature[4..12].copy_from_slice(&mac.finalize().into_bytes()[..8]);
        self.cipher.apply(&mut signature[4..12]);
        signature[12..].copy_from_slice(&self.sequence.to_le_bytes());
        self.sequence = self.sequence.wrapping_add(1);
        signature
    }
}

fn split(message: &mut [u8]) -> Result<(&mut [u8], &mut [u8; Protection::SIGNATURE]), ProtectionError> {
    message.split_last_chunk_mut().ok_or(ProtectionError::Layout)
}

type Parts<'a> = (&'a [u8], &'a mut [u8], &'a [u8]);

/// What precedes the encrypted part, the encrypted part, and what follows it.
fn parts(text: &mut [u8], sealed: Range<usize>) -> Result<Parts<'_>, ProtectionError> {
    let (text, back) = text.split_at_mut_checked(sealed.end).ok_or(ProtectionError::Layout)?;
    let (front, body) = text.split_at_mut_checked(sealed.start).ok_or(ProtectionError::Layout)?;
    Ok((front, body, back))
}

/// MAC and cipher take turns by blocks that stay in the first-level cache, whatever the size of the fragment.
const BLOCK: usize = 4096;
