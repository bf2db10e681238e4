/* load.h: steps 1 and 2 of Microsoft's articles: a Certadm library is loaded, and its functions are found. And strings: the
 * functions speak UTF-16, this program UTF-8.
 *
 * For Linux and Windows; C11, or C++17.
 */
#ifndef LOAD_H
#define LOAD_H

/* For open, fsync and the like under -std=c11. */
#if !defined(_WIN32) && !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200809L
#endif

#include <certadm.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif

/* Codes that these programs return themselves. */
#define FAILURE ((HRESULT)0x80004005u)            /* E_FAIL */
#define NO_MEMORY ((HRESULT)0x8007000Eu)          /* E_OUTOFMEMORY */
#define NOT_ALLOWED ((HRESULT)0x80070005u)        /* E_ACCESSDENIED */
#define BAD_NAME ((HRESULT)0x8007007Bu)           /* ERROR_INVALID_NAME */
#define BAD_DATA ((HRESULT)0x8007000Du)           /* ERROR_INVALID_DATA */
#define NO_FILE ((HRESULT)0x80070002u)            /* ERROR_FILE_NOT_FOUND */
#define FILE_IS_THERE ((HRESULT)0x80070050u)      /* ERROR_FILE_EXISTS */
#define DISK_FULL ((HRESULT)0x80070070u)          /* ERROR_DISK_FULL */
#define SERVER_IS_RUNNING ((HRESULT)0x80070420u)  /* ERROR_SERVICE_ALREADY_RUNNING */

/* ---- Strings ------------------------------------------------------------------------------------------------------------ */

static inline size_t wide_length(const WCHAR *text) {
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

/* UTF-16 to UTF-8, to be freed with free(). NULL when it is not UTF-16, or without memory. */
static inline char *utf8_of(const WCHAR *text) {
    size_t length = wide_length(text), used = 0;
    char *result = (char *)malloc(length * 3 + 1); /* A unit becomes three bytes at most; a pair of them four. */
    if (result == NULL) {
        return NULL;
    }
    for (size_t at = 0; at < length; at++) {
        uint32_t code = (uint16_t)text[at];
        if (code >= 0xD800 && code <= 0xDFFF) {
            uint32_t low = (uint16_t)text[at + 1]; /* At worst the NUL. */
            if (code > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
                free(result);
                return NULL;
            }
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
            at++;
        }
        if (code < 0x80) {
            result[used++] = (char)code;
        } else if (code < 0x800) {
            result[used++] = (char)(0xC0 | (code >> 6));
            result[used++] = (char)(0x80 | (code & 0x3F));
        } else if (code < 0x10000) {
            result[used++] = (char)(0xE0 | (code >> 12));
            result[used++] = (char)(0x80 | ((code >> 6) & 0x3F));
            result[used++] = (char)(0x80 | (code & 0x3F));
        } else {
            result[used++] = (char)(0xF0 | (code >> 18));
            result[used++] = (char)(0x80 | ((code >> 12) & 0x3F));
            result[used++] = (char)(0x80 | ((code >> 6) & 0x3F));
            result[used++] = (char)(0x80 | (code & 0x3F));
        }
    }
    result[used] = 0;
    return result;
}

/* UTF-8 to UTF-16, to be freed with free(). NULL when it is not UTF-8, or without memory. */
static inline WCHAR *wide_of(const char *text) {
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000};
    size_t length = strlen(text), at = 0, used = 0;
    WCHAR *result = (WCHAR *)malloc((length + 1) * sizeof(WCHAR)); /* A byte becomes one unit at most. */
    if (result == NULL) {
        return NULL;
    }
    while (at < length) {
        uint32_t code = (unsigned char)text[at++];
        int more = code < 0x80 ? 0 : code >= 0xC0 && code < 0xE0 ? 1 : code >= 0xE0 && code < 0xF0 ? 2
                 : code >= 0xF0 && code < 0xF8                   ? 3 : -1;
        code &= more > 0 ? 0x3Fu >> more : 0xFFu;
        for (int left = more; left > 0; left--) {
            uint32_t next = (unsigned char)text[at]; /* At worst the NUL. */
            if ((next & 0xC0) != 0x80) {
                more = -1;
                break;
            }
            code = code << 6 | (next & 0x3F);
            at++;
        }
        if (more < 0 || code < smallest[more] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
            free(result);
            return NULL;
        }
        if (code >= 0x10000) {
            result[used++] = (WCHAR)(0xD800 + ((code - 0x10000) >> 10));
            result[used++] = (WCHAR)(0xDC00 + (code & 0x3FF));
        } else {
            result[used++] = (WCHAR)code;
        }
    }
    result[used] = 0;
    return result;
}

/* ---- Lists of names ----------------------------------------------------------------------------------------------------- */

/* A list as the functions return it: names one behind the other, each with its NUL, and a NUL more at the end. In all lists
 * but that of the dynamic files the first unit of a name is its type, CSBFT_... */
typedef struct NameList {
    WCHAR *names;
    DWORD bytes;
} NameList;

/* Whether walking through it stays within it. */
static inline int list_is_sound(const NameList *list) {
    size_t units = list->bytes / sizeof(WCHAR);
    if (list->names == NULL || units == 0) {
        return list->bytes == 0;
    }
    return list->bytes % sizeof(WCHAR) == 0 && list->names[units - 1] == 0 && (units == 1 || list->names[units - 2] == 0);
}

/* The name behind `name`, or the first for NULL; NULL at the end. */
static inline const WCHAR *list_next(const NameList *list, const WCHAR *name) {
    if (list->names == NULL) {
        return NULL;
    }
    name = name == NULL ? list->names : name + wide_length(name) + 1;
    return name < list->names + list->bytes / sizeof(WCHAR) && *name != 0 ? name : NULL;
}

/* The last component of a name that a server sent, in UTF-8, to be freed; NULL for one that must not become a file name: a
 * server that lies must not be able to write to a place of its own choice. */
static inline char *file_name_of(const WCHAR *path) {
    const WCHAR *last = path;
    for (const WCHAR *at = path; *at != 0; at++) {
        if (*at == '\\' || *at == '/') {
            last = at + 1;
        }
        if ((uint16_t)*at < 0x20 || *at == 0x7F) {
            return NULL;
        }
    }
    char *name = utf8_of(last);
    if (name != NULL && (name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, ':') != NULL)) {
        free(name);
        name = NULL;
    }
    return name;
}

/* ---- The library -------------------------------------------------------------------------------------------------------- */

typedef struct Certadm {
#ifdef _WIN32
    HMODULE library;
#else
    void *library;
#endif
    FNCERTSRVISSERVERONLINEW *IsServerOnline;
    FNCERTSRVBACKUPPREPAREW *BackupPrepare;
    FNCERTSRVBACKUPGETDATABASENAMESW *BackupGetDatabaseNames;
    FNCERTSRVBACKUPOPENFILEW *BackupOpenFile;
    FNCERTSRVBACKUPREAD *BackupRead;
    FNCERTSRVBACKUPCLOSE *BackupClose;
    FNCERTSRVBACKUPGETBACKUPLOGSW *BackupGetBackupLogs;
    FNCERTSRVBACKUPTRUNCATELOGS *BackupTruncateLogs;
    FNCERTSRVBACKUPGETDYNAMICFILELISTW *BackupGetDynamicFileList;
    FNCERTSRVBACKUPEND *BackupEnd;
    FNCERTSRVBACKUPFREE *BackupFree;
    FNCERTSRVRESTOREGETDATABASELOCATIONSW *RestoreGetDatabaseLocations;
    FNCERTSRVRESTOREPREPAREW *RestorePrepare;
    FNCERTSRVRESTOREREGISTERW *RestoreRegister;
    FNCERTSRVRESTOREREGISTERCOMPLETE *RestoreRegisterComplete;
    FNCERTSRVRESTOREEND *RestoreEnd;
} Certadm;

/* Puts the address of a function into a function pointer, or NULL. */
static inline int certadm_find(const Certadm *api, const char *name, void *pointer) {
#ifdef _WIN32
    FARPROC address = GetProcAddress(api->library, name);
#else
    void *address = dlsym(api->library, name);
#endif
    memcpy(pointer, &address, sizeof address); /* ISO C has no conversion from dlsym's type to that of a function. */
    if (address == NULL) {
        fprintf(stderr, "the library has no function %s\n", name);
    }
    return address != NULL;
}

/* Steps 1 and 2. `path` is the library's file; loading runs its code, so name one that you trust, with its directory. */
static inline int certadm_load(Certadm *api, const char *path) {
    memset(api, 0, sizeof *api);
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    api->library = wide == NULL ? NULL : LoadLibraryW(wide);
    free(wide);
    if (api->library == NULL) {
        fprintf(stderr, "cannot load %s: error %lu\n", path, GetLastError());
        return 0;
    }
#else
    api->library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (api->library == NULL) {
        fprintf(stderr, "cannot load %s: %s\n", path, dlerror());
        return 0;
    }
#endif
    printf("1 LoadLibrary: %s\n", path);
    int found = certadm_find(api, "CertSrvIsServerOnlineW", &api->IsServerOnline)
              & certadm_find(api, "CertSrvBackupPrepareW", &api->BackupPrepare)
              & certadm_find(api, "CertSrvBackupGetDatabaseNamesW", &api->BackupGetDatabaseNames)
              & certadm_find(api, "CertSrvBackupOpenFileW", &api->BackupOpenFile)
              & certadm_find(api, "CertSrvBackupRead", &api->BackupRead)
              & certadm_find(api, "CertSrvBackupClose", &api->BackupClose)
              & certadm_find(api, "CertSrvBackupGetBackupLogsW", &api->BackupGetBackupLogs)
              & certadm_find(api, "CertSrvBackupTruncateLogs", &api->BackupTruncateLogs)
              & certadm_find(api, "CertSrvBackupGetDynamicFileListW", &api->BackupGetDynamicFileList)
              & certadm_find(api, "CertSrvBackupEnd", &api->BackupEnd)
              & certadm_find(api, "CertSrvBackupFree", &api->BackupFree)
              & certadm_find(api, "CertSrvRestoreGetDatabaseLocationsW", &api->RestoreGetDatabaseLocations)
              & certadm_find(api, "CertSrvRestorePrepareW", &api->RestorePrepare)
              & certadm_find(api, "CertSrvRestoreRegisterW", &api->RestoreRegister)
              & certadm_find(api, "CertSrvRestoreRegisterComplete", &api->RestoreRegisterComplete)
              & certadm_find(api, "CertSrvRestoreEnd", &api->RestoreEnd);
    printf("2 GetProcAddress: %s\n", found ? "16 functions" : "some are missing");
    return found;
}

/* Only when every session has ended and every list is freed. */
static inline void certadm_unload(Certadm *api) {
    if (api->library == NULL) {
        return;
    }
#ifdef _WIN32
    FreeLibrary(api->library);
#else
    dlclose(api->library);
#endif
    api->library = NULL;
}

/* Says how a step went, and hands its code on. */
static inline HRESULT step(int number, const char *what, HRESULT code) {
    printf("%d %s: 0x%08X\n", number, what, (unsigned)code);
    return code;
}

#endif /* LOAD_H */
