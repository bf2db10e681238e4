/* A program that was linked against certadm.dll instead of loading it, through the declarations of Windows' own header. It asks
 * whether a CA is online, and makes some mistakes.
 */
#include <windows.h>
#include <certbcli.h>
#include <stdio.h>

static int expect(const char *what, HRESULT code, HRESULT expected) {
    printf("%s: 0x%08lX\n", what, (unsigned long)code);
    return code == expected ? 0 : 1;
}

int wmain(int count, wchar_t **arguments) {
    BOOL online = FALSE;
    HCSBC handle = NULL;
    WCHAR *list = NULL;
    DWORD size = 1;
    int wrong = 0;
    if (count != 2) {
        return 2;
    }
    wrong += expect("IsServerOnline", CertSrvIsServerOnlineW(arguments[1], &online), S_OK) || !online;
    wrong += expect("IsServerOnline, NULL", CertSrvIsServerOnlineW(NULL, &online), E_INVALIDARG);
    wrong += expect("BackupPrepare, NULL", CertSrvBackupPrepareW(arguments[1], 0, CSBACKUP_TYPE_FULL, NULL), E_POINTER);
    wrong += expect("BackupPrepare, 7", CertSrvBackupPrepareW(arguments[1], 0, 7, &handle), E_INVALIDARG);
    wrong += expect("GetDatabaseNames, garbage", CertSrvBackupGetDatabaseNamesW(&size, &list, &size), E_HANDLE);
    wrong += expect("BackupEnd, NULL", CertSrvBackupEnd(NULL), E_HANDLE);
    wrong += expect("RestorePrepare", CertSrvRestorePrepareW(L"localhost", CSRESTORE_TYPE_FULL, &handle), E_NOTIMPL);
    CertSrvBackupFree(NULL);
    CertSrvBackupFree(&wrong);
    return wrong == 0 && list == NULL && handle == NULL && size == 0 ? 0 : 1;
}
