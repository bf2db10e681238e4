/* certadm.h: the functions of Certadm.dll, as libcertadm exports them. See certadm(3).
 *
 * Written by `cargo xtask header` from the source of certadm-ffi; change it there.
 *
 * The declarations are those of certbcli.h. WCHAR has 16 bits: char16_t, or wchar_t under -fshort-wchar, so that string
 * literals are u"..." or, with the short wchar_t, L"...".
 */
#ifndef CERTADM_H
#define CERTADM_H

#ifdef _WIN32

#include <windows.h>
#include <certbcli.h>

#else

#include <stdint.h>
#if defined(__SIZEOF_WCHAR_T__) && __SIZEOF_WCHAR_T__ == 2
#include <wchar.h>
typedef wchar_t WCHAR;
#else
#ifndef __cplusplus
#include <uchar.h>
#endif
typedef char16_t WCHAR;
#endif

typedef int32_t HRESULT;
typedef int32_t BOOL;
typedef uint32_t DWORD;
typedef uint32_t ULONG;
typedef int32_t LONG;
typedef uint8_t BYTE;
typedef WCHAR CSBFT;
typedef void *HCSBC;

#ifndef VOID
#define VOID void
#endif
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#ifndef S_OK
#define S_OK ((HRESULT)0)
#define SUCCEEDED(hr) ((HRESULT)(hr) >= 0)
#define FAILED(hr) ((HRESULT)(hr) < 0)
#endif

/* Calling conventions and the like, which are empty here. */
#ifndef WINAPI
#define WINAPI
#endif
#define CERTBCLI_CALL WINAPI

typedef union _LARGE_INTEGER {
  __extension__ struct {
    DWORD LowPart;
    LONG HighPart;
  };
  struct {
    DWORD LowPart;
    LONG HighPart;
  } u;
  int64_t QuadPart;
} LARGE_INTEGER;

typedef struct tagCSEDB_RSTMAPW {
  WCHAR *pwszDatabaseName;
  WCHAR *pwszNewDatabaseName;
} CSEDB_RSTMAPW;
#define CSEDB_RSTMAP CSEDB_RSTMAPW

#define szBACKUPANNOTATION "Cert Server Backup Interface"
#define szRESTOREANNOTATION "Cert Server Restore Interface"

#define CSBACKUP_TYPE_FULL 0x00000001
#define CSBACKUP_TYPE_LOGS_ONLY 0x00000002
#define CSBACKUP_TYPE_MASK 0x00000003
#define CSBACKUP_DISABLE_INCREMENTAL 0xffffffff
#define CSRESTORE_TYPE_FULL 0x00000001
#define CSRESTORE_TYPE_ONLINE 0x00000002
#define CSRESTORE_TYPE_CATCHUP 0x00000004
#define CSRESTORE_TYPE_MASK 0x00000005
#define CSCONTROL_SHUTDOWN 0x000000001
#define CSCONTROL_SUSPEND 0x000000002
#define CSCONTROL_RESTART 0x000000003

/* The first unit of a name in a list says what it is. */
#define CSBFT_DIRECTORY 0x80
#define CSBFT_DATABASE_DIRECTORY 0x40
#define CSBFT_LOG_DIRECTORY 0x20
#define CSBFT_LOG ((CSBFT)(0x01 | CSBFT_LOG_DIRECTORY))
#define CSBFT_LOG_DIR ((CSBFT)(0x02 | CSBFT_DIRECTORY))
#define CSBFT_CHECKPOINT_DIR ((CSBFT)(0x03 | CSBFT_DIRECTORY))
#define CSBFT_CERTSERVER_DATABASE ((CSBFT)(0x04 | CSBFT_DATABASE_DIRECTORY))
#define CSBFT_PATCH_FILE ((CSBFT)(0x05 | CSBFT_LOG_DIRECTORY))
#define CSBFT_UNKNOWN ((CSBFT)0x0f)

#ifdef __cplusplus
extern "C" {
#endif


// Asks whether a CA serves. `*pfServerOnline` is TRUE when it does, FALSE when it runs and does not serve; a CA that does not
// run, or cannot be reached, is a failure (0x800706BA).
//
// # Safety
// `pwszServerName` is NULL or a string that ends with NUL; `pfServerOnline` is NULL or can be written to.
HRESULT CertSrvIsServerOnlineW(const WCHAR *pwszServerName,
                               BOOL *pfServerOnline);

// Begins a backup: all of it (`CSBACKUP_TYPE_FULL`), or what an incremental one needs (`CSBACKUP_TYPE_LOGS_ONLY`).
// `CertSrvBackupEnd` ends it.
//
// # Safety
// `pwszServerName` is NULL or a string that ends with NUL; `phbc` is NULL or can be written to.
HRESULT CertSrvBackupPrepareW(const WCHAR *pwszServerName, ULONG grbitJet, ULONG dwBackupFlags, HCSBC *phbc);

// The databases of a full backup: names that begin with their CSBFT type. `CertSrvBackupFree` frees the list.
//
// # Safety
// The two pointers are NULL or can be written to.
HRESULT CertSrvBackupGetDatabaseNamesW(HCSBC hbc, WCHAR **ppwszzAttachmentInformation, DWORD *pcbSize);

// Opens a file of one of the lists for reading, by its name without the type. One file of a session is open at a time.
// `cbReadHintSize` counts in the first call of a session only: it sets the size of the read buffer, 0 for the default of
// 1 MiB, else the nearest power of two from 64 KiB to 4 MiB.
//
// # Safety
// `pwszAttachmentName` is NULL or a string that ends with NUL; `pliFileSize` is NULL or can be written to.
HRESULT CertSrvBackupOpenFileW(HCSBC hbc,
                               const WCHAR *pwszAttachmentName,
                               DWORD cbReadHintSize,
                               LARGE_INTEGER *pliFileSize);

// Reads on in the open file. `*pcbRead` is less than `cbBuffer` only at the end of the file.
//
// # Safety
// `pvBuffer` has room for `cbBuffer` bytes, or is NULL; `pcbRead` is NULL or can be written to.
HRESULT CertSrvBackupRead(HCSBC hbc, void *pvBuffer, DWORD cbBuffer, DWORD *pcbRead);

// Closes the open file, read to its end or not.
HRESULT CertSrvBackupClose(HCSBC hbc);

// The logs: names that begin with their CSBFT type. `CertSrvBackupFree` frees the list.
//
// # Safety
// The two pointers are NULL or can be written to.
HRESULT CertSrvBackupGetBackupLogsW(HCSBC hbc, WCHAR **ppwszzBackupLogFiles, DWORD *pcbSize);

// Lets the CA delete the logs of this backup. Only when every file of both lists was read and is safe.
HRESULT CertSrvBackupTruncateLogs(HCSBC hbc);

// The files that belong to the CA's state and are to be copied by other means: names without types. `CertSrvBackupFree` frees
// the list.
//
// # Safety
// The two pointers are NULL or can be written to.
HRESULT CertSrvBackupGetDynamicFileListW(HCSBC hbc,
                                         WCHAR **ppwszzFileList,
                                         DWORD *pcbSize);

// Ends a backup. The handle is none from now on, whatever the result.
HRESULT CertSrvBackupEnd(HCSBC hbc);

// Frees a list. NULL is allowed.
//
// What is not a list of this library must not be passed. This library notices and does nothing; others need not.
void CertSrvBackupFree(void *pv);

// Where the CA keeps database, logs and checkpoint: the restore map, to be saved with every full backup. Names that begin
// with their CSBFT type. `CertSrvBackupFree` frees the list.
//
// # Safety
// The two pointers are NULL or can be written to.
HRESULT CertSrvRestoreGetDatabaseLocationsW(HCSBC hbc,
                                            WCHAR **ppwszzDatabaseLocationList,
                                            DWORD *pcbSize);

// Begins a restore on this machine (`CSRESTORE_TYPE_FULL`), whose CA must not run. `CertSrvRestoreEnd` ends it.
//
// # Safety
// `pwszServerName` is NULL or a string that ends with NUL; `phbc` is NULL or can be written to.
HRESULT CertSrvRestorePrepareW(const WCHAR *pwszServerName, ULONG dwRestoreFlags, HCSBC *phbc);

// Announces files that are put back: a full backup with its database in the map, then incremental ones without a map. The CA
// does not start before `CertSrvRestoreRegisterComplete`.
//
// # Safety
// The strings are NULL or end with NUL; `rgrstmap` has `crstmap` entries, whose names are such strings.
HRESULT CertSrvRestoreRegisterW(HCSBC hbc,
                                const WCHAR *pwszCheckPointFilePath,
                                const WCHAR *pwszLogPath,
                                CSEDB_RSTMAPW *rgrstmap,
                                LONG crstmap,
                                const WCHAR *pwszBackupLogPath,
                                ULONG genLow,
                                ULONG genHigh);

// As [`CertSrvRestoreRegisterW`]; on Windows the two differ in the rights that they need, here they do not.
//
// # Safety
// As for [`CertSrvRestoreRegisterW`].
HRESULT CertSrvRestoreRegisterThroughFile(HCSBC hbc,
                                          const WCHAR *pwszCheckPointFilePath,
                                          const WCHAR *pwszLogPath,
                                          CSEDB_RSTMAPW *rgrstmap,
                                          LONG crstmap,
                                          const WCHAR *pwszBackupLogPath,
                                          ULONG genLow,
                                          ULONG genHigh);

// Says that the registered files are in place, or with which code that failed.
HRESULT CertSrvRestoreRegisterComplete(HCSBC hbc, HRESULT hrRestoreState);

// Ends a restore. The handle is none from now on. The CA may be started: it replays the logs before it serves.
HRESULT CertSrvRestoreEnd(HCSBC hbc);

// Stops a CA (`CSCONTROL_SHUTDOWN`). `pcbOut` and `ppbOut` may be NULL; they become 0 and NULL.
//
// # Safety
// `pwszServerName` is NULL or a string that ends with NUL; the two pointers are NULL or can be written to.
HRESULT CertSrvServerControlW(const WCHAR *pwszServerName, DWORD dwControlFlags, DWORD *pcbOut, BYTE **ppbOut);

/* The names without W, and the types of the functions: FNCERTSRVBACKUPEND *end = (FNCERTSRVBACKUPEND *)dlsym(...). */
#define CertSrvIsServerOnline CertSrvIsServerOnlineW
#define CertSrvBackupGetDynamicFileList CertSrvBackupGetDynamicFileListW
#define CertSrvBackupPrepare CertSrvBackupPrepareW
#define CertSrvBackupGetDatabaseNames CertSrvBackupGetDatabaseNamesW
#define CertSrvBackupOpenFile CertSrvBackupOpenFileW
#define CertSrvBackupGetBackupLogs CertSrvBackupGetBackupLogsW
#define CertSrvRestoreGetDatabaseLocations CertSrvRestoreGetDatabaseLocationsW
#define CertSrvRestorePrepare CertSrvRestorePrepareW
#define CertSrvRestoreRegister CertSrvRestoreRegisterW
#define CertSrvServerControl CertSrvServerControlW

typedef HRESULT(FNCERTSRVISSERVERONLINEW)(WCHAR const *, BOOL *);
typedef HRESULT(FNCERTSRVBACKUPGETDYNAMICFILELISTW)(HCSBC, WCHAR **, DWORD *);
typedef HRESULT(FNCERTSRVBACKUPPREPAREW)(WCHAR const *, ULONG, ULONG, HCSBC *);
typedef HRESULT(FNCERTSRVBACKUPGETDATABASENAMESW)(HCSBC, WCHAR **, DWORD *);
typedef HRESULT(FNCERTSRVBACKUPOPENFILEW)(HCSBC, WCHAR const *, DWORD, LARGE_INTEGER *);
typedef HRESULT(FNCERTSRVBACKUPREAD)(HCSBC, VOID *, DWORD, DWORD *);
typedef HRESULT(FNCERTSRVBACKUPCLOSE)(HCSBC);
typedef HRESULT(FNCERTSRVBACKUPGETBACKUPLOGSW)(HCSBC, WCHAR **, DWORD *);
typedef HRESULT(FNCERTSRVBACKUPTRUNCATELOGS)(HCSBC);
typedef HRESULT(FNCERTSRVBACKUPEND)(HCSBC);
typedef VOID(FNCERTSRVBACKUPFREE)(VOID *);
typedef HRESULT(FNCERTSRVRESTOREGETDATABASELOCATIONSW)(HCSBC, WCHAR **, DWORD *);
typedef HRESULT(FNCERTSRVRESTOREPREPAREW)(WCHAR const *, ULONG, HCSBC *);
typedef HRESULT(FNCERTSRVRESTOREREGISTERW)(HCSBC, WCHAR const *, WCHAR const *, CSEDB_RSTMAPW *, LONG, WCHAR const *,
                                           ULONG, ULONG);
typedef HRESULT(FNCERTSRVRESTOREREGISTERCOMPLETE)(HCSBC, HRESULT);
typedef HRESULT(FNCERTSRVRESTOREEND)(HCSBC);
typedef HRESULT(FNCERTSRVSERVERCONTROLW)(WCHAR const *, DWORD, DWORD *, BYTE **);

#ifdef __cplusplus
}
#endif

#endif /* _WIN32 */
#endif /* CERTADM_H */
