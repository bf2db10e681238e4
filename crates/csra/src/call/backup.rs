use std::ops::Range;

use dcerpc::Opnum;
use dcerpc::ndr::{self, Decoder, Encoder};
use dcom::Hresult;

use super::{Answer, Call, decode_name};
use crate::names::{NameList, Prefix};
use crate::{Error, hresult, limits, opnum};

/// BackupPrepare, \[MS-CSRA\] 3.1.4.1.18: begins a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupPrepare {
    /// The CA, by any of its names.
    pub authority: Option<String>,
    /// grbitJet: 0 full, 1 incremental, see [`BackupKind`](crate::session::BackupKind).
    pub grbit: u32,
}

impl Call for BackupPrepare {
    const OPNUM: Opnum = opnum::BACKUP_PREPARE;
    type Reply = ();

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.authority.as_deref());
        stub.u32(self.grbit);
        stub.u32(0); // dwBackupFlags
        // pwszBackupAnnotation is one WCHAR by the IDL and a pointer to someone who reads it as a string; zeros are both.
        stub.u32(0);
        stub.u32(0); // dwClientIdentifier
    }

    /// Reads as far as grbitJet; the rest must be ignored on receipt, and clients disagree about its form.
    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { authority: decode_name(stub)?, grbit: stub.u32()? })
    }

    fn decode_reply(&self, _stub: &mut Decoder<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl Answer for BackupPrepare {
    fn encode_reply((): &(), _stub: &mut Encoder) {}
}

/// A method without parameters, and nothing but an HRESULT in its reply.
macro_rules! bare_call {
    ($(#[$doc:meta])* $name:ident = $opnum:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl Call for $name {
            const OPNUM: Opnum = $opnum;
            type Reply = ();

            fn encode(&self, _stub: &mut Encoder) {}

            fn decode(_stub: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self)
            }

            fn decode_reply(&self, _stub: &mut Decoder<'_>) -> Result<(), Error> {
                Ok(())
            }
        }

        impl Answer for $name {
            fn encode_reply((): &(), _stub: &mut Encoder) {}
        }
    };
}

bare_call! {
    /// BackupEnd, \[MS-CSRA\] 3.1.4.1.19: ends a backup.
    BackupEnd = opnum::BACKUP_END
}
bare_call! {
    /// BackupCloseFile, \[MS-CSRA\] 3.1.4.1.24: closes the open file.
    BackupCloseFile = opnum::BACKUP_CLOSE_FILE
}
bare_call! {
    /// BackupTruncateLogs, \[MS-CSRA\] 3.1.4.1.25: deletes the logs that are not needed any more.
    BackupTruncateLogs = opnum::BACKUP_TRUNCATE_LOGS
}

/// A method without parameters, whose reply is a list of file names.
macro_rules! list_call {
    ($(#[$doc:meta])* $name:ident = $opnum:expr, $prefix:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl Call for $name {
            const OPNUM: Opnum = $opnum;
            type Reply = NameList;

            fn encode(&self, _stub: &mut Encoder) {}

            fn decode(_stub: &mut Decoder<'_>) -> Result<Self, Error> {
                Ok(Self)
            }

            fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<NameList, Error> {
                NameList::decode(stub, $prefix)
            }
        }

        impl Answer for $name {
            fn encode_reply(names: &NameList, stub: &mut Encoder) {
                names.encode(stub);
            }
        }
    };
}

list_call! {
    /// BackupGetAttachmentInformation, \[MS-CSRA\] 3.1.4.1.20: the database files.
    BackupGetAttachmentInformation = opnum::BACKUP_GET_ATTACHMENT_INFORMATION, Prefix::Typed
}
list_call! {
    /// BackupGetBackupLogs, \[MS-CSRA\] 3.1.4.1.21: the log files.
    BackupGetBackupLogs = opnum::BACKUP_GET_BACKUP_LOGS, Prefix::Typed
}
list_call! {
    /// BackupGetDynamicFiles, \[MS-CSRA\] 3.1.4.1.27: files outside of the database, which this protocol does not carry.
    BackupGetDynamicFiles = opnum::BACKUP_GET_DYNAMIC_FILES, Prefix::Bare
}
list_call! {
    /// RestoreGetDatabaseLocations, \[MS-CSRA\] 3.1.4.1.28: where a restore puts database, logs and system files.
    RestoreGetDatabaseLocations = opnum::RESTORE_GET_DATABASE_LOCATIONS, Prefix::Typed
}

/// BackupOpenFile, \[MS-CSRA\] 3.1.4.1.22: opens a file of the lists to read it from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupOpenFile {
    /// The name without its type.
    pub path: Option<String>,
}

impl Call for BackupOpenFile {
    const OPNUM: Opnum = opnum::BACKUP_OPEN_FILE;
    /// Length in bytes.
    type Reply = u64;

    fn encode(&self, stub: &mut Encoder) {
        stub.unique_string(self.path.as_deref());
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { path: decode_name(stub)? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<u64, Error> {
        Ok(stub.u64()?)
    }
}

impl Answer for BackupOpenFile {
    fn encode_reply(length: &u64, stub: &mut Encoder) {
        stub.u64(*length);
    }
}

/// BackupReadFile, \[MS-CSRA\] 3.1.4.1.23: the next bytes of the open file.
///
/// The reply always carries as many bytes as were asked for; a client that knows what is left asks for no more than that,
/// rounded up to [`limits::READ_UNIT`]. Fewer bytes than asked for, or none, is the end of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackupReadFile {
    /// cbBuffer: a multiple of [`limits::READ_UNIT`], at most [`limits::READ`].
    pub size: i32,
}

impl BackupReadFile {
    /// Asks for `size` bytes.
    ///
    /// # Errors
    /// [`Hresult::INVALID_ARGUMENT`] when that is not a multiple of the page size between one page and
    /// [`limits::READ`].
    pub fn new(size: usize) -> Result<Self, Hresult> {
        let call = i32::try_from(size).map(|size| Self { size });
        let call = call.map_err(|_| hresult::INVALID_PARAMETER)?;
        call.buffer_size()?;
        Ok(call)
    }

    /// How many bytes a server gives, and puts into the reply.
    ///
    /// # Errors
    /// [`Hresult::INVALID_ARGUMENT`] when a client asks for something else than a multiple of the page size between one
    /// page and [`limits::READ`].
    pub fn buffer_size(self) -> Result<usize, Hresult> {
        match usize::try_from(self.size) {
            Ok(size @ 1..=limits::READ) if size % limits::READ_UNIT == 0 => Ok(size),
            _ => Err(hresult::INVALID_PARAMETER),
        }
    }
}

impl Call for BackupReadFile {
    const OPNUM: Opnum = opnum::BACKUP_READ_FILE;
    /// Where in the reply stub the bytes of the file are: nothing is copied.
    type Reply = Range<usize>;

    fn encode(&self, stub: &mut Encoder) {
        stub.i32(self.size);
    }

    fn decode(stub: &mut Decoder<'_>) -> Result<Self, Error> {
        Ok(Self { size: stub.i32()? })
    }

    fn decode_reply(&self, stub: &mut Decoder<'_>) -> Result<Range<usize>, Error> {
        let count = stub.count(limits::READ, 1)?;
        if i64::from(self.size) != count as i64 {
            return Err(ndr::Error::Contradiction {
                at: stub.position() - 4,
                field: "maximum count of pbBuffer",
                found: count as u64,
                expected: u64::from(self.size.unsigned_abs()),
            }
            .into());
        }
        let start = stub.position();
        stub.bytes(count)?;
        let read = stub.u32()?;
        match usize::try_from(read) {
            Ok(read) if read <= count => Ok(start..start + read),
            _ => Err(Error::Value { field: "pcbRead", found: read.into() }),
        }
    }
}
