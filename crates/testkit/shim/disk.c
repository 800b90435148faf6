/* A disk that can fail, under a program that does not know: preloaded (LD_PRELOAD) by tests.
 *
 * Calls on files below WINDLASS_SHIM_DIR are watched. Beside each such file's live content a journal below
 * WINDLASS_SHIM_JOURNAL keeps what a disk would have kept: every write, truncation and sync in order, as a record
 *
 *     <kind> <file number> <offset> <length>\n<bytes>
 *
 * (kinds: o open, w write, t truncate, s sync, r rename, u unlink; the "bytes" of o, r and u are paths). A test that "cuts the
 * power" kills the program and builds the directory anew from the journal: what was synced before the last s, and a random part
 * of what came after. One writer at a time holds the journal's lock, so the order is the order of the calls.
 *
 * WINDLASS_SHIM_CONTROL names a file that is looked at before each call:
 *
 *     enospc | eio      every write and truncation fails so
 *     fsync             every sync fails with EIO, and what it should have kept is lost for good, as Linux does it
 *     lie               every sync says yes and keeps nothing
 *     clock N           the wall clock is N seconds off
 *     (empty, missing)  all is well
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define FDS 65536

static char dir[PATH_MAX], control[PATH_MAX];
static size_t dir_length;
static int journal = -1;
static int watched[FDS]; /* the file's number, by descriptor; 0: not watched */
static int numbers;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

__attribute__((constructor)) static void begin(void)
{
    const char *d = getenv("WINDLASS_SHIM_DIR"), *j = getenv("WINDLASS_SHIM_JOURNAL"), *c = getenv("WINDLASS_SHIM_CONTROL");
    if (c) snprintf(control, sizeof control, "%s", c);
    /* Agents and checks that the program starts are not on this disk. */
    unsetenv("LD_PRELOAD");
    unsetenv("WINDLASS_SHIM_DIR");
    unsetenv("WINDLASS_SHIM_JOURNAL");
    unsetenv("WINDLASS_SHIM_CONTROL");
    if (!d || !j) return;
    snprintf(dir, sizeof dir, "%s/", d);
    dir_length = strlen(dir);
    journal = REAL(open)(j, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* The first word of the control file, and its number if it has one. */
static int wish(const char *word, long *number)
{
    char text[64];
    int fd, n, saved = errno;
    if (!control[0]) return 0;
    fd = REAL(open)(control, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        errno = saved;
        return 0;
    }
    n = (int)REAL(read)(fd, text, sizeof text - 1);
    REAL(close)(fd);
    errno = saved;
    if (n <= 0) return 0;
    text[n] = 0;
    size_t length = strlen(word);
    if (strncmp(text, word, length)) return 0;
    if (number) *number = atol(text + length);
    return 1;
}

static void record(char kind, int file, long long offset, const void *bytes, size_t length)
{
    char head[96];
    int n = snprintf(head, sizeof head, "%c %d %lld %zu\n", kind, file, offset, length), saved = errno;
    char *whole = malloc((size_t)n + length);
    if (!whole) abort();
    memcpy(whole, head, (size_t)n);
    memcpy(whole + n, bytes, length);
    if (REAL(write)(journal, whole, (size_t)n + length) != (ssize_t)((size_t)n + length)) abort();
    free(whole);
    errno = saved;
}

/* The path below the directory, or null. */
static const char *below(const char *path)
{
    if (journal < 0 || strncmp(path, dir, dir_length)) return NULL;
    return path + dir_length;
}

/* What is memory and no disk: SQLite's index of its log is built anew at every start. */
static int is_shared_memory(const char *path)
{
    size_t n = strlen(path);
    return n > 4 && !strcmp(path + n - 4, "-shm");
}

static int opened(int fd, const char *path, int flags)
{
    const char *rest = below(path);
    struct stat st;
    if (fd < 0 || fd >= FDS || !rest || is_shared_memory(path) || fstat(fd, &st) || !S_ISREG(st.st_mode)) return fd;
    pthread_mutex_lock(&lock);
    watched[fd] = ++numbers;
    record('o', numbers, (flags & O_APPEND) ? 1 : 0, rest, strlen(rest));
    if (flags & O_TRUNC) record('t', numbers, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return fd;
}

#define OPEN(name)                                              \
    int name(const char *path, int flags, ...)                  \
    {                                                           \
        mode_t mode = 0;                                        \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t); \
        va_end(rest);                                           \
        if (below(path) && (flags & O_CREAT) && wish("enospc", NULL) && access(path, F_OK)) { \
            errno = ENOSPC;                                     \
            return -1;                                          \
        }                                                       \
        return opened(REAL(name)(path, flags, mode), path, flags); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                            \
    int name(int at, const char *path, int flags, ...)          \
    {                                                           \
        mode_t mode = 0;                                        \
        va_list rest;                                           \
        va_start(rest, flags);                                  \
        if (flags & (O_CREAT | O_TMPFILE)) mode = va_arg(rest, mode_t); \
        va_end(rest);                                           \
        return opened(REAL(name)(at, path, flags, mode), path, flags); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int fd)
{
    if (fd >= 0 && fd < FDS) watched[fd] = 0;
    return REAL(close)(fd);
}

/* A second descriptor is the same file. */
static int doubled(int from, int to)
{
    if (to >= 0 && to < FDS && from >= 0 && from < FDS) watched[to] = watched[from];
    return to;
}

int dup2(int from, int to) { return doubled(from, REAL(dup2)(from, to)); }

#define FCNTL(name)                                             \
    int name(int fd, int command, ...)                          \
    {                                                           \
        va_list rest;                                           \
        va_start(rest, command);                                \
        void *argument = va_arg(rest, void *);                  \
        va_end(rest);                                           \
        int done = REAL(name)(fd, command, argument);           \
        return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? doubled(fd, done) : done; \
    }
FCNTL(fcntl)
FCNTL(fcntl64)

static int file_of(int fd) { return fd >= 0 && fd < FDS && journal >= 0 ? watched[fd] : 0; }

static int refused(void)
{
    if (wish("enospc", NULL)) return ENOSPC;
    if (wish("eio", NULL)) return EIO;
    return 0;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    int file = file_of(fd), error;
    if (!file) return REAL(write)(fd, bytes, length);
    if ((error = refused())) {
        errno = error;
        return -1;
    }
    pthread_mutex_lock(&lock);
    ssize_t done = REAL(write)(fd, bytes, length);
    if (done > 0) record('w', file, (long long)lseek(fd, 0, SEEK_CUR) - done, bytes, (size_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

#define PWRITE(name, type)                                      \
    ssize_t name(int fd, const void *bytes, size_t length, type offset) \
    {                                                           \
        int file = file_of(fd), error;                          \
        if (!file) return REAL(name)(fd, bytes, length, offset); \
        if ((error = refused())) {                              \
            errno = error;                                      \
            return -1;                                          \
        }                                                       \
        pthread_mutex_lock(&lock);                              \
        ssize_t done = REAL(name)(fd, bytes, length, offset);   \
        if (done > 0) record('w', file, (long long)offset, bytes, (size_t)done); \
        pthread_mutex_unlock(&lock);                            \
        return done;                                            \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, type)                                    \
    int name(int fd, type size)                                 \
    {                                                           \
        int file = file_of(fd), error;                          \
        if (!file) return REAL(name)(fd, size);                 \
        if ((error = refused())) {                              \
            errno = error;                                      \
            return -1;                                          \
        }                                                       \
        pthread_mutex_lock(&lock);                              \
        int done = REAL(name)(fd, size);                        \
        if (!done) record('t', file, (long long)size, "", 0);   \
        pthread_mutex_unlock(&lock);                            \
        return done;                                            \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

static int synced(int fd)
{
    int file = file_of(fd);
    if (!file) return 0;
    if (wish("fsync", NULL)) {
        pthread_mutex_lock(&lock);
        record('x', file, 0, "", 0);
        pthread_mutex_unlock(&lock);
        errno = EIO;
        return -1;
    }
    if (wish("lie", NULL)) return 0;
    pthread_mutex_lock(&lock);
    record('s', file, 0, "", 0);
    pthread_mutex_unlock(&lock);
    return 0;
}

/* The real disk is not waited for: only this one counts. */
int fsync(int fd) { return file_of(fd) ? synced(fd) : REAL(fsync)(fd); }
int fdatasync(int fd) { return file_of(fd) ? synced(fd) : REAL(fdatasync)(fd); }

static void paths(char kind, const char *from, const char *to)
{
    char both[2 * PATH_MAX];
    const char *a = below(from), *b = to ? below(to) : NULL;
    if (!a || (to && !b)) return;
    int n = snprintf(both, sizeof both, "%s%s%s", a, b ? "\n" : "", b ? b : "");
    pthread_mutex_lock(&lock);
    record(kind, 0, 0, both, (size_t)n);
    pthread_mutex_unlock(&lock);
}

int rename(const char *from, const char *to)
{
    int done = REAL(rename)(from, to);
    if (!done) paths('r', from, to);
    return done;
}

int unlink(const char *path)
{
    int done = REAL(unlink)(path);
    if (!done) paths('u', path, NULL);
    return done;
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    long off;
    int done = REAL(clock_gettime)(clock, now);
    if (!done && clock == CLOCK_REALTIME && wish("clock", &off)) now->tv_sec += off;
    return done;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    long off;
    int done = REAL(gettimeofday)(now, zone);
    if (!done && wish("clock", &off)) now->tv_sec += off;
    return done;
}
