/*
 * Storage that a test can watch, cheat and break. Preloaded into a workload (LD_PRELOAD), it sees every call that changes
 * files below one directory, and
 *
 *   - journals it with its data, in the order in which it took effect (STORAGE_JOURNAL);
 *   - forgets fsync calls of files whose path matches a pattern (STORAGE_IGNORE_SYNC);
 *   - lets chosen calls fail (STORAGE_FAIL).
 *
 * Environment:
 *   STORAGE_WATCH        the directory, absolute and without symbolic links; without it the shim does nothing
 *   STORAGE_JOURNAL      file to append the journal to; records are described at append()
 *   STORAGE_MARKS        file whose writes appear in the journal as marks; not below the watched directory
 *   STORAGE_IGNORE_SYNC  patterns, separated by '|'; such an fsync returns 0 and does nothing
 *   STORAGE_FAIL         rules "operation,patterns,nth,errno,mode", separated by ';'
 *                          operation  write sync rename truncate create unlink mkdir
 *                          nth        counts the matching calls from 1
 *                          errno      a number
 *                          mode       once | forever | short (the nth write is cut in half, later ones fail)
 *
 * Patterns are fnmatch(3) patterns for the path relative to the watched directory, '*' matches '/' too. A directory has a
 * slash at its end, the watched one is "./".
 *
 * One lock is held over each call and its journal record, so the order of the journal is the order of the effects.
 * System calls are made directly, which keeps the shim out of its own way. 64-bit Linux with glibc or musl.
 * What it cannot express (shared writable mappings, hole punching, O_TMPFILE, hard and symbolic links) aborts the workload:
 * a journal that silently misses something would prove nothing.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

enum kind {
    KIND_OPEN = 1,           /* inode, offset: 1 created | 2 truncated, modified; path */
    KIND_WRITE = 2,          /* inode, offset, modified; data */
    KIND_TRUNCATE = 3,       /* inode, offset: the new length, modified */
    KIND_SYNC = 4,           /* inode */
    KIND_SYNC_FAILED = 5,    /* inode */
    KIND_SYNC_DIRECTORY = 6, /* path */
    KIND_RENAME = 7,         /* path; data: the new path */
    KIND_UNLINK = 8,         /* path; a file or an empty directory */
    KIND_MKDIR = 9,          /* path */
    KIND_MARK = 10,          /* data */
};

enum mode { MODE_ONCE, MODE_FOREVER, MODE_SHORT };

struct rule {
    char operation[16];
    char patterns[256];
    unsigned long nth;
    int error;
    enum mode mode;
    unsigned long seen;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static char watch[PATH_MAX];
static size_t watch_length;
static char marks[PATH_MAX];
static const char *ignore_sync;
static int journal = -1;
static struct rule rules[8];
static size_t rule_count;

static void die(const char *what, const char *detail) {
    dprintf(2, "storage shim: %s: %s\n", what, detail);
    abort();
}

static void start(void) {
    const char *directory = getenv("STORAGE_WATCH");
    if (directory == NULL)
        return;
    snprintf(watch, sizeof watch, "%s", directory);
    watch_length = strlen(watch);
    if (getenv("STORAGE_MARKS") != NULL)
        snprintf(marks, sizeof marks, "%s", getenv("STORAGE_MARKS"));
    ignore_sync = getenv("STORAGE_IGNORE_SYNC");
    const char *path = getenv("STORAGE_JOURNAL");
    if (path != NULL) {
        journal = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        if (journal < 0)
            die("cannot open the journal", path);
    }
    const char *text = getenv("STORAGE_FAIL");
    while (text != NULL && *text != '\0') {
        struct rule *rule = &rules[rule_count];
        char mode[16];
        if (rule_count == LENGTH(rules) ||
            sscanf(text, "%15[^,],%255[^,],%lu,%d,%15[a-z]", rule->operation, rule->patterns, &rule->nth, &rule->error, mode) != 5)
            die("STORAGE_FAIL is not understood", text);
        rule->mode = strcmp(mode, "short") == 0 ? MODE_SHORT : strcmp(mode, "forever") == 0 ? MODE_FOREVER : MODE_ONCE;
        rule_count++;
        text = strchr(text, ';');
        text = text == NULL ? NULL : text + 1;
    }
}

/* Takes the lock; false when nothing is watched. */
static int enter(void) {
    pthread_once(&once, start);
    if (watch_length == 0)
        return 0;
    pthread_mutex_lock(&lock);
    return 1;
}

static void leave(void) {
    int saved = errno;
    pthread_mutex_unlock(&lock);
    errno = saved;
}

/* Any of the patterns, separated by '|'. */
static int matches(const char *patterns, const char *path) {
    char pattern[256];
    while (patterns != NULL && *patterns != '\0') {
        size_t length = strcspn(patterns, "|");
        if (length < sizeof pattern) {
            memcpy(pattern, patterns, length);
            pattern[length] = '\0';
            if (fnmatch(pattern, path, 0) == 0)
                return 1;
        }
        patterns += length + (patterns[length] == '|');
    }
    return 0;
}

/* The part of an absolute path below the watched directory, or NULL. */
static const char *below(const char *path) {
    if (strncmp(path, watch, watch_length) != 0)
        return NULL;
    if (path[watch_length] == '\0')
        return path + watch_length;
    return path[watch_length] == '/' ? path + watch_length + 1 : NULL;
}

/* Where a descriptor points to now; an unlinked file keeps its last name. */
static int path_of(int fd, char *path) {
    static const char deleted[] = " (deleted)";
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
    if (length < 0)
        return 0;
    path[length] = '\0';
    if ((size_t)length >= sizeof deleted && strcmp(path + length - (sizeof deleted - 1), deleted) == 0)
        path[length - (ssize_t)(sizeof deleted - 1)] = '\0';
    return 1;
}

/* Absolute form of a path as the *at calls take it, and its part below the watched directory, or NULL. */
static const char *resolve(int directory, const char *path, char *absolute) {
    if (path[0] == '/') {
        snprintf(absolute, PATH_MAX, "%s", path);
    } else {
        char base[PATH_MAX];
        if (directory == AT_FDCWD ? getcwd(base, sizeof base) == NULL : !path_of(directory, base))
            return NULL;
        while (path[0] == '.' && path[1] == '/')
            path += 2;
        if (snprintf(absolute, PATH_MAX, "%s/%s", base, path) >= PATH_MAX)
            return NULL;
    }
    size_t length = strlen(absolute);
    while (length > 1 && absolute[length - 1] == '/')
        absolute[--length] = '\0';
    return below(absolute);
}

/* The part of a descriptor's path below the watched directory, or NULL. */
static const char *watched(int fd, char *path) {
    int saved = errno;
    const char *relative = path_of(fd, path) ? below(path) : NULL;
    errno = saved;
    return relative;
}

static struct stat status_of(int fd) {
    struct stat status;
    if (fstat(fd, &status) != 0)
        die("fstat", strerror(errno));
    return status;
}

/*
 * A record, little endian as the machine is: u32 length of what follows, u8 kind, u64 inode, u64 offset, u64 modified (nanoseconds
 * since the Unix epoch), u32 length of the path, the path, the data. Written by one system call, so a killed workload leaves whole records, or a last one cut short.
 */
static void append(enum kind kind, const struct stat *status, uint64_t offset, const char *path, const struct iovec *data, int parts,
                   size_t size) {
    if (journal < 0)
        return;
    int saved = errno;
    unsigned char header[33];
    uint64_t inode = 0, modified = 0;
    if (status != NULL) {
        inode = (uint64_t)status->st_ino;
        modified = (uint64_t)status->st_mtim.tv_sec * 1000000000u + (uint64_t)status->st_mtim.tv_nsec;
    }
    uint32_t path_length = path == NULL ? 0 : (uint32_t)strlen(path);
    uint32_t length = (uint32_t)(sizeof header - 4 + path_length + size);
    memcpy(header, &length, 4);
    header[4] = (unsigned char)kind;
    memcpy(header + 5, &inode, 8);
    memcpy(header + 13, &offset, 8);
    memcpy(header + 21, &modified, 8);
    memcpy(header + 29, &path_length, 4);
    struct iovec vector[2 + 64];
    if (parts > 64)
        die("writev", "more parts than the shim keeps");
    vector[0] = (struct iovec){header, sizeof header};
    vector[1] = (struct iovec){(void *)(uintptr_t)path, path_length};
    int count = 2;
    for (int part = 0; part < parts && size > 0; part++) {
        size_t taken = data[part].iov_len < size ? data[part].iov_len : size;
        vector[count++] = (struct iovec){data[part].iov_base, taken};
        size -= taken;
    }
    if (syscall(SYS_writev, journal, vector, count) != (long)(length + 4))
        die("journal", strerror(errno));
    errno = saved;
}

/* The errno that a rule asks for, 0 for none, -1 for a write to be cut short. */
static int injected(const char *operation, const char *path) {
    int answer = 0;
    for (size_t i = 0; i < rule_count; i++) {
        struct rule *rule = &rules[i];
        if (strcmp(rule->operation, operation) != 0 || !matches(rule->patterns, path))
            continue;
        rule->seen++;
        if (rule->seen == rule->nth)
            answer = rule->mode == MODE_SHORT ? -1 : rule->error;
        else if (rule->seen > rule->nth && rule->mode != MODE_ONCE)
            answer = rule->error;
    }
    if (answer > 0)
        errno = answer;
    return answer;
}

/* ---- files ---- */

static int open_any(int directory, const char *path, int flags, mode_t mode) {
    if (!enter())
        return (int)syscall(SYS_openat, directory, path, flags, mode);
    char absolute[PATH_MAX];
    const char *relative = resolve(directory, path, absolute);
    int writable = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC)) != 0;
    int fd;
    if (relative == NULL || !writable) {
        fd = (int)syscall(SYS_openat, directory, path, flags, mode);
    } else {
        if ((flags & O_TMPFILE) == O_TMPFILE || (flags & O_DSYNC) != 0)
            die("open flags that the journal cannot express", path);
        int existed = syscall(SYS_faccessat, AT_FDCWD, absolute, F_OK) == 0;
        if (!existed && (flags & O_CREAT) != 0 && injected("create", relative) > 0) {
            fd = -1;
        } else {
            fd = (int)syscall(SYS_openat, directory, path, flags, mode);
            if (fd >= 0) {
                struct stat status = status_of(fd);
                append(KIND_OPEN, &status, (existed ? 0 : 1) | ((flags & O_TRUNC) != 0 ? 2 : 0), relative, NULL, 0, 0);
            }
        }
    }
    leave();
    return fd;
}

/* offset < 0: at the position of the descriptor. */
static ssize_t write_any(int fd, const struct iovec *data, int parts, off_t offset) {
    if (!enter())
        return offset < 0 ? syscall(SYS_writev, fd, data, parts) : syscall(SYS_pwritev, fd, data, parts, offset, 0L);
    char path[PATH_MAX];
    const char *relative = watched(fd, path);
    ssize_t written;
    int answer = relative == NULL ? 0 : injected("write", relative);
    if (answer > 0) {
        written = -1;
    } else if (answer < 0 && parts > 0) {
        struct iovec half = {data[0].iov_base, (data[0].iov_len + 1) / 2};
        written = offset < 0 ? syscall(SYS_writev, fd, &half, 1) : syscall(SYS_pwritev, fd, &half, 1, offset, 0L);
    } else {
        written = offset < 0 ? syscall(SYS_writev, fd, data, parts) : syscall(SYS_pwritev, fd, data, parts, offset, 0L);
    }
    if (written > 0 && relative != NULL) {
        int saved = errno;
        off_t at = offset >= 0 ? offset : (off_t)syscall(SYS_lseek, fd, 0L, SEEK_CUR) - written;
        struct stat status = status_of(fd);
        append(KIND_WRITE, &status, (uint64_t)at, NULL, data, parts, (size_t)written);
        errno = saved;
    } else if (written > 0 && marks[0] != '\0' && strcmp(path, marks) == 0) {
        append(KIND_MARK, NULL, 0, NULL, data, parts, (size_t)written);
    }
    leave();
    return written;
}

static int truncate_any(int fd, off_t length) {
    if (!enter())
        return (int)syscall(SYS_ftruncate, fd, length);
    char path[PATH_MAX];
    const char *relative = watched(fd, path);
    int result = -1;
    if (relative == NULL || injected("truncate", relative) <= 0)
        result = (int)syscall(SYS_ftruncate, fd, length);
    if (result == 0 && relative != NULL) {
        struct stat status = status_of(fd);
        append(KIND_TRUNCATE, &status, (uint64_t)length, NULL, NULL, 0, 0);
    }
    leave();
    return result;
}

/* Space is reserved by writing nothing: all that others can see is the length. */
static int allocate_any(int fd, int mode, off_t offset, off_t size) {
    struct stat status;
    if ((mode & ~FALLOC_FL_KEEP_SIZE) != 0)
        die("fallocate", "a mode that the journal cannot express");
    if (fstat(fd, &status) != 0)
        return -1;
    return mode != 0 || status.st_size >= offset + size ? 0 : truncate_any(fd, offset + size);
}

static int sync_any(int fd, long number) {
    if (!enter())
        return (int)syscall(number, fd);
    char path[PATH_MAX], name[PATH_MAX + 2];
    const char *relative = watched(fd, path);
    struct stat status;
    int result;
    if (relative == NULL || fstat(fd, &status) != 0) {
        result = (int)syscall(number, fd);
    } else {
        int directory = S_ISDIR(status.st_mode);
        snprintf(name, sizeof name, "%s%s", directory && *relative == '\0' ? "." : relative, directory ? "/" : "");
        if (matches(ignore_sync, name)) {
            result = 0;
        } else if (injected("sync", name) > 0) {
            if (!directory)
                append(KIND_SYNC_FAILED, &status, 0, NULL, NULL, 0, 0);
            result = -1;
        } else {
            /* With a journal the image is made from it, and real fsyncs would only cost time. */
            result = journal >= 0 ? 0 : (int)syscall(number, fd);
            if (result == 0)
                append(directory ? KIND_SYNC_DIRECTORY : KIND_SYNC, &status, 0, directory ? relative : NULL, NULL, 0, 0);
        }
    }
    leave();
    return result;
}

/* ---- names ---- */

static int rename_any(int from_directory, const char *from, int to_directory, const char *to, unsigned flags) {
    if (!enter())
        return (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    char from_absolute[PATH_MAX], to_absolute[PATH_MAX];
    const char *source = resolve(from_directory, from, from_absolute);
    const char *target = resolve(to_directory, to, to_absolute);
    if ((source == NULL) != (target == NULL) || (flags & RENAME_EXCHANGE) != 0)
        die("rename that the journal cannot express", from);
    int result = -1;
    if (source == NULL || (injected("rename", source) <= 0 && injected("rename", target) <= 0))
        result = (int)syscall(SYS_renameat2, from_directory, from, to_directory, to, flags);
    if (result == 0 && source != NULL) {
        struct iovec data = {(void *)(uintptr_t)target, strlen(target)};
        append(KIND_RENAME, NULL, 0, source, &data, 1, data.iov_len);
    }
    leave();
    return result;
}

static int unlink_any(int directory, const char *path, int flags) {
    if (!enter())
        return (int)syscall(SYS_unlinkat, directory, path, flags);
    char absolute[PATH_MAX];
    const char *relative = resolve(directory, path, absolute);
    int result = -1;
    if (relative == NULL || injected("unlink", relative) <= 0)
        result = (int)syscall(SYS_unlinkat, directory, path, flags);
    if (result == 0 && relative != NULL)
        append(KIND_UNLINK, NULL, 0, relative, NULL, 0, 0);
    leave();
    return result;
}

static int mkdir_any(int directory, const char *path, mode_t mode) {
    if (!enter())
        return (int)syscall(SYS_mkdirat, directory, path, mode);
    char absolute[PATH_MAX];
    const char *relative = resolve(directory, path, absolute);
    int result = -1;
    if (relative == NULL || injected("mkdir", relative) <= 0)
        result = (int)syscall(SYS_mkdirat, directory, path, mode);
    if (result == 0 && relative != NULL)
        append(KIND_MKDIR, NULL, 0, relative, NULL, 0, 0);
    leave();
    return result;
}

static int link_any(int directory, const char *to) {
    if (!enter())
        return 0;
    char absolute[PATH_MAX];
    if (resolve(directory, to, absolute) != NULL)
        die("a link, which the journal cannot express", to);
    leave();
    return 0;
}

/* Whether a shortcut past write(2) must be refused, so that the caller falls back to writing. */
static int is_watched(int fd) {
    char path[PATH_MAX];
    if (!enter())
        return 0;
    int answer = watched(fd, path) != NULL;
    leave();
    return answer;
}

/* ---- the symbols that programs call ---- */

#define OPEN_MODE(last)                                   \
    mode_t mode = 0;                                      \
    if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list arguments;                                \
        va_start(arguments, last);                        \
        mode = va_arg(arguments, mode_t);                 \
        va_end(arguments);                                \
    }

EXPORT int open(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int open64(const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
EXPORT int openat(int fd, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(fd, path, flags, mode); }
EXPORT int openat64(int fd, const char *path, int flags, ...) { OPEN_MODE(flags) return open_any(fd, path, flags, mode); }
EXPORT int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
EXPORT int creat64(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

static ssize_t write_one(int fd, const void *data, size_t size, off_t offset) {
    struct iovec part = {(void *)(uintptr_t)data, size};
    return write_any(fd, &part, 1, offset);
}
EXPORT ssize_t write(int fd, const void *data, size_t size) { return write_one(fd, data, size, -1); }
EXPORT ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) { return write_one(fd, data, size, offset); }
EXPORT ssize_t pwrite64(int fd, const void *data, size_t size, off_t offset) { return write_one(fd, data, size, offset); }
EXPORT ssize_t writev(int fd, const struct iovec *data, int parts) { return write_any(fd, data, parts, -1); }
EXPORT ssize_t pwritev(int fd, const struct iovec *data, int parts, off_t offset) { return write_any(fd, data, parts, offset); }
EXPORT ssize_t pwritev64(int fd, const struct iovec *data, int parts, off_t offset) { return write_any(fd, data, parts, offset); }

EXPORT int ftruncate(int fd, off_t length) { return truncate_any(fd, length); }
EXPORT int ftruncate64(int fd, off_t length) { return truncate_any(fd, length); }
EXPORT int truncate(const char *path, off_t length) {
    int fd = open_any(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int result = truncate_any(fd, length), saved = errno;
    syscall(SYS_close, fd);
    errno = saved;
    return result;
}
EXPORT int truncate64(const char *path, off_t length) { return truncate(path, length); }

EXPORT int fallocate(int fd, int mode, off_t offset, off_t size) {
    return is_watched(fd) ? allocate_any(fd, mode, offset, size) : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}
EXPORT int fallocate64(int fd, int mode, off_t offset, off_t size) { return fallocate(fd, mode, offset, size); }
EXPORT int posix_fallocate(int fd, off_t offset, off_t size) { return fallocate(fd, 0, offset, size) == 0 ? 0 : errno; }
EXPORT int posix_fallocate64(int fd, off_t offset, off_t size) { return posix_fallocate(fd, offset, size); }

EXPORT int fsync(int fd) { return sync_any(fd, SYS_fsync); }
EXPORT int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

EXPORT int rename(const char *from, const char *to) { return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0); }
EXPORT int renameat(int a, const char *from, int b, const char *to) { return rename_any(a, from, b, to, 0); }
EXPORT int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return rename_any(a, from, b, to, flags); }
EXPORT int unlink(const char *path) { return unlink_any(AT_FDCWD, path, 0); }
EXPORT int unlinkat(int fd, const char *path, int flags) { return unlink_any(fd, path, flags); }
EXPORT int rmdir(const char *path) { return unlink_any(AT_FDCWD, path, AT_REMOVEDIR); }
EXPORT int mkdir(const char *path, mode_t mode) { return mkdir_any(AT_FDCWD, path, mode); }
EXPORT int mkdirat(int fd, const char *path, mode_t mode) { return mkdir_any(fd, path, mode); }

EXPORT int link(const char *from, const char *to) {
    link_any(AT_FDCWD, to);
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}
EXPORT int linkat(int a, const char *from, int b, const char *to, int flags) {
    link_any(b, to);
    return (int)syscall(SYS_linkat, a, from, b, to, flags);
}
EXPORT int symlink(const char *target, const char *path) {
    link_any(AT_FDCWD, path);
    return (int)syscall(SYS_symlinkat, target, AT_FDCWD, path);
}

EXPORT ssize_t copy_file_range(int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned flags) {
    if (is_watched(to)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_copy_file_range, from, from_offset, to, to_offset, size, flags);
}
EXPORT ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
    if (is_watched(to)) {
        errno = ENOSYS;
        return -1;
    }
    return syscall(SYS_sendfile, to, from, offset, size);
}
EXPORT ssize_t sendfile64(int to, int from, off_t *offset, size_t size) { return sendfile(to, from, offset, size); }
EXPORT ssize_t splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t size, unsigned flags) {
    if (is_watched(to)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_splice, from, from_offset, to, to_offset, size, flags);
}

EXPORT void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    if (fd >= 0 && (protection & PROT_WRITE) != 0 && (flags & MAP_SHARED) != 0 && is_watched(fd))
        die("mmap", "a shared writable mapping of a watched file");
    return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset);
}
EXPORT void *mmap64(void *address, size_t size, int protection, int flags, int fd, off_t offset) {
    return mmap(address, size, protection, flags, fd, offset);
}
