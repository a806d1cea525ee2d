/*
 * mmap as on a kernel with pages of BARPROOF_PAGE_SIZE bytes, and a check of what QEMU maps over.
 *
 * QEMU reserves address space for a BAR and then maps the areas of the BAR at fixed addresses, without a check
 * that they fit. The shim ends a QEMU that maps a file over memory that was not reserved. With BARPROOF_SLACK it
 * leaves so many bytes free after every reservation instead.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"
#include "shim.h"

#ifdef __s390__
#error "s390 passes the arguments of the system call mmap in a structure"
#endif

static void *kernel_mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    return (void *)syscall(SYS_mmap, address, length, protection, flags, file, offset);
}

static int kernel_munmap(void *address, size_t length)
{
    return (int)syscall(SYS_munmap, address, length);
}

static unsigned long slack(void)
{
    static int known;
    static unsigned long bytes;

    if (!known) {
        bytes = number_from_environment("BARPROOF_SLACK", 0);
        known = 1;
    }
    return bytes;
}

static int is_aligned(unsigned long value)
{
    return (value & (page_size() - 1)) == 0;
}

static unsigned long round_up(unsigned long value)
{
    return (value + page_size() - 1) & ~(page_size() - 1);
}

static int reserves_address_space(int protection, int flags)
{
    return protection == PROT_NONE && (flags & MAP_ANONYMOUS) && !(flags & MAP_FIXED);
}

/* Maps `length` bytes, whole pages, at an aligned address that the shim chooses. */
static void *map_aligned(size_t length, int protection, int flags, int file, off_t offset)
{
    unsigned long size = page_size(), start, aligned;
    char *room, *mapped;

    room = kernel_mmap(NULL, length + size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return room;
    }
    start = (unsigned long)room;
    aligned = round_up(start);
    if (aligned > start) {
        kernel_munmap(room, aligned - start);
    }
    if (aligned - start < size) {
        kernel_munmap((void *)(aligned + length), size - (aligned - start));
    }
    mapped = kernel_mmap((void *)aligned, length, protection, flags | MAP_FIXED, file, offset);
    if (mapped == MAP_FAILED) {
        int error = errno;

        kernel_munmap((void *)aligned, length);
        errno = error;
    }
    return mapped;
}

static void *map_pages(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    if (!is_aligned((unsigned long)offset) || ((flags & MAP_FIXED) && !is_aligned((unsigned long)address))) {
        errno = EINVAL;
        return MAP_FAILED;
    }
    if (reserves_address_space(protection, flags) && slack()) {
        return map_aligned(round_up(length) + slack(), protection, flags | MAP_NORESERVE, file, offset);
    }
    if (page_size() <= kernel_page_size() || length == 0) {
        return kernel_mmap(address, length, protection, flags, file, offset);
    }
    if (flags & MAP_FIXED) {
        return kernel_mmap(address, round_up(length), protection, flags, file, offset);
    }
    return map_aligned(round_up(length), protection, flags, file, offset);
}

/* Whether the call maps a file over memory of QEMU's own. An unaligned call does not: the kernel refuses it. */
static int overwrites_memory(void *address, size_t length, int flags, int file, off_t offset)
{
    unsigned long start = (unsigned long)address;

    return (flags & MAP_FIXED) && (flags & MAP_SHARED) && file >= 0 && is_aligned(start) &&
           is_aligned((unsigned long)offset) && !is_reserved(start, round_up(start + length));
}

void *map_file(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    void *mapped;

    if (!slack() && overwrites_memory(address, length, flags, file, offset)) {
        print_message("barproof: a file is mapped over memory that was not reserved for it\n");
        abort();
    }
    mapped = map_pages(address, length, protection, flags, file, offset);
    if (mapped != MAP_FAILED && reserves_address_space(protection, flags)) {
        add_reservation((unsigned long)mapped, round_up((unsigned long)mapped + length));
    }
    return mapped;
}

REPLACES_LIBC void *mmap(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    if (!(flags & MAP_ANONYMOUS) && is_kernel_file(file)) {
        return map_kernel_file(address, length, protection, flags, file, offset);
    }
    return map_file(address, length, protection, flags, file, offset);
}

REPLACES_LIBC void *mmap64(void *address, size_t length, int protection, int flags, int file, off64_t offset)
{
    return mmap(address, length, protection, flags, file, offset);
}

REPLACES_LIBC int munmap(void *address, size_t length)
{
    unsigned long start = (unsigned long)address;
    int result;

    if (!is_aligned(start) || length == 0) {
        errno = EINVAL;
        return -1;
    }
    length = round_up(length);
    remove_reservation(start, start + length);
    result = kernel_munmap(address, length);
    if (result == 0) {
        forget_kernel_mappings(start, start + length);
    }
    return result;
}
