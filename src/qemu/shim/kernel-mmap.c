/* mmap of files of the kernel: a file of barproof's stands for the memory of a BAR, or for that of a KVM CPU. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "kernel.h"
#include "shim.h"

#define MAX_MAPPINGS 1024
#define MAX_PATH 512

static struct {
    uintptr_t start, end;
} mappings[MAX_MAPPINGS];
static int count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int add_mapping(uintptr_t start, uintptr_t end)
{
    int added;

    pthread_mutex_lock(&lock);
    added = count < MAX_MAPPINGS;
    if (added) {
        mappings[count].start = start;
        mappings[count].end = end;
        count++;
    }
    pthread_mutex_unlock(&lock);
    return added;
}

void *map_kernel_file(void *address, size_t length, int protection, int flags, int file, off_t offset)
{
    struct kernel_request request = {
        .operation = KERNEL_MMAP,
        .file = file,
        .first = (uint64_t)offset,
        .second = length,
        .third = (uint64_t)protection,
    };
    char path[MAX_PATH];
    struct kernel_data name = { .to = path, .room = sizeof(path) - 1 };
    int64_t place = ask_kernel(&request, NULL, 0, &name);
    int backing, error;
    void *mapped;

    if (place < 0) {
        return MAP_FAILED;
    }
    path[name.got] = '\0';
    backing = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (backing < 0) {
        return MAP_FAILED;
    }
    mapped = map_file(address, length, protection, flags, backing, (off_t)place);
    error = errno;
    syscall(SYS_close, backing);
    if (mapped == MAP_FAILED) {
        errno = error;
        return mapped;
    }
    if (!add_mapping((uintptr_t)mapped, (uintptr_t)mapped + length)) {
        syscall(SYS_munmap, mapped, length);
        errno = ENOMEM;
        return MAP_FAILED;
    }
    request.operation = KERNEL_MAPPED;
    request.third = (uintptr_t)mapped;
    ask_kernel(&request, NULL, 0, NULL);
    return mapped;
}

void forget_kernel_mappings(uintptr_t start, uintptr_t end)
{
    int index, error = errno;

    for (;;) {
        struct kernel_request request = { .operation = KERNEL_UNMAPPED, .file = -1 };

        pthread_mutex_lock(&lock);
        for (index = 0; index < count; index++) {
            if (mappings[index].start < end && start < mappings[index].end) {
                request.first = mappings[index].start;
                request.second = mappings[index].end - mappings[index].start;
                count--;
                mappings[index] = mappings[count];
                break;
            }
        }
        pthread_mutex_unlock(&lock);
        if (request.second == 0) {
            break;
        }
        ask_kernel(&request, NULL, 0, NULL);
    }
    errno = error;
}
