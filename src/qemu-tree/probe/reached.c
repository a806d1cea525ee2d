/*
 * Notes which places of the patched files a program runs through. The compiler puts a call in front of each basic
 * block of these files (-fsanitize-coverage=trace-pc, in gcc and clang). The places go into a file that is mapped
 * shared: they are there also when the program ends by a signal, and many programs may write at the same time.
 * barproof links this file into the QEMUs that it builds; without BARPROOF_REACHED it does nothing.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A power of two; src/qemu-tree/reached.ts knows this number. */
#define SLOTS 65536u
/* How many slots are looked at for one place. */
#define TRIES 64u

/* Where the linker has put the program (ELF header); places are told as distances from there. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* The slots of the file, each with a place or 0; NULL where no place is noted. */
static _Atomic uint32_t *slots;

void __sanitizer_cov_trace_pc(void);

void __sanitizer_cov_trace_pc(void)
{
    uint32_t place;
    uint32_t slot;
    uint32_t tries;

    if (slots == NULL) {
        return;
    }
    place = (uint32_t)((uintptr_t)__builtin_return_address(0) - (uintptr_t)__ehdr_start);
    slot = (place * 2654435761u) >> 16;
    for (tries = 0; tries < TRIES; tries++, slot++) {
        _Atomic uint32_t *here = &slots[slot % SLOTS];
        uint32_t found = atomic_load_explicit(here, memory_order_relaxed);

        if (found == place) {
            return;
        }
        if (found == 0 && (atomic_compare_exchange_strong(here, &found, place) || found == place)) {
            return;
        }
    }
}

__attribute__((constructor)) static void map_slots(void)
{
    const char *path = getenv("BARPROOF_REACHED");
    void *mapping;
    int file;

    if (path == NULL) {
        return;
    }
    file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    mapping = mmap(NULL, SLOTS * sizeof(*slots), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (mapping != MAP_FAILED) {
        slots = mapping;
    }
}
