//! The server side: from a request stub to a handler, and from its answer to a reply stub.

use dcerpc::ndr::{Decoder, Encoder};
use dcerpc::{Opnum, Status};
use dcom::Hresult;
use uuid::Uuid;

use crate::call::{
    Answer, BackupCloseFile, BackupEnd, BackupGetAttachmentInformation, BackupGetBackupLogs, BackupGetDynamicFiles,
    BackupOpenFile, BackupPrepare, BackupReadFile, BackupTruncateLogs, Call, GetCaProperty, GetConfigEntry, GetMyRoles,
    GetServerState, Ping, Ping2, RestoreGetDatabaseLocations, ServerControl, encode_empty,
};
use crate::names::NameList;
use crate::roles::Roles;
use crate::session::BackupKind;
use crate::variant::Variant;
use crate::{Error, hresult, ids, limits, opnum};

/// The CA behind ICertAdminD and ICertAdminD2, one per activated object.
///
/// An `Err` is what the client is told. Arguments that the protocol itself refuses do not get here. `authority` is what the
/// client sent, to be compared by [`ca_name::matches`](crate::ca_name::matches); the order of the backup methods is a matter
/// of [`BackupSequence`](crate::session::BackupSequence).
pub trait CertAdmin {
    /// Comes before every method, those that are not implemented included: the rules of [`access`](crate::access). On an
    /// error the method is not called.
    fn authorize(&mut self, opnum: Opnum) -> Result<(), Hresult>;

    /// BackupPrepare, \[MS-CSRA\] 3.1.4.1.18.
    fn backup_prepare(&mut self, authority: Option<&str>, kind: BackupKind) -> Result<(), Hresult>;

    /// BackupEnd, \[MS-CSRA\] 3.1.4.1.19.
    fn backup_end(&mut self) -> Result<(), Hresult>;

    /// BackupGetAttachmentInformation, \[MS-CSRA\] 3.1.4.1.20: names of type `D`.
    fn backup_get_attachment_information(&mut self) -> Result<NameList, Hresult>;

    /// BackupGetBackupLogs, \[MS-CSRA\] 3.1.4.1.21: names of type `!`.
    fn backup_get_backup_logs(&mut self) -> Result<NameList, Hresult>;

    /// BackupOpenFile, \[MS-CSRA\] 3.1.4.1.22: the length of the file in bytes.
    fn backup_open_file(&mut self, path: &str) -> Result<u64, Hresult>;

    /// BackupReadFile, \[MS-CSRA\] 3.1.4.1.23: fills the front of `buffer`, which lies inside the reply and is zero, and
    /// returns how many bytes it filled. Zero is the end of the file.
    fn backup_read_file(&mut self, buffer: &mut [u8]) -> Result<usize, Hresult>;

    /// BackupCloseFile, \[MS-CSRA\] 3.1.4.1.24.
    fn backup_close_file(&mut self) -> Result<(), Hresult>;

    /// BackupTruncateLogs, \[MS-CSRA\] 3.1.4.1.25.
    fn backup_truncate_logs(&mut self) -> Result<(), Hresult>;

    /// BackupGetDynamicFiles, \[MS-CSRA\] 3.1.4.1.27: names without a type.
    fn backup_get_dynamic_files(&mut self) -> Result<NameList, Hresult>;

    /// RestoreGetDatabaseLocations, \[MS-CSRA\] 3.1.4.1.28: `D` and a file, U+0082 and U+0083 and directories.
    fn restore_get_database_locations(&mut self) -> Result<NameList, Hresult>;

    /// ServerControl, \[MS-CSRA\] 3.1.4.1.15; `flags` is 1 to 3, see [`ServerControl`].
    fn server_control(&mut self, authority: Option<&str>, flags: u32) -> Result<(), Hresult>;

    /// Ping and Ping2, \[MS-CSRA\] 3.1.4.1.16 and 3.1.4.2.8.
    fn ping(&mut self, authority: Option<&str>) -> Result<(), Hresult>;

    /// GetServerState, \[MS-CSRA\] 3.1.4.1.17: 1 if the caller may read the database, else 0.
    fn get_server_state(&mut self, authority: Option<&str>) -> Result<u32, Hresult>;

    /// GetCAProperty, \[MS-CSRA\] 3.1.4.2.2; see [`ca_property`](crate::ca_property).
    fn get_ca_property(
        &mut self,
        authority: Option<&str>,
        id: i32,
        index: i32,
        property_type: i32,
    ) -> Result<Vec<u8>, Hresult>;

    /// GetConfigEntry, \[MS-CSRA\] 3.1.4.2.14.
    fn get_config_entry(
        &mut self,
        authority: Option<&str>,
        node: Option<&str>,
        entry: &str,
    ) -> Result<Variant, Hresult>;

    /// GetMyRoles, \[MS-CSRA\] 3.1.4.2.17.
    fn get_my_roles(&mut self, authority: Option<&str>) -> Result<Roles, Hresult>;
}

/// Answers one call.
///
/// `stub` is the request behind ORPCTHIS. The reply behind ORPCTHAT is appended to `reply`, whose length must be a multiple
/// of eight, or be so counted from the start of the reply stub. Methods that are not implemented answer
/// [`Hresult::NOT_IMPLEMENTED`]; a reply that fails has null pointers and zeros for its \[out\] parameters.
///
/// # Errors
/// The status of a fault, and `reply` is as it was: [`Status::UNKNOWN_INTERFACE`] for an interface that is neither of the
/// two, [`Status::OPERATION_RANGE`] for an opnum that it does not have, [`Status::BAD_STUB_DATA`] for parameters that
/// cannot be read. Everything else is an HRESULT in the reply: methods raise no exceptions, \[MS-CSRA\] 3.1.4.1.
pub fn dispatch(
    opnum: Opnum,
    interface: Uuid,
    stub: &[u8],
    reply: &mut Vec<u8>,
    handler: &mut dyn CertAdmin,
) -> Result<(), Status> {
    if interface != ids::IID_ICERT_ADMIN_D && interface != ids::IID_ICERT_ADMIN_D2 {
        return Err(Status::UNKNOWN_INTERFACE);
    }
    if !opnum::belongs_to(opnum, interface) {
        return Err(Status::OPERATION_RANGE);
    }
    let base = reply.len();
    let mut answer = Encoder::append_to(std::mem::take(reply), base);
    let outcome = call_method(opnum, Decoder::new(stub), &mut answer, handler).map(|code| answer.u32(code.0));
    *reply = answer.into_bytes();
    outcome.map_err(|_malformed| {
        reply.truncate(base);
        Status::BAD_STUB_DATA
    })
}

/// Writes the \[out\] parameters and returns the HRESULT that follows them.
fn call_method(
    opnum: Opnum,
    stub: Decoder<'_>,
    reply: &mut Encoder,
    handler: &mut dyn CertAdmin,
) -> Result<Hresult, Error> {
    let mut exchange = Exchange { stub, reply, handler };
    match opnum {
        opnum::SERVER_CONTROL => exchange.run(|handler, call: ServerControl| match call.flags {
            ServerControl::SHUTDOWN..=ServerControl::RESTART => {
                handler.server_control(call.authority.as_deref(), call.flags)
            }
            _ => Err(hresult::INVALID_PARAMETER),
        }),
        opnum::PING => exchange.run(|handler, call: Ping| handler.ping(call.authority.as_deref())),
        opnum::GET_SERVER_STATE => {
            exchange.run(|handler, call: GetServerState| handler.get_server_state(call.authority.as_deref()))
        }
        opnum::BACKUP_PREPARE => exchange.run(|handler, call: BackupPrepare| {
            let kind = BackupKind::from_grbit(call.grbit).ok_or(hresult::INVALID_PARAMETER)?;
            handler.backup_prepare(call.authority.as_deref(), kind)
        }),
        opnum::BACKUP_END => exchange.run(|handler, BackupEnd| handler.backup_end()),
        opnum::BACKUP_GET_ATTACHMENT_INFORMATION => {
            exchange.run(|handler, BackupGetAttachmentInformation| handler.backup_get_attachment_information())
        }
        opnum::BACKUP_GET_BACKUP_LOGS => exchange.run(|handler, BackupGetBackupLogs| handler.backup_get_backup_logs()),
        opnum::BACKUP_OPEN_FILE => exchange.run(|handler, call: BackupOpenFile| {
            let path = call.path.ok_or(hresult::INVALID_PARAMETER)?;
            handler.backup_open_file(&path)
        }),
        opnum::BACKUP_READ_FILE => exchange.read_file(),
        opnum::BACKUP_CLOSE_FILE => exchange.run(|handler, BackupCloseFile| handler.backup_close_file()),
        opnum::BACKUP_TRUNCATE_LOGS => exchange.run(|handler, BackupTruncateLogs| handler.backup_truncate_logs()),
        opnum::BACKUP_GET_DYNAMIC_FILES => {
            exchange.run(|handler, BackupGetDynamicFiles| handler.backup_get_dynamic_files())
        }
        opnum::RESTORE_GET_DATABASE_LOCATIONS => {
            exchange.run(|handler, RestoreGetDatabaseLocations| handler.restore_get_database_locations())
        }
        opnum::GET_CA_PROPERTY => exchange.run(|handler, call: GetCaProperty| {
            handler.get_ca_property(call.authority.as_deref(), call.id, call.index, call.property_type)
        }),
        opnum::PING2 => exchange.run(|handler, call: Ping2| handler.ping(call.authority.as_deref())),
        opnum::GET_CONFIG_ENTRY => exchange.run(|handler, call: GetConfigEntry| {
            handler.get_config_entry(call.authority.as_deref(), call.node.as_deref(), &call.entry)
        }),
        opnum::GET_MY_ROLES => {
            exchange.run(|handler, call: GetMyRoles| handler.get_my_roles(call.authority.as_deref()))
        }
        _ => {
            encode_empty(opnum, exchange.reply);
            match exchange.handler.authorize(opnum) {
                Ok(()) => Ok(Hresult::NOT_IMPLEMENTED),
                Err(code) => Ok(code),
            }
        }
    }
}

struct Exchange<'a> {
    stub: Decoder<'a>,
    reply: &'a mut Encoder,
    handler: &'a mut dyn CertAdmin,
}

impl Exchange<'_> {
    /// Authorizes, decodes, calls, encodes: in that order, so that nothing of an unauthorized caller is parsed.
    fn run<C: Answer>(
        &mut self,
        method: impl FnOnce(&mut dyn CertAdmin, C) -> Result<C::Reply, Hresult>,
    ) -> Result<Hresult, Error> {
        let result = match self.handler.authorize(C::OPNUM) {
            Ok(()) => method(self.handler, C::decode(&mut self.stub)?),
            Err(code) => Err(code),
        };
        Ok(match result {
            Ok(value) => {
                C::encode_reply(&value, self.reply);
                Hresult::OK
            }
            Err(code) => {
                C::encode_empty_reply(self.reply);
                code
            }
        })
    }

    /// BackupReadFile: the handler writes into the reply.
    ///
    /// A failing reply has the array as well: its size is that of the request, which the client's NDR checks. Only a size
    /// that is no size gets an empty array.
    fn read_file(&mut self) -> Result<Hresult, Error> {
        let authorized = self.handler.authorize(BackupReadFile::OPNUM);
        let size = BackupReadFile::decode(&mut self.stub)?.buffer_size();
        let array = size.unwrap_or(0);
        self.reply.u32(array as u32);
        let buffer = self.reply.bytes_mut(array);
        let result = match authorized.and(size) {
            Ok(_) => match self.handler.backup_read_file(buffer) {
                // A handler that says it wrote more than there was room for is broken.
                Ok(read) if read > array => Err(hresult::UNEXPECTED),
                result => result,
            },
            Err(code) => Err(code),
        };
        // What was not asked for does not leave the server, even if the handler wrote it.
        buffer[result.unwrap_or(0)..].fill(0);
        self.reply.u32(result.unwrap_or(0) as u32);
        Ok(result.err().unwrap_or(Hresult::OK))
    }
}

// INVARIANT: a count of bytes read, and its pcbRead, fit 31 bits.
const _: () = assert!(limits::READ <= i32::MAX as usize);
