/* The system calls on files of the kernel: open, access, ioctl, pread, pwrite. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"
#include "shim.h"

/* Bytes at the argument of an ioctl that go with the request. No structure that barproof reads is longer. */
#define ARGUMENT_BYTES 256
/* The smallest page of any kernel: memory is there or not in units of it. */
#define SMALLEST_PAGE 4096

static int is_at(const char *path, const char *place)
{
    size_t length = strlen(place);

    return strncmp(path, place, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

int is_kernel_path(const char *path)
{
    if (!path || !kernel_is_answered()) {
        return 0;
    }
    /* A path may begin with more than one slash. */
    while (path[0] == '/' && path[1] == '/') {
        path++;
    }
    return is_at(path, "/dev/vfio") || is_at(path, "/dev/iommu") || is_at(path, "/dev/kvm");
}

static int open_file(int folder, const char *path, int flags, int mode)
{
    struct kernel_request request = {
        .operation = KERNEL_OPEN, .file = -1, .first = (uint64_t)flags, .second = (uint64_t)getpid()
    };

    if (is_kernel_path(path)) {
        return (int)ask_kernel(&request, path, strlen(path), NULL);
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

/* The argument after `flags`, which is there only where the call may make a file. */
#define MODE_AFTER(flags, mode)                                                                                        \
    int mode = 0;                                                                                                      \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                                                   \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode = va_arg(list, int);                                                                                      \
        va_end(list);                                                                                                  \
    }

REPLACES_LIBC int open(const char *path, int flags, ...)
{
    MODE_AFTER(flags, mode)
    return open_file(AT_FDCWD, path, flags, mode);
}

REPLACES_LIBC int open64(const char *path, int flags, ...)
{
    MODE_AFTER(flags, mode)
    return open_file(AT_FDCWD, path, flags | O_LARGEFILE, mode);
}

REPLACES_LIBC int openat(int folder, const char *path, int flags, ...)
{
    MODE_AFTER(flags, mode)
    return open_file(folder, path, flags, mode);
}

REPLACES_LIBC int openat64(int folder, const char *path, int flags, ...)
{
    MODE_AFTER(flags, mode)
    return open_file(folder, path, flags | O_LARGEFILE, mode);
}

/* What programs call that were compiled with _FORTIFY_SOURCE. The headers do not declare these functions. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
ssize_t __pread_chk(int file, void *data, size_t length, off_t offset, size_t room);
ssize_t __pread64_chk(int file, void *data, size_t length, off64_t offset, size_t room);

REPLACES_LIBC int __open_2(const char *path, int flags)
{
    return open_file(AT_FDCWD, path, flags, 0);
}

REPLACES_LIBC int __open64_2(const char *path, int flags)
{
    return open_file(AT_FDCWD, path, flags | O_LARGEFILE, 0);
}

REPLACES_LIBC int __openat_2(int folder, const char *path, int flags)
{
    return open_file(folder, path, flags, 0);
}

REPLACES_LIBC int __openat64_2(int folder, const char *path, int flags)
{
    return open_file(folder, path, flags | O_LARGEFILE, 0);
}

REPLACES_LIBC int access(const char *path, int mode)
{
    if (is_kernel_path(path)) {
        /* Only an open says whether the file exists. */
        int file = open_file(AT_FDCWD, path, O_RDWR, 0);

        if (file < 0) {
            return -1;
        }
        close(file);
        return 0;
    }
    return (int)syscall(SYS_faccessat, AT_FDCWD, path, mode);
}

/* Reads what is there of the memory at the argument. Returns how many bytes. */
static size_t read_argument(uintptr_t address, char *to)
{
    size_t in_page = SMALLEST_PAGE - address % SMALLEST_PAGE;

    if (read_own_memory(address, to, ARGUMENT_BYTES) == 0) {
        return ARGUMENT_BYTES;
    }
    if (in_page < ARGUMENT_BYTES && read_own_memory(address, to, in_page) == 0) {
        return in_page;
    }
    return 0;
}

REPLACES_LIBC int ioctl(int file, unsigned long number, ...)
{
    char data[ARGUMENT_BYTES];
    uintptr_t argument;
    va_list list;

    /* A request without an argument leaves a register as it was; then the memory there says nothing. */
    va_start(list, number);
    argument = va_arg(list, uintptr_t);
    va_end(list);
    if (is_kernel_file(file)) {
        struct kernel_request request = {
            .operation = KERNEL_IOCTL, .file = file, .first = (uint32_t)number, .second = argument
        };

        return (int)ask_kernel(&request, data, read_argument(argument, data), NULL);
    }
    return (int)syscall(SYS_ioctl, file, number, argument);
}

REPLACES_LIBC ssize_t pread(int file, void *data, size_t length, off_t offset)
{
    if (is_kernel_file(file)) {
        struct kernel_request request = {
            .operation = KERNEL_PREAD, .file = file, .first = (uint64_t)offset, .second = length
        };

        struct kernel_data read = { .to = data, .room = length };

        return (ssize_t)ask_kernel(&request, NULL, 0, &read);
    }
    return syscall(SYS_pread64, file, data, length, offset);
}

REPLACES_LIBC ssize_t pread64(int file, void *data, size_t length, off64_t offset)
{
    return pread(file, data, length, offset);
}

REPLACES_LIBC ssize_t __pread_chk(int file, void *data, size_t length, off_t offset, size_t room)
{
    (void)room;
    return pread(file, data, length, offset);
}

REPLACES_LIBC ssize_t __pread64_chk(int file, void *data, size_t length, off64_t offset, size_t room)
{
    (void)room;
    return pread(file, data, length, offset);
}

REPLACES_LIBC ssize_t pwrite(int file, const void *data, size_t length, off_t offset)
{
    if (is_kernel_file(file)) {
        struct kernel_request request = { .operation = KERNEL_PWRITE, .file = file, .first = (uint64_t)offset };

        return (ssize_t)ask_kernel(&request, data, length, NULL);
    }
    return syscall(SYS_pwrite64, file, data, length, offset);
}

REPLACES_LIBC ssize_t pwrite64(int file, const void *data, size_t length, off64_t offset)
{
    return pwrite(file, data, length, offset);
}
