/*
 * The files of the host's kernel (VFIO, iommufd and KVM), answered by barproof.
 *
 * With BARPROOF_KERNEL, a socket's path, each call on such a file is one request on the socket, and the calling
 * thread waits for the answer. The shim decides nothing: it does not know what a request means, and never passes one
 * on to the kernel of this machine. Without BARPROOF_KERNEL all calls go to the kernel.
 *
 * src/qemu/shim/frame.ts reads and writes the same frames.
 */
#ifndef BARPROOF_KERNEL_H
#define BARPROOF_KERNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum kernel_operation {
    KERNEL_OPEN = 1, /* first: flags, second: id of the process; data: the path */
    KERNEL_CLOSE,
    KERNEL_IOCTL,    /* first: the request's number, second: the argument; data: the memory at the argument */
    KERNEL_PREAD,    /* first: offset, second: length */
    KERNEL_PWRITE,   /* first: offset; data: the bytes */
    KERNEL_MMAP,     /* first: offset, second: length, third: protection; answered with the path of a file */
    KERNEL_MAPPED,   /* first: offset, second: length, third: address of the mapping that was made */
    KERNEL_UNMAPPED, /* first: address, second: length */
};

/* A request is this, and then data. Every word is in the byte order of this machine. */
struct kernel_request {
    uint32_t length; /* of the whole frame, in bytes */
    uint32_t operation;
    int32_t file;  /* the descriptor of the call */
    int32_t spare; /* an open descriptor that the answer may make one of the kernel's files */
    uint64_t first, second, third;
};

/* An answer is this, then data, and then writes: address (8 bytes), length (4 bytes) and the bytes for the caller. */
struct kernel_answer {
    uint32_t length; /* of the whole frame, in bytes */
    int32_t error;   /* errno; 0 for success */
    int64_t result;
    uint32_t data; /* length of the data, in bytes */
    uint32_t opens; /* 1 where the spare descriptor is one of the kernel's files from now on */
};

/* Whether barproof answers for the kernel in this process. */
int kernel_is_answered(void);

/* Whether the path names a file of the kernel's that barproof answers. */
int is_kernel_path(const char *path);

/* Whether the descriptor is one of the files that barproof answers. */
int is_kernel_file(int file);

/* Where the data of an answer go. What is beyond `room` is dropped. */
struct kernel_data {
    void *to;
    size_t room; /* in bytes */
    size_t got;  /* bytes that were put there, at most room; set by ask_kernel */
};

/*
 * Asks barproof: the request, then `length` bytes of `sent`. `data` is NULL where no data of the answer are wanted.
 * Returns the result, or -1 with errno.
 */
int64_t ask_kernel(struct kernel_request *request, const void *sent, size_t length, struct kernel_data *data);

/* Copies memory of this process that may not be there. Returns 0, or -1. */
int read_own_memory(uintptr_t address, void *to, size_t length);
int write_own_memory(uintptr_t address, const void *from, size_t length);

/* mmap of one of the kernel's files, and what has to be told after munmap. */
void *map_kernel_file(void *address, size_t length, int protection, int flags, int file, off_t offset);
void forget_kernel_mappings(uintptr_t start, uintptr_t end);

/* mmap of an ordinary file (map.c). */
void *map_file(void *address, size_t length, int protection, int flags, int file, off_t offset);

#endif
