//! The methods as values: what a client sends, what it gets back, and the same for a server.
//!
//! Everything here is the stub *behind* ORPCTHIS and ORPCTHAT. Those are multiples of eight bytes long, so that what follows
//! is aligned as a stub of its own.
//!
//! ```
//! use csra::call::{BackupOpenFile, Call};
//! use dcerpc::ndr::Encoder;
//!
//! let call = BackupOpenFile { path: Some("\\\\CA01\\CertSrv$\\DataBase\\CA.edb".into()) };
//! let mut request = Encoder::new();
//! call.encode(&mut request);
//! // ... travels to the server, which answers:
//! let reply = [0x40, 0xE2, 0x01, 0, 0, 0, 0, 0, /* HRESULT */ 0, 0, 0, 0];
//! assert_eq!(call.finish(&reply)?, 123_456);
//! # Ok::<(), csra::call::CallError>(())
//! ```

mod backup;
mod configuration;
mod control;

use dcerpc::Opnum;
use dcerpc::ndr::{Decoder, Encoder};
use dcom::Hresult;

pub use backup::{
    BackupCloseFile, BackupEnd, BackupGetAttachmentInformation, BackupGetBackupLogs, BackupGetDynamicFiles,
    BackupOpenFile, BackupPrepare, BackupReadFile, BackupTruncateLogs, RestoreGetDatabaseLocations,
};
pub use configuration::{GetCaProperty, GetConfigEntry};
pub use control::{GetMyRoles, GetServerState, Ping, Ping2, ServerControl};

use crate::{Error, limits, opnum};

/// A method of ICertAdminD or ICertAdminD2 with its \[in\] parameters.
pub trait Call: Sized {
    /// Its number.
    const OPNUM: Opnum;

    /// Its \[out\] parameters, when it succeeds.
    type Reply;

    /// Writes the \[in\] parameters.
    fn encode(&self, stub: &mut Encoder);

    /// Reads the \[in\] parameters. What follows them (a verification trailer) is left alone.
    ///
    /// # Errors
    /// [`Error`] when they are malformed.
    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error>;

    /// Reads the \[out\] parameters, which the HRESULT follows.
    ///
    /// # Errors
    /// [`Error`] when they are malformed.
    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<Self::Reply, Error>;

    /// Reads a whole reply stub. Everything but `S_OK` is a failure, \[MS-CSRA\] 3.1.4.1.
    ///
    /// # Errors
    /// [`CallError::Refused`] with the server's code; it is found at the end of the stub even if what precedes it is
    /// malformed. [`CallError::Malformed`] otherwise.
    fn finish(&self, stub: &[u8]) -> Result<Self::Reply, CallError> {
        let mut decoder = Decoder::new(stub);
        let decoded = self.decode_reply(&mut decoder).and_then(|reply| Ok((reply, Hresult(decoder.u32()?))));
        match decoded {
            Ok((reply, Hresult::OK)) => Ok(reply),
            Ok((_, code)) => Err(CallError::Refused(code)),
            Err(error) => Err(match failure_at_end(stub) {
                Some(code) => CallError::Refused(code),
                None => CallError::Malformed(error),
            }),
        }
    }
}

/// A [`Call`] whose reply a server writes from a value of its own.
///
/// BackupReadFile is not one: its bytes are put into the reply directly, see [`dispatch`](crate::dispatch).
pub trait Answer: Call {
    /// Writes the \[out\] parameters of a reply that succeeds, without the HRESULT.
    fn encode_reply(reply: &Self::Reply, stub: &mut Encoder);

    /// Writes the \[out\] parameters of a reply that fails, without the HRESULT: null pointers and zeros.
    fn encode_empty_reply(stub: &mut Encoder) {
        encode_empty(Self::OPNUM, stub);
    }
}

/// Why a call did not succeed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// The server refused it.
    #[error("{0}")]
    Refused(Hresult),
    /// The reply cannot be read.
    #[error("malformed reply: {0}")]
    Malformed(#[source] Error),
}

/// Writes the \[out\] parameters of any method of the interfaces as null pointers and zeros.
pub(crate) fn encode_empty(method: Opnum, stub: &mut Encoder) {
    for _ in 0..opnum::empty_words(method) {
        stub.u32(0);
    }
}

/// The HRESULT at the end of a stub, if there is one and it is a failure.
fn failure_at_end(stub: &[u8]) -> Option<Hresult> {
    const SEVERITY: u32 = 0x8000_0000;
    let code = u32::from_le_bytes(*stub.last_chunk()?);
    (stub.len().is_multiple_of(4) && code & SEVERITY != 0).then_some(Hresult(code))
}

/// `[in, string, unique] wchar_t const*`.
fn decode_name(stub: &mut Decoder<'_>) -> Result<Option<String>, Error> {
    Ok(stub.unique_string(limits::NAME)?)
}
