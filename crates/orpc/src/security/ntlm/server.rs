//! The accepting side.

use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;

use dcerpc::security::{Identity, SecurityContext, SecurityError, Step};
use dcerpc::{AuthenticationLevel, AuthenticationType};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::av_pair;
use super::flags::Flags;
use super::keys;
use super::message::{Authenticate, Challenge, MessageError, Negotiate};
use super::names::ServerNames;
use super::seal::Protection;
use crate::security::accounts::{Accounts, Attempt, Lookup, NtHash};
use crate::security::file_time;

/// NTLM acceptor for one security context of one connection, [MS-NLMP] 3.2.5.1.
pub struct Acceptor {
    accounts: Arc<dyn Accounts>,
    names: Arc<ServerNames>,
    peer: SocketAddr,
    state: State,
}

enum State {
    AwaitingNegotiate,
    AwaitingAuthenticate { negotiate: Vec<u8>, challenge: Vec<u8>, server_challenge: [u8; 8] },
    Established { identity: Identity, protection: Box<Protection> },
    Failed,
}

impl Acceptor {
    /// A context that waits for the NEGOTIATE message of `peer`.
    #[must_use]
    pub fn new(accounts: Arc<dyn Accounts>, names: Arc<ServerNames>, peer: SocketAddr) -> Self {
        Self { accounts, names, peer, state: State::AwaitingNegotiate }
    }

    fn challenge(&mut self, token: &[u8]) -> Result<Vec<u8>, Refusal> {
        let negotiate = Negotiate::decode(token)?;
        let missing = Flags::REQUIRED - negotiate.flags;
        // KEY_EXCHANGE, SIGN and SEAL may be left to the last message; the others are decided here.
        if missing.intersects(Flags::UNICODE | Flags::EXTENDED_SESSION_SECURITY | Flags::KEY_128) {
            return Err(Refusal::TooWeak { missing });
        }
        if negotiate.flags.contains(Flags::DATAGRAM) {
            return Err(Refusal::Datagram);
        }
        let mut server_challenge = [0; 8];
        getrandom::fill(&mut server_challenge)?;
        let challenge = Challenge::encode(negotiate.flags, server_challenge, &self.names, file_time::now());
        self.state =
            State::AwaitingAuthenticate { negotiate: token.to_vec(), challenge: challenge.clone(), server_challenge };
        Ok(challenge)
    }

    /// Decides about the AUTHENTICATE message. The work until the proof is compared is the same for known and unknown users.
    fn authenticate(
        &self,
        negotiate: &[u8],
        challenge: &[u8],
        server_challenge: &[u8; 8],
        token: &[u8],
    ) -> Result<(Identity, Protection), Refusal> {
        let message = Authenticate::decode(token)?;
        if message.user.is_empty() {
            return Err(Refusal::Anonymous);
        }
        let attempt = Attempt { domain: &message.domain, user: &message.user, peer: self.peer };
        let outcome = self.verify(negotiate, challenge, server_challenge, token, &message);
        match &outcome {
            Ok(_) => self.accounts.succeeded(&attempt),
            Err(refusal) => {
                tracing::warn!(peer = %self.peer, user = ?message.user, domain = ?message.domain, reason = %refusal, "logon refused");
                self.accounts.failed(&attempt);
            }
        }
        let session_key = outcome?;
        let identity = Identity { domain: message.domain, user: message.user };
        Ok((identity, Protection::of_server(&session_key)))
    }

    /// Returns ExportedSessionKey.
    fn verify(
        &self,
        negotiate: &[u8],
        challenge: &[u8],
        server_challenge: &[u8; 8],
        token: &[u8],
        message: &Authenticate<'_>,
    ) -> Result<Zeroizing<[u8; 16]>, Refusal> {
        let missing = Flags::REQUIRED - message.flags;
        if !missing.is_empty() {
            return Err(Refusal::TooWeak { missing });
        }
        let response = message.response()?;
        let encrypted_key: &[u8; 16] =
            message.encrypted_random_session_key.try_into().map_err(|_| Refusal::SessionKey)?;
        if response.time.abs_diff(file_time::now()) > MAX_LIFETIME {
            return Err(Refusal::Expired);
        }

        let (hash, known) = match self.accounts.nt_hash(&message.domain, &message.user) {
            Lookup::Found(hash) => (hash, Ok(())),
            Lookup::Unknown => (NtHash::from_bytes([0; 16]), Err(Refusal::UnknownUser)),
            Lookup::LockedOut => (NtHash::from_bytes([0; 16]), Err(Refusal::LockedOut)),
        };
        let response_key = keys::ntowf_v2(&hash, &message.user, &message.domain);
        let proof = keys::nt_proof(&response_key, server_challenge, response.client_challenge);
        let proven = bool::from(proof.ct_eq(&response.proof));
        let session_key =
            keys::exported_session_key(&keys::session_base_key(&response_key, &response.proof), encrypted_key);
        let mic = keys::message_integrity_code(&session_key, negotiate, challenge, token);
        known?;
        if !proven {
            return Err(Refusal::WrongPassword);
        }
        // The proof covers the announcement of the MIC, so nobody on the way can take it out.
        if response.attributes.flags() & av_pair::FLAG_MIC_PRESENT != 0 {
            let received = message.mic().ok_or(Refusal::Mic)?;
            if !bool::from(mic.ct_eq(&received)) {
                return Err(Refusal::Mic);
            }
        }
        Ok(session_key)
    }
}

impl SecurityContext for Acceptor {
    fn authentication_type(&self) -> AuthenticationType {
        AuthenticationType::NTLM
    }

    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError> {
        let refusal = match std::mem::replace(&mut self.state, State::Failed) {
            State::AwaitingNegotiate => match self.challenge(token) {
                Ok(challenge) => return Ok(Step::Continue(challenge)),
                Err(refusal) => refusal,
            },
            State::AwaitingAuthenticate { negotiate, challenge, server_challenge } => {
                match self.authenticate(&negotiate, &challenge, &server_challenge, token) {
                    Ok((identity, protection)) => {
                        tracing::debug!(peer = %self.peer, user = ?identity.user, domain = ?identity.domain, "logged on");
                        self.state = State::Established { identity, protection: Box::new(protection) };
                        return Ok(Step::Complete(None));
                    }
                    Err(refusal) => refusal,
                }
            }
            State::Established { .. } | State::Failed => Refusal::OutOfSequence,
        };
        tracing::debug!(peer = %self.peer, reason = %refusal, "NTLM handshake ended");
        Err(refusal.into())
    }

    fn signature_size(&self, _level: AuthenticationLevel) -> usize {
        Protection::SIGNATURE
    }

    fn protect(&mut self, level: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError> {
        match &mut self.state {
            State::Established { protection, .. } => super::protect(protection, level, pdu, body),
            _ => Err(super::not_established()),
        }
    }

    fn unprotect(
        &mut self,
        level: AuthenticationLevel,
        pdu: &mut [u8],
        body: Range<usize>,
    ) -> Result<(), SecurityError> {
        match &mut self.state {
            State::Established { protection, .. } => super::unprotect(protection, level, pdu, body),
            _ => Err(super::not_established()),
        }
    }

    fn identity(&self) -> Option<&Identity> {
        match &self.state {
            State::Established { identity, .. } => Some(identity),
            _ => None,
        }
    }
}

/// Why a client is refused. Goes into the log; the client learns only that it was.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Malformed(#[from] MessageError),
    #[error("the client does not offer {missing:?}")]
    TooWeak { missing: Flags },
    #[error("the client wants the connectionless variant")]
    Datagram,
    #[error("anonymous")]
    Anonymous,
    #[error("unknown user")]
    UnknownUser,
    #[error("account is locked")]
    LockedOut,
    #[error("wrong password")]
    WrongPassword,
    #[error("message integrity code is wrong or missing")]
    Mic,
    #[error("session key is not 16 bytes long")]
    SessionKey,
    #[error("the time of the response is too far from the time of this server")]
    Expired,
    #[error("message out of sequence")]
    OutOfSequence,
    #[error("no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

impl From<Refusal> for SecurityError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed(_) | Refusal::SessionKey => Self::Token { reason: "malformed NTLM message" },
            Refusal::OutOfSequence => Self::Token { reason: "NTLM message out of sequence" },
            Refusal::TooWeak { .. } | Refusal::Datagram => {
                Self::Denied { reason: "the peer does not offer NTLMv2 session security" }
            }
            Refusal::Anonymous => Self::Denied { reason: "anonymous logon" },
            Refusal::UnknownUser | Refusal::LockedOut | Refusal::WrongPassword | Refusal::Mic | Refusal::Expired => {
                Self::Denied { reason: "logon failed" }
            }
            Refusal::NoRandomness(error) => Self::Provider(Box::new(error)),
        }
    }
}

/// MaxLifetime, [MS-NLMP] 3.1.1.1, product behavior: 36 hours, in units of 100 ns.
const MAX_LIFETIME: u64 = 36 * 60 * 60 * 10_000_000;
