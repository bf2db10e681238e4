/* files.h: what a backup needs of a file system: files that are safe on the disk, and that never appear half written.
 *
 * For Linux and Windows; paths are UTF-8, failures are HRESULTs.
 */
#ifndef FILES_H
#define FILES_H

#include "load.h"

#ifdef _WIN32

typedef HANDLE File;

static inline HRESULT last_failure(void) {
    DWORD error = GetLastError();
    return error == 0 ? FAILURE : HRESULT_FROM_WIN32(error);
}

#else

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

typedef int File;

static inline HRESULT last_failure(void) {
    switch (errno) {
    case ENOENT:
        return NO_FILE;
    case EACCES:
    case EPERM:
        return NOT_ALLOWED;
    case EEXIST:
    case ENOTEMPTY:
        return FILE_IS_THERE;
    case ENOSPC:
    case EDQUOT:
        return DISK_FULL;
    case ENOMEM:
        return NO_MEMORY;
    default:
        return FAILURE;
    }
}

#endif

/* Says on what a step failed, and hands its code on. */
static inline HRESULT failed(const char *what, const char *path, HRESULT code) {
    fprintf(stderr, "cannot %s %s: 0x%08X\n", what, path, (unsigned)code);
    return code;
}

/* directory/name and a suffix, to be freed with free(); NULL without memory. */
static inline char *path_of(const char *directory, const char *name, const char *suffix) {
    size_t size = strlen(directory) + strlen(name) + strlen(suffix) + 2;
    char *path = (char *)malloc(size);
    if (path != NULL) {
        snprintf(path, size, "%s/%s%s", directory, name, suffix);
    }
    return path;
}

/* ---- Files -------------------------------------------------------------------------------------------------------------- */

/* A new file that only its owner may read: the database of a CA holds archived keys. It fails when there is one already. On
 * Linux it gets the owner of its directory: root restores for the account of the CA. */
static inline HRESULT file_create(const char *path, const char *directory, File *file) {
#ifdef _WIN32
    (void)directory;
    WCHAR *wide = wide_of(path);
    if (wide == NULL) {
        return BAD_NAME;
    }
    *file = CreateFileW(wide, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
    HRESULT code = *file == INVALID_HANDLE_VALUE ? last_failure() : S_OK;
    free(wide);
    return code;
#else
    struct stat owner, made;
    *file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (*file < 0) {
        return last_failure();
    }
    if (stat(directory, &owner) != 0 || fstat(*file, &made) != 0
        || ((owner.st_uid != made.st_uid || owner.st_gid != made.st_gid) && fchown(*file, owner.st_uid, owner.st_gid) != 0)) {
        HRESULT code = last_failure();
        close(*file);
        unlink(path);
        return code;
    }
    return S_OK;
#endif
}

static inline HRESULT file_open(const char *path, File *file) {
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    if (wide == NULL) {
        return BAD_NAME;
    }
    *file = CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_FLAG_SEQUENTIAL_SCAN, NULL);
    HRESULT code = *file == INVALID_HANDLE_VALUE ? last_failure() : S_OK;
    free(wide);
    return code;
#else
    *file = open(path, O_RDONLY | O_CLOEXEC);
    return *file < 0 ? last_failure() : S_OK;
#endif
}

/* All of `size` bytes. */
static inline HRESULT file_write(File file, const void *bytes, DWORD size) {
    const char *next = (const char *)bytes;
    while (size > 0) {
#ifdef _WIN32
        DWORD written = 0;
        if (!WriteFile(file, next, size, &written, NULL)) {
            return last_failure();
        }
#else
        ssize_t written = write(file, next, size);
        if (written < 0) {
            if (errno == EINTR) {
                continue;
            }
            return last_failure();
        }
#endif
        next += written;
        size -= (DWORD)written;
    }
    return S_OK;
}

/* Up to `size` bytes; none at the end of the file. */
static inline HRESULT file_read(File file, void *bytes, DWORD size, DWORD *count) {
#ifdef _WIN32
    return ReadFile(file, bytes, size, count, NULL) ? S_OK : last_failure();
#else
    ssize_t got;
    do {
        got = read(file, bytes, size);
    } while (got < 0 && errno == EINTR);
    *count = got < 0 ? 0 : (DWORD)got;
    return got < 0 ? last_failure() : S_OK;
#endif
}

static inline void file_close(File file) {
#ifdef _WIN32
    CloseHandle(file);
#else
    close(file);
#endif
}

/* Closes a file that was written to. Success means that its bytes are on the disk. */
static inline HRESULT file_close_durably(File file) {
#ifdef _WIN32
    HRESULT code = FlushFileBuffers(file) ? S_OK : last_failure();
    CloseHandle(file);
    return code;
#else
    HRESULT code = fsync(file) == 0 ? S_OK : last_failure();
    return close(file) == 0 || FAILED(code) ? code : last_failure();
#endif
}

static inline void file_remove(const char *path) {
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    if (wide != NULL) {
        DeleteFileW(wide);
        free(wide);
    }
#else
    unlink(path);
#endif
}

/* In one step; a file that is there is replaced. It is durable after directory_sync(). */
static inline HRESULT path_rename(const char *from, const char *to) {
#ifdef _WIN32
    WCHAR *wide_from = wide_of(from), *wide_to = wide_of(to);
    HRESULT code = BAD_NAME;
    if (wide_from != NULL && wide_to != NULL) {
        DWORD flags = MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH;
        code = MoveFileExW(wide_from, wide_to, flags) ? S_OK : last_failure();
    }
    free(wide_from);
    free(wide_to);
    return code;
#else
    return rename(from, to) == 0 ? S_OK : last_failure();
#endif
}

/* ---- Directories -------------------------------------------------------------------------------------------------------- */

/* FILE_IS_THERE when there is something of that name. */
static inline HRESULT directory_create(const char *path) {
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    if (wide == NULL) {
        return BAD_NAME;
    }
    HRESULT code = CreateDirectoryW(wide, NULL) ? S_OK : last_failure();
    free(wide);
    return code == HRESULT_FROM_WIN32(ERROR_ALREADY_EXISTS) ? FILE_IS_THERE : code;
#else
    return mkdir(path, 0700) == 0 ? S_OK : last_failure();
#endif
}

static inline int path_exists(const char *path) {
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    int exists = wide != NULL && GetFileAttributesW(wide) != INVALID_FILE_ATTRIBUTES;
    free(wide);
    return exists;
#else
    return access(path, F_OK) == 0;
#endif
}

/* Only an empty one. */
static inline void directory_remove(const char *path) {
#ifdef _WIN32
    WCHAR *wide = wide_of(path);
    if (wide != NULL) {
        RemoveDirectoryW(wide);
        free(wide);
    }
#else
    rmdir(path);
#endif
}

/* Makes the names in a directory durable. Windows does so when it renames. */
static inline HRESULT directory_sync(const char *path) {
#ifdef _WIN32
    (void)path;
    return S_OK;
#else
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) {
        return last_failure();
    }
    HRESULT code = fsync(directory) == 0 ? S_OK : last_failure();
    close(directory);
    return code;
#endif
}

/* What is called for every name in a directory; a failure ends the walk. */
typedef HRESULT NameVisitor(void *context, const char *name);

static inline HRESULT directory_visit(const char *path, NameVisitor *visitor, void *context) {
    HRESULT code = S_OK;
#ifdef _WIN32
    char *pattern = path_of(path, "*", "");
    WCHAR *wide = pattern == NULL ? NULL : wide_of(pattern);
    WIN32_FIND_DATAW entry;
    HANDLE search = wide == NULL ? INVALID_HANDLE_VALUE : FindFirstFileW(wide, &entry);
    if (search == INVALID_HANDLE_VALUE) {
        code = wide == NULL ? BAD_NAME : last_failure();
    } else {
        do {
            char *name = utf8_of(entry.cFileName);
            int is_file = (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
            code = name == NULL ? BAD_NAME : is_file ? visitor(context, name) : S_OK;
            free(name);
        } while (SUCCEEDED(code) && FindNextFileW(search, &entry));
        FindClose(search);
    }
    free(wide);
    free(pattern);
#else
    DIR *directory = opendir(path);
    if (directory == NULL) {
        return last_failure();
    }
    const struct dirent *entry;
    while (SUCCEEDED(code) && (errno = 0, entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            code = visitor(context, entry->d_name);
        }
    }
    if (SUCCEEDED(code) && errno != 0) {
        code = last_failure();
    }
    closedir(directory);
#endif
    return code;
}

/* ---- The start of the program ------------------------------------------------------------------------------------------- */

/* Calls `program` with arguments in UTF-8: they are so on Linux, and wide on Windows. */
#ifdef _WIN32
#define PROGRAM(program)                                                                                             \
    int wmain(int count, wchar_t **wide) {                                                                           \
        char **arguments = (char **)calloc((size_t)count + 1, sizeof *arguments);                                    \
        int result = 1;                                                                                              \
        int sound = arguments != NULL;                                                                               \
        for (int at = 0; sound && at < count; at++) {                                                                \
            sound = (arguments[at] = utf8_of(wide[at])) != NULL;                                                     \
        }                                                                                                            \
        if (sound) {                                                                                                 \
            SetConsoleOutputCP(CP_UTF8);                                                                             \
            result = program(count, arguments);                                                                      \
        }                                                                                                            \
        for (int at = 0; arguments != NULL && at < count; at++) {                                                    \
            free(arguments[at]);                                                                                     \
        }                                                                                                            \
        free(arguments);                                                                                             \
        return result;                                                                                               \
    }
#else
#define PROGRAM(program)                                                                                             \
    int main(int count, char **arguments) { return program(count, arguments); }
#endif

#endif /* FILES_H */
