//! The initiating side.

use std::ops::Range;

use dcerpc::security::{Identity, SecurityContext, SecurityError, Step};
use dcerpc::{AuthenticationLevel, AuthenticationType};
use sspi::{
    AuthIdentityBuffers, BufferType, ClientRequestFlags, DataRepresentation, Ntlm, NtlmHash, SecurityBuffer, Sspi,
    SspiImpl,
};
use zeroize::Zeroizing;

use super::flags::Flags;
use super::message::Challenge;
use super::seal::Protection;
use crate::security::accounts::NtHash;

/// NTLM initiator for one security context, [MS-NLMP] 3.1.5.1; the messages are those of the `sspi` crate.
pub struct Initiator {
    state: State,
}

enum State {
    Handshake { ntlm: Box<Ntlm>, credentials: Option<AuthIdentityBuffers>, sent_negotiate: bool },
    Established(Box<Protection>),
    Failed,
}

impl Initiator {
    /// A context that will log on as `domain\user`; an empty domain stands for an account of the server itself.
    #[must_use]
    pub fn new(domain: &str, user: &str, hash: &NtHash) -> Self {
        // sspi reads a password that starts with "$NTLM$:" as a hash, so it never gets passwords from us, always hashes.
        let hash = NtlmHash::from_bytes(*hash.as_bytes());
        let credentials = AuthIdentityBuffers::from_utf8_with_hash(user, domain, &hash);
        Self {
            state: State::Handshake {
                ntlm: Box::new(Ntlm::new()),
                credentials: Some(credentials),
                sent_negotiate: false,
            },
        }
    }
}

impl SecurityContext for Initiator {
    fn authentication_type(&self) -> AuthenticationType {
        AuthenticationType::NTLM
    }

    fn step(&mut self, token: &[u8]) -> Result<Step, SecurityError> {
        let State::Handshake { mut ntlm, mut credentials, sent_negotiate } =
            std::mem::replace(&mut self.state, State::Failed)
        else {
            return Err(SecurityError::Token { reason: "NTLM message out of sequence" });
        };
        if sent_negotiate {
            // sspi answers whatever comes; a server that wants less than 128-bit keys, or none, is refused here.
            let challenge =
                Challenge::decode(token).map_err(|_| SecurityError::Token { reason: "malformed NTLM CHALLENGE" })?;
            let missing = Flags::REQUIRED - challenge.flags;
            if !missing.is_empty() {
                tracing::warn!(?missing, "the server does not offer what this client requires");
                return Err(SecurityError::Denied { reason: "the peer does not offer NTLMv2 session security" });
            }
        }
        let answer = initialize(&mut ntlm, &mut credentials, token).map_err(provider)?;
        if !sent_negotiate {
            self.state = State::Handshake { ntlm, credentials, sent_negotiate: true };
            return Ok(Step::Continue(answer));
        }
        let keys = quietly(|| ntlm.query_context_session_key()).map_err(provider)?;
        let key: Zeroizing<[u8; 16]> = keys
            .session_key
            .as_ref()
            .as_slice()
            .try_into()
            .map(Zeroizing::new)
            .map_err(|error| SecurityError::Provider(Box::new(error)))?;
        self.state = State::Established(Box::new(Protection::of_client(&key)));
        Ok(Step::Complete(Some(answer)))
    }

    fn signature_size(&self, _level: AuthenticationLevel) -> usize {
        Protection::SIGNATURE
    }

    fn protect(&mut self, level: AuthenticationLevel, pdu: &mut [u8], body: Range<usize>) -> Result<(), SecurityError> {
        match &mut self.state {
            State::Established(protection) => super::protect(protection, level, pdu, body),
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
            State::Established(protection) => super::unprotect(protection, level, pdu, body),
            _ => Err(super::not_established()),
        }
    }

    fn identity(&self) -> Option<&Identity> {
        None
    }
}

fn initialize(
    ntlm: &mut Ntlm,
    credentials: &mut Option<AuthIdentityBuffers>,
    token: &[u8],
) -> Result<Vec<u8>, sspi::Error> {
    let mut input = [SecurityBuffer::new(token.to_vec(), BufferType::Token)];
    let mut output = [SecurityBuffer::new(Vec::new(), BufferType::Token)];
    quietly(|| {
        let mut builder = ntlm
            .initialize_security_context()
            .with_credentials_handle(credentials)
            .with_context_requirements(
                ClientRequestFlags::CONFIDENTIALITY
                    | ClientRequestFlags::INTEGRITY
                    | ClientRequestFlags::REPLAY_DETECT
                    | ClientRequestFlags::SEQUENCE_DETECT
                    | ClientRequestFlags::USE_DCE_STYLE,
            )
            .with_target_data_representation(DataRepresentation::Native)
            .with_input(&mut input)
            .with_output(&mut output);
        ntlm.initialize_security_context_impl(&mut builder)?.resolve_to_result().map(|_| ())
    })?;
    let [answer] = output;
    Ok(answer.buffer)
}

fn provider(error: sspi::Error) -> SecurityError {
    SecurityError::Provider(Box::new(error))
}

/// Runs `sspi` where nobody listens to its trace events: they contain messages of the handshake.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), work)
}
