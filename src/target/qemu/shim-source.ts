/**
 * The library that is loaded into QEMU ahead of the C library.
 *
 * - BARPROOF_PAGE_SIZE: bytes of the host page that QEMU is to see. getpagesize and sysconf say so, and
 *   mmap does what a kernel with such pages does: offsets and fixed addresses have to be aligned, lengths
 *   are rounded up, addresses that it chooses are aligned.
 * - BARPROOF_SLACK: so many bytes are left free behind every reservation of address space, where QEMU maps
 *   areas of a BAR at fixed addresses without looking whether they fit.
 * - A fatal signal prints the functions that led to it, innermost first.
 */
export const SHIM_SOURCE = `#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

static void *map(void *where, size_t length, int protection, int flags, int file, off_t offset)
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
    return real_munmap()(where, (length + size - 1) & ~(size - 1));
}

static void say(const char *text)
{
    ssize_t ignored = write(2, text, strlen(text));
    (void)ignored;
}

static void tell(int number)
{
    void *frames[48];
    int count, index;
    signal(number, SIG_DFL);
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
