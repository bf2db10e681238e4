"""The 16 steps of a certification authority's backup by impacket, and the answers to what is not allowed.

Usage: backup_walk.py CONFIG.json        (written by `cargo xtask interop`)

Prints one JSON object a check and exits with 1 when any failed.
"""

import hashlib
import json
import os
import sys
import time
import traceback

from impacket.dcerpc.v5.dcomrt import DCOMConnection
from impacket.dcerpc.v5.rpcrt import DCERPCException

import csra
from csra import E_ACCESSDENIED, E_INVALIDARG, E_NOTIMPL, E_UNEXPECTED, text

READ_SIZE = 64 * 1024
PAGE = 4096
JET_INVALID_BACKUP_SEQUENCE = 0xC8000209
failures = 0


def check(name, got, wanted):
    global failures
    passed = got == wanted
    failures += not passed
    line = {"check": name, "passed": passed}
    if not passed:
        line.update(got=got if not isinstance(got, int) else hex(got), wanted=wanted if not isinstance(wanted, int) else hex(wanted))
    print(json.dumps(line, default=str), flush=True)


def names_of(ca, request):
    listed = csra.multi_string(ca.call(request))
    return ([], b"") if listed == [] else listed


def read_file(ca, path, store):
    """Steps 7 to 9: open, read to the end, close. Returns size and SHA-256."""
    length = ca.call(csra.BackupOpenFile, pwszPath=text(path))["pliLength"]
    digest = hashlib.sha256()
    left = length
    with open(store, "wb") as out:
        while left > 0:
            reply = ca.call(csra.BackupReadFile, cbBuffer=READ_SIZE)
            got = reply["pcbRead"]
            data = b"".join(reply["pbBuffer"])
            if len(data) != READ_SIZE:
                raise ValueError("a reply of %d bytes, %d were asked for" % (len(data), READ_SIZE))
            out.write(data[:got])
            digest.update(data[:got])
            left -= got
            if got < READ_SIZE:
                break
    check("%s: as many bytes as announced" % local(path), left, 0)
    end = ca.call(csra.BackupReadFile, cbBuffer=READ_SIZE)
    check("%s: after the end a read gives nothing" % local(path), end["pcbRead"], 0)
    ca.call(csra.BackupCloseFile)
    return length, digest.hexdigest()


def local(path):
    name = path.rsplit("\\", 1)[-1]
    if not name or name in (".", "..") or "/" in name:
        raise ValueError("name %r" % path)
    return name


def sha256_of(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def scenario(config):
    folder = os.path.join(config["store"], "DataBase")
    os.makedirs(folder)
    # Steps 1 and 2 load the library; 3 asks whether the server is online.
    connection, ca = csra.connect(config["host"], config["port"], config["user"], config["password"])
    ca.call(csra.Ping2, pwszAuthority=text(config["ca_name"]))
    check("server state is 1", ca.call(csra.GetServerState, pwszAuthority=text(config["ca_name"]))["pdwState"], 1)
    check("the operator's roles", ca.call(csra.GetMyRoles, pwszAuthority=text(config["ca_name"]))["pdwRoles"] & 0x8, 0x8)
    # What a client needs to find the CA.
    check("CA name", ca.name(), config["ca_name"])
    blob = ca.call(csra.GetCAProperty, pwszAuthority=text(None), PropID=0xC, PropIndex=0, PropType=3)
    certificate = b"".join(blob["pctbPropertyValue"]["pb"])
    check("CA certificate", hashlib.sha256(certificate).hexdigest(), config["ca_certificate_sha256"])
    entry = ca.call(csra.GetConfigEntry, pwszAuthority=text(config["ca_name"]), pwszNodePath=text(""), pwszEntry="InterfaceFlags\0")
    variant = entry["pVariant"]
    check("InterfaceFlags is a VT_I4", variant["vt"], 3)
    check("InterfaceFlags", variant["_varUnion"]["lVal"] & 0x400, 0x400)
    check("unknown authority", ca.call_hresult(csra.Ping2, pwszAuthority=text("No such CA")), E_INVALIDARG)
    # Step 4.
    ca.call(csra.BackupPrepare, pwszAuthority=text(config["ca_name"]), grbitJet=0, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0)
    check("a second prepare", ca.call_hresult(csra.BackupPrepare, pwszAuthority=text(config["ca_name"]), grbitJet=0, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0), E_UNEXPECTED)
    # Step 5.
    locations, raw = names_of(ca, csra.RestoreGetDatabaseLocations)
    check("database locations", sorted(ord(name[0]) for name in locations), [0x44, 0x82, 0x83])
    with open(os.path.join(folder, "certbkxp.dat"), "wb") as out:
        out.write(raw)
    # Steps 6 to 9.
    databases, _ = names_of(ca, csra.BackupGetAttachmentInformation)
    check("one database", [name[0] for name in databases], ["D"])
    check("read before open", ca.call_hresult(csra.BackupReadFile, cbBuffer=READ_SIZE), E_UNEXPECTED)
    check("close before open", ca.call_hresult(csra.BackupCloseFile), E_UNEXPECTED)
    check("truncate before the files are read", ca.call_hresult(csra.BackupTruncateLogs), E_UNEXPECTED)
    refused = ca.call_hresult(csra.BackupOpenFile, pwszPath=text("\\\\ca\\C$\\etc\\shadow"))
    check("a name that was not listed cannot be opened", refused != 0, True)
    files = {}
    for name in databases:
        path = name[1:]
        size, _ = read_file(ca, path, os.path.join(folder, local(path)))
        files[local(path)] = size
        # The server is idle: the copy equals the file on its disk, and ends with the trailer page of the backup.
        with open(os.path.join(folder, local(path)), "rb") as copy:
            pages = hashlib.sha256(copy.read(size - PAGE)).hexdigest()
        check("database bytes", pages, sha256_of(config["database_file"]))
    # Step 10.
    logs, _ = names_of(ca, csra.BackupGetBackupLogs)
    check("logs are listed", [name[0] for name in logs], ["!"] * len(logs))
    check("at least one log", len(logs) > 0, True)
    for position, name in enumerate(logs):
        path = name[1:]
        if position == 0:
            check("truncate while a log is unread", ca.call_hresult(csra.BackupTruncateLogs), E_UNEXPECTED)
        size, digest = read_file(ca, path, os.path.join(folder, local(path)))
        files[local(path)] = size
        check("%s: bytes as on the server's disk" % local(path), digest, sha256_of(os.path.join(config["log_directory"], local(path))))
    # Step 11.
    ca.call(csra.BackupTruncateLogs)
    # Steps 12 and 13.
    dynamic, _ = names_of(ca, csra.BackupGetDynamicFiles)
    check("dynamic files have no type character", all(name.startswith("\\\\") for name in dynamic), True)
    # Steps 14 to 16.
    ca.call(csra.BackupEnd)
    check("a second end", ca.call_hresult(csra.BackupEnd), E_UNEXPECTED)
    check("attachments after the end", ca.call_hresult(csra.BackupGetAttachmentInformation), JET_INVALID_BACKUP_SEQUENCE)
    # Beyond the scenario: an incremental backup lists no database, and an unknown method says so.
    ca.call(csra.BackupPrepare, pwszAuthority=text(config["ca_name"]), grbitJet=1, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0)
    check("attachments of an incremental backup", ca.call_hresult(csra.BackupGetAttachmentInformation), JET_INVALID_BACKUP_SEQUENCE)
    ca.call(csra.BackupEnd)
    check("grbitJet 2", ca.call_hresult(csra.BackupPrepare, pwszAuthority=text(config["ca_name"]), grbitJet=2, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0) != 0, True)
    check("a method that is not implemented", ca.call_hresult(csra.EnumViewColumnTable, pwszAuthority=text(None), iTable=0, iColumn=0, cColumn=1), E_NOTIMPL)
    ca.release()
    csra.disconnect(connection)
    return {"files": files}


def refusals(config):
    # Wrong password: the handshake itself fails, before any object exists.
    for name, user, password in (
        ("wrong password", config["user"], config["password"] + "x"),
        ("unknown user", "nobody-here", config["password"]),
        ("empty password", config["user"], ""),
        ("anonymous", "", ""),
    ):
        try:
            connection, _ = csra.connect(config["host"], config["port"], user, password)
            csra.disconnect(connection)
            outcome = "accepted"
        except Exception as error:  # impacket raises several kinds
            outcome = "refused" if "access" in str(error).lower() or "denied" in str(error).lower() else repr(error)
        check(name, outcome, "refused")
    # An account without the Operator role activates, but may not prepare.
    connection, ca = csra.connect(config["host"], config["port"], config["reader"], config["reader_password"])
    prepare = dict(pwszAuthority=text(config["ca_name"]), grbitJet=0, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0)
    check("wrong role: prepare", ca.call_hresult(csra.BackupPrepare, **prepare), E_ACCESSDENIED)
    check("wrong role: locations", ca.call_hresult(csra.RestoreGetDatabaseLocations), E_ACCESSDENIED)
    check("wrong role: end", ca.call_hresult(csra.BackupEnd), E_ACCESSDENIED)
    csra.disconnect(connection)
    # Packet integrity on the object's connection: below what the interface demands.
    connection, ca = csra.connect(config["host"], config["port"], config["user"], config["password"])
    ca.get_cinstance().set_auth_level(5)
    check("packet integrity: prepare", ca.call_hresult(csra.BackupPrepare, **prepare), E_ACCESSDENIED)
    check("packet integrity: ping", ca.call_hresult(csra.Ping2, pwszAuthority=text(None)), E_ACCESSDENIED)
    csra.disconnect(connection)
    # The connect level on activation.
    try:
        connection, _ = csra.connect(config["host"], config["port"], config["user"], config["password"], level=2)
        csra.disconnect(connection)
        outcome = "accepted"
    except Exception as error:
        outcome = "refused" if "denied" in str(error).lower() else repr(error)
    check("activation at connect level", outcome, "refused")
    # Wrong order, from the start.
    connection, ca = csra.connect(config["host"], config["port"], config["user"], config["password"])
    for name, request, arguments in (
        ("end", csra.BackupEnd, {}),
        ("open", csra.BackupOpenFile, {"pwszPath": text("\\\\ca\\x")}),
        ("read", csra.BackupReadFile, {"cbBuffer": 4096}),
        ("close", csra.BackupCloseFile, {}),
        ("logs", csra.BackupGetBackupLogs, {}),
        ("truncate", csra.BackupTruncateLogs, {}),
    ):
        check("%s before prepare" % name, ca.call_hresult(request, **arguments), E_UNEXPECTED)
    check("attachments before prepare", ca.call_hresult(csra.BackupGetAttachmentInformation), JET_INVALID_BACKUP_SEQUENCE)
    # A lost client leaves no session behind: the connection goes away without an end.
    ca.call(csra.BackupPrepare, **prepare)
    csra.INTERFACE.CONNECTIONS[ca.get_target()]["MainThread"][ca.get_oxid()]["dce"].disconnect()
    csra.disconnect(connection)


def main():
    with open(sys.argv[1]) as file:
        config = json.load(file)
    refusals(config)
    time.sleep(config["grace_seconds"] + 1)
    result = scenario(config)
    print(json.dumps(result), flush=True)
    if DCOMConnection.PINGTIMER:
        DCOMConnection.PINGTIMER.cancel()
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    try:
        main()
    except DCERPCException as error:
        print(json.dumps({"check": "scenario", "passed": False, "got": str(error)}), flush=True)
        traceback.print_exc()
        sys.exit(1)
