/**
 * The library that is loaded into QEMU ahead of the C library.
 *
 * - BARPROOF_PAGE_SIZE: bytes of the host page that QEMU is to see. getpagesize and sysconf say so, and
 *   mmap does what a kernel with such pages does: offsets and fixed addresses have to be aligned, lengths
 *   are rounded up, addresses that it chooses are aligned.
 * - A file that is mapped at a fixed address where no address space was reserved ends the program at once:
 *   what lies there is its own, and what would come of it is luck.
 * - BARPROOF_SLACK: so many bytes are left free behind every reservation of address space, where QEMU maps
 *   areas of a BAR at fixed addresses without looking whether they fit. Then nothing is ended.
 * - A fatal signal prints the thread and the functions that led to it, innermost first.
 */
export const SHIM_SOURCE = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

typedef void *(*mmap_function)(void *, size_t, int, int, int, off_t);
typedef int (*munmap_function)(void *, size_t);

static long real_sysconf(int name)
{
    static long (*next)(int);
    if (!next) next = (long (*)(int))dlsym(RTLD_NEXT, "sysconf");
    return next(name);
}

static long page(void)
{
    static long size;
    if (!size) {
        const char *text = getenv("BARPROOF_PAGE_SIZE");
        size = text ? strtol(text, 0, 0) : real_sysconf(_SC_PAGESIZE);
    }
    return size;
}

static size_t slack(void)
{
    static int known;
    static size_t bytes;
    if (!known) {
        const char *text = getenv("BARPROOF_SLACK");
        bytes = text ? strtoull(text, 0, 0) : 0;
        known = 1;
    }
    return bytes;
}

int getpagesize(void) { return (int)page(); }

long sysconf(int name) { return name == _SC_PAGESIZE ? page() : real_sysconf(name); }

static mmap_function real_mmap(void)
{
    static mmap_function next;
    if (!next) next = (mmap_function)dlsym(RTLD_NEXT, "mmap64");
    return next;
}

static munmap_function real_munmap(void)
{
    static munmap_function next;
    if (!next) next = (munmap_function)dlsym(RTLD_NEXT, "munmap");
    return next;
}

static void say(const char *text)
{
    ssize_t ignored = write(2, text, strlen(text));
    (void)ignored;
}

/* Address space that was reserved and not given back; disjoint. */
static struct { unsigned long start, end; } reserved[4096];
static int reservations;
static pthread_mutex_t reserving = PTHREAD_MUTEX_INITIALIZER;

static void reserve(unsigned long start, unsigned long end)
{
    if (start >= end || reservations == sizeof reserved / sizeof *reserved) return;
    reserved[reservations].start = start;
    reserved[reservations++].end = end;
}

static void give_back(unsigned long start, unsigned long end)
{
    int index;
    pthread_mutex_lock(&reserving);
    for (index = reservations - 1; index >= 0; index--) {
        unsigned long from = reserved[index].start, to = reserved[index].end;
        if (to <= start || end <= from) continue;
        reserved[index] = reserved[--reservations];
        reserve(from, start);
        reserve(end, to);
    }
    pthread_mutex_unlock(&reserving);
}

static int is_reserved(unsigned long start, unsigned long end)
{
    int index, full;
    pthread_mutex_lock(&reserving);
    full = reservations == sizeof reserved / sizeof *reserved;
    for (index = 0; index < reservations && start < end; index++) {
        if (start < reserved[index].start || reserved[index].end <= start) continue;
        start = reserved[index].end;
        index = -1;
    }
    pthread_mutex_unlock(&reserving);
    return full || start >= end;
}

static void *map_pages(void *where, size_t length, int protection, int flags, int file, off_t offset)
{
    unsigned long size = page(), start, aligned;
    size_t rounded = (length + size - 1) & ~(size - 1);
    int fixed = flags & MAP_FIXED;
    char *room;
    if ((offset & (size - 1)) || (fixed && ((unsigned long)where & (size - 1)))) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (!fixed && protection == PROT_NONE && (flags & MAP_ANONYMOUS) && slack()) {
        rounded += slack();
        flags |= MAP_NORESERVE;
    } else if (size <= (unsigned long)real_sysconf(_SC_PAGESIZE) || length == 0) {
        return real_mmap()(where, length, protection, flags, file, offset);
    }
    if (fixed) return real_mmap()(where, rounded, protection, flags, file, offset);
    room = real_mmap()(0, rounded + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) return room;
    start = (unsigned long)room;
    aligned = (start + size - 1) & ~(size - 1);
    if (aligned > start) real_munmap()(room, aligned - start);
    if (aligned - start < size) real_munmap()((void *)(aligned + rounded), size - (aligned - start));
    room = real_mmap()((void *)aligned, rounded, protection, flags | MAP_FIXED, file, offset);
    if (room == MAP_FAILED) {
        int error = errno;
        real_munmap()((void *)aligned, rounded);
        errno = error;
    }
    return room;
}

static void *map(void *where, size_t length, int protection, int flags, int file, off_t offset)
{
    unsigned long start = (unsigned long)where, size = page();
    /* What is not aligned is refused, and overwrites nothing. */
    int aligned = !(start & (size - 1)) && !(offset & (size - 1));
    int shares = (flags & MAP_FIXED) && (flags & MAP_SHARED) && file >= 0 && aligned && !slack();
    char *room;
    if (shares && !is_reserved(start, (start + length + size - 1) & ~(size - 1))) {
        say("barproof: a file is mapped over memory that was not reserved for it\\n");
        abort();
    }
    room = map_pages(where, length, protection, flags, file, offset);
    if (room != MAP_FAILED && protection == PROT_NONE && (flags & MAP_ANONYMOUS) && !(flags & MAP_FIXED)) {
        start = (unsigned long)room;
        pthread_mutex_lock(&reserving);
        reserve(start, (start + length + size - 1) & ~(size - 1));
        pthread_mutex_unlock(&reserving);
    }
    return room;
}

void *mmap(void *where, size_t length, int protection, int flags, int file, off_t offset)
{
    return map(where, length, protection, flags, file, offset);
}

void *mmap64(void *where, size_t length, int protection, int flags, int file, off64_t offset)
{
    return map(where, length, protection, flags, file, offset);
}

int munmap(void *where, size_t length)
{
    unsigned long size = page();
    if (((unsigned long)where & (size - 1)) || length == 0) {
        errno = EINVAL;
        return -1;
    }
    length = (length + size - 1) & ~(size - 1);
    give_back((unsigned long)where, (unsigned long)where + length);
    return real_munmap()(where, length);
}

static void tell(int number)
{
    void *frames[48];
    char thread[16] = "";
    int count, index;
    signal(number, SIG_DFL);
    prctl(PR_GET_NAME, thread);
    /* By itself: after a jump to nowhere it is all that can be found out. */
    say("barproof: signal in thread ");
    say(thread);
    say("\\n");
    count = backtrace(frames, 48);
    say("barproof: signal in");
    for (index = 1; index < count; index++) {
        Dl_info found;
        if (!dladdr(frames[index], &found) || !found.dli_sname) continue;
        say(" ");
        say(found.dli_sname);
    }
    say("\\n");
    raise(number);
}

__attribute__((constructor)) static void prepare(void)
{
    void *frames[2];
    struct sigaction action;
    const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    unsigned index;
    /* The first call loads a library, which is no thing to do in a signal handler. */
    backtrace(frames, 2);
    memset(&action, 0, sizeof action);
    action.sa_handler = tell;
    action.sa_flags = SA_NODEFER;
    for (index = 0; index < sizeof numbers / sizeof *numbers; index++) sigaction(numbers[index], &action, 0);
}
`;
