#!/usr/bin/env python3
"""Microsoft's "Backing Up Certificate Services", all 16 steps, with ctypes.

    backup.py LIBRARY SERVER DIRECTORY [full|incremental] [truncate]

    backup.py /usr/local/lib/libcertadm.so.0 ca01.corp.example /srv/ca/monday full truncate
    backup.py C:\\Windows\\System32\\Certadm.dll CA01 C:\\backup\\monday

DIRECTORY/DataBase gets the files, and certbkxp.dat, from which the restore map is made. It appears in one step, when all of
it is safe; DIRECTORY is made when it is not there, and must not have a DataBase yet. With `truncate` the CA may delete its
old logs then: from there on this set is needed for a restore.

Exit code: 0 done, 1 a step failed, 2 wrong usage. Python 3.11, nothing but its standard library.
"""

import ctypes
import os
import re
import shutil
import sys
from ctypes import POINTER, byref, c_char, c_int32, c_int64, c_uint16, c_uint32, c_void_p
from pathlib import Path

CSBACKUP_TYPE_FULL = 1
CSBACKUP_TYPE_LOGS_ONLY = 2
BUFFER_SIZE = 512 << 10

# WCHAR has 16 bits everywhere; wchar_t of ctypes has 32 on Linux, so c_wchar_p is not for these functions.
HRESULT, BOOL, DWORD, HCSBC = c_int32, c_int32, c_uint32, c_void_p
STRING, LIST = POINTER(c_uint16), POINTER(c_uint16)

FUNCTIONS = {
    "CertSrvIsServerOnlineW": [STRING, POINTER(BOOL)],
    "CertSrvBackupPrepareW": [STRING, c_uint32, c_uint32, POINTER(HCSBC)],
    "CertSrvRestoreGetDatabaseLocationsW": [HCSBC, POINTER(LIST), POINTER(DWORD)],
    "CertSrvBackupGetDatabaseNamesW": [HCSBC, POINTER(LIST), POINTER(DWORD)],
    "CertSrvBackupOpenFileW": [HCSBC, STRING, DWORD, POINTER(c_int64)],
    "CertSrvBackupRead": [HCSBC, c_void_p, DWORD, POINTER(DWORD)],
    "CertSrvBackupClose": [HCSBC],
    "CertSrvBackupGetBackupLogsW": [HCSBC, POINTER(LIST), POINTER(DWORD)],
    "CertSrvBackupTruncateLogs": [HCSBC],
    "CertSrvBackupGetDynamicFileListW": [HCSBC, POINTER(LIST), POINTER(DWORD)],
    "CertSrvBackupEnd": [HCSBC],
}


class Failure(Exception):
    """A step that failed."""


def load(path):
    """Steps 1 and 2."""
    try:
        library = ctypes.WinDLL(path) if os.name == "nt" else ctypes.CDLL(path)
        print(f"1 LoadLibrary: {path}")
        for name, arguments in FUNCTIONS.items():
            function = getattr(library, name)
            function.argtypes, function.restype = arguments, HRESULT
        library.CertSrvBackupFree.argtypes, library.CertSrvBackupFree.restype = [c_void_p], None
    except (OSError, AttributeError) as error:
        raise Failure(f"cannot load {path}: {error}") from error
    print(f"2 GetProcAddress: {len(FUNCTIONS) + 1} functions")
    return library


def call(number, function, *arguments):
    """Calls a function, says how it went, and raises when it failed."""
    code = function(*arguments)
    print(f"{number} {function.__name__}: 0x{code & 0xFFFFFFFF:08X}")
    if code < 0:
        raise Failure(f"{function.__name__} failed")


def wide(text):
    """A string as the functions take it."""
    units = text.encode("utf-16-le") + b"\0\0"
    return (c_uint16 * (len(units) // 2)).from_buffer_copy(units)


def names_of(raw):
    """The names of a list, with their types where the list has such."""
    text = raw.decode("utf-16-le")
    if text.strip("\0") and not text.endswith("\0\0"):
        raise Failure("a list that does not end")
    return [name for name in text.split("\0") if name]


def file_name_of(path):
    """The last component of a name that a server sent: it must not be able to write to a place of its own choice."""
    name = re.split(r"[\\/]", path)[-1]
    if name in ("", ".", "..") or ":" in name or any(ord(c) < 0x20 or ord(c) == 0x7F for c in path):
        raise Failure(f"{path!r} is no name of a file")
    return name


def sync_directory(path):
    """Makes the names in a directory durable; Windows does so by itself."""
    if os.name != "nt":
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def create(path):
    """A new file that only its owner may read."""
    return open(path, "xb", buffering=0, opener=lambda name, flags: os.open(name, flags, 0o600))


def write(file, data):
    """All of it: a single write may take less."""
    data = memoryview(data)
    while data:
        data = data[file.write(data) :]


class Backup:
    """A session: ended, and its lists freed, when the block is left."""

    def __init__(self, library, server, full):
        self.library, self.full = library, full
        self.handle, self.lists = HCSBC(), []
        kind = CSBACKUP_TYPE_FULL if full else CSBACKUP_TYPE_LOGS_ONLY
        call(4, library.CertSrvBackupPrepareW, wide(server), 0, kind, byref(self.handle))

    def __enter__(self):
        return self

    def __exit__(self, exception, *_):
        try:
            call(14, self.library.CertSrvBackupEnd, self.handle)
        except Failure:
            if exception is None:
                raise
        finally:
            for one in self.lists:
                self.library.CertSrvBackupFree(one)
            print("15 CertSrvBackupFree")

    def list(self, number, function):
        """The bytes of a list."""
        units, size = LIST(), DWORD()
        call(number, function, self.handle, byref(units), byref(size))
        if not units:
            return b""
        self.lists.append(units)
        return ctypes.string_at(units, size.value)

    def copy_file(self, name, directory):
        """Steps 7 to 9."""
        path, size = directory / file_name_of(name), c_int64()
        call(7, self.library.CertSrvBackupOpenFileW, self.handle, wide(name), BUFFER_SIZE, byref(size))
        print(f"  {path.name}: {size.value} bytes")
        buffer, count, total = (c_char * BUFFER_SIZE)(), DWORD(BUFFER_SIZE), 0
        with create(path) as file:
            while count.value == BUFFER_SIZE:  # Less is read only at the end.
                code = self.library.CertSrvBackupRead(self.handle, buffer, BUFFER_SIZE, byref(count))
                if code < 0:
                    raise Failure(f"CertSrvBackupRead: 0x{code & 0xFFFFFFFF:08X}")
                write(file, memoryview(buffer)[: count.value])
                total += count.value
            os.fsync(file.fileno())
        print("8 CertSrvBackupRead: 0x00000000")
        call(9, self.library.CertSrvBackupClose, self.handle)
        if total != size.value:
            raise Failure(f"{total} of {size.value} bytes of {path.name} came")

    def copy_everything(self, directory):
        """Steps 5 to 10."""
        locations = self.list(5, self.library.CertSrvRestoreGetDatabaseLocationsW)
        with create(directory / "certbkxp.dat") as file:
            write(file, locations)
            os.fsync(file.fileno())
        if self.full:
            for name in names_of(self.list(6, self.library.CertSrvBackupGetDatabaseNamesW)):
                self.copy_file(name[1:], directory)  # Behind its type, CSBFT_...
        # Behind the databases: only then the list has all that their copies need.
        for name in names_of(self.list(10, self.library.CertSrvBackupGetBackupLogsW)):
            self.copy_file(name[1:], directory)


def back_up(library, server, directory, full, truncate):
    """Steps 3 to 15."""
    partial, whole = directory / "DataBase.partial", directory / "DataBase"
    online = BOOL()
    call(3, library.CertSrvIsServerOnlineW, wide(server), byref(online))
    if not online:
        raise Failure("the CA is suspended")
    directory.mkdir(mode=0o700, exist_ok=True)
    if whole.exists():
        raise Failure(f"{whole} is there already")
    with Backup(library, server, full) as backup:
        if partial.exists():
            raise Failure(f"{partial} is left of an interrupted backup; remove it")
        partial.mkdir(mode=0o700)
        try:
            backup.copy_everything(partial)
            sync_directory(partial)
            partial.rename(whole)
            sync_directory(directory)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        if truncate:
            call(11, library.CertSrvBackupTruncateLogs, backup.handle)
        # CRLs and certificates that the CA has published.
        for name in names_of(backup.list(12, library.CertSrvBackupGetDynamicFileListW)):
            print("13 copy by other means:", name if name.isprintable() else repr(name))


def main(arguments):
    """Returns the exit code."""
    if len(arguments) < 3 or not set(arguments[3:]) <= {"full", "incremental", "truncate"}:
        print("usage: backup.py LIBRARY SERVER DIRECTORY [full|incremental] [truncate]", file=sys.stderr)
        return 2
    try:
        library = load(arguments[0])
        full, truncate = "incremental" not in arguments[3:], "truncate" in arguments[3:]
        back_up(library, arguments[1], Path(arguments[2]), full, truncate)
        print("16 FreeLibrary: at the end of the process")
    except (Failure, OSError, UnicodeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
