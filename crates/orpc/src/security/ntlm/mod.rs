//! NTLM over connection-oriented RPC, [MS-NLMP]: NTLMv2 with extended session security, 128-bit keys, key exchange, signing and sealing.
//! Nothing weaker is spoken, in either role.
//!
//! - [`client::Initiator`] lets the `sspi` crate make the messages. It checks the CHALLENGE before `sspi` answers it, because `sspi`
//!   answers any.
//! - [`server::Acceptor`] reads and writes the three messages itself. The acceptor of `sspi` 0.23 cannot stand here: it does not
//!   compare NTProofStr, so that a client with a wrong password and no MIC passes; it derives the keys from a blob that it
//!   puts together again from its own timestamp instead of from the proof that the client sent; its CHALLENGE has empty names, which
//!   cannot be filled in on the way out since the MIC covers the message; and one unknown attribute ends the handshake. The
//!   initiator of `sspi` judges our acceptor in the tests.
//! - [`seal::Protection`] signs and encrypts inside the buffer of the PDU. The key comes from either side of the handshake. `sspi`
//!   gives the same bytes (a test compares them) but allocates and copies for each message.

pub mod av_pair;
pub mod client;
pub mod flags;
pub mod keys;
pub mod message;
mod names;
pub mod rc4;
pub mod seal;
pub mod server;

use std::ops::Range;

use dcerpc::AuthenticationLevel;
use dcerpc::security::SecurityError;

pub use client::Initiator;
pub use names::ServerNames;
pub use server::Acceptor;

use seal::{Protection, ProtectionError};

fn protect(
    protection: &mut Protection,
    level: AuthenticationLevel,
    pdu: &mut [u8],
    body: Range<usize>,
) -> Result<(), SecurityError> {
    protection.seal(pdu, sealed_range(level, body)).map_err(into_security_error)
}

fn unprotect(
    protection: &mut Protection,
    level: AuthenticationLevel,
    pdu: &mut [u8],
    body: Range<usize>,
) -> Result<(), SecurityError> {
    protection.unseal(pdu, sealed_range(level, body)).map_err(into_security_error)
}

/// At packet privacy the body is encrypted, below it only signed.
fn sealed_range(level: AuthenticationLevel, body: Range<usize>) -> Range<usize> {
    if level == AuthenticationLevel::Privacy { body } else { 0..0 }
}

fn into_security_error(error: ProtectionError) -> SecurityError {
    match error {
        ProtectionError::Altered => SecurityError::Signature,
        ProtectionError::Layout => SecurityError::Token { reason: "PDU without room for a signature" },
    }
}

fn not_established() -> SecurityError {
    SecurityError::Token { reason: "the NTLM handshake is not complete" }
}
