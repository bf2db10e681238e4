"""How long impacket takes to read the first bytes of the CA's database.

Usage: read_speed.py HOST PORT USER PASSWORD_FILE BYTES     prints seconds
"""

import sys
import time

import csra
from csra import text

BLOCK = 64 * 1024


def main():
    host, port, user, password_file, size = sys.argv[1:]
    with open(password_file) as file:
        password = file.read()
    connection, ca = csra.connect(host, int(port), user, password)
    ca.call(csra.BackupPrepare, pwszAuthority=text(ca.name()), grbitJet=0, dwBackupFlags=0, pwszBackupAnnotation=0, dwClientIdentifier=0)
    names, _ = csra.multi_string(ca.call(csra.BackupGetAttachmentInformation))
    length = ca.call(csra.BackupOpenFile, pwszPath=text(names[0][1:]))["pliLength"]
    left = min(length, int(size))
    start = time.monotonic()
    while left > 0:
        left -= ca.call(csra.BackupReadFile, cbBuffer=BLOCK)["pcbRead"]
    print(time.monotonic() - start)
    ca.call_hresult(csra.BackupEnd)
    ca.release()
    csra.disconnect(connection)


if __name__ == "__main__":
    main()
