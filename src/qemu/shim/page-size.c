/* Makes QEMU see pages of BARPROOF_PAGE_SIZE bytes: getpagesize and sysconf. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>
#include "shim.h"

/* glibc's own name of sysconf. */
long __sysconf(int name);

unsigned long number_from_environment(const char *name, unsigned long otherwise)
{
    const char *text = getenv(name);
    unsigned long number = 0;

    if (!text) {
        return otherwise;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        number = number * 10 + (unsigned long)(*text - '0');
    }
    return number;
}

unsigned long kernel_page_size(void)
{
    static unsigned long size;

    if (!size) {
        size = (unsigned long)__sysconf(_SC_PAGESIZE);
    }
    return size;
}

unsigned long page_size(void)
{
    static unsigned long size;

    if (!size) {
        size = number_from_environment("BARPROOF_PAGE_SIZE", kernel_page_size());
    }
    return size;
}

REPLACES_LIBC int getpagesize(void)
{
    return (int)page_size();
}

REPLACES_LIBC long sysconf(int name)
{
    return name == _SC_PAGESIZE ? (long)page_size() : __sysconf(name);
}
