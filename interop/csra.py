"""ICertAdminD2 of [MS-CSRA] in impacket's NDR classes, written from the specification alone.

Nothing here is generated from or shared with the Rust encoders: that is the point.
"""

from impacket.dcerpc.v5 import transport
from impacket.dcerpc.v5.dcom.oaut import VARIANT
from impacket.dcerpc.v5.dcomrt import DCOMANSWER, DCOMCALL, INTERFACE, DCOMConnection, IRemUnknown
from impacket.dcerpc.v5.dtypes import DWORD, LONG, LPWSTR, ULONG, ULONGLONG, USHORT, WSTR
from impacket.dcerpc.v5.ndr import NDRPOINTER, NDRSTRUCT, NDRUniConformantArray
from impacket.dcerpc.v5.rpcrt import DCERPCException
from impacket.uuid import string_to_bin, uuidtup_to_bin

CLSID_CCertAdminD = string_to_bin("d99e6e73-fc88-11d0-b498-00a0c90312f3")
IID_ICertAdminD = uuidtup_to_bin(("d99e6e71-fc88-11d0-b498-00a0c90312f3", "0.0"))
IID_ICertAdminD2 = uuidtup_to_bin(("7fe0d935-dda6-443f-85d0-1cfb58fe41dd", "0.0"))

E_ACCESSDENIED = 0x80070005
E_INVALIDARG = 0x80070057
E_NOTIMPL = 0x80004001
E_UNEXPECTED = 0x8000FFFF


class DCERPCSessionError(DCERPCException):
    """A failing HRESULT: the last four bytes of the reply."""

    def __init__(self, error_string=None, error_code=None, packet=None):
        DCERPCException.__init__(self, error_string, error_code, packet)

    def __str__(self):
        return "HRESULT 0x%08x" % (self.error_code & 0xFFFFFFFF)


class WCHARS(NDRUniConformantArray):
    item = "<H"


class PWCHARS(NDRPOINTER):
    referent = (("Data", WCHARS),)


class BYTES(NDRUniConformantArray):
    item = "c"


class PBYTES(NDRPOINTER):
    referent = (("Data", BYTES),)


class CERTTRANSBLOB(NDRSTRUCT):
    structure = (("cb", ULONG), ("pb", PBYTES))


class ServerControl(DCOMCALL):
    opnum = 17
    structure = (("pwszAuthority", LPWSTR), ("dwControlFlags", DWORD))


class ServerControlResponse(DCOMANSWER):
    structure = (("pctbOut", CERTTRANSBLOB), ("ErrorCode", ULONG))


class Ping(DCOMCALL):
    opnum = 18
    structure = (("pwszAuthority", LPWSTR),)


class PingResponse(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class GetServerState(DCOMCALL):
    opnum = 19
    structure = (("pwszAuthority", LPWSTR),)


class GetServerStateResponse(DCOMANSWER):
    structure = (("pdwState", DWORD), ("ErrorCode", ULONG))


class BackupPrepare(DCOMCALL):
    opnum = 20
    structure = (
        ("pwszAuthority", LPWSTR),
        ("grbitJet", ULONG),
        ("dwBackupFlags", ULONG),
        ("pwszBackupAnnotation", USHORT),
        ("dwClientIdentifier", DWORD),
    )


class BackupPrepareResponse(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class BackupEnd(DCOMCALL):
    opnum = 21
    structure = ()


class BackupEndResponse(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class NameListResponse(DCOMANSWER):
    structure = (("names", PWCHARS), ("pcwc", LONG), ("ErrorCode", ULONG))


class BackupGetAttachmentInformation(DCOMCALL):
    opnum = 22
    structure = ()


class BackupGetAttachmentInformationResponse(NameListResponse):
    pass


class BackupGetBackupLogs(DCOMCALL):
    opnum = 23
    structure = ()


class BackupGetBackupLogsResponse(NameListResponse):
    pass


class BackupOpenFile(DCOMCALL):
    opnum = 24
    structure = (("pwszPath", LPWSTR),)


class BackupOpenFileResponse(DCOMANSWER):
    structure = (("pliLength", ULONGLONG), ("ErrorCode", ULONG))


class BackupReadFile(DCOMCALL):
    opnum = 25
    structure = (("cbBuffer", LONG),)


class BackupReadFileResponse(DCOMANSWER):
    structure = (("pbBuffer", BYTES), ("pcbRead", LONG), ("ErrorCode", ULONG))


class BackupCloseFile(DCOMCALL):
    opnum = 26
    structure = ()


class BackupCloseFileResponse(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class BackupTruncateLogs(DCOMCALL):
    opnum = 27
    structure = ()


class BackupTruncateLogsResponse(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class BackupGetDynamicFiles(DCOMCALL):
    opnum = 29
    structure = ()


class BackupGetDynamicFilesResponse(NameListResponse):
    pass


class RestoreGetDatabaseLocations(DCOMCALL):
    opnum = 30
    structure = ()


class RestoreGetDatabaseLocationsResponse(NameListResponse):
    pass


class GetCAProperty(DCOMCALL):
    opnum = 32
    structure = (("pwszAuthority", LPWSTR), ("PropID", LONG), ("PropIndex", LONG), ("PropType", LONG))


class GetCAPropertyResponse(DCOMANSWER):
    structure = (("pctbPropertyValue", CERTTRANSBLOB), ("ErrorCode", ULONG))


class EnumViewColumnTable(DCOMCALL):
    opnum = 35
    structure = (("pwszAuthority", LPWSTR), ("iTable", DWORD), ("iColumn", DWORD), ("cColumn", DWORD))


class EnumViewColumnTableResponse(DCOMANSWER):
    structure = (("pcColumn", DWORD), ("pctb", CERTTRANSBLOB), ("ErrorCode", ULONG))


class Ping2(DCOMCALL):
    opnum = 38
    structure = (("pwszAuthority", LPWSTR),)


class Ping2Response(DCOMANSWER):
    structure = (("ErrorCode", ULONG),)


class GetConfigEntry(DCOMCALL):
    opnum = 44
    structure = (("pwszAuthority", LPWSTR), ("pwszNodePath", LPWSTR), ("pwszEntry", WSTR))


class GetConfigEntryResponse(DCOMANSWER):
    structure = (("pVariant", VARIANT), ("ErrorCode", ULONG))


class GetMyRoles(DCOMCALL):
    opnum = 47
    structure = (("pwszAuthority", LPWSTR),)


class GetMyRolesResponse(DCOMANSWER):
    structure = (("pdwRoles", LONG), ("ErrorCode", ULONG))


def text(value):
    """A [string, unique] argument: NULL, or the text with its terminator."""
    from impacket.dcerpc.v5.dtypes import NULL

    return NULL if value is None else value + "\0"


def multi_string(response):
    """The names of a list reply (2.2.4): NUL-separated, ended by an empty one."""
    if response["pcwc"] == 0:
        return []
    units = list(response["names"])
    if len(units) != response["pcwc"]:
        raise ValueError("list of %d units announced as %d" % (len(units), response["pcwc"]))
    if units[-2:] != [0, 0]:
        raise ValueError("list does not end with two NULs")
    raw = b"".join(unit.to_bytes(2, "little") for unit in units)
    return raw.decode("utf-16-le").rstrip("\0").split("\0"), raw


class CertAdmin(INTERFACE):
    """One ICertAdminD2 object."""

    def __init__(self, interface, iid=IID_ICertAdminD2):
        INTERFACE.__init__(self, interfaceInstance=interface)
        self.iid = iid

    def call(self, request_class, **arguments):
        request = request_class()
        for name, value in arguments.items():
            request[name] = value
        return self.request(request, self.iid, self.get_iPid())

    def call_hresult(self, request_class, **arguments):
        """The HRESULT of a call, success or not; a fault is an exception."""
        try:
            self.call(request_class, **arguments)
        except DCERPCSessionError as error:
            return error.error_code & 0xFFFFFFFF
        return 0

    def name(self):
        """The CA's common name, property 6."""
        blob = self.call(GetCAProperty, pwszAuthority=text(None), PropID=6, PropIndex=0, PropType=4)
        return b"".join(blob["pctbPropertyValue"]["pb"]).decode("utf-16-le").rstrip("\0")

    def release(self):
        IRemUnknown(self).RemRelease()


def connect(host, port, user, password, domain="", level=6):
    """Activates the CA's admin object; `port` is where the endpoint mapper listens."""
    transport.TCPTransport.__init__.__defaults__ = (port,)
    connection = DCOMConnection(host, user, password, domain, authLevel=level, oxidResolver=False)
    try:
        interface = connection.CoCreateInstanceEx(CLSID_CCertAdminD, IID_ICertAdminD2)
    except Exception:
        disconnect(connection)
        raise
    return connection, CertAdmin(interface)


def disconnect(connection):
    """impacket's disconnect, which fails when no object was ever called."""
    try:
        connection.disconnect()
    except KeyError:
        pass
