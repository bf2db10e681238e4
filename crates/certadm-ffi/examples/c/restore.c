/* restore.c: "Restoring Certificate Services from Backup" of Microsoft, all 14 steps.
 *
 *     restore LIBRARY SERVER DATABASE_DIRECTORY LOG_DIRECTORY FULL_SET [INCREMENTAL_SET...]
 *
 *     restore /usr/local/lib/libcertadm.so.0 localhost /var/lib/certsrvd/database /var/lib/certsrvd/log \
 *         /srv/ca/monday /srv/ca/tuesday
 *     restore Certadm.dll CA01 C:\Windows\System32\CertLog C:\Windows\System32\CertLog C:\backup\monday
 *
 * It runs on the machine of the CA, which is stopped. A set is a directory that backup.c has written, with a DataBase in it.
 * The CA carries the restore out when it is started: it replays the logs of all sets, and then the later ones that are left in
 * the log directory.
 *
 * Exit code: 0 done, 1 a step failed, 2 wrong usage.
 */
#include "files.h"

#define BUFFER_SIZE (512u << 10)
#define LARGEST_MAP (1u << 20) /* bytes of certbkxp.dat */

typedef struct Restore {
    Certadm api;
    HCSBC session;
    const char *database_directory, *log_directory;
    /* Made of certbkxp.dat of the full set. The names are the CA's own, and point into `map`. */
    NameList map;
    WCHAR *database_name, *log_path, *checkpoint_path;
    char *database_file; /* the last component of `database_name` */
    unsigned char *buffer;
} Restore;

/* ---- Copying ------------------------------------------------------------------------------------------------------------ */

/* All bytes of a file into another one, which are on the disk then. */
static HRESULT copy_bytes(Restore *restore, File from, const char *path, const char *directory) {
    File to;
    HRESULT code = file_create(path, directory, &to);
    if (FAILED(code)) {
        return code;
    }
    DWORD count;
    do {
        code = file_read(from, restore->buffer, BUFFER_SIZE, &count);
        if (SUCCEEDED(code)) {
            code = file_write(to, restore->buffer, count);
        }
    } while (SUCCEEDED(code) && count > 0);
    HRESULT safe = file_close_durably(to);
    return FAILED(code) ? code : safe;
}

/* A file of a set into a directory of the CA, where it replaces one of its name. */
static HRESULT copy_file(Restore *restore, const char *set, const char *directory, const char *name) {
    char *from = path_of(set, name, ""), *partial = path_of(directory, name, ".restoring"), *to = path_of(directory, name, "");
    HRESULT code = NO_MEMORY;
    if (from != NULL && partial != NULL && to != NULL) {
        File source;
        code = file_open(from, &source);
        if (FAILED(code)) {
            failed("open", from, code);
        } else {
            file_remove(partial); /* Of a restore that was killed. */
            code = copy_bytes(restore, source, partial, directory);
            file_close(source);
            if (SUCCEEDED(code)) {
                code = path_rename(partial, to);
            }
            if (FAILED(code)) {
                failed("write", to, code);
                file_remove(partial);
            }
        }
    }
    printf("  %s: 0x%08X\n", name, (unsigned)code);
    free(to);
    free(partial);
    free(from);
    return code;
}

/* ---- Logs --------------------------------------------------------------------------------------------------------------- */

/* The number of edb00001.log or edb00000001.log, hexadecimal; 0 for other names. */
static ULONG log_number(const char *name) {
    size_t length = strlen(name);
    if ((length != 12 && length != 15) || strncmp(name, "edb", 3) != 0 || strcmp(name + length - 4, ".log") != 0) {
        return 0;
    }
    ULONG number = 0;
    for (size_t at = 3; at < length - 4; at++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = strchr(digits, name[at]);
        if (digit == NULL) {
            return 0;
        }
        number = number << 4 | (ULONG)((digit - digits) & 0xF);
    }
    return number;
}

/* The logs of a set, while its directory is read. */
typedef struct Logs {
    Restore *restore; /* NULL: only counted */
    const char *set;
    ULONG low, high, count;
} Logs;

static HRESULT visit_log(void *context, const char *name) {
    Logs *logs = (Logs *)context;
    ULONG number = log_number(name);
    if (number == 0) {
        return S_OK;
    }
    if (logs->restore != NULL) {
        return copy_file(logs->restore, logs->set, logs->restore->log_directory, name);
    }
    logs->low = logs->count == 0 || number < logs->low ? number : logs->low;
    logs->high = number > logs->high ? number : logs->high;
    logs->count++;
    return S_OK;
}

/* ---- The restore map ---------------------------------------------------------------------------------------------------- */

/* Step 5: the list that CertSrvRestoreGetDatabaseLocations returned at the time of the backup. */
static HRESULT read_map(Restore *restore, const char *set) {
    char *path = path_of(set, "certbkxp.dat", "");
    restore->map.names = (WCHAR *)malloc(LARGEST_MAP);
    if (path == NULL || restore->map.names == NULL) {
        free(path);
        return NO_MEMORY;
    }
    File file;
    HRESULT code = file_open(path, &file);
    if (SUCCEEDED(code)) {
        DWORD count = 0;
        do {
            char *end = (char *)restore->map.names + restore->map.bytes;
            code = file_read(file, end, LARGEST_MAP - restore->map.bytes, &count);
            restore->map.bytes += SUCCEEDED(code) ? count : 0;
        } while (SUCCEEDED(code) && count > 0);
        file_close(file);
    }
    if (SUCCEEDED(code) && (restore->map.bytes == 0 || !list_is_sound(&restore->map))) {
        code = BAD_DATA;
    }
    if (FAILED(code)) {
        failed("read", path, code);
    }
    free(path);
    return code;
}

/* Step 6: the names of the map by their types. The database keeps its name. */
static HRESULT build_map(Restore *restore) {
    for (const WCHAR *at = list_next(&restore->map, NULL); at != NULL; at = list_next(&restore->map, at)) {
        WCHAR *name = restore->map.names + (at - restore->map.names);
        WCHAR *path = name + 1;
        if (*name == CSBFT_CERTSERVER_DATABASE) {
            if (restore->database_name != NULL) {
                fprintf(stderr, "the set has two databases; a CA has one\n");
                return BAD_DATA;
            }
            restore->database_name = path;
        } else if (*name == CSBFT_LOG_DIR) {
            restore->log_path = path;
        } else if (*name == CSBFT_CHECKPOINT_DIR) {
            restore->checkpoint_path = path;
        }
    }
    restore->database_file = restore->database_name == NULL ? NULL : file_name_of(restore->database_name);
    if (restore->database_file == NULL) {
        fprintf(stderr, "certbkxp.dat names no database\n");
        return BAD_DATA;
    }
    printf("6 restore map: %s\n", restore->database_file);
    return S_OK;
}

/* ---- One set ------------------------------------------------------------------------------------------------------------ */

/* Steps 8 to 10 for a full set, step 11 for an incremental one. `set` is its DataBase. */
static HRESULT restore_set(Restore *restore, const char *set, int full) {
    Logs logs;
    memset(&logs, 0, sizeof logs);
    HRESULT code = directory_visit(set, visit_log, &logs);
    if (FAILED(code)) {
        return failed("read", set, code);
    }
    if (logs.count == 0 || logs.high - logs.low + 1 != logs.count) {
        fprintf(stderr, "%s has %u logs, from 0x%X to 0x%X: some are missing\n", set, (unsigned)logs.count,
                (unsigned)logs.low, (unsigned)logs.high);
        return NO_FILE;
    }
    printf("%s: logs 0x%X to 0x%X\n", set, (unsigned)logs.low, (unsigned)logs.high);

    /* Registered before the first file is touched: from here on the CA does not start on files that are half copied. */
    CSEDB_RSTMAPW entry;
    entry.pwszDatabaseName = restore->database_name;
    entry.pwszNewDatabaseName = restore->database_name;
    code = restore->api.RestoreRegister(restore->session, restore->checkpoint_path, restore->log_path, full ? &entry : NULL,
                                        full ? 1 : 0, restore->log_path, logs.low, logs.high);
    code = step(full ? 9 : 11, "CertSrvRestoreRegister", code);
    if (FAILED(code)) {
        return code;
    }
    printf("%d copying\n", full ? 8 : 11);
    if (full) {
        code = copy_file(restore, set, restore->database_directory, restore->database_file);
    }
    if (SUCCEEDED(code)) {
        logs.restore = restore;
        logs.set = set;
        code = directory_visit(set, visit_log, &logs);
    }
    if (SUCCEEDED(code)) {
        code = directory_sync(restore->log_directory);
    }
    if (SUCCEEDED(code)) {
        code = directory_sync(restore->database_directory);
    }
    /* A failure is told, too: the CA does not start on these files then. */
    HRESULT completed = restore->api.RestoreRegisterComplete(restore->session, code);
    step(full ? 10 : 11, "CertSrvRestoreRegisterComplete", completed);
    return FAILED(code) ? code : completed;
}

static HRESULT restore_sets(Restore *restore, int count, char **sets) {
    HRESULT code = S_OK;
    for (int at = 0; at < count && SUCCEEDED(code); at++) {
        char *set = path_of(sets[at], "DataBase", "");
        code = set == NULL ? NO_MEMORY : S_OK;
        if (SUCCEEDED(code) && at == 0) {
            code = step(5, "certbkxp.dat", read_map(restore, set));
            if (SUCCEEDED(code)) {
                code = build_map(restore);
            }
            if (SUCCEEDED(code)) {
                printf("7 the present logs stay: those behind the backup are replayed, too\n");
            }
        }
        if (SUCCEEDED(code)) {
            code = restore_set(restore, set, at == 0);
        }
        free(set);
    }
    return code;
}

/* ---- The steps ---------------------------------------------------------------------------------------------------------- */

/* Steps 3 to 14. */
static HRESULT run(Restore *restore, const WCHAR *server, int count, char **sets) {
    const Certadm *api = &restore->api;
    BOOL online = FALSE;
    HRESULT code = step(3, "CertSrvIsServerOnline", api->IsServerOnline(server, &online));
    if (SUCCEEDED(code)) {
        fprintf(stderr, "the CA runs; stop it first\n");
        return SERVER_IS_RUNNING;
    }
    /* What else it failed for, the next step notices. */
    printf("  it must fail, since the CA is stopped\n");
    code = step(4, "CertSrvRestorePrepare", api->RestorePrepare(server, CSRESTORE_TYPE_FULL, &restore->session));
    if (FAILED(code)) {
        return code;
    }
    const char *directories[] = {restore->database_directory, restore->log_directory};
    for (size_t at = 0; at < 2 && SUCCEEDED(code); at++) {
        code = directory_create(directories[at]);
        code = code == FILE_IS_THERE ? S_OK : FAILED(code) ? failed("create", directories[at], code) : code;
    }
    if (SUCCEEDED(code)) {
        code = restore_sets(restore, count, sets);
    }
    if (SUCCEEDED(code)) {
        printf("12 copy the dynamic files back by other means\n");
    }
    HRESULT ended = step(13, "CertSrvRestoreEnd", api->RestoreEnd(restore->session));
    if (SUCCEEDED(code) && SUCCEEDED(ended)) {
        printf("14 start the CA; it replays the logs before it serves. The next backup must be a full one\n");
    }
    return FAILED(code) ? code : ended;
}

static int restore_program(int count, char **arguments) {
    if (count < 6) {
        fprintf(stderr, "usage: restore LIBRARY SERVER DATABASE_DIRECTORY LOG_DIRECTORY FULL_SET [INCREMENTAL_SET...]\n");
        return 2;
    }
    Restore restore;
    memset(&restore, 0, sizeof restore);
    restore.database_directory = arguments[3];
    restore.log_directory = arguments[4];
    restore.buffer = (unsigned char *)malloc(BUFFER_SIZE);
    WCHAR *server = wide_of(arguments[2]);
    HRESULT code = FAILURE;
    if (certadm_load(&restore.api, arguments[1]) && restore.buffer != NULL && server != NULL) {
        code = run(&restore, server, count - 5, arguments + 5);
    }
    certadm_unload(&restore.api);
    free(server);
    free(restore.buffer);
    free(restore.database_file);
    free(restore.map.names);
    return FAILED(code) ? 1 : 0;
}

PROGRAM(restore_program)
