/* backup.c: "Backing Up Certificate Services" of Microsoft, all 16 steps.
 *
 *     backup LIBRARY SERVER DIRECTORY [full|incremental] [truncate]
 *
 *     backup /usr/local/lib/libcertadm.so.0 ca01.corp.example /srv/ca/monday full truncate
 *     backup Certadm.dll CA01 C:\backup\monday
 *
 * DIRECTORY/DataBase gets the files, and certbkxp.dat, from which the restore map is made. It appears in one step, when all of
 * it is safe; DIRECTORY is made when it is not there, and must not have a DataBase yet. With `truncate` the CA may delete its
 * old logs then: from there on this set is needed for a restore.
 *
 * Exit code: 0 done, 1 a step failed, 2 wrong usage.
 */
#include "files.h"

#define BUFFER_SIZE (512u << 10)

typedef struct Backup {
    Certadm api;
    HCSBC session;
    int full, truncate;
    const char *directory; /* of the set */
    char *partial;         /* DIRECTORY/DataBase.partial, what `whole` is called until it is whole */
    char *whole;           /* DIRECTORY/DataBase */
    NameList locations, databases, logs, dynamic;
    unsigned char *buffer;
} Backup;

/* ---- One file ----------------------------------------------------------------------------------------------------------- */

/* Step 8: reads until the end of the file. */
static HRESULT read_file(Backup *backup, File file, int64_t size) {
    int64_t total = 0;
    DWORD count;
    do {
        count = 0;
        HRESULT code = backup->api.BackupRead(backup->session, backup->buffer, BUFFER_SIZE, &count);
        if (FAILED(code)) {
            return step(8, "CertSrvBackupRead", code);
        }
        code = file_write(file, backup->buffer, count);
        if (FAILED(code)) {
            return failed("write to", backup->partial, code);
        }
        total += count;
    } while (count == BUFFER_SIZE); /* Less is read only at the end. */
    step(8, "CertSrvBackupRead", S_OK);
    if (total != size) {
        fprintf(stderr, "%lld of %lld bytes came\n", (long long)total, (long long)size);
        return BAD_DATA;
    }
    return S_OK;
}

/* Steps 7 to 9, for a name without its type. */
static HRESULT copy_file(Backup *backup, const WCHAR *server_name) {
    char *name = file_name_of(server_name);
    if (name == NULL) {
        fprintf(stderr, "the server sent a name that is none of a file\n");
        return BAD_NAME;
    }
    char *path = path_of(backup->partial, name, "");
    if (path == NULL) {
        free(name);
        return NO_MEMORY;
    }
    File file;
    HRESULT code = file_create(path, backup->partial, &file);
    if (FAILED(code)) {
        failed("create", path, code);
    } else {
        LARGE_INTEGER size;
        size.QuadPart = 0;
        code = step(7, "CertSrvBackupOpenFile", backup->api.BackupOpenFile(backup->session, server_name, BUFFER_SIZE, &size));
        if (SUCCEEDED(code)) {
            printf("  %s: %lld bytes\n", name, (long long)size.QuadPart);
            code = read_file(backup, file, size.QuadPart);
            HRESULT closed = step(9, "CertSrvBackupClose", backup->api.BackupClose(backup->session));
            code = FAILED(code) ? code : closed;
        }
        HRESULT safe = file_close_durably(file);
        if (FAILED(safe)) {
            failed("write to", path, safe);
        }
        code = FAILED(code) ? code : safe;
    }
    free(path);
    free(name);
    return code;
}

static HRESULT copy_files(Backup *backup, const NameList *list) {
    for (const WCHAR *name = list_next(list, NULL); name != NULL; name = list_next(list, name)) {
        HRESULT code = copy_file(backup, name + 1); /* Behind its type, CSBFT_... */
        if (FAILED(code)) {
            return code;
        }
    }
    return S_OK;
}

/* ---- The set ------------------------------------------------------------------------------------------------------------ */

/* The list of step 5, as it came: the file from which the restore map is made. */
static HRESULT store_locations(Backup *backup) {
    char *path = path_of(backup->partial, "certbkxp.dat", "");
    if (path == NULL) {
        return NO_MEMORY;
    }
    File file;
    HRESULT code = file_create(path, backup->partial, &file);
    if (SUCCEEDED(code)) {
        code = file_write(file, backup->locations.names, backup->locations.bytes);
        HRESULT safe = file_close_durably(file);
        code = FAILED(code) ? code : safe;
    }
    if (FAILED(code)) {
        failed("write to", path, code);
    }
    free(path);
    return code;
}

/* Makes the set visible, once all of it is on the disk. */
static HRESULT publish(Backup *backup) {
    HRESULT code = directory_sync(backup->partial);
    if (SUCCEEDED(code)) {
        code = path_rename(backup->partial, backup->whole);
    }
    if (SUCCEEDED(code)) {
        code = directory_sync(backup->directory);
    }
    return FAILED(code) ? failed("publish", backup->whole, code) : code;
}

static void discard_files(Backup *backup, const NameList *list) {
    for (const WCHAR *name = list_next(list, NULL); name != NULL; name = list_next(list, name)) {
        char *file = file_name_of(name + 1);
        char *path = file == NULL ? NULL : path_of(backup->partial, file, "");
        if (path != NULL) {
            file_remove(path);
        }
        free(path);
        free(file);
    }
}

/* Removes what was copied of a set that did not become whole. */
static void discard(Backup *backup) {
    discard_files(backup, &backup->databases);
    discard_files(backup, &backup->logs);
    char *path = path_of(backup->partial, "certbkxp.dat", "");
    if (path != NULL) {
        file_remove(path);
        free(path);
    }
    directory_remove(backup->partial);
}

/* ---- The steps ---------------------------------------------------------------------------------------------------------- */

/* Checks a list before anything walks through it. */
static HRESULT listed(int number, const char *function, HRESULT code, NameList *list) {
    if (SUCCEEDED(step(number, function, code)) && !list_is_sound(list)) {
        fprintf(stderr, "%s returned a list that does not end\n", function);
        list->bytes = 0; /* It is freed all the same. */
        return BAD_DATA;
    }
    return code;
}

/* Steps 5 to 10: all files. */
static HRESULT copy_everything(Backup *backup) {
    const Certadm *api = &backup->api;
    NameList *list = &backup->locations;
    HRESULT code = api->RestoreGetDatabaseLocations(backup->session, &list->names, &list->bytes);
    code = listed(5, "CertSrvRestoreGetDatabaseLocations", code, list);
    if (SUCCEEDED(code)) {
        code = store_locations(backup);
    }
    if (SUCCEEDED(code) && backup->full) {
        list = &backup->databases;
        code = api->BackupGetDatabaseNames(backup->session, &list->names, &list->bytes);
        code = listed(6, "CertSrvBackupGetDatabaseNames", code, list);
        if (SUCCEEDED(code)) {
            code = copy_files(backup, list);
        }
    }
    if (SUCCEEDED(code)) {
        list = &backup->logs; /* Behind the databases: only then it has all that their copies need. */
        code = api->BackupGetBackupLogs(backup->session, &list->names, &list->bytes);
        code = listed(10, "CertSrvBackupGetBackupLogs", code, list);
        if (SUCCEEDED(code)) {
            code = copy_files(backup, list);
        }
    }
    return code;
}

/* Steps 12 and 13. The files are not copied by these functions: CRLs and certificates that the CA has published. */
static HRESULT show_dynamic_files(Backup *backup) {
    NameList *list = &backup->dynamic;
    HRESULT code = backup->api.BackupGetDynamicFileList(backup->session, &list->names, &list->bytes);
    code = listed(12, "CertSrvBackupGetDynamicFileList", code, list);
    if (FAILED(code)) {
        return code;
    }
    for (const WCHAR *name = list_next(list, NULL); name != NULL; name = list_next(list, name)) {
        char *text = utf8_of(name);
        char *checked = file_name_of(name); /* Not for the file name: a terminal obeys control characters. */
        printf("13 copy by other means: %s\n", text != NULL && checked != NULL ? text : "(a name that cannot be shown)");
        free(checked);
        free(text);
    }
    return S_OK;
}

/* Steps 4 to 15. */
static HRESULT back_up(Backup *backup, const WCHAR *server) {
    const Certadm *api = &backup->api;
    ULONG kind = backup->full ? CSBACKUP_TYPE_FULL : CSBACKUP_TYPE_LOGS_ONLY;
    HRESULT code = step(4, "CertSrvBackupPrepare", api->BackupPrepare(server, 0, kind, &backup->session));
    if (FAILED(code)) {
        return code;
    }
    code = directory_create(backup->partial);
    if (FAILED(code)) {
        failed("create", backup->partial, code);
    } else {
        code = copy_everything(backup);
        if (SUCCEEDED(code)) {
            code = publish(backup);
        }
        if (FAILED(code)) {
            discard(backup);
        }
    }
    if (SUCCEEDED(code) && backup->truncate) {
        code = step(11, "CertSrvBackupTruncateLogs", api->BackupTruncateLogs(backup->session));
    }
    if (SUCCEEDED(code)) {
        code = show_dynamic_files(backup);
    }
    /* However it went: a session that is not ended keeps others from backing up. */
    HRESULT ended = step(14, "CertSrvBackupEnd", api->BackupEnd(backup->session));
    NameList *lists[] = {&backup->locations, &backup->databases, &backup->logs, &backup->dynamic};
    for (size_t at = 0; at < sizeof lists / sizeof *lists; at++) {
        if (lists[at]->names != NULL) {
            api->BackupFree(lists[at]->names);
        }
    }
    printf("15 CertSrvBackupFree\n");
    return FAILED(code) ? code : ended;
}

/* Steps 3 to 15. */
static HRESULT run(Backup *backup, const char *server_name) {
    WCHAR *server = wide_of(server_name);
    HRESULT code = NO_MEMORY;
    backup->partial = path_of(backup->directory, "DataBase", ".partial");
    backup->whole = path_of(backup->directory, "DataBase", "");
    backup->buffer = (unsigned char *)malloc(BUFFER_SIZE);
    if (server != NULL && backup->partial != NULL && backup->whole != NULL && backup->buffer != NULL) {
        BOOL online = FALSE;
        code = step(3, "CertSrvIsServerOnline", backup->api.IsServerOnline(server, &online));
        if (SUCCEEDED(code) && !online) {
            fprintf(stderr, "the CA is suspended\n");
            code = FAILURE;
        }
        if (SUCCEEDED(code) && path_exists(backup->whole)) {
            code = failed("overwrite", backup->whole, FILE_IS_THERE);
        }
        if (SUCCEEDED(code)) {
            code = back_up(backup, server);
        }
    }
    free(backup->buffer);
    free(backup->whole);
    free(backup->partial);
    free(server);
    return code;
}

static int backup_program(int count, char **arguments) {
    Backup backup;
    memset(&backup, 0, sizeof backup);
    backup.full = 1;
    int understood = count >= 4;
    for (int at = 4; at < count; at++) {
        if (strcmp(arguments[at], "incremental") == 0) {
            backup.full = 0;
        } else if (strcmp(arguments[at], "truncate") == 0) {
            backup.truncate = 1;
        } else if (strcmp(arguments[at], "full") != 0) {
            understood = 0;
        }
    }
    if (!understood) {
        fprintf(stderr, "usage: backup LIBRARY SERVER DIRECTORY [full|incremental] [truncate]\n");
        return 2;
    }
    backup.directory = arguments[3];
    HRESULT code = directory_create(backup.directory);
    if (FAILED(code) && code != FILE_IS_THERE) {
        failed("create", backup.directory, code);
        return 1;
    }
    code = certadm_load(&backup.api, arguments[1]) ? run(&backup, arguments[2]) : FAILURE;
    certadm_unload(&backup.api);
    printf("16 FreeLibrary\n");
    return FAILED(code) ? 1 : 0;
}

PROGRAM(backup_program)
