//! A client that can be made to misbehave: it writes the NTLM messages field by field.

use orpc::security::accounts::NtHash;
use orpc::security::ntlm::flags::Flags;
use orpc::security::ntlm::keys;
use orpc::security::ntlm::message::Challenge;
use orpc::security::ntlm::seal::Protection;

pub struct Client {
    pub domain: &'static str,
    pub user: &'static str,
    pub password: &'static str,
    /// In the NEGOTIATE and in the AUTHENTICATE message.
    pub flags: Flags,
    /// Announces a MIC and sends it.
    pub mic: bool,
    /// Sends a MIC that was spoilt in one bit.
    pub spoil_mic: bool,
    /// Replaces NtChallengeResponse.
    pub response: Option<Vec<u8>>,
    /// Added to the time of the server, 100 ns.
    pub clock_error: u64,
    /// Added to the attribute list.
    pub attributes: Vec<u8>,
}

impl Client {
    pub fn alice() -> Self {
        Self {
            domain: "CORP",
            user: "alice",
            password: "Alice's password",
            flags: Flags::REQUIRED | Flags::NTLM | Flags::REQUEST_TARGET | Flags::TARGET_INFO | Flags::VERSION,
            mic: true,
            spoil_mic: false,
            response: None,
            clock_error: 0,
            attributes: Vec::new(),
        }
    }

    pub fn negotiate(&self) -> Vec<u8> {
        let mut message = b"NTLMSSP\0\x01\0\0\0".to_vec();
        message.extend_from_slice(&self.flags.bits().to_le_bytes());
        message.extend_from_slice(&[0; 16]); // no names
        message.extend_from_slice(&[6, 1, 0, 0, 0, 0, 0, 15]); // Version
        message
    }

    pub fn authenticate(&self, challenge: &[u8]) -> (Vec<u8>, Protection) {
        let parsed = Challenge::decode(challenge).unwrap();
        let mut blob = vec![1, 1, 0, 0, 0, 0, 0, 0];
        let time = time_of(parsed.target_info) + self.clock_error;
        blob.extend_from_slice(&time.to_le_bytes());
        blob.extend_from_slice(&[0xaa; 8]); // ChallengeFromClient
        blob.extend_from_slice(&[0; 4]);
        blob.extend_from_slice(&parsed.target_info[..parsed.target_info.len() - 4]);
        if self.mic {
            blob.extend_from_slice(&[6, 0, 4, 0, 2, 0, 0, 0]); // MsvAvFlags: MIC present
        }
        blob.extend_from_slice(&self.attributes);
        blob.extend_from_slice(&[0; 8]); // MsvAvEOL, and the padding of Windows

        let response_key = keys::ntowf_v2(&NtHash::of_password(self.password), self.user, self.domain);
        let proof = keys::nt_proof(&response_key, &parsed.server_challenge, &blob);
        let response = self.response.clone().unwrap_or_else(|| [&proof[..], &blob].concat());
        let session_key = [0x55; 16];
        let encrypted = keys::exported_session_key(&keys::session_base_key(&response_key, &proof), &session_key);

        let payload: [Vec<u8>; 6] =
            [vec![0; 24], response, utf16(self.domain), utf16(self.user), Vec::new(), encrypted.to_vec()];
        let mut message = b"NTLMSSP\0\x03\0\0\0".to_vec();
        let mut offset = 88_u32;
        for field in &payload {
            let length = u16::try_from(field.len()).unwrap();
            message.extend_from_slice(&length.to_le_bytes());
            message.extend_from_slice(&length.to_le_bytes());
            message.extend_from_slice(&offset.to_le_bytes());
            offset += u32::from(length);
        }
        message.extend_from_slice(&self.flags.bits().to_le_bytes());
        message.extend_from_slice(&[6, 1, 0, 0, 0, 0, 0, 15]); // Version
        message.extend_from_slice(&[0; 16]); // MIC
        message.extend_from_slice(&payload.concat());
        if self.mic {
            let mut mic = keys::message_integrity_code(&session_key, &self.negotiate(), challenge, &message);
            mic[3] ^= u8::from(self.spoil_mic);
            message[72..88].copy_from_slice(&*mic);
        }
        (message, Protection::of_client(&session_key))
    }
}

pub fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn time_of(target_info: &[u8]) -> u64 {
    let pairs = orpc::security::ntlm::av_pair::AvPairs::decode(target_info).unwrap();
    u64::from_le_bytes(pairs.find(7).unwrap().try_into().unwrap())
}
